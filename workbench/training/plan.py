"""What a training asks: a network, data, a start, an optimiser, when to stop, and the members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from workbench.draws import GENERATOR
from workbench.errors import InputError
from workbench.experiment import read_problem
from workbench.problem import Problem, ResidualNetwork

OPTIMISERS = ("descent", "sgd", "adam")

# Members of one seed take 2^32 consecutive seeds, as those of an ensemble do.
_STRIDE = 2**32


@dataclass(frozen=True)
class Optimiser:
    """How the parameters move.

    Parameters
    ----------
    name : {"descent", "sgd", "adam"}
        Descent takes all samples at once.
    rates : tuple of Fraction
        Learning rates; members take each of them.
    unit : {"plain", "flow"}
        A rate of unit "flow" is divided by delta^2 L with the branch scale of the start, so that a step is of equal
        length in flow time at every depth.
    batch : int or None
        Samples of a minibatch.
    """

    name: str
    rates: tuple[Fraction, ...]
    unit: str = "plain"
    batch: int | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise InputError(f"no optimiser is called {self.name!r}; known: {', '.join(OPTIMISERS)}")
        if not self.rates or any(rate <= 0 for rate in self.rates):
            raise InputError("an optimiser needs positive learning rates; give at least one")
        if self.unit not in ("plain", "flow"):
            raise InputError(f"the unit of the rates is {self.unit!r}; give plain or flow")
        if (self.name == "descent") != (self.batch is None):
            raise InputError(f"{self.name} has a batch of {self.batch}; descent takes none, sgd and adam need one")

    def rate(self, index: int, network: ResidualNetwork) -> float:
        """Return the learning rate of a member in double precision."""
        rate = float(self.rates[index % len(self.rates)])
        return rate if self.unit == "plain" else rate / (float(network.branch_scale) ** 2 * network.depth)

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the optimiser."""
        data = {"name": self.name, "rates": [str(rate) for rate in self.rates], "unit": self.unit}
        return data if self.batch is None else {**data, "batch": self.batch}


@dataclass(frozen=True)
class Stopping:
    """When a member ends: below a mean loss, after epochs without a gain, or after the most epochs.

    Parameters
    ----------
    epochs : int
    loss : Fraction or None
    patience : int or None
        Epochs without a gain after which to stop.
    gain : Fraction
        The part of the best loss so far by which a loss must be smaller to count as a gain.
    """

    epochs: int
    loss: Fraction | None = None
    patience: int | None = None
    gain: Fraction = Fraction(1, 100)

    def __post_init__(self) -> None:
        if self.epochs < 1 or (self.patience is not None and self.patience < 1):
            raise InputError(f"the epochs are {self.epochs} and the patience {self.patience}; give positive integers")
        if (self.loss is not None and self.loss <= 0) or not 0 <= self.gain < 1:
            raise InputError(f"the loss to reach is {self.loss} and the gain {self.gain}; give > 0, and 0 <= gain < 1")

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the rule."""
        items = {"epochs": self.epochs, "loss": self.loss, "patience": self.patience, "gain": self.gain}
        return {k: v if isinstance(v, int) else str(v) for k, v in items.items() if v is not None}


@dataclass(frozen=True)
class Training:
    """Members that differ in the seed of their start and in their learning rate.

    Parameters
    ----------
    network : ResidualNetwork
    data : mapping
        A canonical data set.
    start : mapping
        A scheme with its parameters, without its seed.
    optimiser : Optimiser
    stopping : Stopping
    seeds : int
        Number of seeds; there is a member for each seed and rate.
    seed : int
        Of the members' starts and of the order of the samples.
    """

    network: ResidualNetwork
    data: Mapping[str, Any]
    optimiser: Optimiser
    stopping: Stopping
    start: Mapping[str, Any] = field(default_factory=lambda: {"scheme": "identity"})
    seeds: int = 1
    seed: int = 0

    @property
    def count(self) -> int:
        """Number of members."""
        return self.seeds * len(self.optimiser.rates)

    def seed_of(self, index: int) -> int:
        """Return the seed of a member's start."""
        return self.seed * _STRIDE + index // len(self.optimiser.rates)

    def start_of(self, index: int) -> dict[str, Any]:
        """Return the start of a member, with its seed where the scheme has one."""
        drawn = self.start.get("scheme") == "gaussian"
        return {**self.start, "seed": self.seed_of(index)} if drawn else dict(self.start)

    def member(self, index: int) -> Problem:
        """Return a member as an exact problem, which any command takes alone; exact data only."""
        if self.data["set"] != "exact":
            raise InputError(f"the data {self.data['set']} are no rows of rationals; a member alone needs exact data")
        loss = {"target": self.data["labels"], "inputs": self.data["inputs"], "normalisation": "mean"}
        network = self.network.specification()
        return read_problem({"network": network, "loss": loss, "start": self.start_of(index)})

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the training."""
        start = dict(self.start)
        if start.get("scheme") == "gaussian":
            start["generator"] = GENERATOR
        return {
            "network": self.network.specification(),
            "data": dict(self.data),
            "start": start,
            "optimiser": self.optimiser.specification(),
            "stop": self.stopping.specification(),
            "members": {"seeds": self.seeds, "seed": self.seed},
        }
