"""What is asked of an ensemble's run, checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from workbench.backends.torch import checked_device
from workbench.ensembles.observed import checked
from workbench.errors import InputError, UnsupportedError

PRECISIONS = ("float64", "float32", "tf32")
PATHS = ("fastest", "batched", "lanes")


@dataclass(frozen=True)
class Plan:
    """A run of many members.

    Parameters
    ----------
    steps : int
        Most steps of a member.
    records : sequence of int, optional
        Steps at which something is kept; the first and the last when left out.
    flow : bool
        The gradient flow in steps of flow time eta, in place of descent.
    momentum : Fraction
        Of heavy ball; zero is plain descent.
    until_loss : Fraction, optional
        A member whose loss is at most this has converged and stays.
    precision : {"float64", "float32", "tf32"}
    device : str
    path : {"fastest", "batched", "lanes"}
    bounded : bool
        Whether the distance to the exact run is bounded along, on the batched path.
    observe : sequence of str
        Names of `workbench.ensembles.observed`, measured on the device at the records.
    keep_weights : bool
        Whether the records hold the weights.
    draw_on_device : bool, optional
        Whether members are drawn where they run; on a device that is not the CPU when left out.
    memory : int, optional
        Bytes that members may take at once; half of what is free when left out.
    """

    steps: int
    records: Sequence[int] | None = None
    flow: bool = False
    momentum: Fraction = Fraction(0)
    until_loss: Fraction | None = None
    precision: str = "float64"
    device: str = "cpu"
    path: str = "fastest"
    bounded: bool = False
    observe: Sequence[str] = ()
    keep_weights: bool = True
    draw_on_device: bool | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise InputError(f"the precision is {self.precision!r}; give one of {', '.join(PRECISIONS)}")
        if self.path not in PATHS:
            raise InputError(f"the path is {self.path!r}; give one of {', '.join(PATHS)}")
        checked_device(torch, self.device)
        if self.bounded and (self.path == "lanes" or self.precision == "tf32"):
            raise UnsupportedError("errors are bounded along batched products in float64 or float32 only")
        if self.flow and self.momentum:
            raise UnsupportedError(f"the gradient flow has no momentum, and {self.momentum} was given; leave one out")
        if self.momentum < 0:
            raise InputError(f"the momentum is {self.momentum}; it must not be negative")
        checked(list(self.observe))
        kept = self.kept
        if kept[0] < 0 or kept[-1] > self.steps:
            raise InputError(f"the records {kept[0]} ... {kept[-1]} leave the run of {self.steps} steps")

    @property
    def drawn_on_device(self) -> bool:
        """Whether members are drawn where they run; the processor's own hash is faster than one made of tensors."""
        return self.device != "cpu" if self.draw_on_device is None else self.draw_on_device

    @property
    def kept(self) -> list[int]:
        """The steps that are recorded, ascending; always the last."""
        return sorted({0, self.steps} if self.records is None else {*self.records, self.steps})
