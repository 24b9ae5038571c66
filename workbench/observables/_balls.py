"""The weights of a run as matrices of balls, and the little algebra that the observables share on them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

from workbench.backends.ball import arb, flint, measured
from workbench.backends.ball_algebra import singular_values
from workbench.errors import UnsupportedError
from workbench.exact import UNKNOWN, Measured
from workbench.observables._snapshot import Snapshot
from workbench.problem import LinearNetwork


def finite_layers(snapshot: Snapshot) -> list[Any] | None:
    """Return the layers with their errors, None where an entry is not finite."""
    layers = [snapshot.backend.entries(layer) for layer in snapshot.layers]
    if not all(entry.finite for layer in layers for row in layer for entry in row):
        return None
    return [flint().arb_mat([[arb(entry) for entry in row] for row in layer]) for layer in layers]


def of_linear_layers(snapshot: Snapshot, quantity: Callable[[list[Any]], Any], words: str) -> Measured:
    """Return a quantity of the layers of a linear network; unknown where one is not finite.

    Parameters
    ----------
    snapshot : Snapshot
    quantity : callable
        From matrices of balls to a ball.
    words : str
        How a refusal calls it.

    Raises
    ------
    UnsupportedError
        If the network is residual.
    """
    if not isinstance(snapshot.network.problem.network, LinearNetwork):
        raise UnsupportedError(f"{words} is that of a linear network; this one is residual")
    layers = finite_layers(snapshot)
    return UNKNOWN if layers is None else measured(quantity(layers))


def end_to_end(layers: list[Any]) -> Any:
    """Return W_L ... W_1."""
    return reduce(lambda product, layer: layer * product, layers)


def schatten_sum(layers: list[Any]) -> Any:
    """Return sum_r sigma_r(W)^(2/L), W the end-to-end matrix."""
    exponent = arb(Fraction(2, len(layers)))
    modes = (sigma.nonnegative_part() ** exponent for sigma in singular_values(end_to_end(layers)))
    return sum(modes, flint().arb(0))


def product_of(norm: Callable[[Any], Any], layers: list[Any]) -> Any:
    """Return the product of a norm over the layers."""
    return reduce(lambda found, layer: found * norm(layer), layers, flint().arb(1))


def identity(size: int) -> Any:
    """Return an identity matrix."""
    return flint().arb_mat([[int(i == j) for j in range(size)] for i in range(size)])


def kronecker(a: Any, b: Any) -> Any:
    """Return the Kronecker product, shape (rows a rows b, columns a columns b)."""
    rows = [(i, k) for i in range(a.nrows()) for k in range(b.nrows())]
    columns = [(j, m) for j in range(a.ncols()) for m in range(b.ncols())]
    return flint().arb_mat([[a[i, j] * b[k, m] for j, m in columns] for i, k in rows])
