"""Questions that a dynamics does not answer, and networks and arithmetics that are none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from small_problems import (
    IDENTITY,
    RECTANGULAR,
    RESIDUAL,
    SADDLE,
    SPD,
    agree,
    descend,
    flow,
)

from workbench import dynamics
from workbench.errors import InputError, ShapeError, UnknownNameError, UnsupportedError
from workbench.exact import Matrix
from workbench.experiment import read
from workbench.problem import LinearNetwork, Network, Problem, ResidualNetwork, SquareLoss
from workbench.trajectory import Arithmetic, Method, Stop


def test_what_the_exact_backend_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="too many"):
        descend(SPD, "exact", 100)
    with pytest.raises(UnsupportedError, match="flow"):
        flow(SPD, "exact", Fraction(1))
    with pytest.raises(UnsupportedError, match="float64"):
        descend(SPD, "exact", 2, name="projected_descent", radius=Fraction(1))
    with pytest.raises(UnsupportedError):
        descend(RESIDUAL, "exact", 2)


def test_a_penalty_needs_square_layers() -> None:
    for name, parameters in (("penalised_descent", "penalty"), ("projected_descent", "radius")):
        with pytest.raises(ShapeError, match="layer 1 is 3 x 2"):
            descend(RECTANGULAR, "float64", 2, name=name, **{parameters: Fraction(1)})


def test_parameters_of_a_dynamics_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="gradient_descent"):
        dynamics.module("gradient_decent")
    with pytest.raises(InputError, match="takes no parameter"):
        dynamics.parameters("gradient_descent", {"momentum": "1/2"})
    with pytest.raises(InputError, match="needs momentum"):
        dynamics.parameters("heavy_ball", {})
    with pytest.raises(InputError, match="negative"):
        dynamics.parameters("heavy_ball", {"momentum": "-1/2"})
    assert dynamics.parameters("momentum", {"momentum": "0.5"}) == {"momentum": Fraction(1, 2)}


@pytest.mark.parametrize(
    ("stop", "step"),
    [
        ({}, "1/4"),
        ({"steps": 0}, "1/4"),
        ({"steps": -3}, "1/4"),
        ({"steps": True}, "1/4"),
        ({"steps": 2.5}, "1/4"),
        ({"time": "0"}, "1/4"),
        ({"until_loss": "-1"}, "1/4"),
        ({"until_los": "1"}, "1/4"),
        ({"steps": 3}, "0"),
        ({"steps": 3}, "-1/4"),
        ({"steps": 3}, "nan"),
        ({"steps": 3}, float("inf")),
    ],
)
def test_a_stop_or_step_that_means_nothing_is_refused(stop: dict[str, Any], step: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": {"widths": [1, 1]}, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": step, "stop": stop},
    }
    with pytest.raises((InputError, UnknownNameError)):
        read(specification)


@pytest.mark.parametrize(
    "network",
    [
        {"widths": 5},
        {"widths": []},
        {"widths": "222"},
        {"widths": None},
        {"kind": "residual", "width": "x", "depth": 1},
        {"kind": "residual", "width": 2.7, "depth": 1},
        {"kind": "residual", "width": 1, "depth": -1},
        {"kind": "residual", "width": 1, "depth": 1, "branch_scale": "0"},
        {"kind": "convolutional"},
        [1, 2],
    ],
)
def test_a_network_that_is_none_is_refused(network: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": network, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": "1/4", "stop": {"steps": 1}},
    }
    with pytest.raises((InputError, UnknownNameError)) as caught:
        read(specification)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arithmetic",
    [
        {"name": "float46"},
        {"name": "float64", "digits": 20},
        {"name": "ball", "digits": 0},
        {"name": "ball", "digits": 1.5},
        {"name": "ball", "digits": "40"},
        {"name": "mp", "digits": True},
        {"name": "mp", "device": "cuda"},
        {"digits": 4},
        "ball",
    ],
)
def test_an_arithmetic_that_is_none_is_refused(arithmetic: Any) -> None:
    specification = {
        "theorem": "balancedness_drift",
        "problem": {"network": {"widths": [1, 1]}, "loss": {"target": [["1"]]}},
        "dynamics": {"name": "descent", "step_size": "1/4", "stop": {"steps": 1}},
        "backend": arithmetic,
    }
    with pytest.raises((InputError, UnknownNameError)):
        read(specification)


def test_networks_share_one_contract() -> None:
    networks: Sequence[Network] = (LinearNetwork((2, 2)), ResidualNetwork(2, 1))
    for network in networks:
        problem = Problem(network, SquareLoss(Matrix.from_rows([["1/2", 0], [0, "2"]])), IDENTITY)
        assert agree(descend(problem, "float64", 3), descend(problem, "exact", 3))


def test_equality_of_layers_is_never_read_off_a_run_that_supposes_it() -> None:
    arithmetic = Arithmetic("ball", 20)
    method = Method("gradient_descent", Stop(steps=5), Fraction(1, 10))
    supposing = dynamics.run(SADDLE, method, arithmetic, ("loss",))
    judging = dynamics.run(SADDLE, method, arithmetic, ("loss", "layer_spread"))
    assert any("structure used" in note for note in supposing.notes)
    assert not any("structure used" in note for note in judging.notes)
