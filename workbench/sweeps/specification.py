"""What a sweep asks: a TOML file of fixed entries, grids and random draws, validated before anything runs.

    theorem = "near_identity"

    [problem]                       # as a specification of one experiment, with {name} where a value varies
    depth = "{depth}"               # or network = {widths = [2, 3, 2]}
    target = {family = "near_identity", shape = ["{width}", "{width}"], seed = "{seed}"}
    start = {scheme = "identity"}

    [dynamics]
    name = "descent"
    step_size = "largest"
    stop = {steps = 20}

    [backend]
    name = "float64"

    [grid]                          # every combination of these ...
    depth = [2, 4, 8]
    width = [2, 3]

    [draws]                         # ... with this many random draws of these
    count = 5
    seed = 0
    [draws.integers]
    seed = [0, 1000000]
    [draws.uniform]
    scale = ["1/2", "3/2"]

With a table `[ensemble]` (`members`, `seed`; `by = "modes"` and `check`, for Theorem 2 by eigenvalues) each run is an
ensemble, its families are given without a seed, and its backend is float64 or float32.

With a table `[training]` in place of the theorem, the problem and the dynamics each run is a training of residual
networks (see `workbench.training.asked.read`). A table `[quick]` names grids of a size of seconds for `--quick`.

A value that is `{name}` and nothing else becomes the number itself; a grid may also name any entry of the file by its
path, such as `"dynamics.step_size"`. Draws are dyadics of the counter-based generator, functions of seed, name, index.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench import targets
from workbench.draws import integer, uniform
from workbench.errors import InputError
from workbench.exact import rational

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")

Scalar = int | float | str


class Draws(BaseModel):
    """How many random draws, and of what.

    Parameters
    ----------
    count, seed : int
    integers : mapping of str to two integers
        Both ends included.
    uniform : mapping of str to two rationals
    """

    model_config = ConfigDict(extra="forbid")

    count: int = Field(gt=0, le=10**7)
    seed: int = Field(default=0, ge=0)
    integers: dict[str, tuple[int, int]] = Field(default_factory=dict)
    uniform: dict[str, tuple[Scalar, Scalar]] = Field(default_factory=dict)


class Template(BaseModel):
    """The file of a sweep."""

    model_config = ConfigDict(extra="forbid")

    theorem: str | None = None
    problem: dict[str, Any] | None = None
    dynamics: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    backend: dict[str, Any] = Field(default_factory=lambda: {"name": "float64"})
    without: list[str] = Field(default_factory=list)
    ensemble: dict[str, Any] | None = None
    grid: dict[str, list[Scalar]] = Field(default_factory=dict)
    quick: dict[str, list[Scalar]] = Field(default_factory=dict)
    draws: Draws | None = None

    @model_validator(mode="after")
    def _whole(self) -> Template:
        parts = (self.theorem, self.problem, self.dynamics)
        if self.training is not None and any(part is not None for part in (*parts, self.ensemble)):
            raise ValueError("a training stands alone: no theorem, problem, dynamics or ensemble beside it")
        alone = {"backend", "without"} & self.model_fields_set
        if self.training is not None and alone:
            raise ValueError(f"a training has no {sorted(alone)[0]}: it runs in double precision, on its own device")
        if self.training is None and any(part is None for part in parts):
            raise ValueError("give theorem, problem and dynamics, or a training")
        return self


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Parameters
    ----------
    values : mapping of str to number or text
        What varies, by name.
    specification : mapping
        What `workbench.sweeps.runs.read` takes.
    """

    values: dict[str, Scalar]
    specification: dict[str, Any]


def read(path: Path, changes: Mapping[str, list[Scalar]] | None = None, *, quick: bool = False) -> Template:
    """Return the sweep in a file, with grids replaced or added, or in its quick size.

    Raises
    ------
    InputError
        Naming the entry that does not mean what it should.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the sweep {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the sweep {path} is not TOML: {error}") from error
    if quick:
        changes = {**validated(data, str(path)).quick, **(changes or {})}
        if not changes:
            raise InputError(f"the sweep {path} has no quick size; leave --quick out, or set a grid with --set")
    return validated(data, str(path), changes)


def validated(data: dict[str, Any], name: str, changes: Mapping[str, list[Scalar]] | None = None) -> Template:
    """Return the sweep that some data stand for."""
    grid = data.get("grid", {})
    if not isinstance(grid, dict):
        raise InputError(f"the sweep {name}: grid is a table of lists")
    try:
        template = Template.model_validate({**data, "grid": {**grid, **(changes or {})}})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        raise InputError(f"the sweep {name}: {where}: {told}" if where else f"the sweep {name}: {told}") from error
    for key, values in template.grid.items():
        if not values:
            raise InputError(f"the sweep {name}: grid.{key} has no values")
    return template


def assignment(text: str) -> tuple[str, list[Scalar]]:
    """Return the name and the values of `depth=2,4,8`."""
    name, equals, values = text.partition("=")
    parts = [part.strip() for part in values.split(",")]
    if not equals or not name.strip() or not all(parts):
        raise InputError(f"{text!r} sets nothing; write NAME=VALUE,VALUE such as depth=2,4,8")
    return name.strip(), [int(part) if part.lstrip("-").isdecimal() else part for part in parts]


def cells(template: Template) -> Iterator[Cell]:
    """Yield every run: the grid's combinations, each with every draw."""
    names = list(template.grid)
    base = template.model_dump(exclude={"grid", "draws", "quick"}, exclude_none=True)
    for combination in itertools.product(*template.grid.values()):
        fixed = dict(zip(names, combination, strict=True))
        for drawn in _draws(template.draws):
            values = {**fixed, **drawn}
            yield Cell(values, _experiment(_filled(base, values)))


def _draws(draws: Draws | None) -> Iterator[dict[str, Scalar]]:
    if draws is None:
        yield {}
        return
    for index in range(draws.count):
        found: dict[str, Scalar] = {}
        for name, (low, high) in draws.integers.items():
            found[name] = integer(f"sweep/{name}", draws.seed, index, low, high)
        for name, ends in draws.uniform.items():
            first, last = (rational(x, f"draws.uniform.{name}") for x in ends)
            found[name] = str(first + (last - first) * uniform(f"sweep/{name}", draws.seed, index))
        yield found


def _filled(base: dict[str, Any], values: Mapping[str, Scalar]) -> dict[str, Any]:
    """Return the template with its placeholders filled, and the entries set that a dotted name gives."""
    used: set[str] = set()
    filled: dict[str, Any] = _substituted(base, values, used)
    for name, value in values.items():
        if "." in name:
            _set(filled, name, value)
        elif name == "depth" and name not in used:
            (filled["training"]["network"] if "training" in filled else filled["problem"])["depth"] = value
        elif name not in used:
            raise InputError(f"the sweep varies {name!r}, but nothing holds {{{name}}}")
    return filled


def _substituted(part: Any, values: Mapping[str, Scalar], used: set[str]) -> Any:
    if isinstance(part, dict):
        return {key: _substituted(value, values, used) for key, value in part.items()}
    if isinstance(part, list):
        return [_substituted(value, values, used) for value in part]
    if not isinstance(part, str):
        return part
    names = _PLACEHOLDER.findall(part)
    for name in names:
        if name not in values:
            raise InputError(f"{{{name}}} stands in the sweep, but neither its grid nor its draws name it")
    used.update(names)
    if len(names) == 1 and part == f"{{{names[0]}}}":
        return values[names[0]]
    return _PLACEHOLDER.sub(lambda match: str(values[match.group(1)]), part)


def _set(data: dict[str, Any], path: str, value: Scalar) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        inner = data.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise InputError(f"{path} leads through {folder}, which is not a table")
        data = inner
    data[last] = value


def _experiment(filled: dict[str, Any]) -> dict[str, Any]:
    """Return the specification of one experiment from the short form of a problem: a depth, a target, a start.

    An ensemble takes the short form itself: its target has no seed, and so is no matrix yet.
    """
    if "ensemble" in filled or "training" in filled:
        return filled
    problem = dict(filled["problem"])
    if "loss" not in problem:
        if "target" not in problem:
            raise InputError("the sweep has no problem.target; give a family, rows or a text")
        target = problem.pop("target")
        matrix = targets.target(target) if isinstance(target, str) else targets.matrix(target)
        problem["loss"] = {"target": matrix, "normalisation": problem.pop("normalisation", "half")}
        if "depth" in problem:
            problem["network"] = {"widths": [matrix.shape[0]] * (_depth(problem.pop("depth")) + 1)}
    return {**filled, "problem": problem}


def _depth(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"the depth is {value!r}; give a positive integer")
    return value
