"""One specification -> one record of an ensemble: what is asked of the store, and found there the second time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench import content, targets, theorems
from workbench.ensembles import mode_experiment, verdicts
from workbench.ensembles.members import Ensemble
from workbench.ensembles.mode_experiment import ModeExperiment
from workbench.ensembles.records import ensemble_record
from workbench.errors import InputError, UnknownNameError
from workbench.exact import Matrix, rational
from workbench.store import Record, Store, digest
from workbench.theorems import Theorem
from workbench.trajectory import Trajectory

_DYNAMICS = {
    "gradient_descent": "gradient_descent",
    "descent": "gradient_descent",
    "heavy_ball": "heavy_ball",
    "gradient_flow": "gradient_flow",
    "flow": "gradient_flow",
}
_PRECISIONS = ("float64", "float32")


@dataclass(frozen=True)
class EnsembleExperiment:
    """A theorem and the ensemble that it is to be judged on.

    Parameters
    ----------
    theorem : Theorem
    ensemble : Ensemble
        Its step sizes stand for nothing where the largest ones are asked for.
    steps : int
    largest : bool
        Whether every member takes the largest step size that the theorem allows it.
    momentum : Fraction
    precision : {"float64", "float32"}
    device : str
    without : tuple of str
        Hypotheses to set aside.
    flow : bool
        The gradient flow in steps of flow time eta, in place of descent.
    """

    theorem: Theorem
    ensemble: Ensemble
    steps: int
    largest: bool = False
    momentum: Fraction = Fraction(0)
    precision: str = "float64"
    device: str = "cpu"
    without: tuple[str, ...] = ()
    flow: bool = False

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        theorem = {"name": self.theorem.name}
        if not self.theorem.built_in:
            theorem["sha256"] = self.theorem.sha256
        steps = {"step_sizes": "largest"} if self.largest else {}
        return {
            "kind": "ensemble",
            "theorem": theorem,
            "ensemble": {**self.ensemble.specification(), **steps},
            "dynamics": {"momentum": str(self.momentum), "steps": self.steps, **({"flow": True} if self.flow else {})},
            "backend": {"precision": self.precision, "device": self.device},
            "without": sorted(self.without),
        }

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification())

    def evidence(self, keep: Callable[[int, Trajectory], None] | None = None) -> verdicts.EnsembleEvidence:
        """Carry the ensemble and judge every member; `keep` takes the number and the run of each."""
        ensemble = verdicts.with_largest_steps(self.ensemble, self.theorem) if self.largest else self.ensemble
        options: dict[str, Any] = {"precision": self.precision, "device": self.device, "without": self.without}
        options |= {"flow": self.flow, "keep": keep}
        return verdicts.compare(self.theorem, ensemble, self.steps, momentum=self.momentum, **options)

    def record(self, store: Store | None = None) -> tuple[Record, bool]:
        """Return the record, and whether it was computed now rather than found in the store."""
        specification = self.specification()
        found = None if store is None else store.current(specification)
        return (self.compute(store), True) if found is None else (found, False)

    def compute(self, store: Store | None = None, keep: Callable[[int, Trajectory], None] | None = None) -> Record:
        """Return the record, computed whether or not the store has it, and keep it there."""
        files = [content.reference(self.theorem.path)]
        record = ensemble_record(self.evidence(keep), self.specification(), files)
        if store is not None:
            store.put(record)
        return record


def read(specification: Mapping[str, Any]) -> EnsembleExperiment | ModeExperiment:
    """Return what a specification stands for: that of an experiment, its families unseeded, with an `ensemble`.

    Parameters
    ----------
    specification : mapping
        `ensemble` has `members` and may have a `seed`; the dynamics have `steps` and a step size, a list of them that
        members take in turn, or "largest". Carried `by = "modes"`, an ensemble has a `check`, the number of members to
        carry again by full matrices, and runs until a loss.
    """
    _known(specification, ("theorem", "problem", "dynamics", "backend", "without", "ensemble"), "the specification")
    counted = specification["ensemble"]
    _known(counted, ("members", "seed", "by", "check"), "the ensemble")
    dynamics, backend = specification.get("dynamics", {}), specification.get("backend", {})
    if counted.get("by", "matrices") == "modes":
        return _by_modes(specification, counted, dynamics)
    if counted.get("by", "matrices") != "matrices" or "check" in counted:
        raise InputError(f"an ensemble is carried by 'matrices' or by 'modes' (with a check), not {dict(counted)}")
    _known(backend, ("name", "device"), "the backend of an ensemble")
    momentum, steps, sizes = _dynamics(dynamics)
    flow = _DYNAMICS[str(dynamics.get("name", "gradient_descent"))] == "gradient_flow"
    precision = str(backend.get("name", "float64"))
    if precision not in _PRECISIONS:
        raise InputError(f"an ensemble runs in {' or '.join(_PRECISIONS)}, not in {precision!r}")
    ensemble = Ensemble(
        step_sizes=sizes or (Fraction(1),),
        count=_integer(counted.get("members"), "the members of the ensemble"),
        seed=_integer(counted.get("seed", 0), "the seed of the ensemble", least=0),
        **_problem(specification.get("problem", {})),
    )
    theorem = theorems.load(str(specification["theorem"]))
    device = str(backend.get("device", "cpu"))
    without = tuple(specification.get("without", ()))
    return EnsembleExperiment(theorem, ensemble, steps, not sizes, momentum, precision, device, without, flow)


def _by_modes(
    specification: Mapping[str, Any], counted: Mapping[str, Any], dynamics: Mapping[str, Any]
) -> ModeExperiment:
    _known(dynamics, ("name", "step_size", "stop"), "the dynamics of modes")
    stop = dynamics.get("stop", {})
    _known(stop, ("until_loss", "most"), "the stopping rule of modes")
    if _DYNAMICS.get(str(dynamics.get("name", "descent"))) != "gradient_descent":
        raise InputError(f"modes are carried by gradient descent, not by {dynamics['name']!r}")
    if dynamics.get("step_size", "largest") != "largest" or specification.get("backend", {"name": "float64"}) != {
        "name": "float64"
    }:
        raise InputError("modes take the largest step size, in float64")
    members = _integer(counted.get("members"), "the members of the ensemble")
    checked = _integer(counted.get("check", min(members, 100)), "the members to check")
    seed = _integer(counted.get("seed", 0), "the seed of the ensemble", least=0)
    ensemble = Ensemble(
        step_sizes=(Fraction(1),), count=members, seed=seed, **_problem(specification.get("problem", {}))
    )
    return mode_experiment.read(specification, ensemble, stop, min(checked, members))


def _dynamics(given: Mapping[str, Any]) -> tuple[Fraction, int, tuple[Fraction, ...]]:
    """Return the momentum, the steps and the step sizes; no sizes are the largest ones."""
    _known(given, ("name", "step_size", "stop", "parameters", "momentum"), "the dynamics of an ensemble")
    name = str(given.get("name", "gradient_descent"))
    if name not in _DYNAMICS:
        raise UnknownNameError("dynamics of an ensemble", name, _DYNAMICS)
    momentum = rational({**given, **given.get("parameters", {})}.get("momentum", 0), "the momentum")
    if (_DYNAMICS[name] == "heavy_ball") != (momentum != 0):
        raise InputError(f"the dynamics {name} has momentum {momentum}; heavy_ball takes one, descent takes none")
    stop = given.get("stop", {})
    _known(stop, ("steps",), "the stopping rule of an ensemble")
    asked = given.get("step_size", "largest")
    several = asked if isinstance(asked, list | tuple) else [asked]
    sizes = () if asked == "largest" else tuple(rational(size, "a step size") for size in several)
    if _DYNAMICS[name] == "gradient_flow" and not sizes:
        raise InputError('the flow of an ensemble needs the flow time of a step: step_size = "1/16", say')
    return momentum, _integer(stop.get("steps"), "the steps of an ensemble"), sizes


def _problem(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return widths, target, start and normalisation: from a network and a loss, or a depth and a target."""
    _known(given, ("network", "loss", "start", "depth", "target", "normalisation"), "the problem")
    loss = given.get("loss", {"target": given.get("target"), "normalisation": given.get("normalisation", "half")})
    target, network = loss.get("target"), given.get("network", {})
    if not isinstance(target, Mapping) or "family" not in target:
        raise InputError(f"the target of an ensemble is {target!r}; give a family, without its seed")
    if network.get("kind", "linear") != "linear":
        raise InputError(f"an ensemble is of linear networks, not of {network['kind']!r} ones")
    widths = network.get("widths")
    if widths is None:
        depth = _integer(given.get("depth"), "the depth")
        built: Matrix = targets.matrix(target)
        widths = [built.shape[0]] * (depth + 1)
    return {
        "widths": tuple(_integer(width, "a width") for width in widths),
        "target": dict(target),
        "start": dict(given.get("start", {"scheme": "identity"})),
        "normalisation": str(loss.get("normalisation", "half")),
    }


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
