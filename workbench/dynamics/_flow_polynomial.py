"""A Taylor polynomial in fixed point: its values at a time, enclosed, and the norms of its coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.ball import arb as exact
from workbench.backends.ball import flint, precision
from workbench.backends.integer_matrices import IntegerMatrix, required_library


@dataclass
class FixedExpansion:
    """A Taylor polynomial of the flow with coefficients in units of 2^-bits.

    Parameters
    ----------
    coefficients : IntegerMatrix, shape (N + 1, entries of all layers)
    shapes : tuple of (int, int)
    unit : Fraction
        The unit of time.
    bits : int
    drops : list of int
        Row k is in units of 2^(drops[k] - bits).
    squares : tuple of numpy.ndarray, shapes (layers + 1, N + 1)
        Mantissas and exponents of the squared Frobenius norms in units of 4^-bits, of each layer's coefficients and of
        those of W X - Y (of which there is one less), each to a relative 2^-50.
    start : tuple of numpy.ndarray
        Coefficients 0 as floats.
    """

    coefficients: IntegerMatrix
    shapes: tuple[tuple[int, int], ...]
    unit: Fraction
    bits: int
    drops: list[int]
    squares: tuple[np.ndarray, np.ndarray]
    start: tuple[np.ndarray, ...]

    @property
    def order(self) -> int:
        """The degree N."""
        return self.coefficients.shape[0] - 1

    def at(self, time: Any) -> tuple[Any, ...]:
        """Return the polynomial at a time, a ball, enclosed.

        Powers of s = time / tau >= 0 are cut in the finest unit, where power k is off by at most 2 k s_+^k units,
        s_+ = max(1, s), then to the unit that coefficient k leaves to them: (2 k + 1) s_+^k u are enough.
        """
        middle, radius = _rational(time.mid()) / self.unit, _rational(time.rad()) / self.unit
        powers = self._powers(middle)
        values = IntegerMatrix(1, self.coefficients.shape[1])
        functions = required_library()
        functions.fmpz_mat_mul(values.pointer, powers.pointer, self.coefficients.pointer)
        functions.fmpz_mat_scalar_tdiv_q_2exp(values.pointer, values.pointer, self.bits)
        return self._balls(values.rows()[0], self._blurs(middle, radius))

    def _powers(self, s: Fraction) -> IntegerMatrix:
        finest = self.bits + self.drops[-1]
        base, power, powers = (s.numerator << finest) // s.denominator, 1 << finest, []
        for drop in self.drops:
            powers.append(power >> self.drops[-1] - drop)
            power = power * base >> finest
        row = IntegerMatrix(1, self.order + 1)
        row.fill([powers])
        return row

    def _blurs(self, s: Fraction, radius: Fraction) -> list[Any]:
        """Return for each layer a bound of an entry's error, an exact ball."""
        arb, unit = flint().arb, flint().arb(2) ** -self.bits
        reach = float(max(Fraction(1), abs(s) + radius)) * (1 + 1e-12)
        # As a ball: beyond 320 digits a float is 0 or far too large.
        far = exact(radius).upper()
        numbers = np.arange(self.order + 1)
        found = []
        for layer in range(len(self.shapes)):
            sizes = norms_of(self.squares, layer, self.bits, np.log2(reach)) * (1 + 1e-9)
            speed, wrong = arb(float((numbers * sizes).sum())), arb(float(((2 * numbers + 1) * sizes).sum()))
            found.append((unit * (wrong + 1) + far * speed).upper())
        return found

    def _balls(self, values: list[int], blurs: list[Any]) -> tuple[Any, ...]:
        module = flint()
        place, layers = 0, []
        with precision(max(module.ctx.prec, self.bits + 64)):
            unit = module.arb(2) ** -self.bits
            for (rows, columns), blur in zip(self.shapes, blurs, strict=True):
                own, place = values[place : place + rows * columns], place + rows * columns
                layers.append(module.arb_mat(rows, columns, [module.arb(v) * unit + module.arb(0, blur) for v in own]))
        return tuple(layers)


def norms_of(squares: tuple[np.ndarray, np.ndarray], row: int, bits: int, shift: float) -> np.ndarray:
    """Return upper bounds of ||a_k||_F 2^(shift k); infinite where floats do not reach."""
    mantissas, exponents = squares[0][row], squares[1][row]
    half = exponents // 2
    small = np.sqrt(mantissas * np.exp2(exponents - 2 * half))
    powers = shift * np.arange(len(small)) + (half - bits)
    whole = np.floor(powers)
    with np.errstate(over="ignore", under="ignore"):
        value = np.ldexp(small * np.exp2(powers - whole) * (1 + 1e-12), whole.astype(np.int64))
    # What floats do not tell from zero is below this.
    return np.where(mantissas > 0, np.maximum(value, 1e-300), 0.0)


def _rational(value: Any) -> Fraction:
    mantissa, exponent = (int(x) for x in value.man_exp())
    return Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)
