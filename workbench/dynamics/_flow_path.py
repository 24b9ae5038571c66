"""A flow that was integrated, as pieces: polynomials with the distance that the flow keeps from each."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.backends.ball import arb, flint
from workbench.dynamics._error_bounds import spread_evenly
from workbench.dynamics._flow_series import Expansion
from workbench.errors import InputError
from workbench.networks import Parameters


@dataclass(frozen=True)
class Piece:
    """One step.

    Parameters
    ----------
    start, length : Fraction
        Flow times.
    expansion : Expansion
        The polynomial, in the time since the start.
    error : arb
        No point of the step is farther from it, in the Frobenius norm of all layers.
    speeds : list of arb
        For each layer a bound of the polynomial's derivative on the step.
    """

    start: Fraction
    length: Fraction
    expansion: Expansion
    error: Any
    speeds: list[Any]

    @property
    def end(self) -> Fraction:
        """The flow time at which the step ends."""
        return self.start + self.length

    def at(self, time: Fraction) -> Parameters:
        """Return the weights at a flow time within the step, enclosed."""
        return self._widened(self.expansion.at(arb(time - self.start)), [self.error] * len(self.speeds))

    def over(self, low: Fraction, high: Fraction) -> Parameters:
        """Return balls that contain the weights at every time between two of the step."""
        half = arb((high - low) / 2)
        centre = self.expansion.at(arb((low + high) / 2 - self.start))
        return self._widened(centre, [(self.error + half * v).upper() for v in self.speeds])

    def _widened(self, balls: Parameters, radii: list[Any]) -> Parameters:
        return tuple(spread_evenly(flint(), ball, radius) for ball, radius in zip(balls, radii, strict=True))


class DenseOutput:
    """The enclosed weights at any flow time of a run.

    Parameters
    ----------
    backend : Ball
    pieces : list of Piece
        In the order of time, without gaps.
    """

    def __init__(self, backend: Any, pieces: list[Piece]) -> None:
        self._backend, self._pieces = backend, pieces
        self._starts = [piece.start for piece in pieces]

    def __call__(self, time: Fraction) -> tuple[Any, ...]:
        """Return the layers as rows of Measured.

        Raises
        ------
        InputError
            At a time that the run did not reach.
        """
        end = self._pieces[-1].end if self._pieces else Fraction(0)
        if not self._pieces or not 0 <= time <= end:
            raise InputError(f"the flow was followed from 0 to {end}, not at {time}")
        piece = self._pieces[bisect_right(self._starts, time) - 1]
        with self._backend.session():
            return tuple(self._backend.entries(layer) for layer in piece.at(time))
