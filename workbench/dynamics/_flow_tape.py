r"""The step lemma's ingredients for a residual network: what the coefficients of a tape leave out, bounded.

Norms. For a matrix function f(t) = sum f_k t^k let |f| = sum ||f_k||_F h^k. Products of matrices and entrywise ones
    are submultiplicative in it, so that the functions with |f| finite are a Banach algebra. Every node of the tape
    along the polynomial p is known by its coefficients below N, in balls, and by a bound T of its tail,
    sum_{k >= N} ||f_k||_F h^k. Sums and transposes are clear; of a product, with a-, b- the coefficients below N,
    T = (the part of |a-| |b-| of degree N and above) + |a-| T_b + T_a |b-| + T_a T_b.

Of a primitive, y' = f x' with y(0) known, T = sum_{i + j >= N} (j / (i + j)) ||f_i|| ||x_j|| h^(i+j) (i, j < N)
    + |f-| T_x + K T_f, K = sum_{j < N} (j / (N + j)) ||x_j|| h^j + T_x: int t^i (x_j t^j)' = (j / (i + j)) x_j t^(i+j).

Lemma (the tails of tanh and of the logistic function).
    Let u' = w x', w = a + b u - u^2, (a, b) = (1, 0) for tanh and (0, 1) for the logistic function. With u-, w- the
    coefficients below N, let B = the tail above of the primitive of w- + (the part of -(u-)^2 of degree N and above),
    and c >= |b - 2 u-|. If T satisfies B + K (c T + T^2) <= T and K (c + 2 T) < 1, the tail of u is at most T.
Proof.
    u = u- + v, v of order N, solves v = g + int ((b - 2 u-) v - v^2) x' with g = int ((a + b u- - (u-)^2) x') - u-
    + u(0), whose coefficients below N vanish; |g| <= B and |int f x'| <= K |f| for f of order N. The right-hand side
    maps the ball |v| <= T of tails into itself and contracts there: it has a fixed point in the algebra, whose
    coefficients obey the recursion of u's, and these are unique. For the logistic function every entry of b - 2 u_0
    lies in (-1, 1): entrywise it multiplies by at most 1, and c = 1 + 2 sum_{0 < j < N} ||u_j|| h^j.

Lemma (the tail of w = 1 / (1 + q), q = x^2).
    If kappa = sum_{0 < j < N} ||q_j|| h^j + T_q < 1, the tail of w is at most ((the part of |q-| |w-| of degree N and
    above) + T_q |w-|) / (1 - kappa).
Proof.
    (1 + q)(w- + v) = 1, and (1 + q) w- is 1 but for its coefficients from N on, g: (1 + q_0) v = -g - (q - q_0) v.
    As q_0 >= 0, dividing by 1 + q_0 enlarges no entry: v is a fixed point of a contraction by kappa.

Hence the defect's coefficients are at most what was cut (k < N), and layer i's integral over the step of the rest
at most h T_i / (N + 1), T_i the tail of its gradient. The tube's logarithmic norm is that of `_hessian_balls`.
"""

from __future__ import annotations

from typing import Any

from workbench.backends.ball import arb, precision
from workbench.backends.ball_frames import frobenius
from workbench.dynamics._flow_bound import BOUND_BITS, BallNorms
from workbench.dynamics._flow_series import BallSeries, Expansion, falling_bits
from workbench.dynamics._hessian_balls import CurvatureBound
from workbench.dynamics._series_tape import Node, Tape
from workbench.networks import build
from workbench.problem import Problem


class TapeSeries(BallSeries):
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

    def majorants(self, expansion: Expansion) -> BallNorms:
        """Return the norms of the coefficients of each layer; those of the other nodes are kept."""
        with precision(BOUND_BITS):
            self._norms = {id(n): [frobenius(x) for x in n.series] for n in self._series.tape.nodes}
            return BallNorms([self._norms[id(node)] for node in self._series.weights], [])

    def missing_bits(self, *_: Any) -> int:
        """Return by how many bits the numbers are too short: balls carry their rounding, and steps shrink with it."""
        return 0

    def growth(self, expansion: Expansion, norms: BallNorms, length: Any, radius: Any) -> Any:
        """Return an upper bound of the integral over the step of max(0, -lambda_min)."""
        return self._curvature.growth(expansion, norms.speeds(length), length, radius)

    def defect(self, expansion: Expansion, norms: BallNorms, length: Any) -> Any:
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
            case "one_less_square" | "less_square":
                linear = self._tail[id(node.operands[0])] if node.operation == "less_square" else 0
                return self._product(node.operands[0], node.operands[0]) + linear
            case "primitive":
                inner, slope = node.operands
                return self._driven(inner, self._low[id(slope)]) + self._pull(inner) * self._tail[id(slope)]
            case "tanh" | "logistic":
                return self._self_made(node)
            case "inverse":
                return self._inverse(node)
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

    def _pull(self, inner: Node) -> Any:
        """Return K."""
        low = enumerate(self._low[id(inner)])
        return sum((x * j / (self._order + j) for j, x in low), self._flint.arb(0)) + self._tail[id(inner)]

    def _driven(self, inner: Node, slopes: list[Any]) -> Any:
        """Return the tail of int f x' for f of these coefficients below N."""
        zero = self._flint.arb(0)
        rates = self._flint.arb_poly([x * j for j, x in enumerate(self._low[id(inner)])])
        high = (self._flint.arb_poly(slopes) * rates).coeffs()[self._order :]
        tail = sum((x.abs_upper() / (self._order + k) for k, x in enumerate(high)), zero)
        return tail + sum(slopes, zero) * self._tail[id(inner)]

    def _self_made(self, node: Node) -> Any:
        """Return T of the first lemma, infinite where its hypotheses are not shown."""
        inner, slope = node.operands
        values = self._sizes(node)
        pull, linear = self._pull(inner), 2 * sum(values, self._flint.arb(0))
        if node.operation == "logistic":
            linear = 1 + 2 * sum(values[1:], self._flint.arb(0))
        base = self._driven(inner, self._sizes(slope)) + self._high(values, values) * pull
        shrink = 1 - pull * linear
        if not shrink > 0:
            return self._flint.arb("inf")
        # Twice the linear solution leaves room for the square.
        tail = (2 * base / shrink).upper()
        shown = base + pull * (linear * tail + tail * tail) <= tail and pull * (linear + 2 * tail) < 1
        return tail if shown else self._flint.arb("inf")

    def _sizes(self, node: Node) -> list[Any]:
        """Return the coefficients below N of a node that may not have been visited."""
        pairs = zip(self._norms[id(node)], self._powers, strict=False)
        return [(x * p).upper() for x, p in pairs][: self._order]

    def _inverse(self, node: Node) -> Any:
        """Return T of the second lemma, infinite where its hypothesis is not shown."""
        (square,) = node.operands
        values, tail = self._sizes(node), self._tail[id(square)]
        kappa = sum(self._low[id(square)][1:], self._flint.arb(0)) + tail
        if not kappa < 1:
            return self._flint.arb("inf")
        return (self._high(self._low[id(square)], values) + tail * sum(values, self._flint.arb(0))) / (1 - kappa)
