"""The problem of a probe, as options; and an exact experiment back as the command that runs it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench import targets
from workbench.errors import InputError
from workbench.exact import Matrix
from workbench.probes.base import Option

# The named operation on a matrix: rows, a file or a family, as for a target.
_BALANCED = re.compile(r"^balanced\((.+)\)$", re.DOTALL)

PROBLEM = (
    Option("target", "Rows as JSON, a .json, .csv or .npy file, or a family such as spectrum:1/2,2;rotate=7"),
    Option("depth", "Number of layers, all square of the target's size", int),
    Option("widths", "Widths d_0,d_1,...,d_L of the layers"),
    Option("init", "Start: identity, gaussian:scale=1/2;seed=1, balanced(MATRIX), or a .json file", default="identity"),
)
DYNAMICS = (
    Option("dynamics", "descent, flow, or a name from `workbench list`", default="descent"),
    Option("set", "A parameter of the dynamics, such as penalty=1/10; repeat for several", many=True, metavar="NAME=X"),
    Option("step_size", "Step size"),
    Option("steps", "Number of steps", int),
)


def problem_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the problem that the options `PROBLEM` stand for, as a specification."""
    if given["target"] is None:
        raise InputError("a probe of a problem needs a target; give --target 'spectrum:1/2,2;rotate=7', rows or a file")
    matrix = targets.target(given["target"])
    return {
        "network": {"kind": "linear", "widths": _widths(matrix.shape, given["depth"], given["widths"])},
        "loss": {"kind": "square", "target": matrix.specification(), "normalisation": "half"},
        "start": _start(given["init"]),
    }


def dynamics_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dynamics that the options `DYNAMICS` stand for, as a specification."""
    stop = {"steps": given["steps"]} if given["steps"] is not None else {}
    found = {"name": given["dynamics"], "parameters": assignments(given["set"]), "stop": stop}
    return found if given["step_size"] is None else {**found, "step_size": given["step_size"]}


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """Return the names and values of texts such as `penalty=1/10`."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or name in found:
            raise InputError(f"{text!r} assigns nothing new; write NAME=VALUE once for each name")
        found[name] = value
    return found


def _widths(shape: tuple[int, int], depth: int | None, widths: str | None) -> list[int]:
    if widths is not None:
        parts = widths.split(",")
        if not all(part.strip().isdecimal() for part in parts):
            raise InputError(f"the widths are {widths!r}; give integers such as 2,3,2")
        if depth is not None and depth != len(parts) - 1:
            raise InputError(f"--widths {widths} has depth {len(parts) - 1} but --depth is {depth}; give one of them")
        return [int(part) for part in parts]
    if depth is None:
        raise InputError("a network needs its size; give --depth 3 or --widths 2,3,2")
    if depth < 1:
        raise InputError(f"the depth is {depth}; it must be at least 1")
    rows, columns = shape
    if rows != columns:
        raise InputError(f"the target is {rows} x {columns}: --depth takes a square one; give --widths")
    return [rows] * (depth + 1)


def _start(init: str) -> dict[str, Any]:
    if init.endswith(".json"):
        return {"scheme": "given", "weights": targets.read_file(Path(init))}
    named = _BALANCED.match(init.strip())
    if named is not None:
        return {"scheme": "balanced", "matrix": targets.target(named.group(1)).specification()}
    scheme, _, options = init.partition(":")
    return {"scheme": scheme, **assignments([text for text in options.split(";") if text])}


def compare_command(specification: Mapping[str, Any]) -> str:
    """Return the command line that runs a specification of an experiment again, empty where none can say it.

    Parameters
    ----------
    specification : mapping
        As `Experiment.specification()` gives it, or as `experiment.read` takes it.
    """
    problem, dynamics = specification["problem"], specification["dynamics"]
    theorem, network, loss = specification["theorem"], problem["network"], problem["loss"]
    if network.get("kind", "linear") != "linear" or loss.get("inputs") is not None:
        return ""
    init = _init_text(problem.get("start", {"scheme": "identity"}))
    if init is None or loss.get("normalisation", "half") != "half":
        return ""
    name = theorem["name"] if isinstance(theorem, Mapping) else str(theorem)
    words = ["workbench", "compare", name, "--target", target_text(loss["target"])]
    words += ["--widths", ",".join(str(width) for width in network["widths"])]
    words += ["--init", init] if init != "identity" else []
    words += [] if dynamics["name"] in ("gradient_descent", "descent") else ["--dynamics", str(dynamics["name"])]
    words += [w for k, v in sorted(dynamics.get("parameters", {}).items()) for w in ("--set", f"{k}={v}")]
    words += ["--step-size", str(dynamics["step_size"])] if dynamics.get("step_size") is not None else []
    stop = dynamics.get("stop", {})
    words += [w for k in ("steps", "time", "until_loss") if stop.get(k) is not None for w in (_flag(k), str(stop[k]))]
    words += _backend_words(specification.get("backend", {"name": "float64"}))
    words += [w for h in specification.get("without", ()) for w in ("--without", str(h))]
    words += [w for k, v in specification.get("constants", {}).items() for w in ("--constant", f"{k}={v}")]
    return shlex.join(words)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _backend_words(backend: Mapping[str, Any]) -> list[str]:
    words = [] if backend["name"] == "float64" else ["--backend", str(backend["name"])]
    words += ["--digits", str(backend["digits"])] if backend.get("digits") is not None else []
    return words + (["--no-structure"] if backend.get("structure") is False else [])


def target_text(target: Any) -> str:
    """Return a target's specification as a text that `--target` reads."""
    if isinstance(target, Mapping):
        rows = target.get("rows")
        return json.dumps(dict(target) if rows is None else rows, separators=(",", ":"), default=str)
    return json.dumps(target, separators=(",", ":"), default=str)


def target_label(target: Matrix) -> str:
    """Return a target in words: its family, its rows where they are few, else its shape."""
    rows = "; ".join(", ".join(str(x) for x in row) for row in target.rows)
    return target.label or (f"[{rows}]" if len(rows) < 60 else f"a {target.shape[0]} x {target.shape[1]} matrix")


def _init_text(start: Mapping[str, Any]) -> str | None:
    """Return a start as a text that `--init` reads, None where it takes a file."""
    scheme = str(start["scheme"])
    options = {k: v for k, v in start.items() if k not in ("scheme", "generator", "weights", "matrix")}
    if scheme == "given":
        return None
    if scheme == "balanced":
        return f"balanced({target_text(start['matrix'])})"
    return scheme + (":" + ";".join(f"{k}={v}" for k, v in sorted(options.items())) if options else "")
