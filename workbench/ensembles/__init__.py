"""Ensembles: one run with a batch axis on one device, every member an exact problem of its own.

An ensemble is a problem's template, a seed and a count; member i is a function of the three. `descent.run` carries
all members at once, `verdicts.compare` judges a theorem on each by the rule of `workbench.evidence`. Many runs in a
store are a sweep (`workbench.sweeps`), which is another thing.
"""

from __future__ import annotations

from workbench.ensembles.members import Ensemble

__all__ = ["Ensemble"]
