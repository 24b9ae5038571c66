r"""Many targets by the recursion of their eigenvalues, with the error of every mode carried along.

From the identity a symmetric target keeps all layers equal and commuting with it (Lemma 6, `derivations/equal_layers`),
so each eigenvalue moves alone: x <- x - eta x^(L-1) (x^L - lambda), x_0 = 1. That is d numbers instead of L d^2.

With u the unit roundoff, p = x^(L-1) and e = x^L - lambda as computed, the distance E of a mode to its exact value
obeys E <- Lambda E + r. For x between 1 and the root of lambda
    0 <= f'(x) = 1 - eta (L p^2 + (L-1) x^(L-2) e) <= Lambda = 1 - eta p (L p + (L-1) e),
since e and 1 - x have opposite signs there. Powers take at most L - 1 roundings, so one step rounds by at most
    r = 2 u (R + eta R^(L-1) (3 L + 4) R^L),  R = max(1, lambda^(1/L)),
where the factor 2 also covers the rounding of lambda, eta and of the bound itself. First order in E: an estimate.

Large eigenvalues are learned long before small ones. A mode whose e^2 is below a part FROZEN / d of the level in every
lane of its block is left where it is: its share of the loss only falls, so what it adds is put into the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

ROUNDOFF = 2.0**-53

# A level counts as reached where the loss is below it by this, relatively, so that rounding does not decide when.
MARGIN = 1e-4

# What first order in the error of a mode leaves out, and the rounding of the bound.
_INFLATE = 1 + 1e-6

# Of the level, the share that modes which are left alone may hold.
FROZEN = 1e-9

_WORTH = 1e8

# Members of a block: two AVX-512 vectors, four of AVX2.
_LANES = 16


@dataclass(frozen=True)
class ModeRun:
    """What was recorded of many members.

    Parameters
    ----------
    records : list of int
        Steps.
    losses, errors : numpy.ndarray, shape (records, B)
    reached : numpy.ndarray of int, shape (B,)
        The first step at which the loss is below the level by the margin; -1 where none is.
    reached_loss, reached_error : numpy.ndarray, shape (B,)
        There.
    steps : int
        Steps taken of all members together, for the throughput.
    path : str
    """

    records: list[int]
    losses: np.ndarray
    errors: np.ndarray
    reached: np.ndarray
    reached_loss: np.ndarray
    reached_error: np.ndarray
    steps: int
    path: str


def records_up_to(most: int) -> list[int]:
    """Return 0, 1, 2, 3, 4, 6, 8, 12, ... up to a number of steps, and that number."""
    powers = [2**k for k in range(most.bit_length())]
    return sorted(k for k in {0, most, *powers, *(3 * p for p in powers)} if k <= most)


def fastest(mode_steps: float) -> str:
    """Return the path for so many steps of single modes: compiling takes the time of a hundred million of them."""
    return "compiled" if mode_steps > _WORTH and find_spec("numba") is not None else "numpy"


def run(values: np.ndarray, step_sizes: np.ndarray, depth: int, level: float, most: int, path: str = "") -> ModeRun:
    """Carry the modes of many members until each has reached a level.

    Parameters
    ----------
    values : numpy.ndarray, shape (B, d)
        Eigenvalues lambda.
    step_sizes : numpy.ndarray, shape (B,)
        eta <= 1/(L max(1, lambda)^(2-2/L)): every mode then goes monotonically to its root.
    depth : int
    level : float
        Of the loss 1/2 sum (x^L - lambda)^2.
    most : int
        Steps of a member at most.
    path : {"", "compiled", "numpy"}
        The fastest one when left out.
    """
    chosen = path or fastest(values.size * most)
    state = _State(values, step_sizes, depth, level * (1 - MARGIN), chosen)
    records = records_up_to(most)
    losses, errors, at = [], [], 0
    for record in records:
        state.advance(at, record)
        at = record
        loss, error = state.loss()
        losses.append(loss)
        errors.append(error)
        if state.done:
            break
    reached, loss, error = (
        a.reshape(-1)[: len(values)] for a in (state.reached, state.reached_loss, state.reached_error)
    )
    kept = records[: len(losses)]
    return ModeRun(kept, np.array(losses), np.array(errors), reached, loss, error, state.steps, chosen)


class _State:
    """Modes by blocks of lanes, shape (blocks, d, V); lanes of no member repeat the last one."""

    def __init__(self, values: np.ndarray, step_sizes: np.ndarray, depth: int, level: float, path: str) -> None:
        self._count, self._depth, self._level = len(values), depth, level
        # The largest first: they are learned first, and left alone from the front.
        values = -np.sort(-values, axis=1)
        index = np.minimum(np.arange(-(-self._count // _LANES) * _LANES), self._count - 1)
        self.eta = np.ascontiguousarray(step_sizes[index].reshape(-1, _LANES))
        blocks = values[index].reshape(-1, _LANES, values.shape[1])
        self.goal = np.ascontiguousarray(np.swapaxes(blocks, 1, 2))
        self.mode, self.error = np.ones_like(self.goal), np.zeros_like(self.goal)
        root = np.maximum(1.0, self.goal ** (1 / depth))
        pull = self.eta[:, None, :] * root ** (2 * depth - 1) * (3 * depth + 4)
        self.rounding = 2 * ROUNDOFF * (root + pull)
        self.reached = np.full(self.eta.shape, -1, np.int64)
        self.reached_loss, self.reached_error = np.zeros_like(self.eta), np.zeros_like(self.eta)
        self.active = np.zeros(len(self.eta), np.int64)
        self.steps = 0
        self._path = path

    @property
    def done(self) -> bool:
        """Whether every member has reached the level."""
        return bool((self.reached >= 0).all())

    def advance(self, first: int, last: int) -> None:
        """Go from one step to another, looking at every step in between, the last excepted."""
        if last > first:
            self.steps += (last - first) * self._count
            if self._path == "compiled":
                from workbench.ensembles._modes_kernel import kernel

                arrays = (self.mode, self.error, self.goal, self.rounding, self.eta)
                hits = (self.reached, self.reached_loss, self.reached_error)
                kernel(self._depth)(*arrays, *hits, self.active, self._level, FROZEN * self._level, first, last)
                return
            for step in range(first, last):
                self._look(step)
                self._step()

    def loss(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss of every member and its error, shapes (B,)."""
        loss, error = self._losses()
        return loss.reshape(-1)[: self._count], error.reshape(-1)[: self._count]

    def _losses(self) -> tuple[np.ndarray, np.ndarray]:
        power = _power(self.mode, self._depth - 1)
        residual = power * self.mode - self.goal
        return _loss_of(residual, power, self)

    def _look(self, step: int) -> None:
        loss, error = self._losses()
        new = (loss <= self._level) & (self.reached < 0)
        self.reached[new] = step
        self.reached_loss[new], self.reached_error[new] = loss[new], error[new]

    def _step(self) -> None:
        depth, power = self._depth, _power(self.mode, self._depth - 1)
        residual = power * self.mode - self.goal
        pull = self.eta[:, None, :] * power
        slope = 1 - pull * (depth * power + (depth - 1) * residual)
        self.error = slope * self.error + self.rounding
        self.mode = self.mode - pull * residual

    @property
    def depth(self) -> int:
        """L."""
        return self._depth


def _power(base: np.ndarray, exponent: int) -> np.ndarray:
    """Return a power by squaring: as many roundings as the exponent at most, and far faster than the library's."""
    found = np.ones_like(base)
    square = base.copy()
    while exponent:
        if exponent & 1:
            found *= square
        exponent >>= 1
        if exponent:
            square *= square
    return found


def _loss_of(residual: np.ndarray, power: np.ndarray, state: _State) -> tuple[np.ndarray, np.ndarray]:
    """Return 1/2 sum e^2 and its error, given that a mode is off by E and x^L by L roundings of its size."""
    depth, size = state.depth, residual.shape[1]
    off = depth * power * state.error * _INFLATE + ROUNDOFF * ((depth + 1) * power * state.mode + state.goal)
    loss = (residual**2).sum(axis=1) / 2
    # A mode that is left alone would have gone on towards its root.
    alone = np.arange(size)[None, :, None] < state.active[:, None, None]
    gone = np.where(alone, (np.abs(residual) + off) ** 2, 0.0).sum(axis=1)
    return loss, (np.abs(residual) * off + off**2).sum(axis=1) + gone + (size + 4) * ROUNDOFF * loss
