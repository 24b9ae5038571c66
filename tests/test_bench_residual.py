"""The benchmark of residual training: every peer takes the same step, and a missing one is named."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from workbench.bench import _residual


def weights_after(make: Any, case: _residual.Case, monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    """Return the weights of the first member after one step of a peer."""
    kept: list[Any] = []
    optimiser = torch.optim.SGD

    def spy(parameters: Any, **options: Any) -> Any:
        kept.extend(parameters)
        return optimiser(kept, **options)

    monkeypatch.setattr(torch.optim, "SGD", spy)
    make(case, 1)()
    whole = torch.stack(kept) if len(kept) > 1 else kept[0]
    return (whole[:, 0] if whole.dim() == 4 else whole).detach()


@pytest.mark.parametrize("name", ["loop", "batched_autograd", "odeint"])
def test_the_peers_take_the_step_of_the_closed_form(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "odeint":
        pytest.importorskip("torchdiffeq")
    case = _residual.Case(7, 3)
    state = case.closed()
    with torch.no_grad():
        state.losses_and_gradients(case.inputs, case.labels)
        wanted = case.weights[:, 0] - _residual._RATE * state.gradients[0][:, 0]
    found = weights_after(getattr(_residual, name), case, monkeypatch)
    assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-14)
    assert (found - case.weights[:, 0]).abs().max() > 1e-6


def test_the_adjoint_equation_has_the_gradient_but_for_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchdiffeq")
    case = _residual.Case(64, 1)
    # The last block has its share twice and the first has none: two parts of L, in the root of the sum of squares.
    moved = {
        name: weights_after(getattr(_residual, name), case, monkeypatch) - case.weights[:, 0]
        for name in ("loop", "odeint_adjoint")
    }
    difference = float((moved["loop"] - moved["odeint_adjoint"]).norm() / moved["loop"].norm())
    assert difference == pytest.approx((2 / case.depth) ** 0.5, rel=0.2)


def test_a_peer_that_is_not_installed_is_named_and_keeps_no_row_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_residual, "find_spec", lambda name: None)
    rows = _residual.measure(lambda tasks, runs, device: dict.fromkeys(tasks, 1.0), 1, "cpu", True)
    skipped = [row for row in rows if "skipped, torchdiffeq is not installed" in row.peer]
    assert len(skipped) == 2
    assert all(row.ratio is None and row.met for row in skipped)
    assert len(rows) == 4
