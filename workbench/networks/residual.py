"""The residual network h_{k+1} = h_k + delta_k sigma(A_k h_k + b_k), over any backend.

Gradients by the adjoint recursion: with M_L = dJ/dh_L, z_k = A_k h_k + b_k 1^T and g_k = delta_k sigma'(z_k) . M_{k+1},
entry by entry, dJ/dA_k = g_k h_k^T, dJ/db_k = g_k 1, dJ/ddelta_k = <M_{k+1}, sigma(z_k)> and M_k = M_{k+1} + A_k^T g_k.
A shared scale has the sum of the dJ/ddelta_k.

Memory is linear in the depth: the states, the z_k and the sigma(z_k). Past `CHECKPOINT_DEPTH` blocks only every m-th
state is kept, m = ceil(sqrt(L)), and each segment is run again on the way back: the same operations on the same
numbers, so the same bits, for one forward pass more.
"""

from __future__ import annotations

from math import isqrt

from workbench.backends import Array, Backend
from workbench.errors import UnsupportedError
from workbench.exact import Matrix
from workbench.networks._residual_parts import Gradients, Parts
from workbench.problem import Problem, ResidualNetwork

CHECKPOINT_DEPTH = 1024

# Of one segment: the states h_k, the z_k, the sigma(z_k).
Segment = tuple[list[Array], list[Array], list[Array]]


class Residual:
    """A residual network with its loss.

    Parameters
    ----------
    problem : Problem
        Its network is a `ResidualNetwork`.
    backend : Backend
    parameters : tuple of Array, shapes `problem.network.shapes`
        All initial parameters; `self.parameters` are those that are trained.
    """

    def __init__(self, problem: Problem, backend: Backend, parameters: tuple[Array, ...]) -> None:
        if not isinstance(problem.network, ResidualNetwork):
            raise UnsupportedError("this calculus is for residual networks")
        self.problem = problem
        self.backend = backend
        self._network: ResidualNetwork = problem.network
        count = len(self._network.trained_shapes)
        self.parameters, self._held = parameters[:count], parameters[count:]
        self._target = backend.matrix(problem.loss.target.rows)
        inputs = problem.loss.inputs or Matrix.identity(problem.network.width)
        self._inputs = backend.matrix(inputs.rows)

    def layers(self, parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the A_k."""
        return parameters[: self._network.depth]

    def scaled_layers(self, parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the delta_k A_k."""
        width = self._network.width
        parts = self._parts(parameters, width)
        return tuple(parts.scaled(k, branch, width) for k, branch in enumerate(parts.branches))

    def _parts(self, parameters: tuple[Array, ...], columns: int) -> Parts:
        return Parts(self._network, self.backend, (*parameters, *self._held), columns)

    def _segment(self, parts: Parts, blocks: range, state: Array) -> Segment:
        """Run some blocks from a state, and keep what the way back needs."""
        states, arguments, values = [state], [], []
        for k in blocks:
            argument, value = parts.branch(k, states[-1])
            arguments.append(argument)
            values.append(value)
            states.append(self.backend.add(states[-1], parts.scaled(k, value)))
        return states, arguments, values

    def _output(self, parts: Parts, state: Array) -> Array:
        for k in range(self._network.depth):
            state = self.backend.add(state, parts.scaled(k, parts.branch(k, state)[1]))
        return state

    def end_to_end(self, parameters: tuple[Array, ...]) -> Array:
        """Return the product of the I + delta_k A_k, where the activation is the identity and there are no biases."""
        network = self._network
        if network.activation != "identity" or network.biases:
            what = "biases" if network.biases else network.activation
            raise UnsupportedError(f"a residual network with {what} has no end-to-end matrix")
        return self._output(self._parts(parameters, network.width), self.backend.identity(network.width))

    def residual(self, parameters: tuple[Array, ...]) -> Array:
        """Return h_L(X) - Y."""
        parts = self._parts(parameters, self._columns)
        return self.backend.subtract(self._output(parts, self._inputs), self._target)

    @property
    def _columns(self) -> int:
        return self.problem.loss.target.shape[1]

    def loss(self, parameters: tuple[Array, ...]) -> Array:
        """Return the loss, 1 x 1."""
        return self._loss(self.residual(parameters))

    def _loss(self, residual: Array) -> Array:
        return self.backend.scale(self.problem.loss.factor, self.backend.frobenius_squared(residual))

    def loss_and_gradients(self, parameters: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        """Return the loss and its gradient with respect to each parameter that is trained."""
        backend, parts = self.backend, self._parts(parameters, self._columns)
        segments = _segments(self._network.depth)
        marks, kept = [self._inputs], self._segment(parts, segments[0], self._inputs)
        for blocks in segments[1:]:
            marks.append(kept[0][-1])
            kept = self._segment(parts, blocks, marks[-1])
        residual = backend.subtract(kept[0][-1], self._target)
        adjoint = backend.scale(2 * self.problem.loss.factor, residual)
        gradients = parts.gradients()
        for number in range(len(segments) - 1, -1, -1):
            if number < len(segments) - 1:
                kept = self._segment(parts, segments[number], marks[number])
            adjoint = self._back(parts, segments[number], kept, adjoint, gradients)
        return self._loss(residual), gradients.collected()

    def _back(self, parts: Parts, blocks: range, kept: Segment, adjoint: Array, gradients: Gradients) -> Array:
        """Carry the adjoint from the end of some blocks to their beginning."""
        backend, network = self.backend, self._network
        states, arguments, values = kept
        for k in reversed(blocks):
            at = k - blocks.start
            slope = backend.activate(network.activation, arguments[at], 1)
            inner = parts.scaled(k, backend.multiply(slope, adjoint))
            gradients.add(k, inner, states[at], values[at], adjoint)
            adjoint = backend.add(adjoint, backend.matmul(backend.transpose(parts.branches[k]), inner))
        return adjoint


def _segments(depth: int) -> list[range]:
    """Return the blocks in runs of about equal length, one run up to the depth that is kept whole."""
    if depth <= CHECKPOINT_DEPTH:
        return [range(depth)]
    length = isqrt(depth - 1) + 1
    return [range(first, min(first + length, depth)) for first in range(0, depth, length)]
