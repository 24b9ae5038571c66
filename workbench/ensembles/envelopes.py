r"""The envelope of Theorem 2 for many positive definite targets at once, with its error, and the verdicts.

The same numbers as `workbench.theorems.positive_definite` predicts, in double precision with the rounding of every
step bounded; the tests hold one against the other, member by member. Judged by the rule of `workbench.evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.ensembles.modes import ROUNDOFF, ModeRun
from workbench.evidence import CONSISTENT, UNDECIDED, VIOLATED

# The largest step is taken this much below the cap 1/(L M^2), far above what the powers are rounded by.
_BELOW = 1e-12
_STEP_BITS = 40

# Roundings in a constant, a rate or a power: at most 4 each by the bounds of the mathematical library.
_FEW = 8 * ROUNDOFF


@dataclass(frozen=True)
class Judged:
    """What the statement says of each member.

    Parameters
    ----------
    verdicts : numpy.ndarray of str, shape (B,)
    margins, errors : numpy.ndarray, shape (B,)
        The smallest slack of the envelope less its error decides; the slack there, and its error.
    tightness : numpy.ndarray, shape (B,)
        The largest ratio of the loss to its envelope after the start.
    """

    verdicts: np.ndarray
    margins: np.ndarray
    errors: np.ndarray
    tightness: np.ndarray


class Envelopes:
    """The envelopes of many members.

    Parameters
    ----------
    values : numpy.ndarray, shape (B, d)
        Eigenvalues, positive, each within one rounding.
    depth : int
    """

    def __init__(self, values: np.ndarray, depth: int) -> None:
        self._depth = depth
        exponent = 2 - 2 / depth
        cap = 1 / (depth * np.maximum(1.0, values.max(axis=1)) ** exponent)
        self.step_sizes = np.floor(cap * (1 - _BELOW) * 2.0**_STEP_BITS) * 2.0**-_STEP_BITS
        logarithm = np.abs(np.log(values))
        self._constants = logarithm * np.maximum(1.0, values)
        contraction = self.step_sizes[:, None] * depth * np.minimum(1.0, values) ** exponent
        self._contraction, self._log_factor = contraction, np.log1p(-contraction)
        # An eigenvalue 1 is there from the start: its constant is zero, whatever the rounding of its logarithm.
        near = np.where(logarithm > 0, logarithm, np.inf)
        self._constant_error = _FEW + 2 * ROUNDOFF / near
        self._log_error = _FEW * (contraction / (1 - contraction) + np.abs(self._log_factor))

    def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the envelope of every member at a step, and its error."""
        terms = self._constants**2 * np.exp(2 * step * self._log_factor)
        relative = 2 * self._constant_error + 2 * step * self._log_error + _FEW
        size = terms.shape[1]
        total = terms.sum(axis=1) / 2
        return total, (terms * relative).sum(axis=1) / 2 * (1 + 1e-6) + size * ROUNDOFF * total

    def allowed(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds from both sides of the steps that the theorem allows each member, before rounding up."""
        size = self._constants.shape[1]
        with np.errstate(divide="ignore"):
            counts = np.log(self._constants * np.sqrt(size / (2 * level))) / self._contraction
        count = np.maximum(0.0, counts.max(axis=1))
        # The logarithm of a constant is off by its relative error, and the quotient by a few roundings.
        off = (self._constant_error / self._contraction).max(axis=1) + 8 * _FEW * (1 + count)
        return np.maximum(0.0, count - off), count + off

    def judge(self, run: ModeRun, level: float) -> Judged:
        """Judge the envelope at every record up to the level, and the count of steps."""
        count = len(run.reached)
        last = np.where(run.reached < 0, run.records[-1], np.maximum(run.reached, 1))
        surest = np.full(count, np.inf)
        margins, errors, tightness = (np.full(count, np.nan), np.full(count, np.nan), np.zeros(count))
        holds, broken = np.ones(count, bool), np.zeros(count, bool)
        for step, loss, error in zip(run.records, run.losses, run.errors, strict=True):
            if step == 0:
                continue
            bound, bound_error = self.at(step)
            slack, off = bound - loss, error + bound_error
            counts = step <= last
            holds &= ~counts | (slack - off >= 0)
            broken |= counts & (slack + off < 0)
            closer = counts & (slack - off < surest)
            surest[closer], margins[closer], errors[closer] = (slack - off)[closer], slack[closer], off[closer]
            with np.errstate(divide="ignore", invalid="ignore"):
                tightness = np.where(counts, np.fmax(tightness, loss / bound), tightness)
        in_time, late = self._counted(run, level)
        verdicts = np.where(broken | late, VIOLATED, np.where(holds & in_time, CONSISTENT, UNDECIDED))
        return Judged(verdicts, margins, errors, tightness)

    def _counted(self, run: ModeRun, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return who has reached the level in time for certain, and who has not for certain."""
        fewest, most = self.allowed(level)
        certain = (run.reached >= 0) & (run.reached_loss + run.reached_error <= level)
        in_time = certain & (run.reached <= np.ceil(fewest))
        late = np.zeros(len(in_time), bool)
        for step, loss, error in zip(run.records, run.losses, run.errors, strict=True):
            late |= (step >= np.ceil(most)) & (loss - error > level)
        return in_time, late
