"""Independent normal entries, by seed: mean zero, standard deviation `scale`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import gaussian, gaussian_numerators
from workbench.exact import Exact, Power, rational
from workbench.initialization._residual import completed, further_deviations
from workbench.problem import Network


def weights(
    network: Network,
    seed: int = 0,
    scale: Any = "1",
    generator: str | None = None,
    depth_power: Any = "0",
    bias_scale: Any = "0",
    branch_scales: Any = None,
) -> list[Sequence[Sequence[Exact]]]:
    """Return the weights.

    Parameters
    ----------
    network : Network
    seed : int
    scale : rational
        Standard deviation of an entry, where the depth has no part in it.
    generator : str, optional
        Version of the generator, recorded in the specification.
    depth_power : rational, optional
        The standard deviation is scale * depth^depth_power; a power that is irrational is rounded to a double.
    bias_scale, branch_scales : rational, optional
        Standard deviations, times no power of the depth, of the biases and of the trained branch scales of a residual
        network, of mean zero; left out, the biases are zero and the scales the network's own.
    """
    factor = standard_deviation(network, scale, depth_power)
    factors = [factor] * network.depth + further_deviations(network, bias_scale, branch_scales)
    drawn = [_drawn(number, network.shapes[number], int(seed), size) for number, size in enumerate(factors)]
    return completed(network, drawn)


def standard_deviation(network: Network, scale: Any, depth_power: Any) -> Fraction:
    """Return scale * depth^depth_power."""
    power, size = rational(depth_power, "the depth_power"), rational(scale, "the scale")
    if power.denominator == 1:
        return size * Fraction(network.depth) ** power.numerator
    return size * Fraction(float(Power(Fraction(network.depth), power)))


def _drawn(number: int, shape: tuple[int, int], seed: int, factor: Fraction) -> Sequence[Sequence[Exact]]:
    rows, columns = shape
    stream = f"gaussian/{number}"
    return [[factor * gaussian(stream, seed, i * columns + j) for j in range(columns)] for i in range(rows)]


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
