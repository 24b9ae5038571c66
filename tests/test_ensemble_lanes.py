"""The fused path: momentum and the flow agree with the batched path, and the kernel multiplies in vectors."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.ensembles import Ensemble
from workbench.ensembles.descent import run
from workbench.trajectory import Status

pytest.importorskip("numba", reason="the fused path needs numba")

SHORT = (Fraction(1, 32), Fraction(1, 40))


def network(widths: tuple[int, ...], count: int, steps: tuple[Fraction, ...] = SHORT) -> Ensemble:
    target = {"family": "uniform", "shape": [widths[-1], widths[0]]}
    return Ensemble(widths, target, count, steps, {"scheme": "gaussian", "scale": "1/2"})


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> Any:
    return np.sqrt(sum(((x - y) ** 2).sum(axis=(1, 2)) for x, y in zip(a, b, strict=True)))


# Depth and width one, a rectangle, a prime that is padded, and more members than a register has lanes.
LONG_SHAPES = [((2, 4, 3), 5), ((7, 7, 7, 7), 9)]
SHAPES = [((1, 1), 1), ((2, 2, 2), 20), *(pytest.param(*shape, marks=pytest.mark.long) for shape in LONG_SHAPES)]
MOTIONS: list[dict[str, Any]] = [{}, {"momentum": Fraction(1, 2)}, {"flow": True}]


@pytest.mark.parametrize(("widths", "count"), SHAPES)
@pytest.mark.parametrize("motion", MOTIONS, ids=["descent", "heavy ball", "flow"])
@pytest.mark.parametrize("precision", ["float64", pytest.param("float32", marks=pytest.mark.long)])
def test_every_motion_agrees_with_the_batched_path(
    widths: tuple[int, ...], count: int, motion: dict[str, Any], precision: str
) -> None:
    ensemble, asked = network(widths, count), {"records": [1, 5], "precision": precision, **motion}
    reference = run(ensemble, 12, path="batched", **asked)
    bounded = run(ensemble, 12, bounded=True, **asked)
    fused = run(ensemble, 12, path="lanes", **asked)
    assert bounded.errors is not None
    assert fused.status == reference.status
    unit = 2.0**-53 if precision == "float64" else 2.0**-24
    for record in range(3):
        gaps = distance(reference.weights[record], fused.weights[record])
        # Along a flow the estimate also holds the step's own error, which both paths share.
        assert (gaps <= 2 * bounded.errors[record]).all()
        assert (gaps <= 1e5 * unit).all()


@pytest.mark.parametrize("motion", MOTIONS, ids=["descent", "heavy ball", "flow"])
def test_members_of_a_block_end_alone(motion: dict[str, Any]) -> None:
    ensemble = network((2, 2, 2), 12, (Fraction(1, 8), Fraction(40), Fraction(1, 4)))
    asked = {"until_loss": Fraction(1, 10**6), **motion}
    reference, fused = (run(ensemble, 300, path=path, **asked) for path in ("batched", "lanes"))
    assert {Status.DIVERGED, Status.CONVERGED} <= set(fused.status)
    assert fused.status == reference.status
    assert fused.ended_at == reference.ended_at


@pytest.mark.parametrize("motion", [{}, {"flow": True}], ids=["descent", "flow"])
def test_a_member_at_rest_stalls_in_its_lane(motion: dict[str, Any]) -> None:
    target = {"family": "spectrum", "eigenvalues": ["1", "1"]}
    carried = run(Ensemble((2, 2, 2), target, 3, SHORT), 100, path="lanes", **motion)
    assert carried.status == [Status.STALLED] * 3
    assert max(carried.ended_at) < 64
    assert all((w == np.eye(2)).all() for w in carried.weights[-1])


@pytest.mark.long
def test_the_kernel_multiplies_and_adds_in_registers() -> None:
    from numba import njit

    from workbench.ensembles import lanes
    from workbench.ensembles._kernel import descent

    size, budget = lanes._register()
    register = {64: "zmm", 32: "ymm"}.get(size)
    if register is None:
        pytest.skip("the count is of instructions of x86 with AVX")
    run(network((2, 2, 2), 2), 3, path="lanes")
    kept: Any = descent(2, 2, size // 8, 1, lanes._tile(2, budget), False)
    # Code from the cache on disk cannot be inspected.
    kernel: Any = njit(nogil=True, fastmath={"contract"})(kept.py_func)
    kernel.compile(kept.signatures[0])
    text = "".join(kernel.inspect_asm().values())
    fused = [line for line in text.splitlines() if "vfm" in line and "pd" in line and register in line]
    # A product of two 2 x 2 matrices is four entries of two terms, and three products are written out.
    assert len(fused) >= 12
    assert not any("vfm" in line and "sd" in line.split()[0] for line in text.splitlines())


def test_tiles_divide_the_width_and_fit_the_registers() -> None:
    from workbench.ensembles.lanes import _padded, _tile

    for budget in (8, 16, 25):
        for width in {_padded(d) for d in range(1, 17)}:
            rows, columns = divmod(_tile(width, budget), 100)
            assert width % rows == width % columns == 0
            assert rows * columns <= budget
            assert width == 1 or rows * columns <= width**2 // 2


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("momentum", [Fraction(0), Fraction(1, 2)])
def test_several_registers_an_entry_agree_with_one(width: int, momentum: Fraction) -> None:
    from workbench.ensembles import lanes

    few, many = 40, 32 * lanes._register()[0] // 8
    assert (lanes._parts(width, 1), lanes._parts(width, 16)) == (1, {1: 8, 2: 4, 3: 2}[width])
    target = {"family": "uniform", "shape": [width, width]}
    sizes = (Fraction(1, 8), Fraction(1, 16), Fraction(4))
    runs = [
        run(Ensemble((width,) * 4, target, count, sizes), 7, path="lanes", momentum=momentum) for count in (few, many)
    ]
    for index in range(few):
        assert runs[0].status[index] == runs[1].status[index]
        assert runs[0].ended_at[index] == runs[1].ended_at[index]
        if runs[0].status[index] is Status.DIVERGED:
            continue
        for one, other in zip(runs[0].weights[-1], runs[1].weights[-1], strict=True):
            np.testing.assert_allclose(one[index], other[index], rtol=1e-12, atol=1e-300)


_SECOND_PROCESS = """
from fractions import Fraction
from workbench.ensembles import Ensemble, _kernel, lanes
from workbench.ensembles.descent import run
target = {"family": "uniform", "shape": [2, 2]}
run(Ensemble((2, 2, 2), target, 2, (Fraction(1, 8),)), 3, path="lanes")
size, budget = lanes._register()
kernel = _kernel.descent(2, 2, size // 8, 1, lanes._tile(2, budget), False)
print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


@pytest.mark.long
def test_a_second_process_finds_the_kernel_on_disk(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", _SECOND_PROCESS]
    seen = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]
    assert [done.stdout.split() for done in seen] == [["0", "1"], ["1", "0"]]
