"""Residual networks trained at scale: many members at once in torch, closed-form gradients, no autograd.

A run here is an estimate and proves nothing: it measures. What is small enough to be certified is a `Problem`, and
`Training.member` gives one for each member.
"""

from __future__ import annotations

from workbench.training.asked import TrainingExperiment, read
from workbench.training.plan import Optimiser, Stopping, Training

__all__ = ["Optimiser", "Stopping", "Training", "TrainingExperiment", "read"]
