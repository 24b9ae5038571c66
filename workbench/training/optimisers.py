"""How the parameters move: plain or minibatch descent, and Adam (Kingma, Ba 2015) with its usual constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from workbench.training.batched import ResidualBatch

Tensor = Any

_FIRST, _SECOND, _FLOOR = 0.9, 0.999, 1e-8


class Mover(Protocol):
    """Moves a batch of members by their gradients."""

    def move(self, state: ResidualBatch) -> None:
        """Take one step."""

    def chosen(self, keep: Tensor) -> Mover:
        """Return the same for some members."""


def _spread(rates: Tensor, like: Tensor) -> Tensor:
    return rates.view(1, -1, *([1] * (like.dim() - 2)))


class Descent:
    """theta <- theta - eta dJ/dtheta.

    Parameters
    ----------
    rates : Tensor, shape (B,)
    """

    def __init__(self, rates: Tensor) -> None:
        self.rates = rates

    def move(self, state: ResidualBatch) -> None:
        """Take one step."""
        for parameter, gradient in zip(state.trained, state.gradients, strict=True):
            parameter.addcmul_(gradient, _spread(self.rates, parameter), value=-1)

    def chosen(self, keep: Tensor) -> Descent:
        """Return the same for some members."""
        return Descent(self.rates[keep])


class Adam:
    """theta <- theta - eta m / (sqrt(v) + 1e-8), both averages corrected for their start.

    Parameters
    ----------
    rates : Tensor, shape (B,)
    averages : sequence of pairs of Tensor, optional
        Of each parameter the averages of the gradient and of its square.
    steps : int
        Taken so far.
    """

    def __init__(self, rates: Tensor, averages: Sequence[tuple[Tensor, Tensor]] = (), steps: int = 0) -> None:
        self.rates, self._averages, self._steps = rates, list(averages), steps

    def move(self, state: ResidualBatch) -> None:
        """Take one step."""
        if not self._averages:
            self._averages = [(torch.zeros_like(p), torch.zeros_like(p)) for p in state.trained]
        self._steps += 1
        first, second = 1 - _FIRST**self._steps, 1 - _SECOND**self._steps
        for parameter, gradient, (mean, square) in zip(state.trained, state.gradients, self._averages, strict=True):
            mean.lerp_(gradient, 1 - _FIRST)
            square.mul_(_SECOND).addcmul_(gradient, gradient, value=1 - _SECOND)
            step = mean / (square / second).sqrt_().add_(_FLOOR)
            parameter.addcmul_(step, _spread(self.rates, parameter), value=-1 / first)

    def chosen(self, keep: Tensor) -> Adam:
        """Return the same for some members."""
        return Adam(self.rates[keep], [(m[:, keep], s[:, keep]) for m, s in self._averages], self._steps)


MOVERS: dict[str, type[Descent] | type[Adam]] = {"descent": Descent, "sgd": Descent, "adam": Adam}
