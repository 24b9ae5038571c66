"""What is too small for a double is not zero: no bound may be, and no false statement holds by it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from test_ensembles import distance, near

from workbench import experiment, theorems
from workbench.ensembles import Ensemble
from workbench.ensembles.descent import run
from workbench.ensembles.verdicts import compare


@pytest.mark.parametrize("scale", ["1e-170", "1e-200", "1e-320"])
@pytest.mark.parametrize("momentum", [Fraction(0), Fraction(9, 10)])
def test_what_underflows_is_not_zero(scale: str, momentum: Fraction, halving: Path) -> None:
    # ||W||^2 is below every double: a loss of 0 with error 0 would be consistent with anything.
    target, start = {"family": "spectrum", "eigenvalues": ["0", "0"]}, {"scheme": "gaussian", "scale": scale}
    ensemble = Ensemble((2, 2), target, 1, (Fraction(2),), start)
    assert compare(theorems.load(str(halving)), ensemble, 4, momentum=momentum).verdict == "undecided"
    descent = {"name": "gradient_descent", "step_size": "2", "stop": {"steps": 4}}
    asked = {"theorem": str(halving), "problem": ensemble.member(0).specification(), "dynamics": descent}
    verdicts = [
        experiment.read({**asked, "backend": backend}).evidence().verdict
        for backend in ({"name": "float64"}, {"name": "mp", "digits": 30})
    ]
    # The radii of mp are doubles, in units of its own rounding: they reach further down, but not as far as 1e-400.
    assert verdicts == ["undecided", "violated" if scale == "1e-170" else "undecided"]


def test_single_precision_that_underflows_keeps_its_bound() -> None:
    ensemble = near(2, 2, start={"scheme": "gaussian", "scale": "1e-40"})
    carried = run(ensemble, 3, precision="float32", bounded=True)
    exact = run(ensemble, 3, bounded=True)
    assert carried.errors is not None
    assert (distance(carried.weights[-1], exact.weights[-1]) <= carried.errors[-1]).all()


def test_a_false_statement_is_never_consistent(halving: Path) -> None:
    false = theorems.load(str(halving))
    for precision in ("float64", "float32"):
        found = compare(false, near(4, step_sizes=(Fraction(1, 100), Fraction(8))), 20, precision=precision)
        assert found.counts["consistent"] == 0
        assert found.counts["violated"] >= 2


@pytest.fixture
def halving(tmp_path: Path) -> Path:
    """A theorem file whose statement is false."""
    path = tmp_path / "halving.py"
    path.write_text(
        r'''r"""The loss halves at every step.

Statement
    $\ell(t) \leq 2^{-t} \ell(0)$.
Hypotheses
    setting: a linear network, whitened inputs
Standing
    false
"""

from workbench.theorems import Bound, Source

source = Source(authors="You", year=2026, title="A note", where="unpublished", locator="Lemma 1")
observes = ("loss",)


def hypotheses(run):
    return [run.setting()]


def predict(run):
    halved = [run.number(run.loss[0]) / 2**step for step in run.steps]
    return [Bound("loss", "loss against its halves", run.loss, halved)]


examples = []
'''
    )
    return path
