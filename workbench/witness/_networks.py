"""Loss and gradient of a problem in mpmath alone, written once more from the definition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import mpmath

from workbench.errors import UnsupportedError
from workbench.exact import Exact, Power
from workbench.initialization import BalancedLayer, weights
from workbench.problem import LinearNetwork, Problem, ResidualNetwork


class Network(ABC):
    """A problem's network over `mpmath.matrix`.

    Parameters
    ----------
    problem : Problem
    digits : int
        Decimal digits.
    """

    def __init__(self, problem: Problem, digits: int) -> None:
        self.mp: Any = mpmath.MPContext()
        self.mp.dps = digits
        self.factor = self.number(problem.loss.factor)
        self.target = self.matrix(problem.loss.target.rows)
        inputs = problem.loss.inputs
        self.inputs = self.mp.eye(problem.network.widths[0]) if inputs is None else self.matrix(inputs.rows)
        self.start = self._begun(list(weights(problem.network, problem.start)))

    def number(self, value: Exact) -> Any:
        """Return an exact number, rounded."""
        if isinstance(value, Power):
            return self.mp.power(self.number(value.base), self.number(value.exponent))
        return self.mp.mpf(value.numerator) / value.denominator

    def matrix(self, rows: Any) -> Any:
        """Return an exact matrix, rounded."""
        return self.mp.matrix([[self.number(x) for x in row] for row in rows])

    def _begun(self, layers: list[Any]) -> list[Any]:
        first = layers[0]
        if isinstance(first, BalancedLayer):
            return self.factored(self.matrix(first.matrix.rows), first.depth)
        return [self.matrix(layer) for layer in layers]

    def factored(self, matrix: Any, depth: int) -> list[Any]:
        """Return the balanced factorisation R^(i/L) P^(1/L) R^(-(i-1)/L), the root by the matrix logarithm."""
        mp = self.mp
        left, values, right = mp.svd_r(matrix)
        stretch = right.T * mp.diag([mp.root(v, depth) for v in values]) * right
        turn = mp.expm(mp.logm(left * right) / depth).apply(mp.re)
        return [turn**i * stretch * (turn.T) ** (i - 1) for i in range(1, depth + 1)]

    @abstractmethod
    def outputs(self, layers: list[Any]) -> Any:
        """Return F(X)."""

    @abstractmethod
    def gradients(self, layers: list[Any]) -> list[Any]:
        """Return dl/dW_i for every layer."""

    def loss(self, layers: list[Any]) -> Any:
        """Return c ||F(X) - Y||_F^2."""
        return self.factor * sum((x * x for x in self.outputs(layers) - self.target), self.mp.zero)


class Linear(Network):
    """W_L ... W_1."""

    def product(self, layers: list[Any]) -> Any:
        """Return the product of some layers, the last leftmost."""
        result = layers[0]
        for layer in layers[1:]:
            result = layer * result
        return result

    def outputs(self, layers: list[Any]) -> Any:
        """Return W X."""
        return self.product(layers) * self.inputs

    def gradients(self, layers: list[Any]) -> list[Any]:
        """Return 2c A_i^T (W X - Y) X^T B_i^T, A_i the layers above, B_i those below."""
        residual = (self.outputs(layers) - self.target) * self.inputs.T
        found = []
        for index in range(len(layers)):
            above, below = layers[index + 1 :], layers[:index]
            left = self.product(above).T * residual if above else residual
            found.append(2 * self.factor * (left * self.product(below).T if below else left))
        return found


class Residual(Network):
    """h_{k+1} = h_k + delta sigma(A_k h_k)."""

    def __init__(self, problem: Problem, digits: int) -> None:
        super().__init__(problem, digits)
        network = problem.network
        if not isinstance(network, ResidualNetwork):
            raise TypeError("a residual network was wanted")
        if network.activation not in ("identity", "tanh"):
            raise UnsupportedError(f"no witness knows the activation {network.activation!r}")
        if not network.plain:
            raise UnsupportedError("no witness knows biases or trained branch scales")
        self.scale, self.curved = self.number(network.branch_scale), network.activation == "tanh"

    def activated(self, argument: Any) -> Any:
        """Return sigma, entry by entry."""
        return argument.apply(self.mp.tanh) if self.curved else argument

    def slope(self, argument: Any) -> Any:
        """Return sigma', entry by entry: 1 / cosh^2."""
        return argument.apply(lambda x: self.mp.sech(x) ** 2 if self.curved else self.mp.one)

    def states(self, layers: list[Any]) -> list[Any]:
        """Return h_0 ... h_L."""
        found = [self.inputs]
        for layer in layers:
            found.append(found[-1] + self.scale * self.activated(layer * found[-1]))
        return found

    def outputs(self, layers: list[Any]) -> Any:
        """Return h_L."""
        return self.states(layers)[-1]

    def gradients(self, layers: list[Any]) -> list[Any]:
        """Return the derivatives through the chain of states, from the last block to the first."""
        states = self.states(layers)
        pull = 2 * self.factor * (states[-1] - self.target)
        found = []
        for layer, state in zip(reversed(layers), reversed(states[:-1]), strict=True):
            slope = self.slope(layer * state)
            inner = self.mp.matrix(pull.rows, pull.cols)
            for i in range(pull.rows):
                for j in range(pull.cols):
                    inner[i, j] = self.scale * slope[i, j] * pull[i, j]
            found.append(inner * state.T)
            pull = pull + layer.T * inner
        return found[::-1]


def network(problem: Problem, digits: int) -> Linear | Residual:
    """Return the network of a problem."""
    linear = isinstance(problem.network, LinearNetwork)
    return Linear(problem, digits) if linear else Residual(problem, digits)
