"""Ensembles: members are exact, bounds hold, both paths agree, and verdicts are honest."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from workbench import draws, dynamics, theorems
from workbench.backends.float64 import nearest
from workbench.ensembles import Ensemble
from workbench.ensembles.descent import run
from workbench.ensembles.verdicts import compare, spread, with_largest_steps
from workbench.errors import InputError, UnsupportedError
from workbench.initialization import weights
from workbench.trajectory import Arithmetic, Method, Status, Stop

NEAR = {"family": "near_identity", "shape": [3, 3]}


def near(count: int = 4, depth: int = 3, **changes: Any) -> Ensemble:
    given: dict[str, Any] = {"widths": (3,) * (depth + 1), "target": NEAR, "step_sizes": (Fraction(1, 8),)}
    return Ensemble(count=count, **{**given, **changes})


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    """Return the Frobenius distance of each member."""
    return np.sqrt(sum(((x - y) ** 2).sum(axis=(1, 2)) for x, y in zip(a, b, strict=True)))


def test_batched_draws_are_the_scalar_draws() -> None:
    found = draws.uniform_numerators("stream", [3, 4], 5)
    assert [[Fraction(int(k), 2**53) for k in row] for row in found] == [
        [draws.uniform("stream", seed, i) for i in range(5)] for seed in (3, 4)
    ]
    normal = draws.gaussian_numerators("stream", [3, 4], 50)
    assert [[Fraction(int(k), 2**32) for k in row] for row in normal] == [
        [draws.gaussian("stream", seed, i) for i in range(50)] for seed in (3, 4)
    ]


@pytest.mark.parametrize(
    "target",
    [
        {"family": "near_identity", "shape": [3, 3]},
        {"family": "near_identity", "shape": [3, 3], "radius": "1/3", "symmetric": 1},
        {"family": "uniform", "shape": [3, 3]},
        {"family": "spectrum", "eigenvalues": ["1/2", "1", "3"]},
        {"family": "singular_values", "values": ["1/2", "1", "3"]},
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        {"scheme": "identity"},
        {"scheme": "gaussian", "scale": "3/7"},
        {"scheme": "gaussian", "scale": "1000003/3000017"},
        {"scheme": "orthogonal"},
    ],
)
def test_the_batch_is_the_members_rounded_once(target: dict[str, Any], start: dict[str, Any]) -> None:
    ensemble = near(target=target, start=start, seed=5)
    goals, layers = ensemble.targets(range(4)), ensemble.starts(range(4))
    for index in range(4):
        member = ensemble.member(index)
        assert goals[index].tolist() == [[nearest(x) for x in row] for row in member.loss.target.rows]
        for layer, exact in zip(layers, weights(member.network, member.start), strict=True):
            assert layer[index].tolist() == [[nearest(x) for x in row] for row in exact]


def test_near_identity_members_lie_within_their_radius_and_mirror() -> None:
    target = near(target={**NEAR, "radius": "1/10", "symmetric": 1}).member(2).loss.target
    square = sum((x - (i == j)) ** 2 for i, row in enumerate(target.rows) for j, x in enumerate(row))
    assert 0 < square < Fraction(1, 100)
    assert target.is_symmetric()


def test_members_of_two_seeds_differ() -> None:
    assert near(seed=0).member(1).loss.target.rows != near(seed=1).member(0).loss.target.rows


@pytest.mark.parametrize("momentum", [Fraction(0), Fraction(1, 4)])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_bound_holds_against_the_certified_run(momentum: Fraction, precision: str) -> None:
    ensemble = near(2, step_sizes=(Fraction(1, 8), Fraction(1, 10)), start={"scheme": "gaussian", "scale": "1/2"})
    carried = run(ensemble, 12, records=range(13), momentum=momentum, precision=precision, bounded=True)
    assert carried.errors is not None
    for index in range(2):
        method = Method("gradient_descent", Stop(12), ensemble.step_size(index))
        if momentum:
            method = Method("heavy_ball", Stop(12), ensemble.step_size(index), {"momentum": momentum})
        certified = dynamics.run(ensemble.member(index), method, Arithmetic("ball", 30), ("loss",), keep_weights=True)
        assert certified.weights is not None
        for record, exact in enumerate(certified.weights):
            square = 0.0
            for layer, entries in zip(carried.weights[record], exact, strict=True):
                flat = [entry.value for row in entries for entry in row]
                gaps = [float(Fraction(x) - e) for x, e in zip(layer[index].flat, flat, strict=True)]
                square += sum(g * g for g in gaps)
            assert square**0.5 <= carried.errors[record, index]
            # The bound is of the size of rounding, not idle.
            assert carried.errors[record, index] < 1e8 * (2.0**-53 if precision == "float64" else 2.0**-24)


def test_members_converge_alone_at_the_step_of_the_certified_run() -> None:
    ensemble = near(3)
    level = Fraction(1, 10**8)
    carried = run(ensemble, 400, until_loss=level, path="batched")
    assert set(carried.status) == {Status.CONVERGED}
    for index in range(3):
        method = Method("gradient_descent", Stop(400, until_loss=level), ensemble.step_size(index))
        alone = dynamics.run(ensemble.member(index), method, Arithmetic("ball", 30), ("loss",))
        assert carried.ended_at[index] == alone.steps[-1]


def test_a_member_diverges_while_others_go_on() -> None:
    carried = run(near(4, step_sizes=(Fraction(1, 8), Fraction(8))), 40, path="batched")
    assert [s is Status.DIVERGED for s in carried.status] == [False, True, False, True]
    assert carried.ended_at[0] == 40
    assert 0 < carried.ended_at[1] < 40


def test_a_member_that_stops_moving_has_stalled() -> None:
    carried = run(near(2, 1, step_sizes=(Fraction(1, 2),)), 640, path="batched")
    assert set(carried.status) == {Status.STALLED}
    assert max(carried.ended_at) < 640


def test_what_cannot_be_carried_is_refused() -> None:
    with pytest.raises(InputError, match="precision"):
        run(near(), 3, precision="float16")
    with pytest.raises(UnsupportedError, match="bounded"):
        run(near(), 3, path="lanes", bounded=True)
    with pytest.raises(InputError, match="no member 4"):
        near().member(4)


def test_counts_and_the_worst_member() -> None:
    ensemble = near(4)
    found = compare(theorems.load("near_identity"), ensemble, 30)
    assert found.counts == {"violated": 0, "undecided": 0, "vacuous": 0, "consistent": 4}
    assert found.verdict == "consistent"


def test_one_member_beyond_the_cap_makes_the_ensemble_vacuous_and_is_named() -> None:
    ensemble = near(3, step_sizes=(Fraction(1, 8), Fraction(1, 8), Fraction(1)))
    found = compare(theorems.load("near_identity"), ensemble, 5)
    assert found.counts["vacuous"] == 1
    assert found.counts["consistent"] == 2
    assert found.verdict == "vacuous"
    assert found.worst_member == 2


def test_a_dropped_hypothesis_is_violated_on_the_members_that_need_it() -> None:
    ensemble = near(2, 2, step_sizes=(Fraction(1, 8), Fraction(11, 10)))
    found = compare(theorems.load("near_identity"), ensemble, 60, without=["step_size"])
    assert found.verdict == "violated"
    assert found.worst_member == 1
    assert found.counts["violated"] == 1


def test_a_saddle_that_rounding_leaves_is_undecided() -> None:
    target = {"family": "spectrum", "eigenvalues": ["-1", "3/2", "7/10"]}
    ensemble = Ensemble((3,) * 4, target, 2, (Fraction(1, 10),), seed=1)
    found = compare(theorems.load("negative_eigenvalue"), ensemble, 2500)
    assert found.verdict == "undecided"
    assert found.counts["undecided"] == 2


def test_the_largest_steps_are_each_members_own() -> None:
    ensemble = near(3, target={**NEAR, "symmetric": 1, "radius": "1/2"})
    theorem = theorems.load("positive_definite")
    largest = with_largest_steps(ensemble, theorem)
    assert len(set(largest.step_sizes)) > 1
    assert compare(theorem, largest, 3).verdict == "consistent"


def test_a_theorem_about_every_step_is_judged_on_every_step() -> None:
    target = {"family": "uniform", "shape": [1, 1]}
    ensemble = Ensemble((1, 1, 1), target, 2, (Fraction(1, 8),), {"scheme": "gaussian", "scale": "1/2"})
    found = compare(theorems.load("two_layer_numbers"), ensemble, 40)
    assert found.counts["consistent"] == 2


def test_records_are_spread_from_the_first_step_to_the_last() -> None:
    assert spread(1) == [0, 1]
    found = spread(1000)
    assert (found[0], found[1], found[-1]) == (0, 1, 1000)
    assert len(found) <= 18


@pytest.mark.long
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    "ensemble",
    [
        near(20, step_sizes=(Fraction(1, 8), Fraction(8))),
        Ensemble((2, 4, 3), {"family": "uniform", "shape": [3, 2]}, 5, (Fraction(1, 8),), {"scheme": "gaussian"}),
        Ensemble((12,) * 3, {"family": "near_identity", "shape": [12, 12]}, 9, (Fraction(1, 8),)),
    ],
    ids=["one step too long", "rectangular", "wide"],
)
def test_the_fused_path_agrees_with_the_batched_path(ensemble: Ensemble, precision: str) -> None:
    pytest.importorskip("numba", reason="the fused path needs numba")
    reference = run(ensemble, 90, records=[1, 40], precision=precision, bounded=True)
    fused = run(ensemble, 90, records=[1, 40], precision=precision, path="lanes")
    # When rounding brings an iterate to rest depends on the order of its sums; divergence does not.
    gone, left = ([k for k, s in enumerate(r.status) if s is Status.DIVERGED] for r in (fused, reference))
    assert gone == left
    assert [fused.ended_at[k] for k in gone] == [reference.ended_at[k] for k in gone]
    assert reference.errors is not None
    alive = [k for k in range(ensemble.count) if k not in gone]
    for record in range(3):
        gaps = distance(reference.weights[record], fused.weights[record])[alive]
        assert (gaps <= 2 * reference.errors[record][alive]).all()


def test_a_family_that_is_misread_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(LookupError, match="radus"):
        near(target={**NEAR, "radus": "1/4"})
    with pytest.raises(LookupError, match="scall"):
        near(start={"scheme": "gaussian", "scall": "1/4"})


def test_the_command_counts_and_names_the_worst(workbench: Any) -> None:
    target = '{"family": "near_identity", "shape": [2, 2]}'
    done = workbench("ensemble", "near_identity", "--target", target, "--widths", "2,2,2", "--members", "3",
                     "--steps", "4", "--step-size", "1/4,1/4,2", "--json")  # fmt: skip
    assert done.status == 3
    assert done.document["counts"] == {"violated": 0, "undecided": 0, "vacuous": 1, "consistent": 2}
    assert done.document["worst_member"] == 2
    wrong = workbench("ensemble", "near_identity", "--target", "[1]", "--widths", "2,2")
    assert wrong.status == 2
    assert wrong.err.count("\n") == 1
