"""The gradient flow of an ensemble: its order, its estimate against the enclosure, and members apart."""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from workbench import dynamics, theorems
from workbench.ensembles import Ensemble
from workbench.ensembles.asked import EnsembleExperiment, read
from workbench.ensembles.descent import EnsembleRun, run
from workbench.ensembles.flow import ORDER
from workbench.ensembles.verdicts import compare
from workbench.errors import InputError, UnsupportedError
from workbench.trajectory import Arithmetic, Method, Status, Stop

NEAR = {"family": "near_identity", "shape": [3, 3], "radius": "1"}
GAUSSIAN = {"scheme": "gaussian", "scale": "1/4"}


def flowing(step: Fraction, count: int = 2, **changes: Any) -> Ensemble:
    given: dict[str, Any] = {"widths": (3, 3, 3, 3), "target": NEAR, "start": GAUSSIAN}
    return Ensemble(count=count, step_sizes=(step,), **{**given, **changes})


def enclosed(ensemble: Ensemble, index: int, time: Fraction) -> list[np.ndarray]:
    """Return the weights of the validated flow, whose enclosure is far below a double's rounding."""
    done = dynamics.run(
        ensemble.member(index), Method("gradient_flow", Stop(time=time)), Arithmetic("ball", 25), keep_weights=True
    )
    assert done.grade == "enclosure"
    assert done.weights is not None
    return [np.array([[float(x.value) for x in row] for row in layer]) for layer in done.weights[-1]]


@cache
def at_time_two(index: int) -> list[np.ndarray]:
    """Return what a member is at time 2: its step does not matter, so that one enclosure serves many tests."""
    return enclosed(flowing(Fraction(1), 2), index, Fraction(2))


def gap(carried: EnsembleRun, index: int, exact: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(((w[index] - e) ** 2).sum() for w, e in zip(carried.weights[-1], exact, strict=True))))


@pytest.mark.parametrize("path", ["batched", "lanes"])
def test_the_order_of_convergence_is_eight(path: str) -> None:
    if path == "lanes":
        pytest.importorskip("numba", reason="the fused path needs numba")
    exact = at_time_two(0)
    gaps = [gap(run(flowing(Fraction(2, n), 1), n, flow=True, path=path), 0, exact) for n in (16, 32, 64)]
    orders = [np.log2(a / b) for a, b in itertools.pairwise(gaps)]
    assert orders[-1] == pytest.approx(ORDER, abs=0.3)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("step", [Fraction(1, 2), Fraction(1, 8)])
def test_the_estimate_holds_against_the_enclosure(precision: str, step: Fraction) -> None:
    ensemble = flowing(step)
    carried = run(ensemble, int(2 / step), flow=True, precision=precision, bounded=True)
    assert carried.errors is not None
    for index in range(2):
        true = gap(carried, index, at_time_two(index))
        assert true <= carried.errors[-1, index]
    # Not idle: where the step is short, near the step's own error or that of rounding.
    assert step == Fraction(1, 2) or carried.errors[-1].max() < (1e-7 if precision == "float64" else 0.1)


def test_the_estimate_of_a_rectangular_and_of_a_single_layer_holds() -> None:
    target = {"family": "uniform", "shape": [3, 2]}
    for widths in ((2, 3), (2, 1, 3)):
        ensemble = flowing(Fraction(1, 8), 1, widths=widths, target=target)
        carried = run(ensemble, 8, flow=True, bounded=True)
        assert carried.errors is not None
        assert gap(carried, 0, enclosed(ensemble, 0, Fraction(1))) <= carried.errors[-1, 0] < 1e-8


def test_members_of_a_flow_converge_and_diverge_alone() -> None:
    # An explicit rule leaves the flow where its step is far too long; the member says so, and the others go on.
    ensemble = Ensemble((3,) * 4, NEAR, 3, (Fraction(1, 4), Fraction(100), Fraction(1, 8)), GAUSSIAN)
    carried = run(ensemble, 400, flow=True, until_loss=Fraction(1, 10**10), path="batched")
    assert carried.status == [Status.CONVERGED, Status.DIVERGED, Status.CONVERGED]
    short, gone, long = carried.ended_at
    assert gone < short < long
    assert run(ensemble, 400, flow=True, until_loss=Fraction(1, 10**10), members=[2]).ended_at == [long]


def test_a_flow_at_rest_stalls_without_moving_a_bit() -> None:
    target = {"family": "spectrum", "eigenvalues": ["1", "1"]}
    carried = run(Ensemble((2, 2, 2), target, 1, (Fraction(1, 3),)), 128, flow=True, path="batched")
    assert carried.status == [Status.STALLED]
    assert all((w == np.eye(2)).all() for w in carried.weights[-1])


def test_balancedness_is_consistent_along_the_flow_and_vacuous_along_descent() -> None:
    ensemble = flowing(Fraction(1, 16), 3)
    theorem = theorems.load("balancedness")
    assert compare(theorem, ensemble, 16, flow=True).counts["consistent"] == 3
    assert compare(theorem, ensemble, 16).counts["vacuous"] == 3
    assert compare(theorem, ensemble, 16, without=["gradient_flow"]).counts["violated"] == 3


def test_a_flow_in_float32_decides_nothing_that_it_cannot_resolve() -> None:
    found = compare(theorems.load("balancedness"), flowing(Fraction(1, 8)), 16, flow=True, precision="float32")
    assert found.counts["undecided"] == 2


def test_what_a_flow_cannot_carry_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="momentum"):
        run(flowing(Fraction(1, 8)), 4, flow=True, momentum=Fraction(1, 2))
    with pytest.raises(UnsupportedError, match="float32 only"):
        run(flowing(Fraction(1, 8)), 4, flow=True, precision="tf32", bounded=True)


def test_tf32_is_recorded_and_put_back() -> None:
    import torch

    before = torch.backends.cuda.matmul.allow_tf32
    carried = run(flowing(Fraction(1, 8)), 4, flow=True, precision="tf32")
    assert carried.flags["allow_tf32"] is True
    assert torch.backends.cuda.matmul.allow_tf32 == before
    assert run(flowing(Fraction(1, 8)), 4, flow=True).flags["allow_tf32"] is False


def test_the_command_takes_a_flow(workbench_here: Any) -> None:
    target = '{"family": "near_identity", "shape": [2, 2]}'
    given = ("ensemble", "balancedness", "--target", target, "--widths", "2,2,2", "--members", "2", "--steps", "4")
    assert workbench_here(*given, "--dynamics", "flow", "--json").document["counts"]["consistent"] == 2
    wrong = workbench_here(*given, "--dynamics", "flw")
    assert wrong.status == 2
    assert wrong.err.count("\n") == 1


def test_a_flow_of_a_sweep_names_the_time_of_a_step() -> None:
    problem = {"network": {"widths": [2, 2]}, "loss": {"target": {"family": "near_identity", "shape": [2, 2]}}}
    asked = {"theorem": "balancedness", "problem": problem, "ensemble": {"members": 3}}
    with pytest.raises(InputError, match="flow time"):
        read({**asked, "dynamics": {"name": "flow", "stop": {"steps": 4}}})
    flow, descent = (
        read({**asked, "dynamics": {"name": name, "step_size": "1/16", "stop": {"steps": 4}}})
        for name in ("flow", "descent")
    )
    assert isinstance(flow, EnsembleExperiment)
    assert flow.run_id != descent.run_id
    assert flow.record()[0].verdict == "consistent"
