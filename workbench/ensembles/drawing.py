"""The first numbers of a batch as tensors on a device: drawn there where the family can be, else sent there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import torch

from workbench.ensembles import device_draws
from workbench.ensembles.members import Ensemble, scheme_of
from workbench.exact import rational
from workbench.initialization.gaussian import one_quotient


def targets(ensemble: Ensemble, members: Sequence[int], device: str) -> Any:
    """Return the targets of some members, float64, shape (B, d_L, d_0); bit for bit `Ensemble.targets`."""
    seeds = _seeds(ensemble, members)
    module = import_module(f"workbench.targets.{ensemble.target['family']}")
    if seeds is None or not hasattr(module, "numerators"):
        return torch.from_numpy(ensemble.targets(members)).to(device)
    own = {k: v for k, v in ensemble.target.items() if k not in ("family", "generator")}
    draw = partial(device_draws.uniform_numerators, device=device)
    return module.numerators(draw, seeds, **own).double() * 2.0**-module.BITS


def starts(ensemble: Ensemble, members: Sequence[int], device: str) -> list[Any]:
    """Return the initial weights of some members, float64, shapes (B, d_j, d_{j-1}); those of `Ensemble.starts`."""
    seeds, scheme = _seeds(ensemble, members), scheme_of(ensemble.start)
    factor = rational(ensemble.start.get("scale", 1), "the scale")
    if seeds is None or not hasattr(scheme, "numerators") or not one_quotient(factor):
        return [torch.from_numpy(layer).to(device) for layer in ensemble.starts(members)]
    draw = partial(device_draws.gaussian_numerators, device=device)
    drawn = scheme.numerators(draw, ensemble.network, seeds)
    return [(k * factor.numerator).double() / float(factor.denominator) * 2.0**-32 for k in drawn]


def _seeds(ensemble: Ensemble, members: Sequence[int]) -> list[int] | None:
    """Return the members' seeds, or none where a tensor does not hold them."""
    seeds = [ensemble.seed_of(index) for index in members]
    return seeds if max(seeds) <= device_draws.LARGEST_SEED else None
