r"""The step lemma's ingredients for a residual network with tanh: what the coefficients of a tape leave out, bounded.

Norms. For a matrix function f(t) = sum f_k t^k let |f| = sum ||f_k||_F h^k. Products of matrices and entrywise ones
    are submultiplicative in it, so that the functions with |f| finite are a Banach algebra. Every node of the tape
    along the polynomial p is known by its coefficients below N, in balls, and by a bound T of its tail,
    sum_{k >= N} ||f_k||_F h^k. Sums and transposes are clear; of a product, with a-, b- the coefficients below N,
    T = (the part of |a-| |b-| of degree N and above) + |a-| T_b + T_a |b-| + T_a T_b.

Lemma (the tail of tanh).
    Let u- be the coefficients below N of u = tanh(x), w- those of 1 - u^2, K = sum_{j < N} (j / (N + j)) ||x_j|| h^j
    + T_x, and B = sum_{i + j >= N} (j / (i + j)) ||w_i|| ||x_j|| h^(i+j) (i, j < N) + |w-| T_x + (the part of |u-|^2 of
    degree N and above) K. If T satisfies B + K (2 |u-| T + T^2) <= T and 2 K (|u-| + T) < 1, the tail of u is at
    most T.
Proof.
    u = u- + v, v of order N, solves v = g - int (2 u- v + v^2) x' with g = int ((1 - u-^2) x') - u- + u(0), whose
    coefficients below N vanish; int t^i (x_j t^j)' = (j / (i + j)) x_j t^(i+j), so |g| <= B and |int f x'| <= K |f|
    for f of order N. The right-hand side maps the ball |v| <= T of tails into itself and contracts there: it has a
    fixed point in the algebra, whose coefficients obey the recursion of tanh's, and these are unique.

Hence the defect's coefficients are at most what was cut (k < N), and layer i's integral over the step of the rest
at most h T_i / (N + 1), T_i the tail of its gradient. The tube's logarithmic norm is that of `_hessian_balls`.
"""

from __future__ import annotations

from typing import Any

from workbench.backends.ball import arb, precision
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._flow_bound import BOUND_BITS
from workbench.dynamics._flow_series import Expansion, falling_bits
from workbench.dynamics._hessian_balls import CurvatureBound
from workbench.dynamics._series_tape import Node, Tape
from workbench.networks import build
from workbench.problem import Problem


class TapeSeries:
    """The recursion for the coefficients, by the network's own gradient.

    Parameters
    ----------
    problem : Problem
    backend : Ball
    """

    def __init__(self, problem: Problem, backend: Any) -> None:
        self._flint = backend._flint
        self.tape = Tape(backend)
        network = build(problem, self.tape)  # type: ignore[arg-type]
        self.weights = [self.tape.weights() for _ in problem.network.trained_shapes]
        self.gradients = network.loss_and_gradients(tuple(self.weights))[1]
        self.tape.trim([*self.weights, *self.gradients])

    def expand(self, start: tuple[Any, ...], order: int) -> Expansion:
        """Return the expansion of an order N >= 1 around an exact point."""
        self.tape.clear()
        bits, cut = self._flint.ctx.prec, []
        for node, layer in zip(self.weights, start, strict=True):
            node.series.append(layer)
        for k in range(order):
            with precision(falling_bits(bits, k, order)):
                self.tape.advance(k)
                squares = self._flint.arb(0)
                for node, gradient in zip(self.weights, self.gradients, strict=True):
                    coefficient = gradient.series[k] / self._flint.arb(-(k + 1))
                    node.series.append(coefficient.mid())
                    removed = (k + 1) * frobenius(coefficient - coefficient.mid())
                    squares += removed * removed
                cut.append(squares.sqrt().upper())
        return Expansion([list(node.series) for node in self.weights], [], cut)


class TapeBound:
    """The lemma's ingredients, for the expansion that a tape made last.

    Parameters
    ----------
    problem : Problem
    backend : Ball
    series : TapeSeries
    """

    def __init__(self, problem: Problem, backend: Any, series: TapeSeries) -> None:
        self._flint, self._series = backend._flint, series
        self._curvature = CurvatureBound(problem, backend)
        self._norms: dict[int, list[Any]] = {}

    def majorants(self, expansion: Expansion) -> tuple[list[list[Any]], list[Any]]:
        """Return the norms of the coefficients of each layer; those of the other nodes are kept."""
        with precision(BOUND_BITS):
            self._norms = {id(n): [frobenius(x) for x in n.series] for n in self._series.tape.nodes}
            return [self._norms[id(node)] for node in self._series.weights], []

    def growth(self, expansion: Expansion, norms: tuple[list[list[Any]], list[Any]], length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral over the step of max(0, -lambda_min)."""
        return self._curvature.growth(expansion, norms[0], length, radius)

    def defect(self, expansion: Expansion, norms: tuple[list[list[Any]], list[Any]], length: Any) -> Any:
        """Return D, an upper bound of the integral of the defect's norm over the step."""
        order = len(expansion.cut)
        tails = _Tails(self._flint, self._norms, order, length)
        for node in self._series.tape.nodes:
            tails.visit(node)
        squares = self._flint.arb(0)
        for gradient in self._series.gradients:
            layer = length * tails.tail(gradient) / (order + 1)
            squares += layer * layer
        low = self._flint.arb(0)
        power = length
        for k, removed in enumerate(expansion.cut):
            low += removed * power / (k + 1)
            power *= length
        return (low + squares.sqrt()).upper()


class _Tails:
    """The tail of every node at a step length, in the order of the tape."""

    def __init__(self, flint: Any, norms: dict[int, list[Any]], order: int, length: Any) -> None:
        self._flint, self._norms, self._order = flint, norms, order
        self._powers = [flint.arb(1)]
        for _ in range(order):
            self._powers.append((self._powers[-1] * length).upper())
        self._low: dict[int, list[Any]] = {}
        self._tail: dict[int, Any] = {}

    def tail(self, node: Any) -> Any:
        """Return the bound of a node's tail."""
        return self._tail[id(node)]

    def visit(self, node: Node) -> None:
        """Bound a node whose operands have been visited."""
        sizes = [(x * p).upper() for x, p in zip(self._norms[id(node)], self._powers, strict=False)]
        self._low[id(node)] = sizes[: self._order]
        self._tail[id(node)] = self._of(node, sizes).upper()

    def _of(self, node: Node, sizes: list[Any]) -> Any:
        match node.operation:
            case "weights":
                return sum(sizes[self._order :], self._flint.arb(0))
            case "constant":
                return self._flint.arb(0)
            case "scale":
                return arb(node.value).abs_upper() * self._tail[id(node.operands[0])]
            case "matmul" | "multiply":
                return self._product(*node.operands)
            case "slope":
                return self._product(node.operands[0], node.operands[0])
            case "tanh":
                return self._tanh(node)
        return sum((self._tail[id(a)] for a in node.operands), self._flint.arb(0))

    def _product(self, a: Node, b: Node) -> Any:
        low, other = (self._total(x) for x in (a, b))
        first, second = self._tail[id(a)], self._tail[id(b)]
        return self._high(self._low[id(a)], self._low[id(b)]) + low * second + first * other + first * second

    def _total(self, node: Node) -> Any:
        return sum(self._low[id(node)], self._flint.arb(0))

    def _high(self, a: list[Any], b: list[Any]) -> Any:
        """Return the part of degree N and above of a product of two polynomials of norms."""
        product = self._flint.arb_poly(a) * self._flint.arb_poly(b)
        return sum((x.abs_upper() for x in product.coeffs()[self._order :]), self._flint.arb(0))

    def _tanh(self, node: Node) -> Any:
        """Return T of the lemma, infinite where its hypotheses are not shown."""
        inner, slope = node.operands
        order, zero = self._order, self._flint.arb(0)
        low, rest = self._low[id(inner)], self._tail[id(inner)]
        values = [(x * p).upper() for x, p in zip(self._norms[id(node)], self._powers, strict=False)][:order]
        slopes = [(x * p).upper() for x, p in zip(self._norms[id(slope)], self._powers, strict=False)][:order]
        pull = sum((x * j / (order + j) for j, x in enumerate(low)), zero) + rest
        rates = self._flint.arb_poly([x * j for j, x in enumerate(low)])
        high = (self._flint.arb_poly(slopes) * rates).coeffs()[order:]
        base = sum((x.abs_upper() / (order + k) for k, x in enumerate(high)), zero)
        base += sum(slopes, zero) * rest + self._high(values, values) * pull
        size = sum(values, zero)
        shrink = 1 - 2 * pull * size
        if not shrink > 0:
            return self._flint.arb("inf")
        # Twice the linear solution leaves room for the square.
        tail = (2 * base / shrink).upper()
        shown = base + pull * (2 * size * tail + tail * tail) <= tail and 2 * pull * (size + tail) < 1
        return tail if shown else self._flint.arb("inf")
