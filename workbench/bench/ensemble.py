"""Ensembles beside the loop a user would write, `vmap(grad)`, and the matrix-product rate of the same run.

Seconds are per network and step. The matrix product as a peer is the time that the 3L - 3 products of a step would take
at the rate of one large product, so that its ratio is the fraction of that rate which was reached. On a CUDA device the
same table is measured there, with the device's copy rate beside it; the promises are those of a processor.
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
from time import perf_counter, sleep
from typing import Any

import torch

from workbench.bench import _large, _peers, _residual, _scaling
from workbench.bench.measure import Measurement
from workbench.ensembles import Ensemble
from workbench.ensembles.batched import Batched
from workbench.ensembles.descent import batch_of, state_of
from workbench.ensembles.plan import Plan

_STEP = Fraction(1, 64)
_RUNS = 7
_COMPILE_LIMIT = 10.0

# Seconds before each timing: OpenMP's threads of the task before go on spinning for a fifth of a second.
_CALM = 0.3


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


# Steps are so many that every task takes some tens of milliseconds: a busy machine interrupts them alike.
_CASES = (Case(4, 8, 4096, 400, 5000, 50, 0.3), Case(16, 8, 1024, 30, 150, None, 0.35))
_LOOP_STEPS, _BATCHED_STEPS = 200, 4


def measure(quick: bool = False) -> list[Measurement]:
    """Measure the promises of ensembles: on a CUDA device where there is one, else on the processor.

    Parameters
    ----------
    quick : bool
        The smaller networks only, fewer runs, and no compilation into an empty cache.
    """
    device, runs = ("cuda" if torch.cuda.is_available() else "cpu"), 3 if quick else _RUNS
    found = []
    for case in _CASES[:1] if quick else _CASES:
        found += _measure(case, runs, device)
    found += _residual.measure(_medians, runs, device, quick)
    if device != "cpu":
        found.append(_copy_rate(device, runs))
    if quick:
        return found
    found += _scaling.measure(lambda batch: _Synchronised(state_of(batch, Plan(0, device=device))[0], device), 3)
    return found if device != "cpu" else [*found, *_large.measure(runs), _compilation()]


class _Synchronised:
    """A state whose `advance` returns once the device is done."""

    def __init__(self, state: Any, device: str) -> None:
        self._state, self._device = state, device

    def advance(self, first: int, count: int) -> None:
        """Take some steps."""
        self._state.advance(first, count)
        _wait(self._device)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _measure(case: Case, runs: int, device: str = "cpu") -> list[Measurement]:
    """Time the fused path and its peers in turns."""
    target = {"family": "near_identity", "shape": [case.width, case.width]}
    ensemble = Ensemble((case.width,) * (case.depth + 1), target, case.count, (_STEP,))
    batch, rate = batch_of(ensemble, range(case.count)), float(_STEP)
    product, operations = _peers.large_product(device)
    fused, _ = state_of(batch, Plan(0, device=device))
    tasks: dict[str, tuple[Callable[[], None], float]] = {
        "fused": (_advance(fused, case.steps), case.count * case.steps),
        "batched": (_advance(Batched(batch, device=device), _BATCHED_STEPS), case.count * _BATCHED_STEPS),
        "loop": (_peers.loop(batch, rate, _LOOP_STEPS, device), _LOOP_STEPS),
        "vmap": (_peers.vectorised(batch, rate, _BATCHED_STEPS, device), case.count * _BATCHED_STEPS),
        "autograd": (_peers.batched_autograd(batch, rate, _BATCHED_STEPS, device), case.count * _BATCHED_STEPS),
        "product": (product, operations / case.operations),
    }
    typical = _medians(tasks, runs, device)
    peers = [
        ("loop", "nn.Linear, one network at a time", case.loop),
        ("vmap", "torch.func.vmap(grad)", case.vmap),
        ("autograd", "autograd on batched products", None),
        ("batched", "batched products in place", None),
        ("product", "one large matrix product, equal operations", case.rate),
    ]
    return [
        Measurement(
            f"{fused.path}: a step, {case.name}",
            typical["fused"],
            runs,
            words,
            typical[peer],
            floor=floor if device == "cpu" else None,
        )
        for peer, words, floor in peers
    ]


def _medians(tasks: dict[str, tuple[Callable[[], None], float]], runs: int, device: str) -> dict[str, float]:
    """Return the median seconds of each task for a unit of its work."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(runs + 1):
        for name, (task, work) in tasks.items():
            _wait(device)
            sleep(_CALM)
            begun = perf_counter()
            task()
            _wait(device)
            taken = (perf_counter() - begun) / work
            # The first turn compiles and fills the caches.
            if turn:
                times[name].append(taken)
    return {name: median(values) for name, values in times.items()}


def _copy_rate(device: str, runs: int) -> Measurement:
    copy, size = _peers.large_copy(device)
    typical = _medians({"copy": (copy, size / 1e9)}, runs, device)
    return Measurement("copy on the device, a gigabyte read or written", typical["copy"], runs)


def _advance(state: Any, steps: int) -> Callable[[], None]:
    return lambda: state.advance(0, steps)


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
