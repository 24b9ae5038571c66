"""The activations of residual networks: values and slopes within their errors, in every arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from workbench import backends
from workbench.backends.running_error import enclosing
from workbench.errors import UnsupportedError
from workbench.networks import build
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.targets import matrix

mp = mpmath.mp.clone()
mp.prec = 400

VALUES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "arctan": (mp.atan, lambda x: 1 / (1 + x * x)),
    "softplus": (lambda x: mp.log((1 + mp.exp(x)) / 2), lambda x: 1 / (1 + mp.exp(-x))),
}
POINTS = [Fraction(0), Fraction(1, 10**9), *(Fraction(k, 7) for k in range(-40, 41, 9)), Fraction(60), Fraction(-60)]


@pytest.mark.parametrize("name", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize("activation", VALUES)
def test_values_and_slopes_lie_within_errors_that_are_not_idle(name: str, activation: str) -> None:
    backend = enclosing(backends.load(name, bits=100 if name in ("mp", "ball") else None))
    with backend.session():
        x = backend.matrix([POINTS])
        found = [backend.entries(backend.activate(activation, x, order))[0] for order in (0, 1)]
    for measured, truth in zip(found, VALUES[activation], strict=True):
        for value, point in zip(measured, POINTS, strict=True):
            low, high = (mp.mpf(end.numerator) / end.denominator for end in value.bounds() or ())
            assert low <= truth(mp.mpf(point.numerator) / point.denominator) <= high
            assert high - low < 1e-12


@pytest.mark.parametrize("activation", VALUES)
def test_gradients_are_the_differences_of_the_loss(activation: str) -> None:
    network = ResidualNetwork(2, 3, activation, Fraction(1, 2))
    loss = SquareLoss(matrix([["1", "1/2"], ["0", "2"]]), matrix([["3/5", "1"], ["4/5", "0"]]), "mean")
    built = build(Problem(network, loss, Start("gaussian", {"seed": 4, "scale": "1/2"})), backends.load("float64"))
    gradients = built.loss_and_gradients(built.parameters)[1]
    for layer in range(3):
        for place in np.ndindex(2, 2):
            ends = []
            for sign in (1, -1):
                moved = [w.copy() for w in built.parameters]
                moved[layer][place] += sign * 2.0**-16
                ends.append(float(built.loss(tuple(moved))[0, 0]))
            assert gradients[layer][place] == pytest.approx((ends[0] - ends[1]) / 2.0**-15, abs=1e-9)


def test_rational_arithmetic_refuses_them() -> None:
    backend = backends.load("exact")
    with pytest.raises(UnsupportedError, match="leaves the rationals"):
        backend.activate("arctan", backend.matrix([[Fraction(1)]]))
