"""The deep linear network W_L ... W_1 with a square loss, over any backend.

With prefixes P_i = W_i P_{i-1} and suffixes B_{i-1} = W_i^T B_i, the gradient of layer i is B_i P_{i-1}^T: 3L - 3
matrix products for the loss and all gradients, where the formula read literally costs about L^2.
"""

from __future__ import annotations

from copy import copy
from fractions import Fraction

from workbench.backends import Array, Backend
from workbench.problem import Problem


class Linear:
    """A deep linear network with its loss.

    Parameters
    ----------
    problem : Problem
    backend : Backend
    parameters : tuple of Array, shapes (d_j, d_{j-1})
        Initial weights.
    """

    def __init__(self, problem: Problem, backend: Backend, parameters: tuple[Array, ...]) -> None:
        self.problem = problem
        self.backend = backend
        self.parameters = parameters
        self.target = backend.matrix(problem.loss.target.rows)
        self._inputs = None if problem.loss.inputs is None else backend.matrix(problem.loss.inputs.rows)

    def towards(self, target: Array) -> Linear:
        """Return the same network with another target, an array of this arithmetic."""
        other = copy(self)
        other.target = target
        return other

    def layers(self, parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the W_i: all parameters."""
        return parameters

    def _prefixes(self, parameters: tuple[Array, ...]) -> list[Array]:
        """Return P_1 ... P_L, P_i = W_i ... W_1 X."""
        first = parameters[0] if self._inputs is None else self.backend.matmul(parameters[0], self._inputs)
        prefixes = [first]
        for layer in parameters[1:]:
            prefixes.append(self.backend.matmul(layer, prefixes[-1]))
        return prefixes

    def end_to_end(self, parameters: tuple[Array, ...]) -> Array:
        """Return W_L ... W_1, shape (d_L, d_0)."""
        product = parameters[0]
        for layer in parameters[1:]:
            product = self.backend.matmul(layer, product)
        return product

    def residual(self, parameters: tuple[Array, ...]) -> Array:
        """Return W_L ... W_1 X - Y."""
        return self.backend.subtract(self._prefixes(parameters)[-1], self.target)

    def loss(self, parameters: tuple[Array, ...]) -> Array:
        """Return the loss, 1 x 1."""
        return self._loss(self.residual(parameters))

    def _loss(self, residual: Array) -> Array:
        return self.backend.scale(self.problem.loss.factor, self.backend.frobenius_squared(residual))

    def loss_and_gradients(self, parameters: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Return the loss and its gradient with respect to each layer."""
        backend = self.backend
        prefixes = self._prefixes(parameters)
        residual = backend.subtract(prefixes[-1], self.target)
        twice = 2 * self.problem.loss.factor
        suffix = residual if twice == Fraction(1) else backend.scale(twice, residual)
        gradients: list[Array] = []
        for index in range(len(parameters) - 1, 0, -1):
            gradients.append(backend.matmul(suffix, backend.transpose(prefixes[index - 1])))
            suffix = backend.matmul(backend.transpose(parameters[index]), suffix)
        first = suffix if self._inputs is None else backend.matmul(suffix, backend.transpose(self._inputs))
        gradients.append(first)
        return self._loss(residual), tuple(reversed(gradients))
