"""Conjugate gradients on one layer, whose loss is quadratic; `deflated` coordinates are solved for at once.

With A = 2c X X^T and b = 2c Y X^T the rows of W solve W A = b. Given `deflated` = k > 0, the first step makes the first
k columns of the residual vanish, and every direction after it is A-orthogonal to those coordinates: what is left is
conjugate gradients on the Schur complement of A (Erhel and Guyomarc'h 2000, augmented by coordinate vectors).

The iterates are rational, and there are few: the run is carried out in exact rationals and each iterate is rounded
once into the arithmetic that was asked for. In floats conjugate gradients lose their orthogonality, so that a rounded
run is no witness for the method; that is why no backend iterates here. There is no step size, and time counts steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from workbench.backends import Backend
from workbench.backends.running_error import enclosing
from workbench.dynamics._recorder import Recorder
from workbench.dynamics._stopping import number_of_steps
from workbench.errors import InputError, UnsupportedError
from workbench.initialization import weights
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem
from workbench.rotation import product
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

LABEL = "conjugate gradients"
FLOW = False
# The lengths of the steps are computed, not given.
STEPLESS = True
PARAMETERS: Mapping[str, Fraction | None] = {"deflated": Fraction(0)}

# Past this many bits in an entry an exact iterate is not worth a run.
_MOST_BITS = 2**18

Rows = list[list[Fraction]]


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run conjugate gradients; one layer only."""
    start = _rational_start(problem)
    deflated = _count(method, problem)
    matrix, right = normal_equations(problem)
    with base.session():
        network = build(problem, enclosing(base))
        recorder = Recorder(network, observes, keep_weights, None, digits, dict(method.parameters))
        previous, level, last = None, method.stop.until_loss, number_of_steps(method)
        status = Status.STALLED
        for step, iterate in enumerate(_iterates(start, matrix, right, deflated)):
            layers = (network.backend.matrix(iterate),)
            recorder.record(step, Fraction(step), layers, network.parameters, previous)
            previous = layers
            if level is not None and _loss(problem, iterate) <= level:
                status = Status.CONVERGED
                break
            if step == last:
                status = Status.FINISHED
                break
        return Trajectory(
            problem=problem,
            method=method,
            arithmetic=Arithmetic(base.name),
            steps=tuple(recorder.steps),
            times=tuple(recorder.times),
            observables={name: tuple(values) for name, values in recorder.series.items()},
            grade="enclosure" if base.name in ("ball", "exact") else "estimate",
            status=status,
            weights=None if recorder.weights is None else tuple(recorder.weights),
            notes=(*recorder.unmeasured.values(), "the iterates are exact rationals, each rounded once"),
        )


def _rational_start(problem: Problem) -> Rows:
    """Return the one layer of the start."""
    if not isinstance(problem.network, LinearNetwork) or problem.depth != 1:
        raise UnsupportedError(
            f"conjugate gradients are for a quadratic loss: one linear layer, not {problem.depth}; use --depth 1"
        )
    (layer,) = weights(problem.network, problem.start)
    if not isinstance(layer, list | tuple) or not all(isinstance(x, Fraction) for row in layer for x in row):
        raise UnsupportedError("conjugate gradients run in exact rationals: give a start without roots")
    return [[Fraction(x) for x in row] for row in layer]


def _count(method: Method, problem: Problem) -> int:
    """Return how many coordinates are deflated."""
    given, size = method.parameter("deflated"), problem.network.widths[0]
    if given.denominator != 1 or given > size:
        raise InputError(f"deflated is {given}; give a whole number of the {size} inputs, at most {size}")
    return int(given)


def normal_equations(problem: Problem) -> tuple[Rows, Rows]:
    """Return A = 2c X X^T and b = 2c Y X^T."""
    loss, labels = problem.loss, [list(row) for row in problem.loss.target.rows]
    size = problem.network.widths[0]
    inputs = [[Fraction(i == j) for j in range(size)] for i in range(size)]
    if loss.inputs is not None:
        inputs = [list(row) for row in loss.inputs.rows]
    turned = [list(column) for column in zip(*inputs, strict=True)]
    return _scaled(2 * loss.factor, product(inputs, turned)), _scaled(2 * loss.factor, product(labels, turned))


def _loss(problem: Problem, iterate: Rows) -> Fraction:
    loss = problem.loss
    output = iterate if loss.inputs is None else product(iterate, loss.inputs.rows)
    return loss.factor * _inner(_minus(output, loss.target.rows), _minus(output, loss.target.rows))


def _iterates(start: Rows, matrix: Rows, right: Rows, deflated: int) -> Iterator[Rows]:
    """Yield the start, its projection where something is deflated, and the iterates until the residual vanishes."""
    iterate, residual = start, _minus(right, product(start, matrix))
    yield iterate
    if deflated:
        moved = _padded(_solved(matrix, residual, deflated), len(matrix))
        iterate = _plus(iterate, moved, Fraction(1))
        residual = _minus(residual, product(moved, matrix))
        yield iterate
    direction = _projected(residual, matrix, deflated)
    while any(x for row in residual for x in row):
        image, size = product(direction, matrix), _inner(residual, residual)
        length = size / _inner(direction, image)
        iterate, residual = _plus(iterate, direction, length), _plus(residual, image, -length)
        _refuse_long(iterate)
        yield iterate
        kept = _inner(residual, residual) / size
        direction = _plus(_projected(residual, matrix, deflated), direction, kept)


def _projected(residual: Rows, matrix: Rows, deflated: int) -> Rows:
    """Return the part that is A-orthogonal to the deflated coordinates, r - (r A)_1 A_11^(-1)."""
    if not deflated:
        return residual
    return _minus(residual, _padded(_solved(matrix, product(residual, matrix), deflated), len(matrix)))


def _solved(matrix: Rows, right: Rows, size: int) -> Rows:
    """Return the rows z with z A_11 = the first columns of the right side, by elimination without pivoting."""
    # A_11 is a principal block of a positive semidefinite matrix: a pivot that vanishes means that it is singular.
    left = [row[:size] for row in matrix[:size]]
    columns = [list(column) for column in zip(*(row[:size] for row in right), strict=True)]
    rows = [[*a, *b] for a, b in zip(left, columns, strict=True)]
    for k in range(size):
        if rows[k][k] == 0:
            raise UnsupportedError(f"the block of the first {size} inputs is singular: it cannot be deflated")
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(size):
            if i != k and rows[i][k]:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [list(column) for column in zip(*(row[size:] for row in rows), strict=True)]


def _padded(rows: Rows, size: int) -> Rows:
    return [[*row, *[Fraction(0)] * (size - len(row))] for row in rows]


def _scaled(factor: Fraction, rows: Rows) -> Rows:
    return [[factor * x for x in row] for row in rows]


def _plus(a: Rows, b: Rows, factor: Fraction) -> Rows:
    return [[x + factor * y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]


def _minus(a: Rows, b: object) -> Rows:
    return _plus(a, [list(row) for row in b], Fraction(-1))  # type: ignore[attr-defined]


def _inner(a: Rows, b: Rows) -> Fraction:
    return sum((x * y for rows in zip(a, b, strict=True) for x, y in zip(*rows, strict=True)), Fraction(0))


def _refuse_long(iterate: Rows) -> None:
    if max(x.denominator.bit_length() for row in iterate for x in row) > _MOST_BITS:
        raise UnsupportedError(f"the exact iterates passed {_MOST_BITS} bits: take fewer inputs or shorter numbers")
