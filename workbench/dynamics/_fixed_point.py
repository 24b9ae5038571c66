"""One step of descent in fixed point, as a list of calls on integer matrices that live as long as the run.

`_fixed_point_bounds` says what is computed and how far off it is. All layers are stacked in one matrix, and so are
prefixes and gradients, so that a transpose, a cut or an update is one call whatever the depth. With 26 calls a step at
depth 4 and 0.2 microseconds a call, the products are what a step costs from d = 4 on.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench import backends
from workbench.backends.ball import arb, measured
from workbench.backends.integer_matrices import IntegerMatrix, prepared, required_library
from workbench.dynamics._fixed_point_bounds import GUARD_BITS
from workbench.dynamics._fixed_point_rules import Momentum, Pull
from workbench.errors import UnsupportedError
from workbench.exact import Exact, Measured
from workbench.initialization import BalancedLayer, Layer, weights
from workbench.problem import Problem

Call = Callable[[], Any]

# Exponents beyond which a float is left to its ends.
_LARGEST, _SMALLEST = 1000, -1060


def cut(value: Exact, bits: int) -> tuple[int, float]:
    """Return a number in units of 2^-bits, cut toward zero, and a bound of the error in those units."""
    if isinstance(value, Fraction):
        quotient, rest = divmod(abs(value.numerator) << bits, value.denominator)
        return (quotient if value >= 0 else -quotient), float(rest != 0)
    return cut_measured(measured(arb(value)), bits)


def cut_measured(middle: Measured, bits: int) -> tuple[int, float]:
    """Return a number with its error in units of 2^-bits, cut toward zero, and a bound of both errors."""
    if middle.value is None or middle.error is None:
        raise UnsupportedError("a starting weight is no finite number")
    whole, error = cut(middle.value, bits)
    return whole, error + math.ceil(middle.error * 2**bits)


def within_one(value: Exact, bits: int) -> int:
    """Return a number in units of 2^-bits, off by less than one: what the lemmas take of targets and inputs.

    A ball at the working precision around a large irrational is wider than a unit, so that it is made finer here.
    """
    if isinstance(value, Fraction):
        return cut(value, bits)[0]
    finer = bits + GUARD_BITS
    while True:
        with backends.load("ball", bits=finer).session():
            middle = measured(arb(value))
        if middle.value is None or middle.error is None:
            raise UnsupportedError(f"the entry {value} is no finite number")
        if middle.error * (1 << bits) <= Fraction(1, 4):
            return round(middle.value * (1 << bits))
        finer *= 2


class FixedPoint:
    """The weights of a linear network in units of 2^-bits, and the calls that move them.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    bits : int
    step_size : Fraction
    rule : Rule
        Plain descent, with a pull toward `anchor` times the identity, or momentum.
    anchor : int
    """

    def __init__(
        self, problem: Problem, bits: int, step_size: Fraction, rule: Pull | Momentum, anchor: int = 0
    ) -> None:
        self.bits, self._functions = bits, required_library()
        self.shapes = problem.network.shapes
        self._stops = np.cumsum([0, *(rows for rows, _ in self.shapes)]).tolist()
        self._wide = max(columns for _, columns in self.shapes)
        self._weights = IntegerMatrix(self._stops[-1], self._wide)
        self.initial_error = self._start(problem)
        self._kept: list[IntegerMatrix] = []
        self._velocity: IntegerMatrix | None = None
        self._square, self._step_square, self._exponent = self._new(1, 1), self._new(1, 1), ctypes.c_int64()
        self._forward = self._forward_calls(problem)
        self._backward = self._backward_calls(problem, 2 * problem.loss.factor * step_size)
        self._backward += self._move_calls(rule, anchor)
        self._square_entry = self._square.entry()
        self._make_room(self.bits // 16 + 1)
        place = ctypes.addressof(self._exponent)
        self._read = prepared("fmpz_get_d_2exp", place, self._square_entry)
        self._read_step = prepared("fmpz_get_d_2exp", place, self._step_square.entry())

    def _start(self, problem: Problem) -> float:
        """Set the weights; return the Frobenius norm of what was cut off, in units."""
        squares = 0.0
        for window, layer in zip(self._windows(self._weights), weights(problem.network, problem.start), strict=True):
            cuts = self._cuts(layer)
            window.fill([[whole for whole, _ in row] for row in cuts])
            squares += sum(error * error for row in cuts for _, error in row)
        return math.sqrt(squares) * (1 + 1e-9)

    def _cuts(self, layer: Layer) -> list[list[tuple[int, float]]]:
        if isinstance(layer, BalancedLayer):
            base = backends.load("ball", bits=self.bits + GUARD_BITS)
            with base.session():
                entries = base.entries(layer.over(base))
            return [[cut_measured(x, self.bits) for x in row] for row in entries]
        return [[cut(x, self.bits) for x in row] for row in layer]

    def _new(self, rows: int, columns: int) -> IntegerMatrix:
        self._kept.append(IntegerMatrix(rows, columns))
        return self._kept[-1]

    def _exact(self, rows: Sequence[Sequence[Exact]]) -> IntegerMatrix:
        matrix = self._new(len(rows), len(rows[0]))
        matrix.fill([[within_one(x, self.bits) for x in row] for row in rows])
        return matrix

    def _windows(self, stack: IntegerMatrix) -> list[IntegerMatrix]:
        """Return the layers of a stack of layers."""
        places = zip(self._stops, self.shapes, strict=False)
        return [stack.window(start, rows, columns) for start, (rows, columns) in places]

    def _call(self, name: str, *arguments: Any) -> Call:
        """Return a call of FLINT's; it keeps the matrices alive."""
        self._kept += [a for a in arguments if isinstance(a, IntegerMatrix)]
        return prepared(name if name.startswith("_") else "fmpz_" + name, *arguments)

    def _product(self, result: IntegerMatrix, a: IntegerMatrix, b: IntegerMatrix) -> list[Call]:
        """Set a matrix to a product, cut."""
        return [
            self._call("mat_mul", result, a, b),
            self._call("mat_scalar_tdiv_q_2exp", result, result, self.bits),
        ]

    def _forward_calls(self, problem: Problem) -> list[Call]:
        """Compute the prefixes, the residual and its squared norm."""
        loss = problem.loss
        columns = loss.target.shape[1]
        self._prefixes = self._new(self._stops[-1], columns)
        self._prefix = [
            self._prefixes.window(a, b - a, columns) for a, b in zip(self._stops, self._stops[1:], strict=False)
        ]
        layers = self._windows(self._weights)
        self._inputs = None if loss.inputs is None else self._exact(loss.inputs.rows)
        if self._inputs is None:
            calls = [self._call("mat_set", self._prefix[0], layers[0])]
        else:
            calls = self._product(self._prefix[0], layers[0], self._inputs)
        for i in range(1, len(layers)):
            calls += self._product(self._prefix[i], layers[i], self._prefix[i - 1])
        last = self.shapes[-1][0]
        self._residual = self._new(last, columns)
        calls.append(self._call("mat_sub", self._residual, self._prefix[-1], self._exact(loss.target.rows)))
        start = self._residual.entry()
        return [*calls, self._call("_fmpz_vec_dot", self._square.entry(), start, start, last * columns)]

    def _backward_calls(self, problem: Problem, pull: Fraction) -> list[Call]:
        """Compute all gradients times 2 c eta, from the last layer to the first."""
        columns, depth = self._residual.shape[1], len(self.shapes)
        self._gradients = self._new(self._stops[-1], self._wide)
        gradients = self._windows(self._gradients)
        turned, flipped = self._new(self._wide, self._stops[-1]), self._new(columns, self._stops[-1])
        calls = [self._call("mat_transpose", turned, self._weights)] if depth > 1 else []
        calls += [self._call("mat_transpose", flipped, self._prefixes)] if depth > 1 else []
        suffix = self._residual
        for i in range(depth - 1, 0, -1):
            rows, into = self.shapes[i]
            before = flipped.column_window(self._stops[i - 1], into, columns)
            calls.append(self._call("mat_mul", gradients[i], suffix, before))
            below = self._new(into, columns)
            calls += self._product(below, turned.column_window(self._stops[i], rows, into), suffix)
            suffix = below
        if self._inputs is None:
            calls.append(self._call("mat_scalar_mul_2exp", gradients[0], suffix, self.bits))
        else:
            sideways = self._new(columns, self._inputs.shape[0])
            self._call("mat_transpose", sideways, self._inputs)()
            calls.append(self._call("mat_mul", gradients[0], suffix, sideways))
        return [*calls, *self._scaled(self._gradients, pull, self.bits)]

    def _scaled(self, stack: IntegerMatrix, factor: Fraction, shift: int) -> list[Call]:
        """Multiply a stack by a rational over 2^shift, cut at the guard bits and at the unit."""
        guard = min(GUARD_BITS, shift)
        calls = [self._call("mat_scalar_tdiv_q_2exp", stack, stack, shift - guard)] if shift > guard else []
        numbers = self._new(1, 2)
        numbers.fill([[factor.numerator, factor.denominator << guard]])
        if factor.numerator != 1:
            calls.append(self._call("mat_scalar_mul_fmpz", stack, stack, numbers.entry(0, 0)))
        count = stack.shape[0] * stack.shape[1]
        start = stack.entry()
        calls.append(self._call("_fmpz_vec_scalar_tdiv_q_fmpz", start, start, count, numbers.entry(0, 1)))
        return calls

    def _move_calls(self, rule: Pull | Momentum, anchor: int) -> list[Call]:
        """Move the weights by what the rule makes of eta times the gradients, and find the size of its entries."""
        if isinstance(rule, Momentum):
            return self._momentum_calls(rule)
        calls = self._pull_calls(rule.spring, anchor) if rule.spring else []
        calls.append(self._call("mat_sub", self._weights, self._weights, self._gradients))
        return [*calls, *self._squared(self._gradients)]

    def _pull_calls(self, spring: Fraction, anchor: int) -> list[Call]:
        """Add eta kappa (W - A) to eta times the gradients."""
        places, offset = self._new(*self._weights.shape), self._new(*self._weights.shape)
        for window in self._windows(places):
            unit = anchor << self.bits
            window.fill([[unit if i == j else 0 for j in range(window.shape[1])] for i in range(window.shape[0])])
        return [
            self._call("mat_sub", offset, self._weights, places),
            *self._scaled(offset, spring, 0),
            self._call("mat_add", self._gradients, self._gradients, offset),
        ]

    def _momentum_calls(self, rule: Momentum) -> list[Call]:
        """Set V <- [b V] - eta G and add it to the weights; Nesterov adds [b V] - eta G again."""
        self._velocity = velocity = self._new(*self._weights.shape)
        move = velocity
        calls = [*self._scaled(velocity, rule.momentum, 0), self._call("mat_sub", velocity, velocity, self._gradients)]
        if rule.ahead:
            move = self._new(*self._weights.shape)
            calls += [self._call("mat_set", move, velocity), *self._scaled(move, rule.momentum, 0)]
            calls.append(self._call("mat_sub", move, move, self._gradients))
        return [*calls, self._call("mat_add", self._weights, self._weights, move), *self._squared(move)]

    def _squared(self, matrix: IntegerMatrix) -> list[Call]:
        """Set the one square that is read to the squared Frobenius norm of a matrix that is no window."""
        start, count = matrix.entry(), matrix.shape[0] * matrix.shape[1]
        return [self._call("_fmpz_vec_dot", self._step_square.entry(), start, start, count)]

    def forward(self) -> float:
        """Compute the residual at the weights and return its Frobenius norm, to nearest."""
        for call in self._forward:
            call()
        mantissa = self._read()
        self.square_bits = self._exponent.value
        return self._root(mantissa)

    def backward(self) -> float:
        """Move the weights by one step, from the residual that `forward` has left; return its norm, to nearest."""
        for call in self._backward:
            call()
        return self._root(self._read_step())

    def _root(self, mantissa: float) -> float:
        """Return the root of a mantissa times two to the exponent that came with it, in units of 4^-bits."""
        half, odd = divmod(self._exponent.value - 2 * self.bits, 2)
        if half > _LARGEST:
            return math.inf
        return math.ldexp(math.sqrt(mantissa * (1 + odd)), half) if half > _SMALLEST else 0.0

    def residual_square(self) -> int:
        """Return the squared Frobenius norm of the residual, in units of 4^-bits."""
        if self.square_bits > 64 * self._room:
            self._make_room(self.square_bits // 32)
        self._read_words()
        return int.from_bytes(self._words, sys.byteorder)

    def _make_room(self, words: int) -> None:
        """Keep so many words for the squared norm."""
        self._room, self._words = words, (ctypes.c_uint64 * words)()
        place = ctypes.addressof(self._words)
        self._read_words = prepared("fmpz_get_ui_array", place, words, self._square_entry)

    def layers(self) -> list[list[list[int]]]:
        """Return the weights in units."""
        return [window.rows() for window in self._windows(self._weights)]

    def velocities(self) -> list[list[list[int]]] | None:
        """Return the velocities in units, None where the rule has none."""
        return None if self._velocity is None else [window.rows() for window in self._windows(self._velocity)]

    def shadow(self) -> list[np.ndarray]:
        """Return the weights as floats, each within a few roundings of the largest."""
        shift = max(abs(self._functions.fmpz_mat_max_bits(self._weights.pointer)) - 60, 0)
        small = IntegerMatrix(*self._weights.shape)
        self._functions.fmpz_mat_scalar_tdiv_q_2exp(small.pointer, self._weights.pointer, shift)
        with np.errstate(over="ignore"):
            values = np.ldexp(small.words().astype(np.float64), shift - self.bits)
        places = zip(self._stops, self.shapes, strict=False)
        return [values[start : start + rows, :columns] for start, (rows, columns) in places]
