r"""Two layers have as many independent conservation laws as a formula of their widths says, and no more.

Claim
    Let there be n inputs, r hidden units and m outputs, and $q = n + m$. The gradient flow of every loss of $W_{2} W_{1}$
    conserves $D = W_{2}^{T} W_{2} - W_{1} W_{1}^{T}$, which makes $r (r + 1) / 2$ independent laws if $r \le q$, else
    $q (2 r + 1 - q) / 2$; the heavy-ball flow with friction $\tau$ conserves $e^{\tau t} A$,
    $A = W_{2}^{T} V_{2} - V_{2}^{T} W_{2} + W_{1} V_{1}^{T} - V_{1} W_{1}^{T}$ with the velocities $V_{j}$, which makes
    $r (r - 1) / 2$ independent laws if $r \le 2 q$, else $q (2 r - 2 q - 1)$. In all other directions brackets of the flow's fields
    move: no further law holds for every loss (for the heavy ball where $q > 2$).

Source
    Marcotte, Gribonval and Peyre (2023) for the flow; the count for the heavy ball is worked out for this project.

Scope
    Conservation is proved for all widths. The counts are proved for the widths asked for, or for the list of shapes
    in this file that fits them, not for all. The fields are the gradients of this proof. Ranks are taken at a point modulo a prime, where they
    can only be too small: the rank of the laws and that of the brackets add up to the dimension, so both are exact. At
    $n = m = 1$ the heavy ball has more laws than A, and only the rank of A is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import conserved_run, drifting_run
from workbench.errors import InputError
from workbench.invariants.derived import Ranks, ranks
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, matrix, zero

source = {
    "authors": "Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    "year": 2023,
    "title": "Abide by the law and follow the flow: conservation laws for gradient flows",
    "where": "NeurIPS 2023; arXiv:2307.00144",
    "locator": "two layers; the heavy ball is worked out for this project",
    "url": "https://arxiv.org/abs/2307.00144",
}
depths = (2,)
least_depth = 2

# Inputs, hidden width, outputs: on both sides of r = q and of r = 2q, with single numbers and bottlenecks.
SHAPES = (
    (1, 1, 1), (1, 2, 1), (1, 3, 1), (1, 6, 1), (2, 1, 2), (3, 2, 1), (2, 2, 2), (2, 3, 2), (3, 3, 3), (1, 4, 2),
    (2, 5, 2), (1, 6, 2), (1, 7, 2), (3, 4, 2), (4, 2, 5), (3, 7, 3),
)  # fmt: skip

Shape = tuple[int, ...]


_BACKEND = {"name": "mp", "digits": 30}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield conservation in words, and for each shape the ranks of the laws and of everything that moves."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    network = linear_network(2, widths)
    loss = network.general_loss
    slopes = [calculus.gradient(loss, layer) for layer in network.layers]
    yield from conservation(calculus, network.layers, slopes)
    for shape in shapes_of(widths):
        for momentum in (False, True):
            found = ranks(shape, slopes, network.layers, loss.gradient, momentum)
            yield from counts(shape, momentum, found)


def conservation(
    calculus: Calculus, layers: Sequence[Letter], slopes: Sequence[MatrixPolynomial]
) -> Iterator[Identity]:
    """Yield that the flow leaves D alone and that the heavy ball lets A decay at the rate of the friction."""
    lower, upper = layers
    width = lower.rows
    moving = dict(zip(layers, (-slope for slope in slopes), strict=True))
    defect = matrix(upper).T @ matrix(upper) - matrix(lower) @ matrix(lower).T
    dot = Letter("dot D", width, width)
    where = ((dot, calculus.lie_derivative(defect, moving)),)
    yield Identity("the flow conserves D", matrix(dot), zero(width, width), where)
    speeds = {layer: Letter(layer.name.replace("W", "V"), layer.rows, layer.columns) for layer in layers}
    first, second = matrix(speeds[lower]), matrix(speeds[upper])
    half = matrix(upper).T @ second + matrix(lower) @ first.T
    skew = half - half.T
    friction = Polynomial.symbol("tau")
    motion = {layer: matrix(speed) for layer, speed in speeds.items()}
    motion |= {speed: moving[layer] - friction * matrix(speed) for layer, speed in speeds.items()}
    dot = Letter("dot A", width, width)
    where = ((dot, calculus.lie_derivative(skew, motion)),)
    yield Identity("the heavy ball lets A decay", matrix(dot), -friction * skew, where)


def shapes_of(widths: Sequence[Width]) -> Iterator[Shape]:
    """Yield the shape asked for, or those of the list that fit its names: one name is one number."""
    if all(isinstance(width, int) for width in widths):
        yield tuple(width for width in widths if isinstance(width, int))
        return
    for shape in SHAPES:
        pairs = set(zip(widths, shape, strict=True))
        if len(pairs) == len(set(widths)) and all(name == size for name, size in pairs if isinstance(name, int)):
            yield shape


def formula(shape: Shape, momentum: bool) -> int:
    """Return how many independent laws there are."""
    inputs, hidden, outputs = shape
    q = inputs + outputs
    if momentum:
        return hidden * (hidden - 1) // 2 if hidden <= 2 * q else q * (2 * hidden - 2 * q - 1)
    return hidden * (hidden + 1) // 2 if hidden <= q else q * (2 * hidden + 1 - q) // 2


def counts(shape: Shape, momentum: bool, found: Ranks) -> Iterator[Identity]:
    """Yield that the laws have the rank of the formula, and that brackets move in all other directions."""
    where = f"{'heavy ball' if momentum else 'flow'}, widths {','.join(map(str, shape))}"
    expected = formula(shape, momentum)
    rank, rest = Polynomial.constant(found.laws), Polynomial.constant(found.dimension - found.brackets)
    yield Identity(f"{where}: rank of the laws", rank, Polynomial.constant(expected))
    if not momentum or shape[0] + shape[-1] > 2:
        yield Identity(f"{where}: directions without motion", rest, Polynomial.constant(expected))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow that must conserve what was counted."""
    return conserved_run(widths, _BACKEND)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return descent with a large step, which must not."""
    return drifting_run(widths, _BACKEND)
