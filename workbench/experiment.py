"""One specification -> one verdict: the one place where names become parts.

A specification is JSON: the theorem, the problem (network, loss, start), the dynamics, the backend and the dropped
hypotheses. Its canonical form, with every number exact and every file by content, is what the run id is taken of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from workbench import backends, content, dynamics, targets, theorems
from workbench.draws import GENERATOR
from workbench.errors import InputError, UnknownNameError
from workbench.evidence import UNDECIDED, Evidence, compare, run_of
from workbench.exact import decimal_text, exact, holds_float, rational
from workbench.problem import LinearNetwork, Network, Problem, ResidualNetwork, SquareLoss, Start
from workbench.records import evidence_record
from workbench.store import Record, Store, digest
from workbench.theorems import Theorem
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory, Watch

# The largest step that a theorem allows is rounded down to a multiple of 2^-40, which every binary backend holds.
STEP_BITS = 40

# Digits of the first and of the last try where the precision is left to the run; they double.
FEWEST_DIGITS, MOST_DIGITS = 16, 1024


@dataclass(frozen=True)
class Experiment:
    """A theorem and the run that it is to be judged on.

    Parameters
    ----------
    theorem : Theorem
    problem : Problem
    method : Method
    arithmetic : Arithmetic
    without : tuple of str
        Hypotheses to set aside.
    constants : mapping of str to Fraction
        Values given to constants that the theorem leaves open.
    """

    theorem: Theorem
    problem: Problem
    method: Method
    arithmetic: Arithmetic
    without: tuple[str, ...] = ()
    constants: Mapping[str, Fraction] = field(default_factory=dict)

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        theorem: dict[str, Any] = {"name": self.theorem.name}
        if not self.theorem.built_in:
            theorem["sha256"] = self.theorem.sha256
        given = {"constants": {k: str(v) for k, v in sorted(self.constants.items())}} if self.constants else {}
        return {
            "kind": "evidence",
            "theorem": theorem,
            "problem": self.problem.specification(),
            "dynamics": self.method.specification(),
            "backend": self.arithmetic.specification(),
            "without": sorted(self.without),
            **given,
        }

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification())

    def trajectory(self, *, keep_weights: bool = False) -> Trajectory:
        """Carry the run out."""
        observes = tuple(dict.fromkeys(("loss", *self.theorem.observes)))
        return dynamics.run(self.problem, self.method, self.arithmetic, observes, keep_weights=keep_weights)

    def evidence(self) -> Evidence:
        """Carry the run out and judge the theorem on it, at a precision of its own where that was asked."""
        if self.arithmetic.automatic:
            return self._decided()
        return compare(self.theorem, self.trajectory(), self.without, self.constants)

    def _decided(self) -> Evidence:
        """Raise the precision until the verdict is decided or a limit is reached, and say what was tried."""
        digits = FEWEST_DIGITS
        while True:
            arithmetic = replace(self.arithmetic, digits=digits, automatic=False)
            evidence = replace(self, arithmetic=arithmetic).evidence()
            undecided = evidence.verdict == UNDECIDED
            diverged = evidence.trajectory.status is Status.DIVERGED
            if not undecided or diverged or 2 * digits > MOST_DIGITS:
                return replace(evidence, notes=(*evidence.notes, _precision_note(evidence, digits)))
            digits *= 2

    def record(self, store: Store | None = None) -> tuple[Record, bool]:
        """Return the record of this experiment, and whether it was computed now rather than found.

        Parameters
        ----------
        store : Store, optional
            Where a current record is looked for, and a new one is kept.
        """
        specification = self.specification()
        found = None if store is None else store.current(specification)
        if found is not None:
            return found, False
        evidence = self.evidence()
        label = dynamics.module(self.method.name).LABEL
        record = evidence_record(evidence, specification, [content.reference(self.theorem.path)], label)
        if store is not None:
            store.put(record)
        return record, True


def _precision_note(evidence: Evidence, digits: int) -> str:
    """Return the sentence that says at which precision a verdict was decided, or how far from it the last run was."""
    if evidence.verdict != UNDECIDED:
        tried = "" if digits == FEWEST_DIGITS else f"; {digits // 2} were not enough"
        return f"decided at {digits} digits{tried}"
    error = evidence.margin.error
    wide = "of unknown width" if error is None else f"{decimal_text(2 * error, 3)} wide"
    return f"undecided at {digits} digits, where the search for a precision ended; the margin's enclosure was {wide}"


def run(specification: Mapping[str, Any], store: Store | None = None) -> Evidence:
    """Return the evidence of a specification, carried out now."""
    return read(specification).evidence()


def read(specification: Mapping[str, Any], theorem: Theorem | None = None) -> Experiment:
    """Return the experiment that a specification stands for.

    Parameters
    ----------
    specification : mapping
        With `theorem` (a name or a path), `problem`, `dynamics`, `backend`, `without`.
    theorem : Theorem, optional
        In place of the specification's.
    """
    _known(
        specification,
        ("kind", "theorem", "problem", "dynamics", "backend", "without", "constants"),
        "the specification",
    )
    if theorem is None:
        theorem = theorems.load(str(_required(specification, "theorem", "the specification")))
    problem = read_problem(_required(specification, "problem", "the specification"))
    arithmetic = read_arithmetic(specification.get("backend", {"name": "float64"}))
    method = read_method(_required(specification, "dynamics", "the specification"), problem, theorem)
    given = read_constants(specification.get("constants", {}), theorem)
    return Experiment(theorem, problem, method, arithmetic, tuple(specification.get("without", ())), given)


def read_constants(data: Mapping[str, Any], theorem: Theorem) -> dict[str, Fraction]:
    """Return the values given to constants that a theorem leaves open."""
    given = {str(name): rational(value, f"the constant {name}") for name, value in data.items()}
    theorem.chosen(given)
    return given


def read_problem(data: Mapping[str, Any]) -> Problem:
    """Return the problem of a specification."""
    _known(data, ("network", "loss", "start"), "the problem")
    network = read_network(_required(data, "network", "the problem"))
    loss_data = _required(data, "loss", "the problem")
    _known(loss_data, ("kind", "target", "inputs", "normalisation"), "the loss")
    if loss_data.get("kind", "square") != "square":
        raise UnknownNameError("loss", str(loss_data["kind"]), ["square"])
    inputs = loss_data.get("inputs")
    loss = SquareLoss(
        targets.matrix(_required(loss_data, "target", "the loss")),
        None if inputs is None else targets.matrix(inputs),
        loss_data.get("normalisation", "half"),
    )
    start = dict(data.get("start", {"scheme": "identity"}))
    return Problem(network, loss, read_start(start.pop("scheme", "identity"), start))


def read_start(scheme: str, given: Mapping[str, Any]) -> Start:
    """Return a start with its parameters in canonical form: exact texts, and the generator where one draws."""
    parameters, inexact = dict(given), holds_float(given)
    if "scale" in parameters:
        parameters["scale"] = str(exact(parameters["scale"], "the scale"))
    for key in ("depth_power", "bias_scale", "branch_scales"):
        if key in parameters:
            parameters[key] = str(rational(parameters[key], f"the {key}"))
    if not isinstance(parameters.get("over_branch_scale", False), bool):
        raise InputError(f"over_branch_scale is {parameters['over_branch_scale']!r}; give true or false")
    if "seed" in parameters:
        seed = rational(parameters["seed"], "the seed")
        if seed.denominator != 1 or seed < 0:
            raise InputError(f"the seed is {parameters['seed']}; give a nonnegative integer")
        parameters["seed"] = int(seed)
    if scheme in ("gaussian", "orthogonal"):
        parameters = {"seed": 0, **parameters, "generator": GENERATOR}
    if isinstance(parameters.get("numbers"), list | tuple):
        parameters["numbers"] = [str(exact(x, "a number of the start")) for x in parameters["numbers"]]
    if "weights" in parameters:
        layers = [targets.matrix(layer) for layer in parameters["weights"]]
        inexact = inexact or any(layer.from_float for layer in layers)
        parameters["weights"] = [[[str(x) for x in row] for row in layer.rows] for layer in layers]
    if "matrix" in parameters:
        matrix = targets.matrix(parameters["matrix"])
        inexact = inexact or matrix.from_float
        parameters["matrix"] = [[str(x) for x in row] for row in matrix.rows]
    return Start(scheme, parameters, inexact)


def read_network(data: Mapping[str, Any]) -> Network:
    """Return the network of a specification."""
    kind = data.get("kind", "linear") if isinstance(data, Mapping) else "linear"
    if kind == "linear":
        _known(data, ("kind", "widths"), "the network")
        widths = _required(data, "widths", "the network")
        if not isinstance(widths, list | tuple):
            raise InputError(f"the widths are {widths!r}; give a list such as [2, 3, 2]")
        return LinearNetwork(tuple(widths))
    if kind == "residual":
        given = ("width", "depth", "activation", "branch_scale", "biases", "scales", "trained")
        _known(data, ("kind", *given), "the network")
        scale = exact(data.get("branch_scale", "1"), "the branch scale")
        return ResidualNetwork(
            _count(data, "width"),
            _count(data, "depth"),
            data.get("activation", "identity"),
            scale,
            **{key: data[key] for key in ("biases", "scales", "trained") if key in data},
        )
    raise UnknownNameError("network", str(kind), ["linear", "residual"])


def _count(data: Mapping[str, Any], key: str) -> int:
    value = _required(data, key, "the network")
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"the {key} of the network is {value!r}; give a positive integer")
    return value


def read_arithmetic(data: Mapping[str, Any]) -> Arithmetic:
    """Return the arithmetic of a specification."""
    _known(data, ("name", "digits", "device", "structure"), "the backend")
    structured = data.get("structure", True)
    if not isinstance(structured, bool) or (not structured and data.get("name") != "ball"):
        raise InputError("the structure of a problem is used by the backend ball alone; give true or false there")
    name, digits, device = str(_required(data, "name", "the backend")), data.get("digits"), data.get("device")
    adjustable = backends.takes_digits(name)
    automatic = digits == "auto"
    if automatic and not adjustable:
        raise InputError(f"the backend {name} has a fixed precision: --digits goes with mp and ball")
    if digits is not None and not automatic:
        if not adjustable:
            raise InputError(f"the backend {name} has a fixed precision: --digits goes with mp and ball")
        if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 100_000:
            raise InputError(f"digits are {digits!r}; give an integer between 1 and 100000, or auto")
    if adjustable and digits is None:
        digits = backends.DEFAULT_DIGITS
    if name == "torch" and device is None:
        device = "cpu"
    if device is not None and name != "torch":
        if device != "cpu":
            raise InputError(f"the backend {name} runs on the cpu only, not on {device!r}; use --backend torch")
        device = None
    return Arithmetic(name, None if automatic else digits, device=device, automatic=automatic, structured=structured)


def read_method(data: Mapping[str, Any], problem: Problem, theorem: Theorem | None = None) -> Method:
    """Return the dynamics of a specification; the step "largest" asks the theorem."""
    _known(data, ("name", "step_size", "stop", "parameters", *data.get("parameters", ())), "the dynamics")
    asked = str(_required(data, "name", "the dynamics"))
    module = dynamics.module(asked)
    name = dynamics.ALIASES.get(asked, asked)
    own = {k: v for k, v in data.items() if k not in ("name", "step_size", "stop", "parameters")}
    parameters = dynamics.parameters(name, {**own, **data.get("parameters", {})})
    stop = _stop(data.get("stop", {}), flow=module.FLOW)
    step = data.get("step_size")
    inexact = holds_float([step, own, data.get("parameters", {})])
    method = Method(name, stop, None, parameters, inexact)
    if getattr(module, "STEPLESS", False):
        if step is not None and step != "largest":
            raise InputError(f"{module.LABEL} choose the length of every step; leave --step-size out")
        return method
    if module.FLOW:
        if step is not None and step != "largest":
            raise InputError("a flow has no step size; leave --step-size out, or use --dynamics descent")
        return method
    if step is None or step == "largest":
        return replace(method, step_size=_largest_step(problem, method, theorem))
    size = rational(step, "the step size")
    if size <= 0:
        raise InputError(f"the step size is {step}; it must be positive")
    return replace(method, step_size=size)


def _stop(data: Mapping[str, Any], *, flow: bool) -> Stop:
    _known(data, ("steps", "time", "until_loss", "most", "until", "watch", "at"), "the stopping rule")
    given = {k: v for k, v in data.items() if v is not None}
    steps, most = given.get("steps"), given.get("most")
    for value in (steps, most):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InputError(f"the steps are {value!r}; give a positive integer")
    time = None if "time" not in given else rational(given["time"], "the time")
    level = None if "until_loss" not in given else rational(given["until_loss"], "the loss to reach")
    if time is not None and time <= 0:
        raise InputError(f"the time is {time}; it must be positive")
    if level is not None and level <= 0:
        raise InputError(f"the loss to reach is {level}; it must be positive")
    if flow and steps is not None and time is None:
        raise InputError("a flow takes a time, not steps; give --time 5")
    if level is not None and time is None and steps is None and not flow:
        steps = most or dynamics.MOST_STEPS
    until = None if "until" not in given else Watch.read(given["until"])
    if until is not None and level is not None:
        raise InputError(f"a run ends at one event: give the loss {level} or {until}, and watch the other")
    if steps is None and time is None and level is None and until is None:
        raise InputError("a run needs an end: give --steps 500, --time 5 or --until-loss 1e-10")
    watch = tuple(Watch.read(text) for text in _texts(given.get("watch", ()), "watch"))
    at = tuple(rational(text, "a time to record") for text in _texts(given.get("at", ()), "at"))
    if not flow and (until is not None or watch or at):
        raise InputError("only a flow is watched between its records; use --dynamics flow --backend ball")
    if flow and time is None:
        time = Fraction(dynamics.MOST_STEPS)
    for moment in at:
        if not 0 <= moment <= (time or moment):
            raise InputError(f"a time to record is {moment}; the flow runs from 0 to {time}")
    return Stop(steps, time, level, until, watch, at)


def _texts(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} of the stopping rule is {value!r}; give a list of texts")
    return list(value)


def _largest_step(problem: Problem, method: Method, theorem: Theorem | None) -> Fraction:
    """Return the largest multiple of 2^-40 that the theorem's hypotheses allow."""
    name = "no theorem" if theorem is None else theorem.name
    refusal = InputError(f"{name} names no largest step size here; give one, such as --step-size 1/32")
    if theorem is None:
        raise refusal
    prospect = Trajectory(problem, method, Arithmetic("prospect", None, 256), (), (), {}, "estimate", Status.FINISHED)
    view = run_of(prospect)
    with view.reals.session():
        cap = theorem.largest_step_size(view)
        bounds = None if cap is None else view.reals.measured(cap).bounds()
    if bounds is None:
        raise refusal
    step = backends.dyadic(bounds[0], STEP_BITS)
    if step <= 0:
        raise InputError(f"the largest step size that {name} allows here is below 2^-{STEP_BITS}; give --step-size")
    return step


def _required(data: Mapping[str, Any], key: str, what: str) -> Any:
    if not isinstance(data, Mapping):
        raise InputError(f"{what} is {data!r}; it must be a table of names and values")
    if key not in data:
        raise InputError(f"{what} has no {key!r}")
    return data[key]


def _known(data: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
    if not isinstance(data, Mapping):
        raise InputError(f"{what} is {data!r}; it must be a table of names and values")
    if what == "the dynamics":
        keys = (*keys, "penalty", "radius", "momentum")
    for key in data:
        if key not in keys:
            raise UnknownNameError(f"entry of {what}", str(key), keys)
