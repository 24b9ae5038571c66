"""The loop of a training: epochs, stopping member by member, and what each member ended as."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from workbench.backends.torch import checked_device
from workbench.training.batched import ResidualBatch
from workbench.training.data import Data, batches, load
from workbench.training.optimisers import MOVERS, Mover
from workbench.training.plan import Training
from workbench.training.starting import stacked

Tensor = Any

# The loss beyond which a member is given up, and how a member may end.
_DIVERGED = 1e30
CONVERGED, STALLED, FINISHED, DIVERGED = "converged", "stalled", "finished", "diverged"


@dataclass
class Ended:
    """A member at its end.

    Parameters
    ----------
    status : {"converged", "stalled", "finished", "diverged"}
    epochs, steps : int
    losses : list of float
        The mean loss of each epoch's minibatches, each before its step; of descent the loss before each step, and at
        the end that of the last weights.
    branches, scales : numpy.ndarray, shapes (L, d, d), (L,)
    outputs : tuple of numpy.ndarray
        h_L of the samples to train on, and of those to test on.
    """

    status: str
    epochs: int
    steps: int
    losses: list[float]
    branches: np.ndarray
    scales: np.ndarray
    outputs: tuple[np.ndarray, np.ndarray]


@dataclass
class _Progress:
    """What the stopping rule knows of a member."""

    losses: list[float] = field(default_factory=list)
    best: float = math.inf
    idle: int = 0


def run(training: Training, device: str = "cpu") -> list[Ended]:
    """Train all members and return each at its end."""
    checked_device(torch, device)
    with torch.no_grad():
        return _Loop(training, device).run()


class _Loop:
    """The state of one training."""

    def __init__(self, training: Training, device: str) -> None:
        self.training, self.stopping, self.optimiser = training, training.stopping, training.optimiser
        self.data: Data = load(training.data, training.network.width)
        self._device = device
        # Copies with rows of their own: slices of a file's order would be slow to multiply by.
        names = ("inputs", "labels", "test_inputs", "test_labels")
        self.inputs, self.labels, self.test_inputs, _ = (self._tensor(getattr(self.data, name)) for name in names)
        self.state: ResidualBatch = stacked(training, device)
        rates = [self.optimiser.rate(index, training.network) for index in range(training.count)]
        self.mover: Mover = MOVERS[self.optimiser.name](torch.tensor(rates, dtype=torch.float64, device=device))
        self.members = list(range(training.count))
        self.progress = [_Progress() for _ in self.members]
        self.ended: dict[int, Ended] = {}
        self.steps = 0

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self._device)

    def run(self) -> list[Ended]:
        """Take epochs until every member has ended."""
        whole = self.optimiser.batch is None
        for epoch in range(self.stopping.epochs):
            if whole:
                # Descent looks before it steps: the loss is that of the weights that a member would end with.
                loss = self.state.losses_and_gradients(self.inputs, self.labels)
                self._end(loss.tolist(), epoch)
                if not self.members:
                    break
                self.mover.move(self.state)
                self.steps += 1
            else:
                self._end(self._epoch(epoch), epoch + 1)
                if not self.members:
                    break
        if whole and self.members:
            self._end(self.state.losses(self.inputs, self.labels).tolist(), self.stopping.epochs)
        self._retire(dict.fromkeys(range(len(self.members)), FINISHED), self.stopping.epochs)
        return [self.ended[index] for index in range(self.training.count)]

    def _epoch(self, epoch: int) -> list[float]:
        """Take the steps of an epoch and return the mean loss of each member over its samples."""
        total = torch.zeros(len(self.members), dtype=torch.float64, device=self._device)
        samples = self.inputs.shape[-1]
        for chosen in batches(samples, self.optimiser.batch or samples, self.training.seed, epoch):
            places = torch.as_tensor(chosen, device=self._device)
            loss = self.state.losses_and_gradients(self.inputs[:, places], self.labels[:, places])
            total += loss * (len(chosen) / samples)
            self.mover.move(self.state)
            self.steps += 1
        found: list[float] = total.tolist()
        return found

    def _end(self, losses: list[float], epoch: int) -> None:
        """Take the losses of the members that run, and retire those that end with them."""
        ends = {}
        for place, loss in enumerate(losses):
            status = self._status(self.progress[self.members[place]], loss)
            if status is not None:
                ends[place] = status
        self._retire(ends, epoch)

    def _status(self, progress: _Progress, loss: float) -> str | None:
        progress.losses.append(loss)
        if not math.isfinite(loss) or loss > _DIVERGED:
            return DIVERGED
        if self.stopping.loss is not None and loss <= float(self.stopping.loss):
            return CONVERGED
        gained = loss < (1 - float(self.stopping.gain)) * progress.best
        progress.idle = 0 if gained else progress.idle + 1
        progress.best = min(progress.best, loss)
        return STALLED if self.stopping.patience is not None and progress.idle >= self.stopping.patience else None

    def _retire(self, ends: dict[int, str], epoch: int) -> None:
        """Take members out of the batch and keep what they ended as."""
        if not ends:
            return
        leaving = self.state.chosen(torch.tensor(list(ends), device=self._device))
        outputs = [leaving.output(x).cpu().numpy() for x in (self.inputs, self.test_inputs)]
        branches = leaving.branches.cpu().numpy()
        scales = leaving.scales.expand(len(branches), len(ends), 1, 1).cpu().numpy()[:, :, 0, 0]
        for at, (place, status) in enumerate(ends.items()):
            index = self.members[place]
            self.ended[index] = Ended(
                status,
                epoch,
                self.steps,
                self.progress[index].losses,
                branches[:, at],
                scales[:, at],
                (outputs[0][at], outputs[1][at]),
            )
        stay = [place for place in range(len(self.members)) if place not in ends]
        if stay:
            keep = torch.tensor(stay, device=self._device)
            self.state, self.mover = self.state.chosen(keep), self.mover.chosen(keep)
        self.members = [self.members[place] for place in stay]
