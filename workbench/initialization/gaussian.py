"""Independent normal entries, by seed: mean zero, standard deviation `scale`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import gaussian, gaussian_numerators
from workbench.errors import InputError
from workbench.exact import Exact, Power, rational
from workbench.initialization._residual import completed, further_deviations
from workbench.problem import Network, ResidualNetwork


def weights(
    network: Network,
    seed: int = 0,
    scale: Any = "1",
    generator: str | None = None,
    depth_power: Any = "0",
    bias_scale: Any = "0",
    branch_scales: Any = None,
    over_branch_scale: bool = False,
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
    over_branch_scale : bool, optional
        Whether that is divided by the branch scale of a residual network, so that delta_k A_k has this size.
    bias_scale, branch_scales : rational, optional
        Standard deviations, times no power of the depth, of the biases and of the trained branch scales of a residual
        network, of mean zero; left out, the biases are zero and the scales the network's own.
    """
    factors = deviations(network, scale, depth_power, bias_scale, branch_scales, over_branch_scale)
    drawn = [_drawn(number, network.shapes[number], int(seed), size) for number, size in enumerate(factors)]
    return completed(network, drawn)


def deviations(
    network: Network,
    scale: Any = "1",
    depth_power: Any = "0",
    bias_scale: Any = "0",
    branch_scales: Any = None,
    over_branch_scale: bool = False,
) -> list[Fraction]:
    """Return the standard deviation of each parameter that is drawn, the first ones in order."""
    size = rational(scale, "the scale") * _power(Fraction(network.depth), rational(depth_power, "the depth_power"))
    if over_branch_scale:
        if not isinstance(network, ResidualNetwork):
            raise InputError("over_branch_scale is for residual networks: no other has a branch scale")
        delta = network.branch_scale
        size /= delta if isinstance(delta, Fraction) else _power(delta.base, delta.exponent)
    return [size] * network.depth + further_deviations(network, bias_scale, branch_scales)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """Return a power, rounded to a double where the exponent is not an integer."""
    return base**exponent.numerator if exponent.denominator == 1 else Fraction(float(Power(base, exponent)))


def _drawn(number: int, shape: tuple[int, int], seed: int, factor: Fraction) -> Sequence[Sequence[Exact]]:
    rows, columns = shape
    stream = f"gaussian/{number}"
    return [[factor * gaussian(stream, seed, i * columns + j) for j in range(columns)] for i in range(rows)]


def batch(network: Network, seeds: Sequence[int], scale: Any = "1", **options: Any) -> list[np.ndarray]:
    """Return the weights of many seeds, each entry rounded once, shapes (number of seeds, d_j, d_{j-1}).

    Parameters
    ----------
    network : Network
    seeds : sequence of int
    scale : rational
    **options
        The further parameters of `weights`.
    """
    factors = deviations(network, scale, **options)
    arrays = numerators(gaussian_numerators, network, seeds, len(factors))
    drawn = [_rounded(array, factor) for array, factor in zip(arrays, factors, strict=True)]
    constants = [np.array(layer, dtype=float) for layer in completed(network, [[] for _ in drawn])[len(drawn) :]]
    return drawn + [np.repeat(layer[None], len(seeds), axis=0) for layer in constants]


def numerators(draw: Callable[..., Any], network: Network, seeds: Sequence[int], first: int | None = None) -> list[Any]:
    """Return the standard normal draws of many seeds over 2^32, in arrays of the kind that `draw` returns.

    Those of the first parameters only, where their number is given.
    """
    return [
        draw(f"gaussian/{number}", seeds, rows * columns).reshape(-1, rows, columns)
        for number, (rows, columns) in enumerate(network.shapes[:first])
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
