"""A symbolic-numeric workbench for the training dynamics of deep linear and residual networks.

Names are loaded when they are used: `import workbench` imports no numerical library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Problem": "workbench.problem",
    "LinearNetwork": "workbench.problem",
    "ResidualNetwork": "workbench.problem",
    "SquareLoss": "workbench.problem",
    "Start": "workbench.problem",
    "Matrix": "workbench.problem",
    "Experiment": "workbench.experiment",
    "Store": "workbench.store",
    "compare": "workbench.evidence",
    "target": "workbench.targets",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
