"""Losses of a run in fixed point: kept as an integer and a float each, written as fractions when the run is over."""

from __future__ import annotations

import math
from fractions import Fraction

from workbench.dynamics._hessian_bound import TINY
from workbench.dynamics._recorder import Recorder
from workbench.exact import UNKNOWN, Measured

# Records that wait to be written.
_WAITING = 1024

# Bits of a recorded error, beyond which a recorded loss is cut as well.
_ERROR_BITS = 6


class LossSeries:
    """Enclosures c S 4^-bits of a loss, S an integer.

    Parameters
    ----------
    recorder : Recorder
        Where the series goes.
    factor : Fraction
        c.
    bits : int
    step_size : Fraction
    """

    def __init__(self, recorder: Recorder, factor: Fraction, bits: int, step_size: Fraction) -> None:
        self._recorder, self._factor, self._bits, self._step_size = recorder, factor, bits, step_size
        self._waiting: list[tuple[int, int, float]] = []
        # Few errors differ in a run once they are rounded up to a few bits.
        self._radii: dict[tuple[int, int], tuple[Fraction, int]] = {}

    def append(self, step: int, square: int, error: float) -> None:
        """Keep a loss with the bound of its error, in units of 2^-bits."""
        self._waiting.append((step, square, error))
        if len(self._waiting) >= _WAITING:
            self.flush()

    def flush(self) -> None:
        """Write what waits, in one go; the last may be the end of the run, which is kept whatever the stride."""
        recorder, waiting = self._recorder, self._waiting
        last = waiting[-1:]
        kept = [record for record in waiting if recorder.wants(record[0])]
        if last and kept[-1:] != last:
            kept += last
        numerator, denominator = self._step_size.numerator, self._step_size.denominator
        times = [_lowest(step * numerator, denominator) for step, _, _ in kept]
        measured = self.measured
        losses = [measured(square, error) for _, square, error in kept] if "loss" in recorder.series else None
        recorder.extend([step for step, _, _ in kept], times, {} if losses is None else {"loss": losses})
        waiting.clear()

    def measured(self, square: int, error: float) -> Measured:
        """Return the enclosure of a loss; digits below the error are cut off."""
        if not math.isfinite(error):
            return UNKNOWN
        if error == 0:
            return Measured(_dyadic(square * self._factor.numerator, 2 * self._bits, self._factor.denominator))
        exponent = math.frexp(error + TINY)[1]
        radius, scale = self._radius(math.ceil(math.ldexp(error + TINY, _ERROR_BITS - exponent)), exponent)
        shift = max(2 * self._bits - scale, 0)
        value = _dyadic((square >> shift) * self._factor.numerator, 2 * self._bits - shift, self._factor.denominator)
        return Measured(value, radius)

    def _radius(self, mantissa: int, exponent: int) -> tuple[Fraction, int]:
        """Return mantissa 2^(exponent - _ERROR_BITS) units and one more for the cut, and the scale of the cut.

        What is cut off S is below 2^-scale, and c times that below one unit of the mantissa.
        """
        key = mantissa, exponent
        if key not in self._radii:
            scale = self._bits - exponent + _ERROR_BITS
            self._radii[key] = _dyadic(mantissa + 1, scale), scale + self._factor.numerator.bit_length()
        return self._radii[key]


def _lowest(numerator: int, denominator: int) -> Fraction:
    """Return a fraction of a nonnegative and a positive number, without the checks of what they are."""
    common = math.gcd(numerator, denominator)
    found = object.__new__(Fraction)
    found._numerator, found._denominator = numerator // common, denominator // common  # type: ignore[attr-defined]
    return found


def _dyadic(mantissa: int, scale: int, denominator: int = 1) -> Fraction:
    """Return mantissa 2^-scale over a denominator.

    Over a power of two the common factor is a count of trailing zeros, where `Fraction` would look for a greatest
    common divisor: a third of what a record costs.
    """
    if denominator & (denominator - 1) or mantissa == 0:
        return Fraction(mantissa << max(-scale, 0), denominator << max(scale, 0))
    scale += denominator.bit_length() - 1
    zeros = (mantissa & -mantissa).bit_length() - 1
    if scale <= zeros:
        return Fraction(mantissa >> scale if scale >= 0 else mantissa << -scale)
    found = object.__new__(Fraction)
    found._numerator, found._denominator = mantissa >> zeros, 1 << (scale - zeros)  # type: ignore[attr-defined]
    return found
