r"""Taylor coefficients of a deep linear network's flow in fixed point: integers, no radii, one call a matrix product.

The recursion is that of `_flow_series`. Time is counted in a unit tau a few times the step's length, so that
coefficients a_k = W^(k) tau^k hardly fall, and numbers are integers in units u_k = 2^(D_k - B) at coefficient k, D_k a
staircase below what (tau / h)^k allows: at the end of the step each counts as much as the first. When the unit grows,
all factors are cut to it. The convolution of two matrix series is one product of integer matrices, a block row that
grows to the right with a block column that grows upwards, cut toward zero. What the cuts do to the polynomial's defect
is bounded afterwards (`_flow_fixed_bound`): the coefficients themselves need no enclosure.

Rejected: `arb_dot` on coefficients that carry radii (2-3 times the time a term at 60 to 150 digits, and a call for each
entry); fixed numbers of limbs (`_nfixed_dot`: as fast up to 64 bits a limb, but no falling and 8 limbs at most); a loop
compiled by numba around these calls (2-3 s to compile; the calls cost a fifth of a step).
"""

from __future__ import annotations

import ctypes
from fractions import Fraction
from math import ceil, log2
from typing import Any

import numpy as np

from workbench.backends.ball import flint, precision
from workbench.backends.integer_matrices import IntegerMatrix, library, required_library
from workbench.dynamics._flow_fixed_calls import Calls
from workbench.dynamics._flow_polynomial import FixedExpansion
from workbench.problem import LinearNetwork, Problem

# Bits below the accuracy of a step that the cuts are given beside what their number and the sizes take.
GUARD_BITS = 12

# A start may be meant to leave a saddle by very little: entries below 2^-_UNMINDED_BITS are counted in a finer unit.
_UNMINDED_BITS = 24

# Orders of the expansions that look for the unit of time, and how far off it may be before it is looked for again.
_PILOT_ORDER = 12
_MOST_PILOTS = 8
_LONGEST, _TOO_SHORT, _TOO_LONG = 16.0, 1.25, 0.3

# The unit of time in steps, and the bits by which the unit of numbers may grow with each coefficient: at the length
# aimed at h / tau = 1 / SPREAD, so that _FALL below log2(SPREAD) costs nothing. It grows by _GRAIN bits at a time.
SPREAD = Fraction(21, 4)
_FALL, _GRAIN, _LEAST_BITS = 2.375, 32, 40

# Bits of the unit of time: few, so that a product with it is short.
_UNIT_BITS = 12

# Beyond this order series of balls are no slower, and floats do not hold the norms.
MOST_ORDER = 2000


def applies(problem: Problem, order: int) -> bool:
    """Say whether the expansions of a flow can be had in fixed point."""
    return isinstance(problem.network, LinearNetwork) and order <= MOST_ORDER and library() is not None


class FixedSeries:
    """The recursion, as a list of calls on integer matrices that live as long as the run.

    Parameters
    ----------
    problem : Problem
        Its network is linear.
    accuracy : int
        A step is to err by no more than 2^-accuracy.
    """

    def __init__(self, problem: Problem, accuracy: int) -> None:
        self._problem, self._accuracy, self._extra = problem, accuracy, 0
        self._tables: dict[tuple[int, int], _Table] = {}
        self._unit: Fraction | None = None

    def bits(self, order: int) -> int:
        """Return B: N cuts in each of 3 L products, of so many entries, each carried through the other layers."""
        widest = max(max(shape) for shape in self._problem.network.shapes)
        return self._accuracy + GUARD_BITS + self._extra + ceil(log2(9 * self._problem.depth * order * widest))

    def refine(self, bits: int) -> None:
        """Count in a unit finer by some bits from now on: the weights' sizes make more of a cut than was foreseen."""
        self._extra += bits
        self._tables.clear()

    def on_grid(self, point: tuple[Any, ...], order: int) -> tuple[tuple[Any, ...], Any]:
        """Return a point in units of 2^-B, and how far that is from an exact one at most."""
        if not self._tables:
            self._extra = max(self._extra, _bits_below_one(point) - _UNMINDED_BITS)
        module, bits = flint(), self.bits(order)
        with precision(bits + 4 * module.ctx.prec):
            near = tuple(_matrix(layer, _integers(layer, bits), bits) for layer in point)
            apart = [layer - other for layer, other in zip(point, near, strict=True)]
            squares = sum(((a * a.transpose()).trace() for a in apart), module.arb(0))
            return near, squares.abs_upper().sqrt().upper()

    def expand(self, start: tuple[Any, ...], order: int) -> FixedExpansion:
        """Return the expansion of an order N >= 1 around a point on the grid."""
        integers = [_integers(layer, self.bits(order)) for layer in start]
        unit = self._unit or self._pilot(integers, order)
        for _ in range(_MOST_PILOTS):
            found = self._table(order).expand(integers, unit * SPREAD)
            reach = self._reach(found)
            if reach is None or unit * Fraction(_TOO_LONG) < reach < unit * Fraction(_TOO_SHORT):
                break
            unit = reach
        self._unit = None if reach is None else _short(float(reach) * 1.08)
        return found

    def _table(self, order: int) -> _Table:
        key = order, self.bits(order)
        if key not in self._tables:
            self._tables[key] = _Table(self._problem, *key)
        return self._tables[key]

    def _pilot(self, integers: list[list[list[int]]], order: int) -> Fraction:
        """Return a unit of time from expansions of low order; a guess, the bound decides."""
        unit = Fraction(1, 4)
        # The same grid as the expansion's.
        table = _Table(self._problem, min(_PILOT_ORDER, order), self.bits(order))
        for _ in range(_MOST_PILOTS):
            reach = self._reach(table.expand(integers, unit * SPREAD), share=order)
            if reach is None or unit / 2 < reach < 2 * unit:
                return reach or unit
            unit = reach
        return unit

    def _reach(self, expansion: FixedExpansion, share: int | None = None) -> Fraction | None:
        """Return the length at which coefficient N, or what the last known tells of it, is at the accuracy."""
        order, (mantissas, exponents) = expansion.order, expansion.squares
        logarithms = []
        for layer in range(len(expansion.shapes)):
            for k in range(max(1, order - 1), order + 1):
                if mantissas[layer, k] > 0:
                    size = (np.log2(mantissas[layer, k]) + exponents[layer, k]) / 2 - expansion.bits
                    aim = -self._accuracy * (k / share if share else 1.0)
                    logarithms.append((aim - size) / k)
        if not logarithms:
            return None
        step = min(logarithms) + log2(float(expansion.unit))
        return _short(min(2.0 ** max(step, -60.0), _LONGEST))


class _Table:
    """The matrices of expansions of one order on one grid, and the calls that fill them."""

    def __init__(self, problem: Problem, order: int, bits: int) -> None:
        self._problem, self._order, self._bits = problem, order, bits
        most = max(0, bits - _LEAST_BITS) // _GRAIN
        self._drops = [_GRAIN * min(int(_FALL * k) // _GRAIN, most) for k in range(order + 1)]
        self._calls = Calls(problem, order, bits, self._drops)
        self._functions = required_library()

    def expand(self, integers: list[list[list[int]]], unit: Fraction) -> FixedExpansion:
        """Return the expansion around a point in units of 2^-bits."""
        calls = self._calls
        calls.set_rate(2 * self._problem.loss.factor * unit)
        calls.start(integers)
        for call in calls.each:
            call()
        kept = IntegerMatrix(*calls.coefficients.shape)
        self._functions.fmpz_mat_set(kept.pointer, calls.coefficients.pointer)
        shapes = self._problem.network.shapes
        with np.errstate(over="ignore"):
            start = tuple(np.array([[_float(v, self._bits) for v in row] for row in layer]) for layer in integers)
        return FixedExpansion(kept, shapes, unit, self._bits, self._drops, self._squares(), start)

    def _squares(self) -> tuple[np.ndarray, np.ndarray]:
        exponent = ctypes.c_int64()
        pointer, read = ctypes.byref(exponent), self._functions.fmpz_get_d_2exp
        rows, columns = self._calls.squares.shape
        mantissas, exponents = np.zeros((rows, columns)), np.zeros((rows, columns), dtype=np.int64)
        for row in range(rows):
            first = self._calls.squares.entry(row).value
            for k in range(columns):
                mantissas[row, k], exponents[row, k] = read(pointer, first + 8 * k), exponent.value + 2 * self._drops[k]
        return mantissas, exponents


def _integers(layer: Any, bits: int) -> list[list[int]]:
    """Return an exact matrix of balls in units of 2^-bits, to nearest."""
    return [[_scaled(x, bits) for x in row] for row in layer.tolist()]


def _scaled(value: Any, bits: int) -> int:
    mantissa, exponent = (int(x) for x in value.mid().man_exp())
    shift = exponent + bits
    return mantissa << shift if shift >= 0 else (mantissa + (1 << -shift - 1)) >> -shift


def _matrix(like: Any, values: list[list[int]], bits: int) -> Any:
    module = flint()
    unit = module.arb(2) ** -bits
    flat = [module.arb(v) * unit for row in values for v in row]
    return module.arb_mat(like.nrows(), like.ncols(), flat)


def _bits_below_one(point: tuple[Any, ...]) -> int:
    """Return how far below one the smallest entry that is not zero lies, in bits."""
    found = 0
    for layer in point:
        for x in layer.entries():
            mantissa, exponent = (int(v) for v in x.mid().man_exp())
            found = max(found, -exponent - mantissa.bit_length()) if mantissa else found
    return found


def _short(length: float) -> Fraction:
    """Return a length cut to a few bits."""
    exponent = int(np.frexp(length)[1]) - _UNIT_BITS
    return Fraction(int(np.ldexp(length, -exponent))) * Fraction(2) ** exponent


def _float(value: int, bits: int) -> float:
    """Return a number in units as a float, to nearest; infinite beyond their range."""
    shift = max(value.bit_length() - 64, 0)
    return float(np.ldexp(float(value >> shift), shift - bits))
