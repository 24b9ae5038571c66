"""Where the content lies: theorems in the package, derivations and reports beside it or in the wheel.

A content file is named by a *reference*, so that a record can say which file it used without a path of the
machine that ran it: `package:theorems/x.py` or `package:probes/x.py` (inside the package),
`derivations/x.py` or `reports/x/...` (in the current folder first, then in the installed package), or the path of a
user's own file.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import ModuleType

from workbench.errors import InputError, TheoremFileError

_PACKAGE = Path(__file__).parent


def folders(kind: str) -> list[Path]:
    """Return the folders that hold content of this kind, the current folder's first.

    A checkout of the project itself counts after the current folder, then what the wheel carries.
    """
    candidates = [Path.cwd() / kind, _PACKAGE / "_content" / kind, _PACKAGE.parent / kind]
    if kind == "theorems":
        candidates = [_PACKAGE / "theorems"]
    return [folder for folder in candidates if folder.is_dir()]


def modules(kind: str) -> dict[str, Path]:
    """Return the content modules of a kind by name, the current folder's taking precedence."""
    found: dict[str, Path] = {}
    for folder in folders(kind):
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def reports() -> dict[str, Path]:
    """Return the report folders by name: those that hold a `report.toml`."""
    found: dict[str, Path] = {}
    for folder in folders("reports"):
        for path in sorted(folder.glob("*/report.toml")):
            found.setdefault(path.parent.name, path.parent)
    return dict(sorted(found.items()))


def reference(path: Path) -> str:
    """Return the reference that names this file in a record."""
    path = path.resolve()
    if path.is_relative_to(_PACKAGE / "theorems") or path.is_relative_to(_PACKAGE / "probes"):
        return "package:" + path.relative_to(_PACKAGE).as_posix()
    for kind in ("derivations", "reports"):
        for folder in folders(kind):
            if path.is_relative_to(folder.resolve()):
                return f"{kind}/{path.relative_to(folder.resolve()).as_posix()}"
    return str(path)


def resolve(name: str) -> Path:
    """Return the file that a reference names now.

    Raises
    ------
    InputError
        If there is no such file any more.
    """
    if name.startswith("package:"):
        candidates = [_PACKAGE / name.removeprefix("package:")]
    elif Path(name).is_absolute():
        candidates = [Path(name)]
    else:
        kind, _, rest = name.partition("/")
        candidates = [folder / rest for folder in folders(kind)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise InputError(f"the file {name} that a record was computed from is gone; run the command again")


def run_file(path: Path, kind: str) -> tuple[ModuleType, str]:
    """Import a content file outside the package, and return it with the SHA-256 of its bytes.

    The bytes are read once: what is hashed is what runs, and no stale bytecode can stand in for it. Whatever goes
    wrong becomes one clear line.

    Raises
    ------
    TheoremFileError
        If there is no such file, it is not Python, or it raises while it is imported.
    """
    if not path.is_file():
        raise TheoremFileError(f"there is no {kind} file {path}")
    if path.suffix != ".py":
        raise TheoremFileError(f"{path} is not a {kind}: it must be a Python file, ending in .py")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    module = ModuleType(f"_workbench_{kind}_{path.stem}_{digest[:12]}")
    module.__file__ = str(path)
    # Dataclasses and the like look their module up by name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(data, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise TheoremFileError(
            f"{path.name}{line_in(error, path)} cannot be imported: {type(error).__name__}: {_first_line(error)}"
        ) from error
    return module, digest


def line_in(error: BaseException, path: Path) -> str:
    """Return `:LINE`, the last line of this file that an error passed through, or nothing."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
