"""One specification -> one record of a training: what is asked of the store, and found there the second time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from time import process_time
from typing import Any

import numpy as np

from workbench.errors import InputError, UnknownNameError
from workbench.exact import rational
from workbench.experiment import read_network, read_start
from workbench.problem import ResidualNetwork
from workbench.store import Record, Store, digest, fingerprint
from workbench.training import data as data_sets
from workbench.training.depth import profile, statistics
from workbench.training.loop import DIVERGED, Ended, run
from workbench.training.plan import Optimiser, Stopping, Training

# Losses kept of a member: past this many, evenly spread ones and the last.
_MOST_LOSSES = 200


@dataclass(frozen=True)
class TrainingExperiment:
    """A training that a store may have.

    Parameters
    ----------
    training : Training
    device : str
    profile : bool
        Whether the first member's rescaled weights at five places are kept.
    """

    training: Training
    device: str = "cpu"
    profile: bool = False

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        asked = {"profile": True} if self.profile else {}
        return {"kind": "training", **self.training.specification(), "backend": {"device": self.device}, **asked}

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification())

    def record(self, store: Store | None = None) -> tuple[Record, bool]:
        """Return the record, and whether it was computed now rather than found in the store."""
        specification = self.specification()
        found = None if store is None else store.current(specification)
        if found is not None:
            return found, False
        record = self._record(specification)
        if store is not None:
            store.put(record)
        return record, True

    def _record(self, specification: dict[str, Any]) -> Record:
        training, begun = self.training, process_time()
        ended = run(training, self.device)
        samples = data_sets.load(training.data, training.network.width)
        members = [_member(training, index, end, samples) for index, end in enumerate(ended)]
        if self.profile and ended[0].status != DIVERGED:
            members[0]["profile"] = profile(ended[0].branches, ended[0].scales)
        statuses = [end.status for end in ended]
        return Record(
            kind="training",
            name=training.data["set"],
            specification=specification,
            fingerprint=fingerprint(),
            title="A residual network trained by descent, minibatch descent or Adam.",
            statement="",
            standing="measured",
            hypotheses=[],
            source={},
            files=[],
            verdict="measured",
            grade="estimate",
            margin=None,
            error=None,
            payload={
                "depth": training.network.depth,
                "width": training.network.width,
                "status": max(statuses, key=lambda word: (statuses.count(word), word)),
                "steps": max(end.steps for end in ended),
                "seconds": process_time() - begun,
                "members": members,
                "notes": ["double precision without an error bound: a measurement, no evidence for a statement"],
            },
        )


def _member(training: Training, index: int, end: Ended, samples: data_sets.Data) -> dict[str, Any]:
    """Return the figures of a member; those of one that diverged are null."""
    sound = end.status != DIVERGED and bool(np.isfinite(end.branches).all())
    parts = ((samples.labels, samples.classes), (samples.test_labels, samples.test_classes))
    scores = [_score(output, *part) for output, part in zip(end.outputs, parts, strict=True)]
    found = statistics(end.branches, end.scales) if sound else {}
    rate = training.optimiser.rates[index % len(training.optimiser.rates)]
    return {
        "seed": training.seed_of(index),
        "rate": str(rate),
        "status": end.status,
        "epochs": end.epochs,
        "steps": end.steps,
        "losses": _thinned(end.losses),
        "loss": scores[0][0],
        "accuracy": scores[0][1],
        "test_loss": scores[1][0],
        "test_accuracy": scores[1][1],
        **found,
    }


def _score(output: np.ndarray, labels: np.ndarray, classes: np.ndarray | None) -> tuple[float | None, float | None]:
    """Return the loss, (1 / 2N) ||h_L - Y||_F^2, and the part of the samples whose largest entry is their class."""
    if not labels.shape[1] or not np.isfinite(output).all():
        return None, None
    loss = float(((output - labels) ** 2).sum() / (2 * labels.shape[1]))
    if classes is None:
        return loss, None
    return loss, float((output[: int(classes.max()) + 1].argmax(axis=0) == classes).mean())


def _thinned(losses: list[float]) -> list[float | None]:
    chosen = losses
    if len(losses) > _MOST_LOSSES:
        places = np.unique(np.linspace(0, len(losses) - 1, _MOST_LOSSES).round().astype(int))
        chosen = [losses[place] for place in places]
    return [loss if np.isfinite(loss) else None for loss in chosen]


def read(specification: Mapping[str, Any]) -> TrainingExperiment:
    """Return what the table `training` of a sweep stands for.

    Parameters
    ----------
    specification : mapping
        `network`, `data`, `optimiser`, `stop`; may have a `start` without a seed, `members` (`seeds`, `seed`), a
        `device`, and `profile`.
    """
    _known(
        specification,
        ("network", "data", "start", "optimiser", "stop", "members", "device", "profile"),
        "the training",
    )
    network = read_network({"kind": "residual", **_table(specification, "network")})
    if not isinstance(network, ResidualNetwork):
        raise InputError("a training is of a residual network; `workbench ensemble` carries linear ones")
    members = specification.get("members", {})
    _known(members, ("seeds", "seed"), "the members")
    training = Training(
        network,
        data_sets.canonical(_table(specification, "data")),
        _optimiser(_table(specification, "optimiser")),
        _stopping(_table(specification, "stop")),
        _start(specification.get("start", {"scheme": "identity"})),
        _integer(members.get("seeds", 1), "the seeds of the members"),
        _integer(members.get("seed", 0), "the seed of the members", least=0),
    )
    if not isinstance(specification.get("profile", False), bool):
        raise InputError(f"profile is {specification['profile']!r}; give true or false")
    return TrainingExperiment(
        training, str(specification.get("device", "cpu")), bool(specification.get("profile", False))
    )


def _start(given: Mapping[str, Any]) -> dict[str, Any]:
    if "seed" in given:
        raise InputError(f"the start of a training has seed = {given['seed']!r}; leave it out: members draw their own")
    parameters = dict(given)
    scheme = str(parameters.pop("scheme", "identity"))
    return {"scheme": scheme, **{k: v for k, v in read_start(scheme, parameters).parameters.items() if k != "seed"}}


def _optimiser(given: Mapping[str, Any]) -> Optimiser:
    _known(given, ("name", "rates", "rate", "unit", "batch"), "the optimiser")
    name = str(given.get("name", "descent"))
    rates = _of(name, given.get("rates", [given["rate"]] if "rate" in given else []), [])
    unit = str(_of(name, given.get("unit", "plain"), "plain"))
    several = rates if isinstance(rates, list | tuple) else [rates]
    batch = None if given.get("batch") is None else _integer(given["batch"], "the batch")
    sizes = tuple(rational(rate, "a learning rate") for rate in several)
    return Optimiser(name, sizes, unit, batch)


def _of(name: str, value: Any, otherwise: Any) -> Any:
    """Return what a table gives by the name of the optimiser, so that a grid over optimisers gives each its own."""
    return value.get(name, otherwise) if isinstance(value, Mapping) else value


def _stopping(given: Mapping[str, Any]) -> Stopping:
    _known(given, ("epochs", "loss", "patience", "gain"), "the stopping rule")
    loss = None if given.get("loss") is None else rational(given["loss"], "the loss to reach")
    patience = None if given.get("patience") is None else _integer(given["patience"], "the patience")
    gain = rational(given.get("gain", Fraction(1, 100)), "the gain")
    return Stopping(_integer(given.get("epochs"), "the epochs"), loss, patience, gain)


def _table(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = given.get(key)
    if not isinstance(found, Mapping):
        raise InputError(f"the {key} of the training is {found!r}; it must be a table of names and values")
    return found


def _integer(value: Any, what: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{what} must be an integer, at least {least}, not {value!r}")
    return value


def _known(given: Any, keys: tuple[str, ...], what: str) -> None:
    if not isinstance(given, Mapping):
        raise InputError(f"{what} is {given!r}; it must be a table of names and values")
    for key in given:
        if key not in keys:
            raise UnknownNameError(f"entry of {what}", str(key), keys)
