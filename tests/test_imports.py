"""What is imported when: nothing heavy before it is used, and nothing missing without a word on how to install it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import workbench

ROOT = Path(workbench.__file__).parent.parent
HEAVY = ("numpy", "sympy", "torch", "mpmath", "matplotlib", "flint")

BLOCK = """
import sys
from importlib.abc import MetaPathFinder
class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("No module named " + name, name=name)
        return None
sys.meta_path.insert(0, Blocked())
"""

RUN = """
from workbench.experiment import read
from workbench.theorems._examples import symmetric
found = read({{
    "theorem": "positive_definite",
    **symmetric(3, ["1/2", "2"], 1, step_size="largest", stop={{"until_loss": "1e-10"}}, backend={{"name": {name!r}}}),
}}).evidence()
counts = [j.measured for j in found.judged if j.measured is not None]
print(found.verdict, counts)
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


def loaded_by(statement: str) -> set[str]:
    done = python(f"import sys\n{statement}\nprint(*(n for n in {HEAVY!r} if n in sys.modules))")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["workbench", "workbench.errors", "workbench.store", "workbench.problem"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") == set()


@pytest.mark.skipif(not (ROOT / "workbench" / "cli.py").exists(), reason="there is no command line yet")
def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_by("import workbench.cli") == set()


def test_the_check_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_by("import workbench.backends.float64")


def test_a_float_run_loads_neither_sympy_nor_torch() -> None:
    assert not {"sympy", "torch", "matplotlib"} & loaded_by(RUN.format(name="float64"))


@pytest.mark.parametrize("name", ["float64", "exact"])
def test_a_run_needs_no_framework_that_it_does_not_use(name: str) -> None:
    code = RUN if name == "float64" else RUN.replace('"until_loss": "1e-10"', '"steps": 3')
    with_all, without = (
        python(prefix + code.format(name=name))
        for prefix in ("", BLOCK.format(blocked={"torch", "flint", "sympy", "matplotlib", "gmpy2"}))
    )
    assert without.returncode == 0, without.stderr
    assert without.stdout == with_all.stdout
    assert without.stdout.startswith("consistent")


@pytest.mark.parametrize(
    ("blocked", "backend", "package"), [("torch", "torch", "torch"), ("flint", "ball", "python-flint")]
)
def test_a_missing_package_is_named_with_its_command(blocked: str, backend: str, package: str) -> None:
    done = python(BLOCK.format(blocked={blocked}) + RUN.format(name=backend))
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingPackageError" in last
    assert f"pip install {package}" in last


def test_a_missing_mpmath_is_named_with_its_command() -> None:
    done = python(BLOCK.format(blocked={"mpmath"}) + RUN.format(name="mp"))
    assert done.returncode == 1
    assert "pip install mpmath" in done.stderr.strip().splitlines()[-1]


def test_reals_without_flint_need_mpmath_and_say_so() -> None:
    done = python(BLOCK.format(blocked={"mpmath", "flint"}) + RUN.format(name="float64"))
    assert done.returncode == 1
    assert "pip install" in done.stderr.strip().splitlines()[-1]
