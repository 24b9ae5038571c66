r"""Taylor coefficients of a network's own calculus: arrays that are power series, one more coefficient at a time.

The gradient of any network is written once, in `networks`, over a backend. Over this one it leaves a tape: nodes in
the order of evaluation, each an operation. `advance` then gives every node its next coefficient, k, from coefficients
up to k of its operands, so that x' = -grad l(x) yields coefficient k + 1 of the weights. A product is a convolution.
An activation is a primitive, y' = w x', so that k y_k = sum_{j=1}^k j x_j w_{k-j}, with its slope w:

    tanh            w = 1 - y^2
    arctan          w = 1 / (1 + x^2), so that (1 + x_0^2) w_k = -sum_{j=1}^k (x^2)_j w_{k-j}
    softplus        w = 1 / (1 + e^(-x)), itself a primitive of x with the slope w - w^2

Nothing here knows where the weights come from: `_flow_tape` drives it, and bounds what the coefficients leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.dynamics._flow_series import Series, convolution
from workbench.errors import UnsupportedError


@dataclass(eq=False)
class Node:
    """An operation with the coefficients found so far.

    Parameters
    ----------
    operation : str
    operands : tuple of Node
    value : arb_mat or exact number
        Of a constant, or the factor of a scaling.
    """

    operation: str
    operands: tuple[Node, ...] = ()
    value: Any = None
    series: list[Any] = field(default_factory=list)

    @property
    def constant(self) -> bool:
        """Whether all coefficients but the first are zero."""
        return self.operation == "constant"


class Tape:
    """The backend over which a network leaves its tape.

    Parameters
    ----------
    base : Ball
    """

    def __init__(self, base: Any) -> None:
        self._base, self._flint = base, base._flint
        self.nodes: list[Node] = []
        self._activated: dict[int, tuple[Node, Node]] = {}
        self._factors: dict[int, tuple[Series, Series]] = {}

    def _node(self, operation: str, *operands: Node, value: Any = None) -> Node:
        self.nodes.append(Node(operation, operands, value))
        return self.nodes[-1]

    def weights(self) -> Node:
        """Return a node whose coefficients are given from outside."""
        return self._node("weights")

    def matrix(self, rows: Any) -> Node:
        """Return a constant."""
        return self._node("constant", value=self._base.matrix(rows))

    def identity(self, size: int) -> Node:
        """Return the identity."""
        return self._node("constant", value=self._base.identity(size))

    def matmul(self, a: Node, b: Node) -> Node:
        """Return the matrix product."""
        return self._node("matmul", a, b)

    def add(self, a: Node, b: Node) -> Node:
        """Return the sum."""
        return self._node("add", a, b)

    def subtract(self, a: Node, b: Node) -> Node:
        """Return the difference."""
        return self._node("subtract", a, b)

    def multiply(self, a: Node, b: Node) -> Node:
        """Return the entrywise product."""
        return b if a.operation == "ones" else self._node("multiply", a, b)

    def scale(self, factor: Any, a: Node) -> Node:
        """Return the product with a number."""
        return self._node("scale", a, value=factor)

    def transpose(self, a: Node) -> Node:
        """Return the transpose."""
        if a.constant:
            return self._node("constant", value=a.value.transpose())
        return self._node("transpose", a)

    def frobenius_squared(self, a: Node) -> Node:
        """Return the sum of the squared entries; no gradient needs its coefficients."""
        return self._node("norm", a)

    def activate(self, activation: str, a: Node, order: int = 0) -> Node:
        """Return an activation, or its derivative: of each but the identity, two nodes that are made together."""
        if activation == "identity":
            return a if order == 0 else self._node("ones")
        if id(a) not in self._activated:
            if activation == "tanh":
                value = self._self_made("tanh", "one_less_square", a)
                self._activated[id(a)] = value, value.operands[1]
            elif activation == "arctan":
                slope = self._node("inverse", self._node("multiply", a, a))
                self._activated[id(a)] = self._node("primitive", a, slope, value=activation), slope
            elif activation == "softplus":
                slope = self._self_made("logistic", "less_square", a)
                self._activated[id(a)] = self._node("primitive", a, slope, value=activation), slope
            else:
                raise UnsupportedError(f"no power series is known of the activation {activation!r}")
        return self._activated[id(a)][order]

    def _self_made(self, operation: str, slope: str, a: Node) -> Node:
        """Return a primitive of `a` whose slope is made of the primitive itself."""
        value = self._node(operation, a)
        value.operands = (a, self._node(slope, value))
        return value

    def trim(self, outputs: Sequence[Node]) -> None:
        """Forget the nodes that no output needs."""
        wanted: set[int] = set()
        waiting = list(outputs)
        while waiting:
            node = waiting.pop()
            if id(node) not in wanted:
                wanted.add(id(node))
                waiting += node.operands
        self.nodes = [node for node in self.nodes if id(node) in wanted]

    def clear(self) -> None:
        """Forget all coefficients."""
        self._factors.clear()
        for node in self.nodes:
            node.series = []

    def advance(self, k: int) -> None:
        """Give every node its coefficient k; the weights must have theirs."""
        for node in self.nodes:
            if node.operation != "weights" and (k == 0 or not node.constant):
                node.series.append(self._coefficient(node, k))

    def _coefficient(self, node: Node, k: int) -> Any:
        match node.operation:
            case "constant":
                return node.value
            case "add" | "subtract":
                return self._sum(node, k)
            case "scale":
                return self._base.scale(node.value, node.operands[0].series[k])
            case "transpose":
                return node.operands[0].series[k].transpose()
            case "matmul":
                return self._product(node, k)
            case "multiply":
                return self._dots(node.operands[0].series[: k + 1], node.operands[1].series[: k + 1])
            case "primitive" | "tanh" | "logistic":
                return self._primitive(node, k)
            case "one_less_square":
                square = self._square(node)
                return self._ones(square) - square if k == 0 else -square
            case "less_square":
                return node.operands[0].series[k] - self._square(node)
            case "inverse":
                return self._inverse(node, k)
        raise UnsupportedError(f"no coefficient of {node.operation!r} is known")

    def _sum(self, node: Node, k: int) -> Any:
        a, b = node.operands
        if k and (a.constant or b.constant):
            rest = b.series[k] if a.constant else a.series[k]
            return -rest if a.constant and node.operation == "subtract" else rest
        return a.series[k] + b.series[k] if node.operation == "add" else a.series[k] - b.series[k]

    def _product(self, node: Node, k: int) -> Any:
        a, b = node.operands
        if a.constant or b.constant:
            return a.series[0 if a.constant else k] * b.series[0 if b.constant else k]
        left, right = self._factors.setdefault(id(node), (Series(), Series()))
        left.append(a.series[k])
        right.append(b.series[k])
        return convolution(self._flint, left, right)

    def _primitive(self, node: Node, k: int) -> Any:
        inner, slope = node.operands
        if k == 0:
            # The logistic function is softplus's derivative.
            activation, order = ("softplus", 1) if node.operation == "logistic" else (node.value or node.operation, 0)
            return self._base.activate(activation, inner.series[0], order)
        rates = [j * x for j, x in enumerate(inner.series[1:], start=1)]
        return self._dots(rates, slope.series[:k]) / self._flint.arb(k)

    def _square(self, node: Node) -> Any:
        values = node.operands[0].series
        return self._dots(values, values)

    def _ones(self, like: Any) -> Any:
        return self._base.activate("identity", like, 1)

    def _inverse(self, node: Node, k: int) -> Any:
        """Return the coefficient of w = 1 / (1 + q)."""
        squares = node.operands[0].series
        first = self._ones(squares[0]) + squares[0]
        if k == 0:
            quotients = [1 / x for x in first.entries()]
            return self._flint.arb_mat(first.nrows(), first.ncols(), quotients)
        rest = self._dots(squares[1 : k + 1], node.series[:k])
        return -self._base.multiply(rest, node.series[0])

    def _dots(self, left: list[Any], right: list[Any]) -> Any:
        """Return the last coefficient of an entrywise product of two series of equal length."""
        rows, columns = left[0].nrows(), left[0].ncols()
        mine = zip(*(x.entries() for x in left), strict=True)
        theirs = zip(*(x.entries() for x in reversed(right)), strict=True)
        terms, mat = len(left), self._flint.arb_mat
        sums = [(mat(1, terms, a) * mat(terms, 1, b))[0, 0] for a, b in zip(mine, theirs, strict=True)]
        return mat(rows, columns, sums)
