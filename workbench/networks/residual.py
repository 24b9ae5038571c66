"""The residual network h_{k+1} = h_k + delta sigma(A_k h_k), over any backend.

Gradients by the adjoint recursion: with M_L = dJ/dh_L and g_k = delta sigma'(A_k h_k) . M_{k+1}, entry by entry,
dJ/dA_k = g_k h_k^T and M_k = M_{k+1} + A_k^T g_k.
"""

from __future__ import annotations

from workbench.backends import Array, Backend
from workbench.errors import UnsupportedError
from workbench.exact import Matrix
from workbench.problem import Problem, ResidualNetwork


class Residual:
    """A residual network with its loss.

    Parameters
    ----------
    problem : Problem
        Its network is a `ResidualNetwork`.
    backend : Backend
    parameters : tuple of Array, shapes (d, d)
        Initial A_0 ... A_{L-1}.
    """

    def __init__(self, problem: Problem, backend: Backend, parameters: tuple[Array, ...]) -> None:
        if not isinstance(problem.network, ResidualNetwork):
            raise UnsupportedError("this calculus is for residual networks")
        self.problem = problem
        self.backend = backend
        self.parameters = parameters
        self._network: ResidualNetwork = problem.network
        self._target = backend.matrix(problem.loss.target.rows)
        inputs = problem.loss.inputs or Matrix.identity(problem.network.width)
        self._inputs = backend.matrix(inputs.rows)

    def _forward(self, parameters: tuple[Array, ...], state: Array) -> tuple[list[Array], list[Array]]:
        """Return the states h_0 ... h_L and the arguments A_k h_k of the activations."""
        backend, scale = self.backend, self._network.branch_scale
        states, arguments = [state], []
        for branch in parameters:
            arguments.append(backend.matmul(branch, states[-1]))
            step = backend.scale(scale, backend.activate(self._network.activation, arguments[-1]))
            states.append(backend.add(states[-1], step))
        return states, arguments

    def end_to_end(self, parameters: tuple[Array, ...]) -> Array:
        """Return the product of the I + delta A_k, where the activation is the identity."""
        if self._network.activation != "identity":
            raise UnsupportedError(f"a residual network with {self._network.activation} has no end-to-end matrix")
        return self._forward(parameters, self.backend.identity(self._network.width))[0][-1]

    def residual(self, parameters: tuple[Array, ...]) -> Array:
        """Return h_L(X) - Y."""
        return self.backend.subtract(self._forward(parameters, self._inputs)[0][-1], self._target)

    def loss(self, parameters: tuple[Array, ...]) -> Array:
        """Return the loss, 1 x 1."""
        return self._loss(self.residual(parameters))

    def _loss(self, residual: Array) -> Array:
        return self.backend.scale(self.problem.loss.factor, self.backend.frobenius_squared(residual))

    def loss_and_gradients(self, parameters: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Return the loss and its gradient with respect to each A_k."""
        backend, network = self.backend, self._network
        states, arguments = self._forward(parameters, self._inputs)
        residual = backend.subtract(states[-1], self._target)
        adjoint = backend.scale(2 * self.problem.loss.factor, residual)
        gradients: list[Array] = []
        for index in range(len(parameters) - 1, -1, -1):
            slope = backend.activate(network.activation, arguments[index], 1)
            inner = backend.scale(network.branch_scale, backend.multiply(slope, adjoint))
            gradients.append(backend.matmul(inner, backend.transpose(states[index])))
            adjoint = backend.add(adjoint, backend.matmul(backend.transpose(parameters[index]), inner))
        return self._loss(residual), tuple(reversed(gradients))
