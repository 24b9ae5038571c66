"""Ensembles beside the loop a user would write, `vmap(grad)`, and the matrix-product rate of the same run.

All seconds are per network and step. The matrix product as a peer is the time that the 3L - 3 products of a step
would take at the rate of one large product, so that its ratio is the fraction of that rate which was reached.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any

import torch

from workbench.bench.measure import Measurement, seconds
from workbench.ensembles import Ensemble
from workbench.ensembles.batched import Batch, Batched
from workbench.ensembles.descent import batch_of
from workbench.ensembles.lanes import Lanes

_STEP = Fraction(1, 64)
_RUNS = 7
_COMPILE_LIMIT = 10.0


@dataclass(frozen=True)
class Case:
    """Sizes, the steps of one timing, and the ratios promised: to the loop, to `vmap(grad)`, of the product's rate."""

    width: int
    depth: int
    count: int
    steps: int
    loop: float
    vmap: float | None
    rate: float

    @property
    def name(self) -> str:
        """Name the sizes."""
        return f"d={self.width}, L={self.depth}, B={self.count}, float64"

    @property
    def operations(self) -> int:
        """Floating operations of the products of one step of one network."""
        return 2 * (3 * self.depth - 3) * self.width**3


_CASES = (Case(4, 8, 4096, 50, 5000, 50, 0.3), Case(16, 8, 1024, 10, 150, None, 0.35))


def measure(quick: bool = False) -> list[Measurement]:
    """Measure the promises of ensembles on this machine's CPU.

    Parameters
    ----------
    quick : bool
        The smaller networks only, fewer runs, and no compilation into an empty cache.
    """
    found = []
    for case in _CASES[:1] if quick else _CASES:
        found += _measure(case, 3 if quick else _RUNS)
    return found if quick else [*found, _compilation()]


def _measure(case: Case, runs: int) -> list[Measurement]:
    """Time the fused path and its peers in turns."""
    ensemble = Ensemble(
        (case.width,) * (case.depth + 1),
        {"family": "near_identity", "shape": [case.width, case.width]},
        case.count,
        (_STEP,),
    )
    batch = batch_of(ensemble, range(case.count))
    tasks = {
        "fused": (_advance(Lanes(batch), case.steps), case.count * case.steps),
        "batched": (_advance(Batched(batch), 3), case.count * 3),
        "loop": (_loop(batch, 10), 10),
        "vmap": (_vmap(batch), case.count),
        "product": _product(case.operations),
    }
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task, _ in tasks.values():
        task()
    for _ in range(runs):
        for name, (task, work) in tasks.items():
            times[name].append(seconds(task) / work)
    typical = {name: median(values) for name, values in times.items()}
    peers = [
        ("loop", "nn.Linear, one network at a time", case.loop),
        ("vmap", "torch.func.vmap(grad)", case.vmap),
        ("batched", "batched products in place", None),
        ("product", "one large matrix product, equal operations", case.rate),
    ]
    return [
        Measurement(f"fused step, {case.name}", typical["fused"], runs, words, typical[peer], floor=floor or 0.0)
        for peer, words, floor in peers
    ]


def _advance(state: Any, steps: int) -> Callable[[], None]:
    return lambda: state.advance(0, steps)


def _loop(batch: Batch, steps: int) -> Callable[[], None]:
    """Return some steps of one network as a user would train it."""
    layers = [torch.nn.Linear(w.shape[2], w.shape[1], bias=False, dtype=torch.float64) for w in batch.weights]
    network = torch.nn.Sequential(*layers)
    with torch.no_grad():
        for layer, weight in zip(layers, batch.weights, strict=True):
            layer.weight.copy_(torch.from_numpy(weight[0]))
    inputs = torch.eye(batch.weights[0].shape[2], dtype=torch.float64)
    labels = torch.from_numpy(batch.targets[0]).T
    optimizer = torch.optim.SGD(network.parameters(), lr=float(_STEP))

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = 0.5 * ((network(inputs) - labels) ** 2).sum()
            loss.backward()
            optimizer.step()

    return train


def _vmap(batch: Batch) -> Callable[[], None]:
    """Return one step of all networks through vectorised autograd."""
    layers = [torch.from_numpy(w.copy()) for w in batch.weights]
    targets = torch.from_numpy(batch.targets)

    def loss(weights: list[Any], target: Any) -> Any:
        product = weights[0]
        for weight in weights[1:]:
            product = weight @ product
        return 0.5 * ((product - target) ** 2).sum()

    gradients = torch.func.vmap(torch.func.grad(loss))

    def step() -> None:
        for layer, gradient in zip(layers, gradients(layers, targets), strict=True):
            layer.sub_(gradient, alpha=float(_STEP))

    return step


def _product(operations: int, size: int = 1024) -> tuple[Callable[[], None], float]:
    """Return a large matrix product, and how many steps' worth of operations it holds."""
    factor = torch.rand(size, size, dtype=torch.float64)
    result = torch.empty_like(factor)

    def multiply() -> None:
        torch.mm(factor, factor, out=result)

    return multiply, 2 * size**3 / operations


_FIRST_CALL = """
import time
from fractions import Fraction
from workbench.ensembles import Ensemble
from workbench.ensembles.descent import batch_of
batch = batch_of(Ensemble((4,) * 9, {"family": "near_identity", "shape": [4, 4]}, 64, (Fraction(1, 64),)), range(64))
begun = time.process_time()
from workbench.ensembles.lanes import Lanes
Lanes(batch).advance(0, 1)
print(time.process_time() - begun)
"""


def _compilation() -> Measurement:
    """Time the first call of a fresh process into an empty cache, in processor seconds: compiling is one thread's."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", _FIRST_CALL]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return Measurement("first call, compiled (processor seconds)", float(done.stdout), 1, limit=_COMPILE_LIMIT)
