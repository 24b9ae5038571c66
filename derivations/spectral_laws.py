r"""Two layers have laws that know no width: the spectrum of a signed Gram matrix of the inputs and outputs is conserved.

Claim
    Let $P$ have the blocks $W_{1}^{T} W_{1}$, $W_{1}^{T} W_{2}^{T}$, $W_{2} W_{1}$, $W_{2} W_{2}^{T}$, let
    $J$ have the blocks $I$, $0$, $0$, $-I$ and let $H$ have the blocks $0$, $G^{T}$, $G$, $0$, with $G$ the gradient of any loss
    of $W_{2} W_{1}$. Along the flow $\dot{P} = -(H P + P H)$, and $H J = - J H$, so that $M = J P$ moves by
    $\dot{M} = H M - M H$. Hence $\operatorname{tr}(M^{k})$ is constant for every $k$, since
    $\operatorname{tr}(N (H M - M H)) = \operatorname{tr}(H (M N - N M))$ for every $N$, and $N = M^{k-1}$ commutes with
    $M$. It is $\operatorname{tr}((W_{1} W_{1}^{T} - W_{2}^{T} W_{2})^{k})$. The columns of $Q = (W_{1}, W_{2}^{T})^{T}$ move by
    $\dot{Q} = -H Q$, and a solution $R$ of $\dot{R} = -H R$ has $R^{T} J R$ constant, which is $J$ from $R = I$.

Source
    Zhang and Peyre (2026), as read for this project.

Scope
    Proved for two layers of any widths and any loss of their product; a depth other than 2 is refused. The traces are
    also differentiated one by one for k = 1, 2, 3, 4. Existence of the flow is supposed, and that a power commutes with
    its base. The check is the conservation along a run of the balancedness, whose spectrum the traces are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import conserved_run, drifting_run
from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import NetworkWords, linear_network
from workbench.symbolic.words import Letter, MatrixPolynomial, Width, identity, matrix, trace, trace_constant, zero

source = {
    "authors": "Zhang, Gabriel Peyre",
    "year": 2026,
    "title": "Global exponential convergence of two-layer linear network training",
    "where": "preprint",
    "locator": "spectral laws, as read for this project",
    "url": "",
}
depths = (2,)
least_depth = 2

# Powers whose trace is differentiated outright; the Lax form covers all.
POWERS = (1, 2, 3, 4)

Blocks = tuple[tuple[MatrixPolynomial, MatrixPolynomial], tuple[MatrixPolynomial, MatrixPolynomial]]
PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))


_BACKEND = {"name": "ball", "digits": 20}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the equations of P, M and Q block by block, the laws, and that R^T J R stands still."""
    if depth != 2:
        raise InputError(f"this claim is about two layers; depth {depth} was asked for")
    network = linear_network(2, widths)
    flow = calculus.flow(network.general_loss, network.layers)
    p, j, h = gram(network), sign(network), force(network)
    m = product(j, p)
    yield from moving(calculus, "dot P", p, flow, negated(total(product(h, p), product(p, h))))
    yield from equal("H J is -J H", product(h, j), negated(product(j, h)))
    yield from moving(calculus, "dot M", m, flow, total(product(h, m), negated(product(m, h))))
    yield from columns(calculus, network, flow, h)
    yield commutator()
    yield from traces(network, flow, m)
    yield from fundamental(network, j, h)


def gram(network: NetworkWords) -> Blocks:
    """Return the blocks of P = Q Q^T."""
    first, second = network.layer(1), network.layer(2)
    return (first.T @ first, first.T @ second.T), (second @ first, second @ second.T)


def sign(network: NetworkWords) -> Blocks:
    """Return the blocks of J."""
    inner, _, outer = network.widths
    return (identity(inner), zero(inner, outer)), (zero(outer, inner), -identity(outer))


def force(network: NetworkWords) -> Blocks:
    """Return the blocks of H."""
    inner, _, outer = network.widths
    slope = matrix(network.general_loss.gradient)
    return (zero(inner, inner), slope.T), (slope, zero(outer, outer))


def product(left: Blocks, right: Blocks) -> Blocks:
    """Return the product of two matrices in blocks."""

    def block(r: int, c: int) -> MatrixPolynomial:
        return left[r][0] @ right[0][c] + left[r][1] @ right[1][c]

    return (block(0, 0), block(0, 1)), (block(1, 0), block(1, 1))


def total(left: Blocks, right: Blocks) -> Blocks:
    """Return the sum of two matrices in blocks."""
    (a, b), (c, d) = left
    (e, f), (g, h) = right
    return (a + e, b + f), (c + g, d + h)


def negated(blocks: Blocks) -> Blocks:
    """Return minus a matrix in blocks."""
    (a, b), (c, d) = blocks
    return (-a, -b), (-c, -d)


def transposed(blocks: Blocks) -> Blocks:
    """Return the transpose of a matrix in blocks."""
    (a, b), (c, d) = blocks
    return (a.T, c.T), (b.T, d.T)


def equal(name: str, left: Blocks, right: Blocks) -> Iterator[Identity]:
    """Yield that two matrices are equal, block by block."""
    for r, c in PLACES:
        yield Identity(f"{name}, block {r + 1}{c + 1}", left[r][c], right[r][c])


def moving(
    calculus: Calculus, name: str, blocks: Blocks, velocities: dict[Letter, MatrixPolynomial], right: Blocks
) -> Iterator[Identity]:
    """Yield the velocity of a matrix, block by block."""
    for r, c in PLACES:
        value = blocks[r][c]
        short = Letter(f"{name}_{r + 1}{c + 1}", value.rows, value.columns)
        where = ((short, calculus.lie_derivative(value, velocities)),)
        yield Identity(f"{name}, block {r + 1}{c + 1}", matrix(short), right[r][c], where)


def columns(
    calculus: Calculus, network: NetworkWords, flow: dict[Letter, MatrixPolynomial], h: Blocks
) -> Iterator[Identity]:
    """Yield dot Q = -H Q, whose blocks are those of W_1^T and W_2."""
    q = network.layer(1).T, network.layer(2)
    for r in (0, 1):
        short = Letter(f"dot Q_{r + 1}", q[r].rows, q[r].columns)
        where = ((short, calculus.lie_derivative(q[r], flow)),)
        yield Identity(f"dot Q, block {r + 1}", matrix(short), -(h[r][0] @ q[0] + h[r][1] @ q[1]), where)


def commutator() -> Identity:
    """Return the claim that moves a commutator from one factor of a trace to the other."""
    h, m, n = (matrix(Letter(name, "n", "n")) for name in ("H", "M", "N"))
    return Identity("trace of a commutator", trace(n @ (h @ m - m @ h)), trace(h @ (m @ n - n @ m)))


def traces(network: NetworkWords, flow: dict[Letter, MatrixPolynomial], m: Blocks) -> Iterator[Identity]:
    """Yield that the traces of powers of M are those of minus the balancedness defect, and stand still."""
    power = m
    for k in POWERS:
        power = product(power, m) if k > 1 else m
        law = trace(power[0][0]) + trace(power[1][1])
        yield Identity(f"trace of the power {k}", law, trace((-network.defect(1)) ** k))
        yield Identity(f"conservation of the trace of the power {k}", law.derivative(flow), trace_constant(0))


def fundamental(network: NetworkWords, j: Blocks, h: Blocks) -> Iterator[Identity]:
    """Yield that R^T J R stands still where dot R = -H R."""
    sizes = (network.widths[0], network.widths[2])
    letters = {(r, c): Letter(f"R_{r + 1}{c + 1}", sizes[r], sizes[c]) for r, c in PLACES}
    blocks = tuple(tuple(matrix(letters[r, c]) for c in (0, 1)) for r in (0, 1))
    solution: Blocks = (blocks[0][0], blocks[0][1]), (blocks[1][0], blocks[1][1])
    right = negated(product(h, solution))
    speeds = {(r, c): Letter(f"dot R_{r + 1}{c + 1}", sizes[r], sizes[c]) for r, c in PLACES}
    moved = tuple(tuple(matrix(speeds[r, c]) for c in (0, 1)) for r in (0, 1))
    motion: Blocks = (moved[0][0], moved[0][1]), (moved[1][0], moved[1][1])
    where = tuple((speeds[r, c], right[r][c]) for r, c in PLACES)
    left = product(transposed(motion), product(j, solution))
    other = negated(product(transposed(solution), product(j, motion)))
    for r, c in PLACES:
        yield Identity(f"R^T J R stands still, block {r + 1}{c + 1}", left[r][c], other[r][c], where)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow, which must conserve the matrix whose spectrum the laws are of."""
    return conserved_run(widths, _BACKEND)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return descent with a large step, which must not."""
    return drifting_run(widths, _BACKEND)
