"""Recorded quantities in mpmath alone: those that the weights alone tell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from workbench.trajectory import Watch
from workbench.witness._networks import Linear, Residual

Net = Linear | Residual
Layers = list[Any]


def _norm(mp: Any, a: Any) -> Any:
    return mp.sqrt(sum((x * x for x in a), mp.zero))


def _imbalances(layers: Layers) -> Layers:
    return [upper.T * upper - lower * lower.T for lower, upper in pairwise(layers)]


def _largest_change(net: Net, now: Layers, start: Layers) -> Any:
    changes = zip(_imbalances(now), _imbalances(start), strict=True)
    return max((_norm(net.mp, a - b) for a, b in changes), default=net.mp.zero)


def _with_skips(net: Net, layers: Layers) -> Layers:
    scale = net.scale if isinstance(net, Residual) else net.mp.one
    return [net.mp.eye(w.rows) + scale * w for w in layers]


QUANTITIES: dict[str, Callable[[Net, Layers], Any]] = {
    "loss": lambda net, layers: net.loss(layers),
    "balancedness_change": lambda net, layers: _largest_change(net, layers, net.start),
    "balancedness_defect": lambda net, layers: max(
        (_norm(net.mp, d) for d in _imbalances(layers)), default=net.mp.zero
    ),
    "residual_balancedness_change": lambda net, layers: _largest_change(
        net, _with_skips(net, layers), _with_skips(net, net.start)
    ),
    "gradient_squared_norm": lambda net, layers: sum((x * x for g in net.gradients(layers) for x in g), net.mp.zero),
}


def watched(watch: Watch, net: Net, layers: Layers) -> Any:
    """Return a watched quantity minus its level."""
    level = net.number(watch.level)
    if watch.quantity == "loss" or not isinstance(net, Linear):
        return net.loss(layers) - level
    product = net.product(layers)
    if watch.quantity == "determinant":
        return net.mp.det(product) - level
    tall = product if product.rows >= product.cols else product.T
    return sorted(net.mp.svd_r(tall, compute_uv=False), reverse=True)[(watch.place or 1) - 1] - level
