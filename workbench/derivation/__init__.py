"""Run one claim file and decide what became of it.

The file states a claim and derives it from the loss through a `Calculus`; it never says that it succeeded. The
runner decides each identity, plants faults in the gradients, runs the check and the control, and draws the verdict.
"""

from __future__ import annotations

from workbench.derivation.file import Derivation, catalogue, is_derivation, load
from workbench.derivation.outcome import Outcome, latex, text
from workbench.derivation.runner import recorded, run

__all__ = ["Derivation", "Outcome", "catalogue", "is_derivation", "latex", "load", "recorded", "run", "text"]
