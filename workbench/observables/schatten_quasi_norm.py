"""Schatten quasi-norm of order 2/L of the end-to-end matrix, (sum_r sigma_r^(2/L))^(L/2)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb
from workbench.exact import Measured
from workbench.observables._balls import of_linear_layers, schatten_sum
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the quasi-norm, enclosed within the error that the weights carry."""
    return of_linear_layers(snapshot, _quasi_norm, "a Schatten quasi-norm")


def _quasi_norm(layers: list[Any]) -> Any:
    return schatten_sum(layers) ** arb(Fraction(len(layers), 2))
