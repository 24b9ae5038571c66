"""The command line that runs a witness again, where `compare` can be told all of it."""

from __future__ import annotations

import json
import shlex
from typing import Any

from workbench.probes._leaves import Specification
from workbench.theorems import Theorem

_STARTS = ("identity", "zero_asymmetric", "gaussian", "orthogonal")


def compare_command(theorem: Theorem, specification: Specification) -> str:
    """Return the command, empty where the run ends at an event or is watched."""
    problem, method, backend = (specification[part] for part in ("problem", "dynamics", "backend"))
    target, start = _target(problem["loss"]), _start(problem.get("start", {"scheme": "identity"}))
    stop = {k: v for k, v in method["stop"].items() if k in ("steps", "time", "until_loss")}
    if len(stop) < len(method["stop"]):
        return ""
    name = theorem.name if theorem.built_in else theorem.path.name
    words = ["workbench", "compare", name]
    if problem["network"].get("kind", "linear") != "linear" or target is None or start is None:
        words += ["--problem", json.dumps(problem, separators=(",", ":"))]
    else:
        words += ["--target", target, "--widths", ",".join(map(str, problem["network"]["widths"])), "--init", start]
    words += ["--dynamics", method["name"]]
    for key, value in method.get("parameters", {}).items():
        words += ["--set", f"{key}={value}"]
    words += ["--step-size", method["step_size"]] if "step_size" in method else []
    for key, value in stop.items():
        words += [f"--{key.replace('_', '-')}", str(value)]
    words += ["--backend", backend["name"], *(["--digits", str(backend["digits"])] if backend.get("digits") else [])]
    for hypothesis in specification.get("without", ()):
        words += ["--without", hypothesis]
    return shlex.join(words)


def _target(loss: dict[str, Any]) -> str | None:
    """Return the target as `compare` takes it, None where the loss is another."""
    target = loss["target"]
    if loss.get("inputs") is not None or loss.get("normalisation", "half") != "half" or not isinstance(target, dict):
        return None
    if "rows" in target:
        return json.dumps(target["rows"], separators=(",", ":"))
    if target.get("family") != "spectrum":
        return None
    turned = "" if target.get("rotate") is None else f";rotate={target['rotate']}"
    return f"spectrum:{','.join(target['eigenvalues'])}{turned}"


def _start(start: dict[str, Any]) -> str | None:
    """Return the start as `compare` takes it, None where its layers need a file."""
    scheme, options = start["scheme"], {k: v for k, v in start.items() if k not in ("scheme", "generator")}
    if scheme == "balanced":
        return f"balanced({json.dumps(options['matrix'], separators=(',', ':'))})"
    if scheme not in _STARTS:
        return None
    told = ";".join(f"{key}={value}" for key, value in options.items())
    return f"{scheme}:{told}" if told else scheme
