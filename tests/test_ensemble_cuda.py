"""The fused path of CUDA devices: in Triton's interpreter where there is none, and on the device where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

from workbench.ensembles import Ensemble
from workbench.ensembles.descent import batch_of, run

# One network of depth one, a rectangle that is padded, and members that diverge and converge beside others.
_INTERPRETED = """
import sys
from fractions import Fraction
import numpy as np
from workbench.ensembles import Ensemble
from workbench.ensembles.batched import Batched
from workbench.ensembles.cuda import Programs
from workbench.ensembles.descent import batch_of

cases = [((1, 1), (Fraction(1, 8),)), ((2, 4, 3), (Fraction(1, 16), Fraction(40))), ((3, 3, 3, 3), (Fraction(1, 4),))]
for widths, steps in cases:
    target = {"family": "uniform", "shape": [widths[-1], widths[0]]}
    ensemble = Ensemble(widths, target, 3, steps, {"scheme": "gaussian", "scale": "1/2"})
    for momentum in (Fraction(0), Fraction(1, 2)):
        for precision, unit in (("float64", 2.0**-53), ("float32", 2.0**-24)):
            batch = batch_of(ensemble, range(3), momentum=momentum, until_loss=Fraction(1, 5))
            programs, batched = Programs(batch, precision, "cpu"), Batched(batch, precision)
            for state in (programs, batched):
                state.stride(0, 6)
                state.judge(6)
            assert programs.state.tolist() == batched.state.tolist(), widths
            assert programs.ended_at.tolist() == batched.ended_at.tolist(), widths
            for mine, theirs in zip(programs.weights, batched.weights, strict=True):
                kept = np.asarray(programs.state) != 3
                assert np.abs(mine - theirs)[kept].max(initial=0) < 1e4 * unit, widths
            seen = set(programs.state.tolist())
            print(widths, sorted(seen))
"""


@pytest.mark.long
def test_the_kernel_agrees_with_the_batched_path_in_the_interpreter() -> None:
    pytest.importorskip("triton", reason="the interpreter comes with triton")
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _INTERPRETED], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 12
    # Some run on, some converge, some diverge.
    assert all(str(state) in done.stdout for state in (0, 1, 3))


def on_the_device() -> Ensemble:
    target = {"family": "near_identity", "shape": [4, 4]}
    return Ensemble((4,) * 5, target, 300, (Fraction(1, 32), Fraction(1, 8)), {"scheme": "gaussian", "scale": "1/4"})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("path", ["batched", "fastest"])
@pytest.mark.parametrize("motion", [{}, {"momentum": Fraction(1, 2)}, {"flow": True}])
def test_the_device_agrees_with_the_processor(path: str, motion: dict[str, Any]) -> None:
    ensemble = on_the_device()
    here = run(ensemble, 40, path="batched", **motion)
    there = run(ensemble, 40, path=path, device="cuda", observe=["loss"], **motion)
    for mine, theirs in zip(there.weights[-1], here.weights[-1], strict=True):
        assert np.abs(mine - theirs).max() < 1e-12
    assert there.flags["drawn_on_device"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_the_device_draws_what_the_processor_draws() -> None:
    ensemble = on_the_device()
    here, there = batch_of(ensemble, range(300)), batch_of(ensemble, range(300), drawn_on="cuda")
    assert (there.targets.cpu().numpy() == here.targets).all()
    assert all((a.cpu().numpy() == b).all() for a, b in zip(there.weights, here.weights, strict=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available() or find_spec("triton") is None, reason="there is no CUDA device")
def test_small_networks_take_the_fused_path_on_the_device() -> None:
    assert run(on_the_device(), 4, device="cuda").flags["path"] == "fused programs"
