r"""The flow of balanced layers moves each singular value alone and turns the frames by a matrix of differences.

Claim
    Let $W_{j} = Q_{j} X Q_{j-1}^{T}$ be square with orthogonal $Q_{j}$ and $X$ diagonal, so that $W = U S V^{T}$ with
    $U = Q_{L}$, $V = Q_{0}$, $S = X^{L}$, and let $M = U^{T} G V$ with the gradient $G$ of any loss at $W$. The flow has
    $U^{T} \dot{W} V = - \sum_{j} X^{2(L-j)} M X^{2(j-1)}$; frames that turn by $\dot{U} = U A$, $\dot{V} = V B$ with skew A
    and B give $U^{T} \dot{W} V = A S + \dot{S} - S B$. Both agree for $\dot{\sigma}_{r} = - L \sigma_{r}^{2-2/L} M_{r r}$,
    $A_{r r'} = - F_{r r'} (M S + S M^{T})_{r r'}$ and $B_{r r'} = - F_{r r'} (S M + M^{T} S)_{r r'}$ off the diagonal, where
    $F_{r r'} = 1 / (\sigma_{r'}^{2/L} - \sigma_{r}^{2/L})$; and a pair of entries of A and B is told by that pair of
    $U^{T} \dot{W} V$ where $\sigma_{r} \ne \sigma_{r'}$.

Source
    Arora, Cohen, Hu and Luo (2019).

Scope
    Proved at the depths asked for, in words for square layers of every width and entry by entry for two modes, the only
    ones that an entry of any of these matrices is about. The diagonal of X has the entries $x_{r}$,
    $\sigma_{r} = x_{r}^{L}$. Not proved by machine: that balanced layers have such frames, and that the frames of distinct
    singular values are differentiable. Equal singular values are not covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import evaluate
from workbench.symbolic.frames import SingularFrames, singular_frames
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.quotients import Quotient, equal_quotients, symbol
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, letters, matrix, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Wei Hu, Yuping Luo",
    "year": 2019,
    "title": "Implicit regularization in deep matrix factorization",
    "where": "NeurIPS 2019; arXiv:1905.13655",
    "locator": "Theorem 3",
    "url": "https://arxiv.org/abs/1905.13655",
}
depths = (1, 2, 3, 4)
shape = "square"

Rows = list[list[Quotient]]
PLACES = ((0, 1), (1, 0))


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield both sides in words, and that the velocities claimed make them equal."""
    network = linear_network(depth, widths)
    width = network.target.rows
    inner = Letter("M", width, width)
    frames = singular_frames(network.layers, width)
    first, last, x = frames.frames[0], frames.frames[-1], frames.stretch
    frames = frames.with_letters({network.general_loss.gradient: last @ matrix(inner) @ first.T})
    flow = calculus.flow(network.general_loss, network.layers)
    moving = calculus.lie_derivative(network.end_to_end, flow)
    total = zero(width, width)
    for j in range(1, depth + 1):
        total = total + x ** (2 * (depth - j)) @ matrix(inner) @ x ** (2 * (j - 1))
    velocity = Letter("dot W", width, width)
    framed = last.T @ matrix(velocity) @ first
    yield Identity("flow in the frames", framed, -total, ((velocity, moving),), frames.supposed)
    yield turning_frames(calculus, first, last)
    core = frames.apply(calculus, last.T @ moving @ first)
    yield from agreement(depth, entries(core, frames, inner))
    yield from solved()


def turning_frames(calculus: Calculus, first: MatrixPolynomial, last: MatrixPolynomial) -> Identity:
    """Return what turning frames and moving singular values do to U S V^T, with A = K - K^T and B = R - R^T."""
    width = first.rows
    k, r, moved = (Letter(name, width, width) for name in ("K", "R", "dot S"))
    s = Letter("S", width, width, symmetric=True)
    left, right = matrix(k) - matrix(k).T, matrix(r) - matrix(r).T
    turns = {letters(last)[0]: last @ left, letters(first)[0]: first @ right, s: matrix(moved)}
    velocity = calculus.lie_derivative(last @ matrix(s) @ first.T, turns)
    claimed = left @ matrix(s) + matrix(moved) - matrix(s) @ right
    framed = singular_frames([Letter("W_1", width, width)], width)
    renamed = {letters(last)[0]: framed.frames[1], letters(first)[0]: framed.frames[0]}
    whole = (last.T @ velocity @ first).substitute(renamed)
    return Identity("turning frames", whole, claimed, under=framed.supposed)


def entries(core: MatrixPolynomial, frames: SingularFrames, inner: Letter) -> Rows:
    """Return the entries of the flow in the frames of two modes."""
    # The words do not know their width: read here with two.
    two = MatrixPolynomial(2, 2, core.terms)
    diagonal = [[Polynomial.symbol(f"x_{r}") if r == c else Polynomial({}) for c in (1, 2)] for r in (1, 2)]
    slopes = [[Polynomial.symbol(f"M[{r},{c}]") for c in (1, 2)] for r in (1, 2)]
    given: dict[Letter, Any] = {inner: slopes, letters(frames.stretch)[0]: diagonal, **frames.rotations(2)}
    found = evaluate(two, given, {}, Polynomial.constant)
    return [[Quotient(entry) for entry in row] for row in found]


def agreement(depth: int, flowing: Rows) -> Iterator[Identity]:
    """Yield that the velocities claimed reproduce each entry of the flow."""
    x = [symbol("x_1"), symbol("x_2")]
    m = [[symbol(f"M[{r},{c}]") for c in (1, 2)] for r in (1, 2)]
    sigma = [value**depth for value in x]
    for r in (0, 1):
        moved = -depth * x[r] ** (2 * depth - 2) * m[r][r]
        yield equal_quotients(f"singular value {r + 1}", flowing[r][r], moved)
    for r, c in PLACES:
        difference = 1 / (x[c] ** 2 - x[r] ** 2)
        left = -difference * (m[r][c] * sigma[c] + sigma[r] * m[c][r])
        right = -difference * (sigma[r] * m[r][c] + m[c][r] * sigma[c])
        yield equal_quotients(f"frames at {r + 1} {c + 1}", left * sigma[c] - sigma[r] * right, flowing[r][c])


def solved() -> Iterator[Identity]:
    """Yield that a pair of entries of A S - S B tells those of A and B where the singular values differ."""
    a, b, first, second = (symbol(name) for name in ("A_12", "B_12", "sigma_1", "sigma_2"))
    # A and B are skew, so the entry 2 1 has -A_12 and -B_12.
    upper, lower = a * second - first * b, -a * first + second * b
    gap = second**2 - first**2
    yield equal_quotients("A is told", second * upper + first * lower, a * gap)
    yield equal_quotients("B is told", first * upper + second * lower, b * gap)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from the identity, which is balanced."""
    return experiment(depth, {"scheme": "identity"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of at least two layers from a Gaussian start, which is not balanced."""
    start = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}
    return {**experiment(max(2, depth), start), "without": ["balanced_start"]}


def experiment(depth: int, start: dict[str, Any]) -> dict[str, Any]:
    """Return a flow of 2 x 2 layers towards a target that is not symmetric."""
    return {
        "theorem": "singular_value_flow",
        "problem": {
            "network": {"kind": "linear", "widths": [2] * (depth + 1)},
            "loss": {"kind": "square", "target": {"rows": [["1", "1/2"], ["0", "2"]]}, "normalisation": "half"},
            "start": start,
        },
        "dynamics": {"name": "gradient_flow", "stop": {"time": "1/2"}},
        "backend": {"name": "mp", "digits": 20},
    }
