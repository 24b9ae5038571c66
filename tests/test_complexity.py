"""Norms that measure complexity: each against a direct computation, and the statement against planted errors."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import theorems
from workbench.experiment import read
from workbench.theorems._examples import experiment

WIDTHS = [[1, 1], [2, 3], [3, 1, 2], [2, 3, 2, 1], [2, 2, 2, 2, 2]]
MEASURES = ("spectral_norm_product", "frobenius_norm_product", "path_norm", "schatten_quasi_norm")


def recorded(widths: list[int], backend: str) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return the layers of a random start, and its measures."""
    start = {"scheme": "gaussian", "seed": 5}
    target = {"family": "uniform", "shape": [widths[-1], widths[0]], "seed": 1}
    run = experiment(
        widths, target, step_size="1/100", stop={"steps": 1}, start=start, backend={"name": backend}, without=[]
    )
    found = read({"theorem": "norm_complexity", **run}).trajectory(keep_weights=True)
    assert found.weights is not None
    layers = [np.array([[float(x.value or 0) for x in row] for row in layer]) for layer in found.weights[0]]
    return layers, {name: found.observables[name][0] for name in MEASURES}


def path_sum(layers: list[np.ndarray]) -> float:
    """Return the sum over paths one by one."""
    sizes = [layers[0].shape[1], *(layer.shape[0] for layer in layers)]
    return sum(
        math.prod(layer[b, a] ** 2 for layer, (a, b) in zip(layers, itertools.pairwise(path), strict=True))
        for path in itertools.product(*(range(size) for size in sizes))
    )


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("backend", ["ball", "float64"])
def test_every_measure_is_what_its_definition_gives(widths: list[int], backend: str) -> None:
    layers, found = recorded(widths, backend)
    product = np.linalg.multi_dot(layers[::-1]) if len(layers) > 1 else layers[0]
    singular = np.linalg.svd(product, compute_uv=False)
    wanted = {
        "spectral_norm_product": math.prod(np.linalg.norm(layer, 2) for layer in layers),
        "frobenius_norm_product": math.prod(np.linalg.norm(layer) for layer in layers),
        "path_norm": math.sqrt(path_sum(layers)),
        "schatten_quasi_norm": sum(s ** (2 / len(layers)) for s in singular if s > 1e-12) ** (len(layers) / 2),
    }
    for name, value in wanted.items():
        assert float(found[name].value) == pytest.approx(value, rel=1e-5)
        assert found[name].error < 1e-4


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_the_bounds_of_the_path_norm_hold_off_balance_too(widths: list[int]) -> None:
    layers, found = recorded(widths, "ball")
    product = np.linalg.multi_dot(layers[::-1]) if len(layers) > 1 else layers[0]
    path = float(found["path_norm"].value)
    assert path <= float(found["frobenius_norm_product"].value) * (1 + 1e-12)
    assert path * math.sqrt(math.prod(widths[1:-1])) >= np.linalg.norm(product) * (1 - 1e-12)


def test_a_residual_network_has_none_of_them() -> None:
    example = theorems.load("norm_complexity").examples[0].experiment
    network = {"kind": "residual", "width": 2, "depth": 3}
    found = read(
        {"theorem": "norm_complexity", **example, "problem": {**example["problem"], "network": network}}
    ).evidence()
    assert found.verdict == "vacuous"


PLANTED = [
    ("[run.reals.sqrt(run.number(x) / paths)", "[run.reals.sqrt(run.number(x) * paths)"),
    ('run.observable("spectral_norm_product")', 'run.observable("frobenius_norm_product")'),
    ('run.observable("schatten_quasi_norm")', 'run.observable("end_to_end_norm")'),
    ("path,\n            products,", "path,\n            [run.number(x) * Fraction(98, 100) for x in products],"),
]


@pytest.mark.parametrize(("before", "after"), PLANTED)
def test_a_planted_error_is_caught(before: str, after: str, tmp_path: Path) -> None:
    text = theorems.load("norm_complexity").path.read_text(encoding="utf-8")
    assert text.count(before) == 1, before
    path = tmp_path / "mine.py"
    path.write_text(text.replace(before, after), encoding="utf-8")
    # From the one that is nearest to equality on, until one is caught.
    examples = [e for e in theorems.load(str(path)).examples if e.expect == "consistent"]
    examples.sort(key=lambda example: example.name != "nearly one mode")
    verdicts = (read({"theorem": str(path), **e.experiment}).evidence().verdict for e in examples)
    assert any(verdict != "consistent" for verdict in verdicts)
