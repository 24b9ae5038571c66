"""Independent normal entries, by seed: mean zero, standard deviation `scale`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import gaussian, gaussian_numerators
from workbench.exact import Exact, rational
from workbench.problem import Network


def weights(
    network: Network, seed: int = 0, scale: Any = "1", generator: str | None = None
) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    seed : int
    scale : rational
        Standard deviation of an entry.
    generator : str, optional
        Version of the generator, recorded in the specification.
    """
    factor = rational(scale, "the scale")
    layers: list[Sequence[Sequence[Exact]]] = []
    for number, (rows, columns) in enumerate(network.shapes):
        stream = f"gaussian/{number}"
        layers.append(
            [[factor * gaussian(stream, int(seed), i * columns + j) for j in range(columns)] for i in range(rows)]
        )
    return layers


def batch(network: Network, seeds: Sequence[int], scale: Any = "1") -> list[np.ndarray]:
    """Return the weights of many seeds, each entry rounded once, shapes (number of seeds, d_j, d_{j-1})."""
    factor = rational(scale, "the scale")
    return [_rounded(array, factor) for array in numerators(gaussian_numerators, network, seeds)]


def numerators(draw: Callable[..., Any], network: Network, seeds: Sequence[int]) -> list[Any]:
    """Return the standard normal draws of many seeds over 2^32, in arrays of the kind that `draw` returns."""
    return [
        draw(f"gaussian/{number}", seeds, rows * columns).reshape(-1, rows, columns)
        for number, (rows, columns) in enumerate(network.shapes)
    ]


def one_quotient(factor: Fraction) -> bool:
    """Return whether both sides of k * numerator / denominator are exact in double precision; |k| stays below 2^36."""
    return abs(factor.numerator) < 2**17 and factor.denominator < 2**53


def _rounded(numerators: np.ndarray, factor: Fraction) -> np.ndarray:
    """Return factor * numerators / 2^32 with one rounding."""
    if one_quotient(factor):
        return np.asarray(numerators * factor.numerator / factor.denominator * 2.0**-32)
    exact = [float(factor * int(k) / 2**32) for k in numerators.ravel()]
    return np.array(exact).reshape(numerators.shape)
