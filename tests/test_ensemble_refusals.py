"""What an ensemble cannot be is one line before anything is drawn, and no traceback."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch

from workbench.ensembles import Ensemble
from workbench.ensembles.plan import Plan
from workbench.errors import DeviceError, InputError

TARGET = {"family": "near_identity", "shape": [2, 2]}


def ensemble(**changes: Any) -> Ensemble:
    given: dict[str, Any] = {"widths": (2, 2), "target": TARGET, "count": 2, "step_sizes": (Fraction(1, 8),)}
    return Ensemble(**{**given, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"target": {**TARGET, "seed": 3}},
        {"target": {"family": "spectrum", "eigenvalues": ["1", "2"], "rotate": 3}},
        {"start": {"scheme": "gaussian", "seed": 3}},
    ],
)
def test_a_seed_that_members_would_override_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="draw their own"):
        ensemble(**changes)


def test_a_member_that_cannot_fit_is_refused_before_it_is_drawn() -> None:
    wide = 10**6
    with pytest.raises(InputError, match="MiB are allowed; take smaller widths"):
        ensemble(widths=(wide,) * 3, target={"family": "near_identity", "shape": [wide, wide]})


def test_devices_that_are_not_here_and_momenta_below_zero_are_refused() -> None:
    for device, said in (("foo", "no device is called"), ("meta", "not supported")):
        with pytest.raises(DeviceError, match=said):
            Plan(3, device=device)
    with pytest.raises(InputError, match="must not be negative"):
        Plan(3, momentum=Fraction(-1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_machine_without_a_gpu_says_so_in_a_line(workbench_here: Any) -> None:
    target = '{"family": "near_identity", "shape": [2, 2]}'
    done = workbench_here("ensemble", "near_identity", "--target", target, "--widths", "2,2", "--device", "cuda")
    assert (done.status, done.err.count("\n")) == (2, 1), done.err


def test_a_theorem_that_has_no_quantity_here_is_vacuous_and_says_which(workbench_here: Any) -> None:
    target = '{"family": "uniform", "shape": [2, 1]}'
    done = workbench_here("ensemble", "equal_layers", "--target", target, "--widths", "1,2", "--step-size", "1/8")
    assert (done.status, done.err) == (3, "")
    assert "VACUOUS" in done.out
    assert "target_commutator was not measured" in done.out
