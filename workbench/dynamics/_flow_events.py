"""When a quantity of a certified flow crosses a level, proved; or that it does not.

A quantity minus its level is f(t). Over a piece of time the weights lie in balls, and where f's ball leaves out zero
there is no crossing. What remains is halved, from the left, down to a grain; there the signs at both ends decide: they
differ, so that f crosses by continuity, or nothing is claimed until they do. The crossing is then pinned down by
secants, every move of an end confirmed by a sign.

No derivative is followed: a touch that does not cross stays undecided. Rank loss of a square matrix is its
determinant's crossing of zero; of a rectangular one only that it does not happen can be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from workbench.backends.ball import arb
from workbench.backends.ball_algebra import singular_values
from workbench.dynamics._flow_path import Piece
from workbench.errors import UnsupportedError
from workbench.exact import decimal_text
from workbench.networks import Built, Parameters
from workbench.trajectory import Event, Watch

# A stretch of time shorter than this part of its step is not halved again.
_GRAIN = Fraction(1, 2**24)

# Looks at one step before a quantity that stays near its level is left in doubt.
_MOST_LOOKS = 2_000

# Rounds of pinning down: the uncertainty squares in each.
_ROUNDS = 40


def quantity(watch: Watch, network: Built) -> Callable[[Parameters], Any]:
    """Return how f is measured, a ball, on enclosed weights."""
    level = arb(watch.level)
    if watch.quantity == "loss":
        return lambda parameters: network.loss(parameters)[0, 0] - level
    rows, columns = network.problem.network.widths[-1], network.problem.network.widths[0]
    if watch.quantity == "determinant":
        if rows != columns:
            raise UnsupportedError(
                f"the end-to-end matrix is {rows} x {columns} and has no determinant; "
                f"watch singular_value:{min(rows, columns)}=0"
            )
        return lambda parameters: network.end_to_end(parameters).det() - level
    place = watch.place or 1
    if place > min(rows, columns):
        raise UnsupportedError(f"the end-to-end matrix has {min(rows, columns)} singular values, not {place}")
    return lambda parameters: singular_values(network.end_to_end(parameters))[place - 1] - level


class Sentry:
    """Follows one quantity from step to step until it has crossed its level for the first time.

    Parameters
    ----------
    watch : Watch
    network : Built
        Over balls.
    bits : int
        How finely a crossing is pinned down, relative to the step.
    """

    def __init__(self, watch: Watch, network: Built, bits: int) -> None:
        self._watch, self._measure = watch, quantity(watch, network)
        self._finest = Fraction(1, 2**bits)
        # A step may be as short as 2^-48.
        self._denominator = 2 ** (bits + 64)
        self._side = 0
        self._clear = Fraction(0)
        self._doubt: Fraction | None = None
        self.event: Event | None = None

    def start(self, parameters: Parameters) -> None:
        """Look at the start."""
        self._side = sign(self._measure(parameters))
        self._doubt = Fraction(0) if self._side == 0 else None

    def follow(self, piece: Piece) -> None:
        """Look at one more step."""
        if self.event is not None:
            return
        if self._watch.quantity == "loss":
            self._descend(piece)
            return
        if self._doubt is not None:
            # Since a touch nothing is excluded any more: only a change of sides at the end of a step tells.
            self._settle(piece, self._doubt, piece.end)
            return
        stretch = self._stretch(piece, piece.start, piece.end)
        if stretch is None:
            self._clear = piece.end
            return
        self._clear = stretch[0]
        self._approach(piece, *stretch)

    def report(self, end: Fraction) -> Event:
        """Return what is known at the end of the run."""
        if self.event is not None:
            return self.event
        outcome = "not crossed" if self._doubt is None and self._clear >= end else "undecided"
        return Event(self._watch, outcome, self._clear)

    def _stretch(self, piece: Piece, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction] | None:
        """Return the first stretch of a grain's length where zero is not excluded; None where there is none."""
        waiting, looks = [(low, high)], 0
        while waiting:
            low, high = waiting.pop()
            looks += 1
            if sign(self._measure(piece.over(low, high))) != 0:
                continue
            if high - low <= _GRAIN * piece.length or looks > _MOST_LOOKS:
                return low, high
            middle = (low + high) / 2
            waiting += [(middle, high), (low, middle)]
        return None

    def _approach(self, piece: Piece, low: Fraction, high: Fraction) -> None:
        """Widen a stretch to the right until the sides differ at its ends."""
        width = high - low
        while True:
            side = sign(self._measure(piece.at(high)))
            if side == -self._side:
                self._pin(piece, low, high)
                return
            if high == piece.end:
                self._doubt = low
                return
            width *= 2
            high = min(low + width, piece.end)

    def _descend(self, piece: Piece) -> None:
        """Look at a step's end alone: the loss never increases, so that it crosses once and downwards."""
        side = sign(self._measure(piece.at(piece.end)))
        if self._side == 0:
            return
        if side > 0 or self._side < 0:
            self._clear = piece.end
        elif side < 0 and self._clear >= piece.start:
            self._pin(piece, piece.start, piece.end)
        elif side < 0:
            self._settle(piece, self._clear, piece.end)

    def _settle(self, piece: Piece, low: Fraction, high: Fraction) -> None:
        side = sign(self._measure(piece.at(high)))
        if self._side and side == -self._side:
            self.event = Event(self._watch, "crossed", self._clear, low, high)

    def _pin(self, piece: Piece, low: Fraction, high: Fraction) -> None:
        """Move both ends towards the crossing, as far as signs are known."""
        values = [self._middle(piece.at(t)) for t in (low, high)]
        for _ in range(_ROUNDS):
            width = high - low
            if width <= self._finest * piece.length:
                break
            fall = values[1] - values[0]
            share = Fraction(1, 2) if fall.is_zero() else _rational(-values[0] / fall)
            guess = low + width * min(max(share, Fraction(0)), Fraction(1))
            margin = max(width * width / piece.length, self._finest * piece.length / 4)
            moved = False
            for time in (guess - margin, guess + margin, (low + high) / 2):
                time = self._dyadic(time)
                # Rounded first: beyond an end that is no dyadic the polynomial encloses nothing.
                if not low < time < high or (moved and high - low < width / 2):
                    continue
                found = self._measure(piece.at(time))
                side = sign(found)
                if side == self._side:
                    low, values[0], moved = time, found.mid(), True
                elif side == -self._side:
                    high, values[1], moved = time, found.mid(), True
            if not moved:
                break
        clear = low if self._watch.quantity == "loss" else min(self._clear, low)
        self.event = Event(self._watch, "crossed", clear, low, high)

    def _dyadic(self, time: Fraction) -> Fraction:
        """Return a time of no more bits than the crossing is pinned down to, so that times do not grow."""
        return Fraction(round(time * self._denominator), self._denominator)

    def _middle(self, parameters: Parameters) -> Any:
        return self._measure(parameters).mid()


def _rational(value: Any) -> Fraction:
    """Return an exact ball's midpoint as a rational; one half where it is not finite."""
    if not value.is_finite():
        return Fraction(1, 2)
    mantissa, exponent = (int(x) for x in value.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def sign(value: Any) -> int:
    """Return 1 or -1 where a ball leaves out zero, else 0."""
    if value > 0:
        return 1
    return -1 if value < 0 else 0


def sentence(event: Event) -> str:
    """Return what was found of a watched level, in words."""
    what = f"{event.watch.name.replace('_', ' ').replace(':', ' ')}"
    level = "its level" if event.watch.quantity == "loss" else str(event.watch.level)
    if event.low is not None and event.high is not None:
        ends = [_shown(event.low, down=True), _shown(event.high, down=False)]
        first = "" if event.clear >= event.low else f", and not before t = {_shown(event.clear, down=True)}"
        return f"the {what} crosses {level} between t = {ends[0]} and t = {ends[1]}, proved{first}"
    if event.outcome == "not crossed":
        return f"the {what} is nowhere {level} up to t = {_shown(event.clear, down=True)}, proved"
    return f"whether the {what} crosses {level} is undecided from t = {_shown(event.clear, down=True)} on"


def _shown(time: Fraction, *, down: bool) -> str:
    """Return a time with ten decimals, rounded to the safe side."""
    scaled = time * 10**10
    return decimal_text(Fraction(floor(scaled) if down else ceil(scaled), 10**10)) or "0"
