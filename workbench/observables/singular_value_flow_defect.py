"""Departure of the velocities of two singular values from the law of balanced layers.

For an end-to-end matrix W with two singular values, W' = -sum_j A_j G_j B_j and the gradient E of the loss at W, the
largest over r of |(sigma_1^2 - sigma_2^2) (d sigma_r^2 / dt + 2 L sigma_r^(3-2/L) <E, u_r v_r^T>)|. The projector
u_r u_r^T is (W W^T - sigma_o^2) / (sigma_r^2 - sigma_o^2), which needs no singular vectors; the common factor keeps the
number finite where the two values meet.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends import Array
from workbench.backends.reals import Real
from workbench.errors import UnsupportedError
from workbench.exact import Measured
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the larger departure of the two; end-to-end matrices with two rows or two columns, whitened inputs."""
    backend, reals = snapshot.backend, snapshot.reals
    matrix = snapshot.network.end_to_end(snapshot.parameters)
    if min(backend.shape(matrix)) != 2 or not snapshot.network.problem.whitened:
        raise UnsupportedError("this law is measured for end-to-end matrices with two singular values, whitened inputs")
    velocity, slope = _velocity(snapshot), _slope(snapshot, matrix)
    depth = len(snapshot.layers)
    # <A, W> and <A, W W^T W>, for A = W' and A = E: all that the projectors need.
    cubed = backend.matmul(backend.matmul(matrix, backend.transpose(matrix)), matrix)
    moments = [[reals.number(_inner(snapshot, a, b)) for b in (matrix, cubed)] for a in (velocity, slope)]
    squares = _squared_singular_values(snapshot, matrix)
    departures = []
    for square, other in (squares, squares[::-1]):
        moved, pulled = (third - other * first for first, third in moments)
        law = depth * reals.power(square, Fraction(depth - 1, depth)) * pulled
        departures.append(reals.measured(reals.sqrt((2 * (moved + law)) ** 2)))
    return Measured.largest(departures)


def _velocity(snapshot: Snapshot) -> Array:
    """Return W' = -sum_j A_j G_j B_j."""
    backend, layers = snapshot.backend, snapshot.layers
    gradients = snapshot.network.loss_and_gradients(layers)[1]
    total = None
    for j, gradient in enumerate(gradients):
        part = backend.scale(Fraction(-1), gradient)
        for layer in reversed(layers[:j]):
            part = backend.matmul(part, layer)
        for layer in layers[j + 1 :]:
            part = backend.matmul(layer, part)
        total = part if total is None else backend.add(total, part)
    return total


def _slope(snapshot: Snapshot, matrix: Array) -> Array:
    loss = snapshot.network.problem.loss
    error = snapshot.backend.subtract(matrix, snapshot.constant(loss.target.rows))
    return snapshot.backend.scale(2 * loss.factor, error)


def _inner(snapshot: Snapshot, a: Array, b: Array) -> Measured:
    """Return the Frobenius product."""
    backend = snapshot.backend
    rows, columns = backend.shape(a)
    left, right = snapshot.constant([[1] * rows]), snapshot.constant([[1]] * columns)
    return backend.measure(backend.matmul(left, backend.matmul(backend.multiply(a, b), right)))


def _squared_singular_values(snapshot: Snapshot, matrix: Array) -> tuple[Real, Real]:
    """Return the two eigenvalues of the smaller Gram matrix, from its entries."""
    backend, reals = snapshot.backend, snapshot.reals
    rows, _ = backend.shape(matrix)
    turned = backend.transpose(matrix)
    gram = backend.matmul(matrix, turned) if rows == 2 else backend.matmul(turned, matrix)
    (a, b), (_, d) = [[reals.number(entry) for entry in row] for row in backend.entries(gram)]
    gap = reals.sqrt((a - d) ** 2 + 4 * b**2)
    return (a + d + gap) / 2, (a + d - gap) / 2
