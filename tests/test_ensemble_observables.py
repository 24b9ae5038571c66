"""Observables of a batch against NumPy's decompositions, their errors, and ensembles that do not fit at once."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from workbench import theorems
from workbench.ensembles import Ensemble
from workbench.ensembles.descent import run, stream
from workbench.ensembles.extremes import largest_singular_value, smallest_singular_value
from workbench.ensembles.memory import bytes_of_member, recorded_bytes
from workbench.ensembles.observed import catalogue
from workbench.ensembles.plan import Plan
from workbench.ensembles.verdicts import compare
from workbench.errors import InputError, UnknownNameError, UnsupportedError


def rotated(values: list[float], rows: int, count: int = 3, seed: int = 0) -> torch.Tensor:
    """Return matrices of given singular values between random orthogonal frames."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.normal(size=(count, rows, rows)))[0][:, :, : len(values)]
    right = np.linalg.qr(rng.normal(size=(count, len(values), len(values))))[0]
    return torch.from_numpy(left * np.array(values) @ right)


SPECTRA = [
    [2.0],
    [1.0, 1.0, 1.0],
    [3.0, 3.0 - 1e-3, 1e-2],
    [1e5, 1.0, 1e-4],
    [1.0, 0.5, 0.0],
    [0.0, 0.0],
    [7e150, 1e150],
]


@pytest.mark.parametrize("values", SPECTRA, ids=str)
@pytest.mark.parametrize("extra", [0, 2])
def test_the_brackets_hold_and_are_narrow(values: list[float], extra: int) -> None:
    matrices = rotated(values, len(values) + extra)
    slack = 1e-13 * values[0]
    for a in (matrices, matrices.mT):
        lower, upper = largest_singular_value(a)
        assert ((lower <= values[0] + slack) & (upper >= values[0] - slack)).all()
        assert (upper - lower <= 2e-3 * values[0]).all()
        lower, upper = smallest_singular_value(a)
        assert ((lower <= values[-1] + slack) & (upper >= values[-1] - slack)).all()
        assert (upper - lower <= 2e-3 * values[-1] + 1e-7 * values[0]).all()


def test_what_is_not_finite_has_no_bracket() -> None:
    lower, upper = largest_singular_value(torch.full((1, 2, 2), torch.nan, dtype=torch.float64))
    assert (lower.item(), upper.item()) == (0.0, torch.inf)
    lower, upper = smallest_singular_value(torch.full((1, 2, 2), torch.inf, dtype=torch.float64))
    assert (lower.item(), upper.item()) == (0.0, torch.inf)


def near(count: int = 4, widths: tuple[int, ...] = (3, 3, 3), **changes: Any) -> Ensemble:
    target = {"family": "near_identity" if widths[0] == widths[-1] else "uniform", "shape": [widths[-1], widths[0]]}
    given: dict[str, Any] = {"start": {"scheme": "gaussian", "scale": "1/2"}, "step_sizes": (Fraction(1, 8),)}
    return Ensemble(widths, target, count, **{**given, **changes})


def by_numpy(name: str, layers: list[np.ndarray], target: np.ndarray) -> float:
    """Return an observable of one member, by a decomposition where the device iterates."""
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    if name == "loss":
        return float(((product - target) ** 2).sum() / 2)
    if name == "balancedness_defect":
        pairs = itertools.pairwise(layers)
        return max((float(np.linalg.norm(b.T @ b - a @ a.T)) for a, b in pairs), default=0.0)
    if name == "distance_to_identity":
        return max(float(np.linalg.norm(w - np.eye(len(w)), 2)) for w in layers)
    return float(np.linalg.svd(product, compute_uv=False)[0 if name == "largest_mode" else -1])


@pytest.mark.parametrize("path", ["batched", "lanes"])
@pytest.mark.parametrize("widths", [(3, 3, 3), (3, 3), (1, 1, 1)])
def test_observables_of_the_batch_are_those_of_its_members(widths: tuple[int, ...], path: str) -> None:
    if path == "lanes":
        pytest.importorskip("numba", reason="the fused path needs numba")
    ensemble = near(widths=widths)
    carried = run(ensemble, 5, records=[0, 2], observe=catalogue(), path=path)
    targets = ensemble.targets(range(4))
    for name in catalogue():
        values, errors = carried.observables[name], carried.observable_errors[name]
        assert values.shape == errors.shape == (3, 4)
        for record in range(3):
            for index in range(4):
                true = by_numpy(name, [w[index] for w in carried.weights[record]], targets[index])
                assert abs(values[record, index] - true) <= errors[record, index] + 1e-14
        assert errors.max() < 1e-2


def test_a_rectangular_network_has_modes_and_no_distance_to_the_identity() -> None:
    ensemble = near(widths=(2, 4, 3))
    carried = run(ensemble, 3, observe=["smallest_mode"])
    layers = [w[1] for w in carried.weights[-1]]
    true = by_numpy("smallest_mode", layers, ensemble.targets([1])[0])
    assert abs(carried.observables["smallest_mode"][-1, 1] - true) <= carried.observable_errors["smallest_mode"][-1, 1]
    with pytest.raises(UnsupportedError, match="no distance"):
        run(ensemble, 3, observe=["distance_to_identity"])
    with pytest.raises(UnknownNameError, match="los"):
        run(ensemble, 3, observe=["los"])


@pytest.mark.parametrize("flow", [False, True])
def test_an_ensemble_that_does_not_fit_is_split_says_so_and_stays_the_same(flow: bool) -> None:
    ensemble, asked = near(7), {"records": [0, 3], "observe": ["loss"], "bounded": True, "flow": flow}
    whole = run(ensemble, 5, **asked)
    each = bytes_of_member(ensemble, Plan(5, **asked))
    split = run(ensemble, 5, memory=3 * each, **asked)
    assert whole.flags["parts"] == 1
    assert whole.notes == ()
    assert split.flags["parts"] == 3
    assert "3 parts" in split.notes[0]
    assert list(split.members) == list(whole.members)
    for name in ("observables", "observable_errors"):
        assert np.allclose(getattr(split, name)["loss"], getattr(whole, name)["loss"], rtol=1e-12)
    assert np.allclose(split.errors, whole.errors, rtol=1e-9)
    assert [w.shape for w in split.weights[-1]] == [(7, 3, 3)] * 2
    with pytest.raises(InputError, match="one member takes"):
        run(ensemble, 5, memory=each - 1, **asked)


def test_what_is_recorded_is_what_was_asked_and_comes_in_chunks() -> None:
    ensemble = near(6)
    plan = Plan(4, observe=("loss",), keep_weights=False)
    assert recorded_bytes(ensemble, plan) == 2 * 2 * 8
    chunks = list(stream(ensemble, Plan(**{**vars(plan), "memory": 2 * bytes_of_member(ensemble, plan)})))
    assert [list(chunk.members) for chunk in chunks] == [[0, 1], [2, 3], [4, 5]]
    for chunk in chunks:
        assert chunk.weights == []
        held = [*chunk.observables.values(), *chunk.observable_errors.values()]
        assert sum(array.nbytes for array in held) == 2 * recorded_bytes(ensemble, plan)


def test_a_verdict_on_parts_is_that_on_the_whole_and_says_so() -> None:
    ensemble, theorem = near(5), theorems.load("balancedness_drift")
    whole = compare(theorem, ensemble, 4)
    each = bytes_of_member(ensemble, Plan(4, [0, 1, 2, 3, 4], bounded=True))
    split = compare(theorem, ensemble, 4, memory=2 * each)
    assert split.counts == whole.counts
    assert (len(whole.notes), len(split.notes)) == (0, 1)
