"""Digits of a recorded loss: guard bits for a loss that becomes tiny, where so many will do.

The digits that a run is asked for are those of its weights. A loss of 1e-90 then has none, and a verdict on it stays
undecided though more precision would decide it. So a recorded loss is held to the same digits, relative to itself: the
first that has fewer asks for the bits that the last will need, by the decay so far. Where that is past a limit the run
goes on and says so.
"""

from __future__ import annotations

import math

from workbench.backends import bits_of
from workbench.dynamics._recorder import PrecisionShort

# A run is not made dearer for the digits of its loss than by this many times its bits, and these.
_MOST_TIMES, _MOST_MORE = 8, 512

# Room for a decay that becomes faster, and for what the bound loses besides.
_FASTER, _MORE = 1.1, 16


class LossDigits:
    """Holds the recorded losses of a run to their digits.

    Parameters
    ----------
    digits : int or None
        None where the precision is not to be raised any more.
    bits : int
        Working precision.
    steps : int
        How many the run takes at most.
    level : float or None
        Natural logarithm of the loss at which it ends.
    """

    def __init__(self, digits: int | None, bits: int, steps: int, level: float | None) -> None:
        self._asked = 0 if digits is None else bits_of(digits)
        self._digits, self._bits, self._steps = digits, bits, steps
        self._level = None if level is None else level / math.log(2)
        self._first: float | None = None
        self.note: str | None = None

    def hold(self, step: int, exponent: float, error: float) -> None:
        """Ask for more bits where a loss has too few digits and more would do.

        Parameters
        ----------
        step : int
        exponent : float
            Binary logarithm of the loss, or below it by no more than two.
        error : float
            Of the loss, in units of 2^-bits.
        """
        if self._first is None:
            self._first = exponent
        if self._digits is None or self.note is not None or not 0 < error < math.inf:
            return
        short = math.log2(error) - self._bits + self._asked - exponent
        if short <= 0:
            return
        wanted = self._bits + math.ceil(short + self._decay(step, exponent) / 2) + _MORE
        if wanted <= _MOST_TIMES * self._asked + _MOST_MORE:
            raise PrecisionShort(step, wanted)
        self.note = (
            f"from step {step} on the loss is too small for {self._digits} digits of its own at this precision: its "
            "error is absolute, and --digits auto or more digits narrow it"
        )

    def _decay(self, step: int, exponent: float) -> float:
        """Return how many bits the loss has still to fall, by its mean decay so far."""
        rate = max((self._first or 0.0) - exponent, 0.0) / max(step, 1)
        left = rate * (self._steps - step) * _FASTER
        return left if self._level is None else min(left, max(exponent - self._level, 0.0))
