"""One large network beside the autograd loop: time a step in one run, peak memory in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

import torch

from workbench.bench._peers import loop
from workbench.bench.measure import Measurement, seconds
from workbench.ensembles.batched import Batch, Batched

WIDTH, DEPTH = 256, 64
_RATE = 1 / 64
_MEBIBYTE = 2**20

_NAME = f"large network, d={WIDTH}, L={DEPTH}, B=1, float64"


def measure(runs: int) -> list[Measurement]:
    """Measure a step's time and the memory beside the autograd loop's."""
    batch = network()
    own, peer = Batched(batch), loop(batch, _RATE, 1)
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(runs + 1):
        for task, found in zip((lambda: own.advance(0, 1), peer), times, strict=True):
            taken = seconds(task)
            # The first turn touches the memory for the first time.
            if turn:
                found.append(taken)
    words = "nn.Linear loop with autograd"
    memory = [_peak_memory(kind) / _MEBIBYTE for kind in ("own", "loop")]
    return [
        Measurement(_NAME, median(times[0]), runs, words, median(times[1]), floor=1.0),
        Measurement(f"{_NAME}, peak memory", memory[0], 1, words, memory[1], floor=2.0, unit="MiB"),
    ]


def network() -> Batch:
    """Return one network of identities and a target near it."""
    import numpy as np

    eye = torch.eye(WIDTH, dtype=torch.float64)[None]
    return Batch([eye] * DEPTH, 1.1 * eye, np.array([_RATE]))


# Resident memory beyond what the imports and a first small gradient take; the weights are counted in both. The system's
# own count for the child of a process begins at what its parent had; Linux tells that of the program alone.
_PROCESS = """
import re, resource, sys
from pathlib import Path
import torch
from workbench.bench import _large
from workbench.bench._peers import loop
from workbench.ensembles.batched import Batched
small = torch.rand(256, 256, dtype=torch.float64, requires_grad=True)
(small @ small).sum().backward()
def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\\s*([0-9]+)", status.read_text()).group(1))
    # Bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
batch, before = _large.network(), peak()
if sys.argv[1] == "own":
    state = Batched(batch)
    with torch.no_grad():
        state.stride(0, 4)
else:
    loop(batch, 1 / 64, 4)()
print(peak() - before)
"""


def _peak_memory(kind: str) -> int:
    """Return the bytes by which a few steps raise the largest resident size of a fresh process."""
    command = [sys.executable, "-c", _PROCESS, kind]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
