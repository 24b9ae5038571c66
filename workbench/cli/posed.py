"""The problem that a comparison is posed on: put together from options, or given whole."""

from __future__ import annotations

import re
from json import JSONDecodeError
from json import loads as parsed
from pathlib import Path
from typing import Any

from workbench.cli.console import say
from workbench.cli.residual import residual_network
from workbench.errors import InputError

# The named operation on a matrix: rows, a file or a family, as for a target.
_BALANCED = re.compile(r"^balanced\((.+)\)$", re.DOTALL)


def problem(
    target: str | None,
    inputs: str | None,
    residual: str | None,
    depth: int | None,
    widths: str | None,
    init: str,
    seed: int | None,
) -> dict[str, Any]:
    """Return the problem that options name: a target, a network on it, and a start."""
    from workbench import targets

    if target is None:
        raise InputError("a comparison needs a target; give --target 'spectrum:1/2,2;rotate=7', rows or a file")
    if residual is not None and widths is not None:
        raise InputError("the blocks of a residual network have one width, that of its labels; leave --widths out")
    matrix = targets.target(target)
    given = None if inputs is None else targets.target(inputs)
    loss: dict[str, Any] = {
        "kind": "square",
        "target": matrix,
        "normalisation": "half" if residual is None else "mean",
        **({} if given is None else {"inputs": given}),
    }
    if residual is not None:
        network = residual_network(residual, matrix.shape, depth)
    else:
        maps = matrix.shape if given is None else (matrix.shape[0], given.shape[0])
        network = {"kind": "linear", "widths": _widths(maps, depth, widths)}
    return {"network": network, "loss": loss, "start": _start(init, seed)}


def whole_problem(given: str, parts: tuple[Any, ...]) -> Any:
    """Return a problem that is given whole, as a text or in a file."""
    from workbench.targets import read_file

    if any(part is not None for part in parts):
        raise InputError(
            "--problem is all of it; leave --target, --inputs, --residual, --depth, --widths, --init and --seed out"
        )
    try:
        # Numbers stay texts: 0.1 is a tenth.
        found = read_file(Path(given)) if given.endswith(".json") else parsed(given, parse_float=str)
    except (JSONDecodeError, RecursionError):
        raise InputError(f"the problem {given[:60]!r} is not JSON; give it as an object, or a .json file") from None
    if not isinstance(found, dict):
        raise InputError(f"the problem {given[:60]!r} is no JSON object; give network, loss and start")
    return found


def _widths(shape: tuple[int, int], depth: int | None, widths: str | None) -> list[int]:
    """Return the widths that were asked for, by themselves or through the depth."""
    if widths is not None:
        parts = widths.split(",")
        if not all(part.strip().isdecimal() for part in parts):
            raise InputError(f"the widths are {widths!r}; give integers such as 2,3,2")
        found = [int(part) for part in parts]
        if depth is not None and depth != len(found) - 1:
            raise InputError(f"--widths {widths} has depth {len(found) - 1} but --depth is {depth}; give one of them")
        return found
    if depth is None:
        raise InputError("a network needs its size; give --depth 3 or --widths 2,3,2")
    if depth < 1:
        raise InputError(f"the depth is {depth}; it must be at least 1")
    rows, columns = shape
    if rows != columns:
        raise InputError(
            f"the target is {rows} x {columns}: --depth takes a square one; give --widths {columns},...,{rows}"
        )
    return [rows] * (depth + 1)


def _start(init: str, seed: int | None) -> dict[str, Any]:
    """Return the start of a text: a scheme with options, or a file with the layers."""
    from workbench.targets import read_file

    if init.endswith(".json"):
        return {"scheme": "given", "weights": read_file(Path(init))}
    named = _BALANCED.match(init.strip())
    if named is not None:
        from workbench import targets

        return {"scheme": "balanced", "matrix": targets.target(named.group(1))}
    scheme, _, options = init.partition(":")
    start: dict[str, Any] = {"scheme": scheme, **assignments([o for o in options.split(";") if o])}
    if seed is not None:
        if scheme in ("gaussian", "orthogonal"):
            start["seed"] = seed
        else:
            say(f"--seed has nothing to do: the start {scheme} draws nothing")
    return start


def assignments(texts: list[str]) -> dict[str, str]:
    """Return what NAME=RATIONAL texts assign."""
    found = {}
    for item in texts:
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise InputError(f"{item!r} assigns nothing; write NAME=RATIONAL, such as penalty=1/10")
        if name.strip() in found:
            raise InputError(f"{name.strip()} is set twice")
        found[name.strip()] = value.strip()
    return found
