"""The calls of FLINT that make one expansion in fixed point, written down once and made again in every step.

Of two factors of a convolution the left one grows to the right and the right one upwards, so that the blocks that
meet lie side by side: sum_j A_j B_(k-j) is one product of windows. Prefixes are kept upright and turned, weights and
suffixes lying and upright, each where the product that needs them looks.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import Any

from workbench.backends.integer_matrices import IntegerMatrix, required_library
from workbench.dynamics._fixed_point import within_one
from workbench.problem import Problem

Call = Callable[[], object]


# A window of FLINT's is four words; room for twice that.
_WINDOW_BYTES = 64


class Windows:
    """Windows into larger matrices, as addresses: thousands of them, which one finalizer gives back.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._functions, self._most = required_library(), most
        self._memory = ctypes.create_string_buffer(_WINDOW_BYTES * most)
        self._free, self._made = ctypes.addressof(self._memory), [0]
        weakref.finalize(self, _give_back, self._functions.fmpz_mat_window_clear, self._memory, self._made)

    def add(self, parent: IntegerMatrix, top: int, left: int, shape: tuple[int, int]) -> int:
        """Return the address of a new window."""
        bottom, right = top + shape[0], left + shape[1]
        if bottom > parent.shape[0] or right > parent.shape[1] or self._made[0] == self._most:
            raise IndexError("a window reaches beyond its matrix, or there are too many")
        address = self._free
        self._functions.fmpz_mat_window_init(address, parent.pointer, top, left, bottom, right)
        self._free, self._made[0] = address + _WINDOW_BYTES, self._made[0] + 1
        return address


def _give_back(clear: Callable[[int], None], memory: Any, made: list[int]) -> None:
    for number in range(made[0]):
        clear(ctypes.addressof(memory) + _WINDOW_BYTES * number)


class Lying:
    """A series as left factor: its coefficients from left to right."""

    def __init__(self, windows: Windows, order: int, rows: int, columns: int) -> None:
        self._windows, self._shape, self.whole = windows, (rows, columns), IntegerMatrix(rows, columns * order)

    def block(self, k: int) -> int:
        """Return coefficient k."""
        return self._windows.add(self.whole, 0, self._shape[1] * k, self._shape)

    def upto(self, k: int) -> int:
        """Return coefficients 0 ... k."""
        rows, columns = self._shape
        return self._windows.add(self.whole, 0, 0, (rows, columns * (k + 1)))


class Upright:
    """A series as right factor: its coefficients from the bottom up."""

    def __init__(self, windows: Windows, order: int, rows: int, columns: int) -> None:
        self._windows, self._order, self._shape = windows, order, (rows, columns)
        self.whole = IntegerMatrix(rows * order, columns)

    def block(self, k: int) -> int:
        """Return coefficient k."""
        return self._windows.add(self.whole, self._shape[0] * (self._order - 1 - k), 0, self._shape)

    def upto(self, k: int) -> int:
        """Return coefficients k ... 0."""
        rows, columns = self._shape
        return self._windows.add(self.whole, rows * (self._order - 1 - k), 0, (rows * (k + 1), columns))


class Calls:
    """The matrices of an expansion and the calls that fill them.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    order : int
        N.
    bits : int
        Numbers are in units of 2^-bits.
    drops : list of int
        By how many bits the unit of coefficient k is larger, k = 0 ... N.
    """

    def __init__(self, problem: Problem, order: int, bits: int, drops: list[int]) -> None:
        self._functions, self._bits, self._drops = required_library(), bits, drops
        shapes = self._shapes = problem.network.shapes
        loss, depth = problem.loss, len(shapes)
        self._samples = loss.target.shape[1]
        self._ends = [0, *accumulate(rows * columns for rows, columns in shapes)]
        self.coefficients = IntegerMatrix(order + 1, self._ends[-1])
        self.squares = IntegerMatrix(depth + 1, order + 1)
        self._now = [IntegerMatrix(*shape) for shape in shapes]
        self._prefix = [IntegerMatrix(rows, self._samples) for rows, _ in shapes]
        self._suffix = [IntegerMatrix(rows, self._samples) for rows, _ in shapes]
        self._target = self._exact(loss.target.rows)
        self._inputs = None if loss.inputs is None else self._exact(loss.inputs.rows)
        self._turned_inputs = None if loss.inputs is None else self._exact(list(zip(*loss.inputs.rows, strict=True)))
        self._rate, self._divisors = IntegerMatrix(1, 2), IntegerMatrix(1, order)
        self._divisors.fill([[-(k + 1) << (drops[k + 1] - drops[k]) for k in range(order)]])
        inner = range(1, depth)
        # Blocks and rows of blocks of six series a product.
        room = Windows(max(1, 12 * (depth - 1) * order))
        self._layers = {i: Lying(room, order, *shapes[i]) for i in inner}
        self._turned_layers = {i: Lying(room, order, *shapes[i][::-1]) for i in inner}
        self._prefixes = {i: Upright(room, order, shapes[i][0], self._samples) for i in range(depth - 1)}
        self._turned_prefixes = {i: Upright(room, order, self._samples, shapes[i][0]) for i in range(depth - 1)}
        self._lying_suffixes = {i: Lying(room, order, shapes[i][0], self._samples) for i in inner}
        self._suffixes = {i: Upright(room, order, shapes[i][0], self._samples) for i in inner}
        self.each = [call for k in range(order) for call in self._coefficient(k)]
        self.each += self._norms(order)

    def _exact(self, rows: Any) -> IntegerMatrix:
        matrix = IntegerMatrix(len(rows), len(rows[0]))
        matrix.fill([[within_one(x, self._bits) for x in row] for row in rows])
        return matrix

    def set_rate(self, rate: Fraction) -> None:
        """Set 2 c tau, by which the residual enters."""
        self._rate.fill([[rate.numerator, rate.denominator]])

    def start(self, layers: list[list[list[int]]]) -> None:
        """Set the coefficients 0 of the weights."""
        for matrix, rows in zip(self._now, layers, strict=True):
            matrix.fill(rows)
        self.coefficients.fill([[x for layer in layers for row in layer for x in row]])

    def _call(self, name: str, *arguments: Any) -> Call:
        """Return a call of FLINT's on matrices that live as long as this object."""
        pointers = [a.pointer if isinstance(a, IntegerMatrix) else a for a in arguments]
        return partial(getattr(self._functions, name), *pointers)

    def _product(
        self, result: IntegerMatrix, a: IntegerMatrix | int, b: IntegerMatrix | int, drop: int = 0
    ) -> list[Call]:
        """Set a matrix to a product of two, of which one is in a unit larger by some bits and so is the result."""
        return [
            self._call("fmpz_mat_mul", result, a, b),
            self._call("fmpz_mat_scalar_tdiv_q_2exp", result, result, self._bits - drop),
        ]

    def _coarsened(self, k: int) -> list[Call]:
        """Cut the factors of all products to the unit of coefficient k."""
        drop = self._drops[k] - self._drops[k - 1] if k else 0
        kinds = (self._layers, self._turned_layers, self._lying_suffixes)
        wholes = [series.whole for kind in kinds for series in kind.values()]
        wholes += [
            series.whole for kind in (self._prefixes, self._turned_prefixes, self._suffixes) for series in kind.values()
        ]
        return [self._call("fmpz_mat_scalar_tdiv_q_2exp", m, m, drop) for m in wholes] if drop else []

    def _coefficient(self, k: int) -> list[Call]:
        """Give every series its coefficient k, and the weights coefficient k + 1."""
        return [*self._norms(k), *self._coarsened(k), *self._forward(k), *self._scaled_residual(k), *self._backward(k)]

    def _forward(self, k: int) -> list[Call]:
        calls: list[Call] = []
        drop = self._drops[k]
        for i in range(1, len(self._shapes)):
            calls.append(self._call("fmpz_mat_set", self._layers[i].block(k), self._now[i]))
            calls.append(self._call("fmpz_mat_transpose", self._turned_layers[i].block(k), self._now[i]))
        if self._inputs is None:
            calls.append(self._call("fmpz_mat_set", self._prefix[0], self._now[0]))
        else:
            calls += self._product(self._prefix[0], self._now[0], self._inputs)
        for i in range(1, len(self._shapes)):
            calls.append(self._call("fmpz_mat_set", self._prefixes[i - 1].block(k), self._prefix[i - 1]))
            calls.append(self._call("fmpz_mat_transpose", self._turned_prefixes[i - 1].block(k), self._prefix[i - 1]))
            calls += self._product(self._prefix[i], self._layers[i].upto(k), self._prefixes[i - 1].upto(k), drop)
        return calls

    def _scaled_residual(self, k: int) -> list[Call]:
        last, calls = self._prefix[-1], []
        if k == 0:
            calls.append(self._call("fmpz_mat_sub", last, last, self._target))
        count = last.shape[0] * last.shape[1]
        square = self.squares.entry(len(self._shapes), k)
        calls.append(self._call("_fmpz_vec_dot", square, last.entry(), last.entry(), count))
        top = self._suffix[-1]
        calls.append(self._call("fmpz_mat_scalar_mul_fmpz", top, last, self._rate.entry(0, 0)))
        calls.append(
            self._call("_fmpz_vec_scalar_tdiv_q_fmpz", top.entry(), top.entry(), count, self._rate.entry(0, 1))
        )
        return calls

    def _backward(self, k: int) -> list[Call]:
        calls: list[Call] = []
        drop = self._drops[k]
        for i in range(len(self._shapes) - 1, 0, -1):
            calls.append(self._call("fmpz_mat_set", self._lying_suffixes[i].block(k), self._suffix[i]))
            calls.append(self._call("fmpz_mat_set", self._suffixes[i].block(k), self._suffix[i]))
            calls += self._product(
                self._now[i], self._lying_suffixes[i].upto(k), self._turned_prefixes[i - 1].upto(k), drop
            )
            calls += self._product(self._suffix[i - 1], self._turned_layers[i].upto(k), self._suffixes[i].upto(k), drop)
        if self._turned_inputs is None:
            calls.append(self._call("fmpz_mat_set", self._now[0], self._suffix[0]))
        else:
            calls += self._product(self._now[0], self._suffix[0], self._turned_inputs)
        for i, matrix in enumerate(self._now):
            count, divisor = matrix.shape[0] * matrix.shape[1], self._divisors.entry(0, k)
            kept = self.coefficients.entry(k + 1, self._ends[i])
            for result in (kept, matrix.entry()):
                calls.append(self._call("_fmpz_vec_scalar_tdiv_q_fmpz", result, matrix.entry(), count, divisor))
        return calls

    def _norms(self, k: int) -> list[Call]:
        """Keep the squared norms of the weights' coefficients k."""
        calls = []
        for i in range(len(self._shapes)):
            place = self.coefficients.entry(k, self._ends[i])
            count = self._ends[i + 1] - self._ends[i]
            calls.append(self._call("_fmpz_vec_dot", self.squares.entry(i, k), place, place, count))
        return calls
