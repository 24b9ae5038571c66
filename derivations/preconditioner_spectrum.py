r"""In the singular frames of balanced layers the flow multiplies each entry of the gradient by an eigenvalue of its own.

Claim
    Let $W_{j} = Q_{j} X Q_{j-1}^{T}$ with $Q_{j}^{T} Q_{j} = I$ and $X$ diagonal with the entries $x_{r} = \sigma_{r}^{1/L}$,
    and let $G$ be the gradient of any loss at $W$. The flow's $\dot{W} = - T(G)$ has
    $T(Q_{L} Y Q_{0}^{T}) = Q_{L} (\sum_{j} X^{2(L-j)} Y X^{2(j-1)}) Q_{0}^{T}$, so that each entry $Y_{r r'}$ is multiplied
    by $\lambda_{r r'} = \sum_{j} x_{r}^{2(L-j)} x_{r'}^{2(j-1)}$, where
    $(x_{r}^{2} - x_{r'}^{2}) \lambda_{r r'} = x_{r}^{2L} - x_{r'}^{2L}$ and $\lambda_{r r} = L x_{r}^{2L-2}$. With $M$ and
    $N$ outside the frames, $Q_{L}^{T} M = 0$ and $N^{T} Q_{0} = 0$, it is $T(Q_{L} Y N^{T}) = Q_{L} X^{2L-2} Y N^{T}$,
    $T(M Y Q_{0}^{T}) = M Y X^{2L-2} Q_{0}^{T}$ and $T(M Y N^{T}) = 0$ for $L \ge 2$.

Source
    Arora, Cohen and Hazan (2018).

Scope
    Proved at the depths asked for and for rectangular layers of any width, by rewriting with $Q_{j}^{T} Q_{j} = I$; where
    the widths are names the frames have two columns, which are the two modes that an entry is about. $M$ and $N$ enter
    as $R - Q Q^{T} R$. Not proved by machine: that balanced layers have such frames, and that $\lambda / L$ goes to the
    logarithmic mean of $\sigma_{r}^{2}$ and $\sigma_{r'}^{2}$ as L grows. The check is the flow of such layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import entry_names, evaluate
from workbench.symbolic.frames import SingularFrames, singular_frames
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, letters, matrix, zero

source = {
    "authors": "Sanjeev Arora, Nadav Cohen, Elad Hazan",
    "year": 2018,
    "title": "On the optimization of deep networks: implicit acceleration by overparameterization",
    "where": "ICML 2018; arXiv:1802.06509",
    "locator": "Theorem 1",
    "url": "https://arxiv.org/abs/1802.06509",
}
any_gradient = ("outside the first frame", "outside the last frame", "outside both frames")
depths = (1, 2, 3, 4)


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield what the flow does to a gradient inside and outside the frames, and the eigenvalues."""
    network = linear_network(depth, widths)
    modes = min((width for width in widths if isinstance(width, int)), default=2)
    frames = singular_frames(network.layers, modes)
    flow = calculus.flow(network.general_loss, network.layers)
    moving = calculus.lie_derivative(network.end_to_end, flow)
    yield from images(network, frames, moving)
    yield from entries(calculus, network, frames, moving)
    yield from both_forms(depth)


def images(network: NetworkWords, frames: SingularFrames, moving: MatrixPolynomial) -> Iterator[Identity]:
    """Yield the velocity for a gradient inside the frames, and outside one of them or both."""
    depth, modes = network.depth, frames.stretch.rows
    first, last, x = frames.frames[0], frames.frames[-1], frames.stretch
    inner = matrix(Letter("Y", modes, modes))
    total = zero(modes, modes)
    for j in range(1, depth + 1):
        total = total + x ** (2 * (depth - j)) @ inner @ x ** (2 * (j - 1))
    above, below = outside(last, "M"), outside(first, "N")
    power = x ** (2 * depth - 2)
    both = above @ inner @ below.T
    cases = {
        "inside both frames": (last @ inner @ first.T, last @ total @ first.T),
        "outside the first frame": (last @ inner @ below.T, last @ power @ inner @ below.T),
        "outside the last frame": (above @ inner @ first.T, above @ inner @ power @ first.T),
        "outside both frames": (both, both if depth == 1 else 0 * both),
    }
    gradient, velocity = network.general_loss.gradient, Letter("dot W", network.target.rows, network.target.columns)
    for name, (given, image) in cases.items():
        supposed = frames.with_letters({gradient: given}).supposed
        yield Identity(name, matrix(velocity), -image, ((velocity, moving),), supposed)


def outside(frame: MatrixPolynomial, name: str) -> MatrixPolynomial:
    """Return columns that are orthogonal to those of a frame, from a matrix of any columns."""
    columns = matrix(Letter(name, frame.rows, frame.columns))
    return columns - frame @ frame.T @ columns


def entries(
    calculus: Calculus, network: NetworkWords, frames: SingularFrames, moving: MatrixPolynomial
) -> Iterator[Identity]:
    """Yield by which number each entry of the gradient is multiplied."""
    modes = frames.stretch.rows
    inner, stretch = Letter("Y", modes, modes), letters(frames.stretch)[0]
    first, last = frames.frames[0], frames.frames[-1]
    framed = frames.with_letters({network.general_loss.gradient: last @ matrix(inner) @ first.T})
    core = framed.apply(calculus, last.T @ moving @ first)
    slopes = [[Polynomial.symbol(name) for name in row] for row in entry_names(inner)]
    values = [Polynomial.symbol(f"x_{r}") for r in range(1, len(slopes) + 1)]
    diagonal = [[x if r == c else Polynomial({}) for c in range(len(values))] for r, x in enumerate(values)]
    given: dict[Letter, Any] = {stretch: diagonal, inner: slopes, **frames.rotations(len(values))}
    found = evaluate(core, given, {}, Polynomial.constant)
    for r, row in enumerate(found):
        for c, entry in enumerate(row):
            claimed = -eigenvalue(network.depth, values[r], values[c]) * slopes[r][c]
            yield Identity(f"entry {r + 1} {c + 1}", entry, claimed)


def eigenvalue(depth: int, left: Polynomial, right: Polynomial) -> Polynomial:
    """Return lambda for the layers' singular values of two modes."""
    total = Polynomial({})
    for j in range(1, depth + 1):
        total = total + left ** (2 * (depth - j)) * right ** (2 * (j - 1))
    return total


def both_forms(depth: int) -> Iterator[Identity]:
    """Yield the quotient form of the eigenvalue, its value for one mode and next to a mode that is zero."""
    first, second = Polynomial.symbol("x_1"), Polynomial.symbol("x_2")
    lam = eigenvalue(depth, first, second)
    yield Identity("quotient form", (first**2 - second**2) * lam, first ** (2 * depth) - second ** (2 * depth))
    yield Identity("one mode", lam.substitute({"x_2": first}), depth * first ** (2 * depth - 2))
    yield Identity("next to a mode that is zero", lam.substitute({"x_2": 0}), first ** (2 * depth - 2))


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from the identity, which is balanced."""
    return experiment(depth, {"scheme": "identity"})


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow from a Gaussian start, which is not balanced."""
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
