"""The spectrum of the tangent kernel against the Hessian and against sums over two layers."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_convergence_rates import given
from test_theorems import carried_out

from workbench.theorems._examples import FLOAT

KERNEL = '''
r"""A file that watches the kernel.

Statement
    none

Hypotheses
    none: nothing is asked

Standing
    explicit
"""
from workbench.theorems import Bound, Hypothesis, Source
source = Source(authors="A. Author", year=2020, title="Title", where="Here")
observes = (
    "loss", "sharpness", "kernel_smallest_eigenvalue", "kernel_largest_eigenvalue", "end_to_end_norm", "schatten_excess"
)
def hypotheses(run):
    return [Hypothesis.decided("none", True)]
def predict(run):
    return []
examples = []
'''


def watched(folder: Path, specification: dict[str, Any]) -> dict[str, float]:
    """Return the midpoints of the observables at the start."""
    path = folder / "kernel.py"
    path.write_text(KERNEL)
    series = carried_out(str(path), specification).trajectory.observables
    return {name: float(values[0].value or 0) for name, values in series.items()}


def test_at_a_minimiser_the_kernel_has_the_sharpness(tmp_path: Path) -> None:
    layers = [[["1", "2"], ["0", "1"], ["1/2", "0"]], [["1", "0", "1"]], [["2"], ["1"]]]
    values = [np.array([[float(Fraction(x)) for x in row] for row in layer]) for layer in layers]
    w = values[2] @ values[1] @ values[0]
    target = [[str(Fraction(x)) for x in row] for row in w.tolist()]
    found = watched(tmp_path, given(layers, target, step_size="1/1000", stop={"steps": 1}))
    assert found["kernel_largest_eigenvalue"] == pytest.approx(found["sharpness"], rel=1e-9)
    assert found["end_to_end_norm"] == pytest.approx(np.linalg.norm(w, 2), rel=1e-9)


@pytest.mark.parametrize("backend", [{"name": "ball", "digits": 30}, FLOAT])
def test_two_layers_have_a_kernel_of_sums(backend: dict[str, Any], tmp_path: Path) -> None:
    layers = [[["1", "2", "0"], ["0", "1", "-1"]], [["1", "1/2"], ["1/4", "2"]]]
    w1, w2 = (np.array([[float(Fraction(x)) for x in row] for row in layer]) for layer in layers)
    found = watched(
        tmp_path,
        given(layers, [["1", "0", "0"], ["0", "1", "0"]], step_size="1/1000", stop={"steps": 1}, backend=backend),
    )
    outer, inner = np.linalg.eigvalsh(w2 @ w2.T), np.linalg.eigvalsh(w1.T @ w1)
    assert found["kernel_smallest_eigenvalue"] == pytest.approx(outer[0] + inner[0], rel=1e-9)
    assert found["kernel_largest_eigenvalue"] == pytest.approx(outer[-1] + inner[-1], rel=1e-9)
