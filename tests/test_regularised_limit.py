"""The limits of penalised descent towards definite targets: an independent root, and planted errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench import theorems
from workbench.experiment import read
from workbench.theorems import regularised_limit


@pytest.mark.parametrize(("depth", "penalty"), [(1, 2.0), (2, 0.5), (5, 0.1)])
def test_a_long_run_ends_at_the_roots_of_the_polynomial(depth: int, penalty: float) -> None:
    run = regularised_limit._descent(depth, ["1/2", "5/4"], str(penalty), stop={"steps": 800})
    left = 0.0
    for eigenvalue in (0.5, 1.25):
        coefficients = np.zeros(2 * depth)
        coefficients[0] += 1
        coefficients[depth] -= eigenvalue
        coefficients[-2] += penalty
        coefficients[-1] -= penalty
        roots = [x.real for x in np.roots(coefficients) if abs(x.imag) < 1e-9]
        low, high = sorted((1.0, eigenvalue ** (1 / depth)))
        (root,) = (x for x in roots if low <= x <= high)
        left += (root**depth - eigenvalue) ** 2 / 2
    loss = read({"theorem": "regularised_limit", **run}).trajectory().observables["loss"][-1].value
    assert loss is not None
    assert float(loss) == pytest.approx(left, rel=1e-8)


PLANTED = [
    ("penalty * (middle - 1) > 0", "penalty * (middle - 1) * Fraction(102, 100) > 0"),
    ("slope = penalty - run", "slope = penalty - Fraction(102, 100) * run"),
    ("slope = penalty - run", "slope = 2 * penalty - run"),
    ("start = depth * run.reals", "start = Fraction(3, 4) * depth * run.reals"),
]


@pytest.mark.parametrize(("before", "after"), PLANTED)
def test_a_planted_error_is_caught(before: str, after: str, tmp_path: Path) -> None:
    text = theorems.load("regularised_limit").path.read_text(encoding="utf-8")
    assert text.count(before) == 1, before
    path = tmp_path / "mine.py"
    path.write_text(text.replace(before, after), encoding="utf-8")
    examples = [e for e in theorems.load(str(path)).examples if e.expect == "consistent"]
    verdicts = (read({"theorem": str(path), **e.experiment}).evidence().verdict for e in examples)
    assert any(verdict != "consistent" for verdict in verdicts)
