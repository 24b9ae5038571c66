"""A wheel, installed and used in an empty folder, and what a source distribution holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def _names(requirements: list[str]) -> set[str]:
    """Return the names of some requirements, as package indexes compare them."""
    return {re.split(r"[<>=!~ ;\[]", text)[0].lower().replace("_", "-") for text in requirements}


def test_every_dependency_has_a_lower_bound_and_a_pinned_version_that_was_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    assert [text for text in needed if not re.fullmatch(r"[A-Za-z0-9_-]+>=[0-9.]+", text)] == []
    pins = (ROOT / "constraints.txt").read_text().split()
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9.]+", pin)] == []
    assert _names(needed) <= _names(pins)
    assert "torch==2.13.0" in pins


def _content(*folders: str) -> set[str]:
    """Return the files of some folders of the checkout that git keeps, by path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *folders]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip("not a git checkout: the files to compare with are not known")
    return set(found.stdout.split())


def _built(kind: str, folder: Path) -> Path:
    """Build a distribution with the build backend itself, which fetches nothing."""
    builders = pytest.importorskip("hatchling.builders." + kind, reason="hatchling builds the distributions")
    builder = {"wheel": "WheelBuilder", "sdist": "SdistBuilder"}[kind]
    (path,) = getattr(builders, builder)(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(path)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built wheel."""
    return _built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed in it, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=120)
    return folder


def _run(installed: Path, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed package; its folder goes before every other on the path."""
    start = f"import sys; sys.path.insert(0, {str(installed)!r}); from workbench.cli import main; main()"
    command = [sys.executable, "-P", "-c", start, *arguments]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=300, check=False)


def _document(found: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert found.returncode == 0, found.stderr
    document: dict[str, Any] = json.loads(found.stdout)
    return document


@pytest.mark.long
def test_the_wheel_carries_the_package_the_content_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    wanted = {f"workbench/_content/{path}" for path in _content("derivations", "reports") if not path.endswith(".pdf")}
    wanted |= _content("workbench")
    assert wanted <= names
    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert [name for name in names if name.endswith(".pdf") or "__pycache__" in name] == []


@pytest.mark.long
def test_the_source_distribution_holds_all_that_the_tests_need(tmp_path: Path) -> None:
    with tarfile.open(_built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {path for path in _content() if not path.endswith(".pdf") and not path.startswith(".")}
    assert wanted <= names
    assert [name for name in names if name.endswith(".pdf") or name.startswith((".venv", ".workbench"))] == []


@pytest.mark.long
def test_the_installed_package_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = _run(installed, tmp_path, "--help")
    assert where.returncode == 0
    listed = _document(_run(installed, tmp_path, "list", "--json"))
    assert listed["derivations"] == sorted(path.stem for path in (ROOT / "derivations").glob("[!_]*.py"))
    assert listed["reports"] == sorted(path.parent.name for path in (ROOT / "reports").glob("*/report.toml"))
    shown = _document(_run(installed, tmp_path, "show", "positive_definite", "--json"))
    assert shown["thread"]["derivations"] == ["positive_definite_envelope"]
    assert list(tmp_path.iterdir()) == []
    verified = _document(_run(installed, tmp_path, "verify", "balancedness_flow", "--json"))
    assert verified["results"][0]["verdict"] == "proved"
    compare = ["compare", "positive_definite", "--target", "spectrum:1/2,2;rotate=7", "--depth", "3", "--backend"]
    assert _document(_run(installed, tmp_path, *compare, "ball", "--json"))["verdict"] == "consistent"
    again = _document(_run(installed, tmp_path, "verify", "balancedness_flow", "--json"))
    assert again["results"][0]["recomputed"] is False
    assert [path.name for path in tmp_path.iterdir()] == [".workbench"]


@pytest.mark.long
def test_the_current_folder_comes_before_what_the_wheel_carries(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "derivations").mkdir()
    text = (ROOT / "derivations" / "gradient_flow.py").read_text()
    title = text.splitlines()[0].removeprefix('r"""')
    (tmp_path / "derivations" / "gradient_flow.py").write_text(text.replace(title, "My own flow.", 1))
    (tmp_path / "derivations" / "mine.py").write_text(text)
    assert _run(installed, tmp_path, "show", "gradient_flow").stdout.startswith("My own flow.")
    listed = _document(_run(installed, tmp_path, "list", "--json"))
    assert {"mine", "balancedness_flow", "gradient_flow"} <= set(listed["derivations"])


@pytest.mark.long
def test_the_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(installed)!r}); import workbench; print(workbench.__file__)"
    command = [sys.executable, "-P", "-c", start]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert Path(found.stdout.strip()).is_relative_to(installed)
