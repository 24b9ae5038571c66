"""Target matrices: families with a prescribed spectrum, exact and by seed, and matrices that a user gives."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.errors import InputError, UnknownNameError
from workbench.exact import Matrix
from workbench.targets._reading import parse_text, read_file


def catalogue() -> list[str]:
    """Return the names of the families: the modules of this folder."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.name.startswith("_"))


def matrix(specification: Any) -> Matrix:
    """Return the matrix that a JSON specification stands for.

    Parameters
    ----------
    specification : mapping or list
        `{"rows": [...]}`, the rows alone, or `{"family": NAME, ...}` with the family's own parameters.
    """
    if isinstance(specification, Matrix):
        return specification
    if isinstance(specification, list | tuple):
        return Matrix.from_rows(specification)
    if not isinstance(specification, Mapping):
        raise InputError(f"a matrix is given by rows or by a family, not {specification!r}")
    if "rows" in specification:
        return Matrix.from_rows(specification["rows"])
    name = specification.get("family")
    if name not in catalogue():
        raise UnknownNameError("target family", str(name), catalogue())
    parameters = {k: v for k, v in specification.items() if k not in ("family", "generator")}
    module = import_module(f"workbench.targets.{name}")
    known = list(inspect.signature(module.build).parameters)
    for key in parameters:
        if key not in known:
            raise UnknownNameError(f"parameter of the target family {name}", key, known)
    if module.MAIN not in parameters:
        raise InputError(f"the target family {name} needs {module.MAIN}")
    if not isinstance(parameters[module.MAIN], list | tuple):
        raise InputError(f"the {module.MAIN} of the target family {name} are {parameters[module.MAIN]!r}; give a list")
    built: Matrix = module.build(**parameters)
    return built


def target(text: str) -> Matrix:
    """Return the matrix that a text on the command line stands for.

    Parameters
    ----------
    text : str
        Inline JSON rows, a file (`.json`, `.csv`, `.npy`), or a family such as `spectrum:1/2,2,-1/3;rotate=7`.
    """
    text = text.strip()
    if text.startswith(("[", "{")):
        return matrix(parse_text(text))
    head = text.partition(":")[0]
    if head in catalogue() and ":" in text:
        return matrix(_family(text))
    if Path(text).suffix.lower() in (".json", ".csv", ".npy"):
        return matrix(read_file(Path(text)))
    if ":" in text:
        raise UnknownNameError("target family", head, catalogue())
    raise InputError(
        f"the target {text!r} is neither rows such as [[1,0],[0,2]], nor a .json, .csv or .npy file, "
        f"nor a family such as spectrum:1/2,2;rotate=7"
    )


def _family(text: str) -> dict[str, Any]:
    head, _, rest = text.partition(":")
    values, *options = rest.split(";")
    module = import_module(f"workbench.targets.{head}")
    specification: dict[str, Any] = {"family": head, module.MAIN: [v.strip() for v in values.split(",")]}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise InputError(f"the option {option!r} of the target has no value; write {name.strip() or 'rotate'}=7")
        specification[name.strip()] = value.strip()
    return specification


__all__ = ["catalogue", "matrix", "read_file", "target"]
