"""The members' initial weights, stacked: the exact draws of their starts, each entry rounded once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from workbench.experiment import read_start
from workbench.initialization import weights
from workbench.initialization.gaussian import batch
from workbench.training.batched import ResidualBatch
from workbench.training.plan import Training


def stacked(training: Training, device: str = "cpu") -> ResidualBatch:
    """Return the members at their start."""
    network, depth = training.network, training.network.depth
    arrays = _gaussian(training) if training.start.get("scheme") == "gaussian" else _same(training)
    biases = depth if network.biases else 0
    parts = [arrays[:depth], arrays[depth : depth + biases], arrays[depth + biases :]]
    tensors = [torch.as_tensor(np.stack(part)).to(device) if part else None for part in parts]
    constant = torch.full((1, 1, 1, 1), float(network.branch_scale), dtype=torch.float64, device=device)
    empty = torch.zeros(0, dtype=torch.float64, device=device)
    return ResidualBatch(network, tensors[0], empty if tensors[1] is None else tensors[1], _or(tensors[2], constant))


def _or(tensor: Any, other: Any) -> Any:
    return other if tensor is None else tensor


def _gaussian(training: Training) -> list[np.ndarray]:
    """Return each parameter of all members, those that are not drawn repeated."""
    options = {k: v for k, v in training.start.items() if k not in ("scheme", "seed", "generator")}
    rates = len(training.optimiser.rates)
    seeds = [training.seed_of(rates * place) for place in range(training.seeds)]
    return [np.repeat(array, rates, axis=0) for array in batch(training.network, seeds, **options)]


def _same(training: Training) -> list[np.ndarray]:
    given = training.start_of(0)
    layers = weights(training.network, read_start(given.pop("scheme", "identity"), given))
    return [np.repeat(np.array(layer, dtype=float)[None], training.count, axis=0) for layer in layers]
