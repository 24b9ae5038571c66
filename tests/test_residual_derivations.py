"""The derivations of residual networks fail when a term, a sign or a constant in them is wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench import content, derivation


def obedient(specification: dict[str, Any], store: Any = None) -> SimpleNamespace:
    verdict = "violated" if specification.get("without") else "consistent"
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="t", margin_decimal="0")


PLANTED = [
    ("residual_adjoint", "above + branch.T @ slope.T @ above", "above - branch.T @ slope.T @ above"),
    ("residual_adjoint", "scale * (1 - value * value)", "scale * (1 + value * value)"),
    ("residual_kernel", "DELTA**2 * len(network.branches)", "DELTA**2 * (len(network.branches) + 1)"),
    ("residual_kernel", "inputs.T @ inputs + ones @ ones.T", "inputs.T @ inputs"),
    ("residual_drift", "s_j.T @ m @ (h_k - h_j).T", "s_k.T @ m @ (h_k - h_j).T"),
    ("residual_drift", "Fraction(7959, 10000) * ONE, path", "Fraction(7960, 10000) * ONE, path"),
    ("residual_drift", "second = Fraction(25832, 10000)", "second = Fraction(25830, 10000)"),
    ("residual_depth_limits", "m + CURVATURE * HALF * q, drift", "m + CURVATURE * q, drift"),
    ("residual_depth_limits", "+ HALF * spread", ""),
    ("residual_depth_limits", "EPSILON**2 * HALF * inner(values, values)", "EPSILON**2 * inner(values, values)"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), PLANTED)
def test_a_planted_error_is_not_proved(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = content.modules("derivations")[name].read_text(encoding="utf-8")
    assert text.count(right) == 1
    path = tmp_path / f"{name}.py"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    # One block has no adjoint to go wrong.
    depth = 2 if name == "residual_adjoint" else derivation.load(name).least_depth
    assert derivation.run(path, depth=depth, run_experiment=obedient).verdict in ("refuted", "undecided")


@pytest.mark.parametrize("name", sorted({name for name, _, _ in PLANTED}))
def test_width_one_is_proved_too(name: str) -> None:
    least = derivation.load(name).least_depth
    outcome = derivation.run(name, depth=least, widths=(1,) * (least + 1), run_experiment=obedient)
    assert outcome.verdict == "proved"
