"""The vector fields that a law must be constant along, whatever the loss, evaluated on jets modulo a prime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from workbench import draws
from workbench.errors import InputError, ShapeError
from workbench.invariants import jets
from workbench.invariants.exact_matrices import residues
from workbench.invariants.jets import Jet, State
from workbench.symbolic.entrywise import entry_names
from workbench.symbolic.words import Letter

# e^{tau t}, a coordinate of its own: it makes the laws of heavy-ball flow polynomials.
GROWTH = "exp(tau t)"


@dataclass(frozen=True)
class Control:
    """Which combination of the generating fields: the loss's gradient matrix, and the share of the drift."""

    slope: Any
    drift: int = 0


class System(Protocol):
    """A family of vector fields on the entries of some matrices, modulo a prime."""

    @property
    def prime(self) -> int:
        """The prime."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates, in the order of a flattened state."""

    def point(self, seed: int) -> State:
        """Return a random point, a function of the seed alone."""

    def control(self, seed: int, index: int) -> Control:
        """Return a random combination of the generating fields."""

    def field(self, control: Control, state: State) -> State:
        """Return a combination of the generating fields at a state of jets."""


# (weights, the loss's gradient matrix) -> the gradient in each layer.
Rule = Callable[[State, Any], State]


@dataclass(frozen=True)
class GradientFlow:
    """The gradient fields of the entries of W_L ... W_1.

    Parameters
    ----------
    widths : tuple of int
    prime : int
    rule : callable, optional
        How gradients are taken; by default `gradient`. A derivation brings its own.
    """

    widths: tuple[int, ...]
    prime: int
    rule: Rule | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the weights' entries."""
        return _names(self.widths, "W")

    def point(self, seed: int) -> State:
        """Return random weights."""
        return _random_layers(self.widths, self.prime, "invariants/W", seed)

    def control(self, seed: int, index: int) -> Control:
        """Return a random gradient matrix of rank one: these span all."""
        return Control(_random_slope(self.widths, self.prime, seed, index))

    def field(self, control: Control, state: State) -> State:
        """Return A_j^T G B_j^T for each layer, with A_j the product above it and B_j the one below."""
        return (self.rule or gradient)(state, control.slope)


@dataclass(frozen=True)
class HeavyBallFlow:
    """Heavy-ball flow W'' + tau W' = -gradient as a first order system in e^{tau t}, weights and velocities.

    The drift is (e^{tau t}, V, -V) and each entry of W_L ... W_1 pushes V along its gradient. A change of the unit
    of time makes tau one, so the laws are those of every positive tau. The parameters are those of `GradientFlow`.
    """

    widths: tuple[int, ...]
    prime: int
    rule: Rule | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of e^{tau t}, the weights' entries and their velocities'."""
        return (GROWTH, *_names(self.widths, "W"), *_names(self.widths, "V"))

    def point(self, seed: int) -> State:
        """Return a random time, random weights and velocities."""
        growth = [_random_matrix(1, 1, self.prime, "invariants/growth", seed, 0)]
        weights = _random_layers(self.widths, self.prime, "invariants/W", seed)
        return [growth, *weights, *_random_layers(self.widths, self.prime, "invariants/V", seed)]

    def control(self, seed: int, index: int) -> Control:
        """Return a random gradient matrix and a random share of the drift."""
        drift = draws.integer("invariants/drift", seed, index, 1, self.prime - 1)
        return Control(_random_slope(self.widths, self.prime, seed, index), drift)

    def field(self, control: Control, state: State) -> State:
        """Return the drift times its share, plus the push of the velocities along the gradient."""
        depth = len(self.widths) - 1
        growth, weights, velocities = state[0], state[1 : depth + 1], state[depth + 1 :]
        carried = [jets.scale(part, control.drift) for part in (growth, *velocities)]
        pushed = (self.rule or gradient)(weights, control.slope)
        slowed = [jets.minus(push, brake) for push, brake in zip(pushed, carried[1:], strict=True)]
        return [*carried, *slowed]


def gradient(weights: State, slope: Any) -> State:
    """Return the gradient in each layer of tr(G^T W_L ... W_1), by one pass up and one pass down."""
    products: State = []
    for layer in weights[:-1]:
        products.append(jets.product(layer, products[-1]) if products else layer)
    carried = jets.constant(slope, weights[0])
    found: list[Jet] = []
    for layer, below in zip(reversed(weights[1:]), reversed(products), strict=True):
        found.append(jets.product(carried, jets.transpose(below)))
        carried = jets.product(jets.transpose(layer), carried)
    return [carried, *reversed(found)]


def checked_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return the widths d_0 ... d_L of a network.

    Raises
    ------
    InputError, ShapeError
        If there are fewer than two, or one is below 1.
    """
    if len(widths) < 2:
        raise InputError(f"{len(widths)} widths are given; give d_0,...,d_L, at least two, such as 2,3,2")
    for j, width in enumerate(widths):
        if width < 1:
            raise ShapeError(f"width d_{j} is {width}; every width is at least 1")
    return tuple(widths)


def layer_letters(widths: Sequence[int], name: str) -> list[Letter]:
    """Return a letter for each layer, such as W_1 ... W_L."""
    return [Letter(f"{name}_{j}", rows, columns) for j, (columns, rows) in enumerate(pairwise(widths), start=1)]


def _names(widths: Sequence[int], name: str) -> tuple[str, ...]:
    return tuple(entry for letter in layer_letters(widths, name) for row in entry_names(letter) for entry in row)


def _random_layers(widths: Sequence[int], prime: int, stream: str, seed: int) -> State:
    shapes = [(rows, columns) for columns, rows in pairwise(widths)]
    return [[_random_matrix(*shape, prime, f"{stream}_{j}", seed, 0)] for j, shape in enumerate(shapes, start=1)]


def _random_slope(widths: Sequence[int], prime: int, seed: int, index: int) -> Any:
    column = _random_matrix(widths[-1], 1, prime, "invariants/left", seed, index)
    return column * _random_matrix(1, widths[0], prime, "invariants/right", seed, index)


def _random_matrix(rows: int, columns: int, prime: int, stream: str, seed: int, index: int) -> Any:
    count = rows * columns
    drawn = [draws.integer(stream, seed, index * count + k, 0, prime - 1) for k in range(count)]
    return residues(rows, columns, drawn, prime)
