"""The members of an ensemble: exact problems, and the same numbers stacked for a device."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from workbench import targets
from workbench.backends.float64 import nearest
from workbench.ensembles import memory
from workbench.errors import InputError, UnknownNameError
from workbench.experiment import read_problem, read_start
from workbench.initialization import BalancedLayer, catalogue, weights
from workbench.problem import LinearNetwork, Problem

# Members of one seed take 2^32 consecutive seeds, so that the ensembles of two seeds never share a member.
_MOST_MEMBERS = 2**32


@dataclass(frozen=True)
class Ensemble:
    """Problems that differ in what their families draw.

    Parameters
    ----------
    widths : tuple of int
        d_0, ..., d_L.
    target : mapping
        A target family with its parameters, without its seed.
    start : mapping
        A scheme with its parameters, without its seed.
    step_sizes : tuple of Fraction
        eta; of several, member i takes the one at i modulo their number.
    seed, count : int
    normalisation : {"half", "mean", "none"}
        Of the loss.
    """

    widths: tuple[int, ...]
    target: Mapping[str, Any]
    count: int
    step_sizes: tuple[Fraction, ...]
    start: Mapping[str, Any] = field(default_factory=lambda: {"scheme": "identity"})
    seed: int = 0
    normalisation: str = "half"

    def __post_init__(self) -> None:
        if not 0 < self.count <= _MOST_MEMBERS:
            raise InputError(f"an ensemble of {self.count} members; give between 1 and 2^32")
        if self.seed < 0:
            raise InputError(f"the seed is {self.seed}; give a nonnegative integer")
        if not self.step_sizes or any(step <= 0 for step in self.step_sizes):
            raise InputError("an ensemble needs positive step sizes; give at least one")
        if self.target.get("family") not in targets.catalogue():
            raise UnknownNameError("target family", str(self.target.get("family")), targets.catalogue())
        if self.start.get("scheme", "identity") not in catalogue():
            raise UnknownNameError("start", str(self.start.get("scheme")), catalogue())
        self._check_seeds()
        memory.check_exact(self.widths)
        # What a family or a scheme refuses is refused here, before anything is drawn.
        layers = weights(self.network, self.member(0).start)
        if any(isinstance(layer, BalancedLayer) for layer in layers):
            raise InputError(
                "an ensemble has no balanced start: its entries are not rational; give identity or gaussian"
            )

    def _check_seeds(self) -> None:
        for template, seed, what in (
            (self.target, _seed_of_target(self.target), "target"),
            (self.start, "seed", "start"),
        ):
            if seed is not None and seed in template:
                raise InputError(
                    f"the {what} of an ensemble has {seed} = {template[seed]!r}; leave it out: members draw their own"
                )

    @property
    def network(self) -> LinearNetwork:
        """The network that all members share."""
        return LinearNetwork(self.widths)

    def seed_of(self, index: int) -> int:
        """Return the seed of a member."""
        if not 0 <= index < self.count:
            raise InputError(f"there is no member {index}; the ensemble has {self.count}, from 0 on")
        return self.seed * _MOST_MEMBERS + index

    def step_size(self, index: int) -> Fraction:
        """Return the exact step size of a member."""
        return self.step_sizes[index % len(self.step_sizes)]

    def member(self, index: int) -> Problem:
        """Return a member as an exact problem, which any command takes alone."""
        seed = self.seed_of(index)
        loss = {"target": _seeded_target(self.target, seed), "normalisation": self.normalisation}
        start = _seeded_start(self.start, seed)
        return read_problem({"network": {"widths": list(self.widths)}, "loss": loss, "start": start})

    def specification(self) -> dict[str, Any]:
        """Return the JSON of the ensemble: its templates are those of member 0, with the seed and the count."""
        return {
            "kind": "ensemble",
            "template": self.member(0).specification(),
            "seed": self.seed,
            "count": self.count,
            "step_sizes": [str(step) for step in self.step_sizes],
        }

    def targets(self, members: Sequence[int]) -> np.ndarray:
        """Return the targets of some members in double precision, each entry rounded once, shape (B, d_L, d_0)."""
        seeds = [self.seed_of(index) for index in members]
        module = import_module(f"workbench.targets.{self.target['family']}")
        own = {k: v for k, v in self.target.items() if k not in ("family", "generator")}
        if hasattr(module, "batch"):
            return np.asarray(module.batch(seeds, **own))
        return np.array([_rounded(targets.matrix(_seeded_target(self.target, seed)).rows) for seed in seeds])

    def starts(self, members: Sequence[int]) -> list[np.ndarray]:
        """Return the initial weights of some members in double precision, shapes (B, d_j, d_{j-1})."""
        seeds = [self.seed_of(index) for index in members]
        module = scheme_of(self.start)
        own = {k: v for k, v in self.start.items() if k not in ("scheme", "generator")}
        if "seed" not in _parameters(module.weights):
            shared = [_rounded(layer) for layer in module.weights(self.network, **own)]
            return [np.repeat(layer[None], len(seeds), axis=0) for layer in shared]
        if hasattr(module, "batch"):
            return list(module.batch(self.network, seeds, **own))
        return self._drawn_alone(seeds)

    def _drawn_alone(self, seeds: list[int]) -> list[np.ndarray]:
        drawn = []
        for seed in seeds:
            given = _seeded_start(self.start, seed)
            drawn.append(weights(self.network, read_start(given.pop("scheme"), given)))
        return [np.array([_rounded(layers[j]) for layers in drawn]) for j in range(self.network.depth)]


def scheme_of(start: Mapping[str, Any]) -> ModuleType:
    """Return the module of a start's scheme."""
    return import_module(f"workbench.initialization.{start.get('scheme', 'identity')}")


def _parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def _seed_of_target(target: Mapping[str, Any]) -> str | None:
    """Return the name that the seed has in a family, if it draws anything."""
    known = _parameters(import_module(f"workbench.targets.{target['family']}").build)
    return next((name for name in ("seed", "rotate") if name in known), None)


def _seeded_target(target: Mapping[str, Any], seed: int) -> dict[str, Any]:
    name = _seed_of_target(target)
    return dict(target) if name is None else {**target, name: seed}


def _seeded_start(start: Mapping[str, Any], seed: int) -> dict[str, Any]:
    drawn = "seed" in _parameters(scheme_of(start).weights)
    given = {"scheme": "identity", **start, **({"seed": seed} if drawn else {})}
    return {k: v for k, v in given.items() if k != "generator"}


def _rounded(rows: Any) -> np.ndarray:
    return np.array([[nearest(x) for x in row] for row in rows])


__all__ = ["Ensemble"]
