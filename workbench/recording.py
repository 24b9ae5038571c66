"""Runs made elsewhere: an `.npz` file with what was recorded, read as a trajectory.

The file holds
    `steps` (integers) or `times` (flow time), one entry a record;
    `weights_1` ... `weights_L`, shapes (records, d_j, d_{j-1}), from which every observable is computed here,
    or observables by name (`loss`, `distance_to_identity`, ...), one entry a record;
    `step_size` (optional where the command gives one);
    `error` (optional): with weights, a bound of the Frobenius norm of their error at each record, or one number;
    `loss_error`, ... (optional): absolute errors of the observables of these names.
Where no error is declared, a slack within the rounding of double precision decides nothing.
"""

from __future__ import annotations

import hashlib
import itertools
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from workbench import content, dynamics, observables
from workbench.backends.float64 import Float64
from workbench.backends.reals import reals
from workbench.backends.running_error import RunningError
from workbench.errors import InputError, ShapeError
from workbench.evidence import compare
from workbench.exact import UNKNOWN, Measured
from workbench.experiment import read_arithmetic, read_constants, read_method, read_problem
from workbench.networks import build
from workbench.problem import Problem
from workbench.records import evidence_record
from workbench.store import Record
from workbench.theorems import Theorem
from workbench.trajectory import Arithmetic, Method, Status, Trajectory

_ROUNDOFF = 2.0**-53

# A time is a whole number of steps within this, relative: times are often summed up in single steps.
_WHOLE = 1e-6

# A run starts where the problem says within this, relative: single precision may have written it.
_SAME_START = 1e-6


def judged(theorem: Theorem, specification: Mapping[str, Any], path: Path) -> Record:
    """Return the record of a theorem judged on a run that a file holds.

    Parameters
    ----------
    theorem : Theorem
    specification : mapping
        Problem, dynamics and dropped hypotheses; the file's step size stands where none is given.
    path : Path
        An `.npz` file.
    """
    arrays = _arrays(path)
    problem = read_problem(specification["problem"])
    given = dict(specification["dynamics"])
    if "step_size" in arrays and given.get("step_size") is None and not dynamics.module(given["name"]).FLOW:
        given["step_size"] = _scalar(arrays["step_size"], "step_size")
    given["stop"] = {"time": "1"} if dynamics.module(given["name"]).FLOW else {"steps": 1}
    method = read_method(given, problem, theorem)
    trajectory = _trajectory(problem, method, arrays, theorem.observes, path)
    constants = read_constants(specification.get("constants", {}), theorem)
    evidence = compare(theorem, trajectory, specification.get("without", ()), constants)
    kept = {
        "kind": "evidence",
        "theorem": {"name": theorem.name, "sha256": theorem.sha256},
        "problem": problem.specification(),
        "dynamics": method.specification(),
        "backend": read_arithmetic({"name": "float64"}).specification(),
        "run": _digest(path),
        "without": sorted(specification.get("without", ())),
        **({"constants": {name: str(x) for name, x in sorted(constants.items())}} if constants else {}),
    }
    label = f"{dynamics.module(method.name).LABEL}, run elsewhere"
    return evidence_record(evidence, kept, [content.reference(theorem.path)], label)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file; never unpickles."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"the file {path} is not an .npz archive")
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InputError(f"the file {path} is not an .npz archive of numbers: {error}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise InputError(f"{name} in {path} holds {array.dtype}, not real numbers")
    return arrays


def _scalar(array: np.ndarray, name: str) -> float:
    if array.size != 1:
        raise InputError(f"{name} has {array.size} entries; give one number")
    return float(array.reshape(()))


def _trajectory(
    problem: Problem, method: Method, arrays: dict[str, np.ndarray], observes: tuple[str, ...], path: Path
) -> Trajectory:
    steps, times = _clock(arrays, method)
    layers = [arrays.get(f"weights_{j}") for j in range(1, problem.depth + 1)]
    notes: tuple[str, ...] = ("the run was made elsewhere: that it is the dynamics it says is taken on trust",)
    declared = "error" in arrays if layers[0] is not None else all(f"{name}_error" in arrays for name in observes)
    if steps[-1] + 1 > len(steps):
        notes = (*notes, f"{len(steps)} records of {steps[-1] + 1} steps: a bound is judged at those only")
    if not declared:
        notes = (*notes, "no error was declared: slacks within the rounding of double precision decide nothing")
    names = tuple(dict.fromkeys(("loss", *observes))) if layers[0] is not None else observes
    if layers[0] is not None:
        series = _from_weights(problem, method, arrays, steps, names)
    else:
        series = {name: _series(arrays, name, len(steps), problem, steps, path) for name in names}
        if steps[0] == 0 and "loss" in series:
            _hold_initial_loss(problem, series["loss"][0])
    used = Arithmetic("float64", None, 53)
    return Trajectory(problem, method, used, steps, times, series, "estimate", Status.FINISHED, None, notes)


def _clock(arrays: dict[str, np.ndarray], method: Method) -> tuple[tuple[int, ...], tuple[Fraction, ...]]:
    """Return the step number and the flow time of each record."""
    if "steps" in arrays:
        steps = arrays["steps"].reshape(-1)
        if steps.dtype.kind == "f" and not np.all(steps == np.round(steps)):
            raise InputError("the steps of the run are not integers")
        numbers = tuple(int(s) for s in steps)
    elif "times" in arrays and method.step_size is not None:
        numbers = _whole_steps(arrays["times"].reshape(-1), float(method.step_size))
    elif "times" in arrays:
        numbers = tuple(range(arrays["times"].size))
    else:
        raise InputError("the run has neither steps nor times")
    if not numbers or numbers[0] < 0 or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise InputError("the records of the run must be in order, one a step, from step 0 on")
    if method.step_size is not None:
        return numbers, tuple(k * method.step_size for k in numbers)
    if "times" not in arrays or not np.isfinite(arrays["times"]).all():
        raise InputError("a flow's run needs finite times")
    return numbers, tuple(Fraction(float(t)) for t in arrays["times"].reshape(-1))


def _whole_steps(times: np.ndarray, step_size: float) -> tuple[int, ...]:
    """Return the step number of each flow time, refusing a time between two steps."""
    steps = times.astype(np.float64) / step_size
    if not np.isfinite(steps).all() or np.any(np.abs(steps - np.round(steps)) > _WHOLE * (1 + np.abs(steps))):
        raise InputError("the times of the run are not whole multiples of its step size")
    return tuple(int(k) for k in np.round(steps))


def _from_weights(
    problem: Problem, method: Method, arrays: dict[str, np.ndarray], steps: tuple[int, ...], names: tuple[str, ...]
) -> dict[str, tuple[Measured, ...]]:
    """Compute every observable from the recorded weights, which carry the declared error."""
    layers = _layers(problem, arrays, len(steps))
    errors = _weight_errors(arrays, layers, steps)
    backend = RunningError(Float64())
    network = build(problem, backend)
    real = reals(117)
    if steps[0] == 0:
        _hold_start(layers, [backend.shadow(p) for p in network.parameters], errors[0])
    measures = {name: observables.load(name) for name in names}
    found: dict[str, list[Measured]] = {name: [] for name in names}
    previous = None
    with backend.session(), real.session():
        for index in range(len(steps)):
            now = tuple(backend.wrap(layer[index], errors[index] / _ROUNDOFF) for layer in layers)
            adjacent = previous if index and steps[index] == steps[index - 1] + 1 else None
            start = network.parameters if index else now
            snapshot = observables.Snapshot(network, now, start, adjacent, method.step_size, real)
            for name, measure in measures.items():
                found[name].append(measure(snapshot))
            previous = now
    return {name: tuple(values) for name, values in found.items()}


def _hold_start(layers: list[np.ndarray], start: list[np.ndarray], error: float) -> None:
    """Raise where a run starts elsewhere than the problem says: hypotheses are decided from the problem."""
    for number, (layer, exact) in enumerate(zip(layers, start, strict=True), start=1):
        room = error + _SAME_START * (1.0 + float(np.abs(exact).max()))
        if not np.all(np.abs(layer[0] - exact) <= room):
            raise InputError(f"weights_{number} at step 0 is not the start of the problem; give the run's with --init")


def _hold_initial_loss(problem: Problem, recorded: Measured) -> None:
    """Raise where the recorded loss at step 0 is not that of the problem's start."""
    network = build(problem, Float64())
    exact = float(network.loss(network.parameters)[0, 0])
    if recorded.value is None or recorded.error is None or not np.isfinite(exact):
        return
    if abs(float(recorded.value) - exact) > float(recorded.error) + _SAME_START * (1.0 + exact):
        raise InputError(
            f"the loss at step 0 is {float(recorded.value):.6g}, but the problem starts at {exact:.6g}; "
            "give the run's target and start"
        )


def _layers(problem: Problem, arrays: dict[str, np.ndarray], records: int) -> list[np.ndarray]:
    layers = []
    for number, shape in enumerate(problem.network.shapes, start=1):
        array = arrays.get(f"weights_{number}")
        if array is None:
            raise InputError(f"the run has weights_1 but no weights_{number}; give one array a layer")
        if array.shape != (records, *shape):
            raise ShapeError(f"weights_{number} has shape {array.shape}; it should be {(records, *shape)}")
        layers.append(array.astype(np.float64))
    return layers


def _weight_errors(arrays: dict[str, np.ndarray], layers: list[np.ndarray], steps: tuple[int, ...]) -> list[float]:
    """Return the declared error of the weights at each record, else a rounding a step."""
    if "error" in arrays:
        return [float(e) for e in _declared(arrays["error"], "error", len(steps))]
    sizes = np.sqrt(sum((layer**2).sum(axis=(1, 2)) for layer in layers))
    return [float(size) * _ROUNDOFF * (step + 1) * len(layers) for size, step in zip(sizes, steps, strict=True)]


def _declared(array: np.ndarray, name: str, records: int) -> np.ndarray:
    """Return a declared error at each record."""
    if array.size not in (1, records) or not np.isfinite(array).all() or (array < 0).any():
        raise InputError(f"{name} must be one nonnegative number, or one a record")
    return np.broadcast_to(array.reshape(-1).astype(np.float64), (records,))


def _series(
    arrays: dict[str, np.ndarray], name: str, records: int, problem: Problem, steps: tuple[int, ...], path: Path
) -> tuple[Measured, ...]:
    """Return a recorded observable with its declared error, else with the rounding of a double a step."""
    if name not in arrays:
        raise InputError(f"{path.name} has neither weights nor {name!r}, which the theorem reads")
    values = arrays[name].reshape(-1).astype(np.float64)
    if values.size != records:
        raise ShapeError(f"{name} has {values.size} entries but the run has {records} records")
    declared = arrays.get(f"{name}_error")
    if declared is not None:
        errors = _declared(declared, f"{name}_error", records)
    else:
        # A loss of size l near a target of size p loses sqrt(2 l) p a rounding, by cancellation.
        size = float(np.sqrt(sum(float(x) ** 2 for row in problem.loss.target.rows for x in row))) + 1.0
        growth = (np.array(steps) + 1) * problem.depth * _ROUNDOFF
        errors = growth * (np.abs(values) + size * np.sqrt(2 * np.abs(values)) + _ROUNDOFF)
    pairs = zip(values, errors, strict=True)
    return tuple(Measured(Fraction(v), Fraction(e)) if np.isfinite([v, e]).all() else UNKNOWN for v, e in pairs)
