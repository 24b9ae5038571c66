"""Where the biases and the trained scales of a residual network start: zero, and the branch scale of the network."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.errors import InputError
from workbench.exact import Exact, rational
from workbench.problem import Network, ResidualNetwork

Layer = Sequence[Sequence[Exact]]


def completed(network: Network, layers: list[Layer]) -> list[Layer]:
    """Return all parameters from as many of the first as are given."""
    constants: list[Exact] = []
    if isinstance(network, ResidualNetwork):
        biases, scales = counts(network)
        constants += [Fraction(0)] * (network.depth + biases)
        constants += [network.branch_scale] * scales
    missing = zip(network.shapes[len(layers) :], constants[len(layers) :], strict=True)
    return [*layers, *([[value] * columns for _ in range(rows)] for (rows, columns), value in missing)]


def counts(network: ResidualNetwork) -> tuple[int, int]:
    """Return how many biases and how many trained scales a network has."""
    biases = network.depth if network.biases else 0
    return biases, len(network.shapes) - network.depth - biases


def further_deviations(network: Network, bias_scale: Any, branch_scales: Any) -> list[Fraction]:
    """Return the standard deviations of the biases, and of the scales where they are drawn."""
    spread = rational(bias_scale, "the bias_scale")
    biases, scales = counts(network) if isinstance(network, ResidualNetwork) else (0, 0)
    if spread and not biases:
        raise InputError(f"the bias_scale is {spread}, but the network has no biases; leave it out")
    if branch_scales is None:
        return [spread] * biases
    if not scales:
        raise InputError('branch_scales are given, but none are trained; give the network scales = "layer" or "shared"')
    return [spread] * biases + [rational(branch_scales, "the branch_scales")] * scales
