"""Where a benchmark ran: device, driver and versions, kept beside its figures as JSON."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workbench.bench.measure import Measurement

_PACKAGES = ("numpy", "torch", "numba", "triton", "python-flint", "sympy")


def write(name: str, quick: bool, entries: Sequence[Measurement], folder: Path) -> Path:
    """Write the figures with what they were measured on, and return the file."""
    machine = describe()
    stem = re.sub(r"[^a-z0-9]+", "-", f"{name} {machine['device']}".lower()).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.json"
    figures = [entry.document for entry in entries]
    document = {"benchmark": name, "quick": quick, "machine": machine, "entries": figures}
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def describe() -> dict[str, Any]:
    """Return the device, its driver, the threads and the versions of the packages."""
    import torch

    found: dict[str, Any] = {"device": _processor(), "driver": None, "cuda": None, "threads": torch.get_num_threads()}
    if torch.cuda.is_available():
        found |= {"device": torch.cuda.get_device_name(), "driver": _driver(), "cuda": torch.version.cuda}
        found["allow_tf32"] = torch.backends.cuda.matmul.allow_tf32
    return found | {"python": platform.python_version(), "packages": _versions()}


def _versions() -> dict[str, str | None]:
    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {package: of(package) for package in _PACKAGES}


def _processor() -> str:
    """Return the processor's name where the system tells it."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return None
