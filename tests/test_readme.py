"""The README tells what is there: its examples run, its tables and pictures are current."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import Command

from workbench import backends, experiment
from workbench.cli.show import catalogue_markdown
from workbench.errors import UnsupportedError

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """Return the fenced blocks of a kind."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def table(header: str) -> list[list[str]]:
    """Return the rows of the table that begins with a header, cell by cell."""
    body = README.partition(f"{header}\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[1:]]


def test_the_ten_lines_run_and_print_what_is_shown(tmp_path: Path) -> None:
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line]) <= 10
    (shown,) = [text for text in blocks("text") if text.startswith("consistent")]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == (shown, "")
    assert list((tmp_path / "runs" / "records").glob("*.json"))


def test_the_catalogue_is_current() -> None:
    shown = README.partition("<!-- catalogue -->\n")[2].partition("<!-- end of the catalogue -->")[0]
    assert shown.strip() == catalogue_markdown(), "stale: run `make readme`"


def test_the_layers_are_those_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert blocks("layers")[0].splitlines() == layers


def test_the_picture_of_the_house_names_every_part() -> None:
    (house,) = [text for text in blocks("text") if text.startswith("workbench/")]
    shown = set(re.findall(r"^  (\w+(?:/|\.py))", house, re.MULTILINE))
    package = ROOT / "workbench"
    parts = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    parts |= {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert shown == parts


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Write the files of the README into a folder."""
    for name, code in re.findall(r"^```(?:python|toml) (\S+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("examples")
@pytest.mark.parametrize("block", blocks("console"))
def test_a_command_prints_what_is_shown(workbench: Command, block: str) -> None:
    commands = re.findall(r"^\$ workbench (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    assert commands
    for arguments, shown in commands:
        found = workbench(*shlex.split(arguments))
        assert found.status == 0
        assert found.out == shown


def test_the_backend_of_the_readme_holds_its_error(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(examples))
    monkeypatch.setitem(backends._BACKENDS, "float32", ("float32", "Float32", False))
    losses = {}
    for backend in ({"name": "float32"}, {"name": "ball", "digits": 30}):
        run = experiment.read(
            {
                "theorem": "positive_definite",
                "problem": {
                    "network": {"kind": "linear", "widths": [2, 2, 2, 2]},
                    "loss": {"kind": "square", "target": {"family": "spectrum", "eigenvalues": ["1/2", "3"]}},
                },
                "dynamics": {"name": "gradient_descent", "step_size": "1/64", "stop": {"steps": 60}},
                "backend": backend,
            }
        )
        losses[backend["name"]] = run.trajectory().observables["loss"][-1]
    single, enclosed = losses["float32"], losses["ball"]
    assert single.value is not None
    assert enclosed.value is not None
    assert single.error is not None
    # A single precision's rounding shows, and its error covers it.
    assert 0 < abs(single.value - enclosed.value) <= single.error < 1e-4


BACKENDS = ("float64", "mp", "torch", "ball", "exact")


@pytest.mark.parametrize("dynamics", ["gradient_descent", "gradient_flow"])
def test_the_grades_are_those_that_runs_have(dynamics: str) -> None:
    rows = table("| | `float64`, `mp`, `torch` | `ball` (Arb) | `exact` (rationals, a few steps) |")
    (told,) = [grades for name, *grades in rows if name.startswith(dynamics.replace("_", " "))]
    for backend, grade in zip(BACKENDS, [*[told[0]] * 3, *told[1:]], strict=True):
        assert _grade(dynamics, backend) == grade.partition(":")[0], backend


def _grade(dynamics: str, backend: str) -> str:
    flow = dynamics == "gradient_flow"
    run = experiment.read(
        {
            "theorem": "negative_eigenvalue",
            "problem": {
                "network": {"kind": "linear", "widths": [1, 1, 1]},
                "loss": {"kind": "square", "target": [["1/2"]]},
            },
            "dynamics": {"name": dynamics, "stop": {"time": "1/4"} if flow else {"steps": 2}}
            | ({} if flow else {"step_size": "1/8"}),
            "backend": {"name": backend},
        }
    )
    try:
        return run.trajectory().grade
    except UnsupportedError:
        return "-"


def test_every_field_of_the_json_document_is_told(workbench: Command) -> None:
    found = workbench("compare", "positive_definite", "--target", "[[2]]", "--depth", "2", "--steps", "5", "--json")
    told = {name for row in table("| field | meaning |") for name in re.findall(r"`(\w+)`", row[0])}
    assert told == set(found.document)
    hypotheses = next(row[1] for row in table("| field | meaning |") if row[0] == "`hypotheses`")
    assert set(re.findall(r"`(\w+)`", hypotheses)) | {"margin_decimal"} == set(found.document["hypotheses"][0])


def test_every_command_is_told(workbench: Command) -> None:
    told = re.findall(r"^\| `workbench (\w+)", README, re.MULTILINE)
    shown = re.findall(r"^  ([a-z]+)  ", workbench("--help").out.partition("Commands:")[2], re.MULTILINE)
    assert told == shown


def test_the_commands_of_make_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE))
    assert {"report", "test"} <= told <= targets


def test_every_file_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"[`(]((?:workbench|tests|reports)/[a-z0-9_/]+\.(?:py|toml))[`)]", README))
    assert "workbench/backends/base.py" in named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
