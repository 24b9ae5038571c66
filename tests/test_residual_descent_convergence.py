"""Linear convergence of descent on residual networks: small sizes, planted constants, and a search for a violation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from workbench.evidence import Evidence
from workbench.exact import Measured
from workbench.experiment import read
from workbench.theorems import (
    _residual_convergence,
    residual_linear_convergence_larger_loss,
    residual_weights_needed,
)
from workbench.theorems import residual_descent_convergence as module
from workbench.theorems._residual_runs import PAIR, residual_run

DESCENT = {"name": "gradient_descent", "step_size": "largest", "stop": {"steps": 8}}


def judged(specification: dict[str, Any]) -> Evidence:
    return read({"theorem": "residual_descent_convergence", **specification}).evidence()


def number(x: str, y: str, depth: int = 1, scale: str = "1", **options: Any) -> dict[str, Any]:
    return residual_run([[x]], [[y]], depth, scale, **{"dynamics": DESCENT, **options})


def failed(evidence: Evidence) -> set[str]:
    return {h.name for h in evidence.hypotheses if h.holds is False}


@pytest.mark.parametrize(
    "specification",
    [
        number("1", "1001/1000"),
        number("-1", "-1"),
        number("1", "1001/1000", 3, "power(3,-1)"),
        number("1", "1001/1000", 3, "1"),
        residual_run([["0"], ["1"]], [["1/1000"], ["1"]], 2, "power(2,-1/2)", dynamics=DESCENT),
        residual_run([["0"], ["1"]], [["1/1000"], ["1"]], 1, "1", activation="identity", dynamics=DESCENT),
    ],
)
def test_the_smallest_networks_converge(specification: dict[str, Any]) -> None:
    assert judged(specification).verdict == "consistent"


@pytest.mark.parametrize(
    ("specification", "hypothesis"),
    [
        (number("1", "1", 2, "power(2,-11/10)"), "branch_scale"),
        (number("999/1000", "1"), "unit_inputs"),
        (residual_run([["1", "-1"]], [["1", "-1"]], 2, "1", dynamics=DESCENT), "gram_positive"),
        (number("1", "1", activation="softplus"), "activation"),
        (number("1", "2"), "initial_loss"),
        (number("1", "1", start={"scheme": "given", "weights": [[["1/5"]]]}), "initial_weights"),
        (number("1", "1", dynamics={**DESCENT, "step_size": "1000001/1000000"}), "step_size"),
    ],
)
def test_what_breaks_a_hypothesis_is_vacuous_and_named(specification: dict[str, Any], hypothesis: str) -> None:
    evidence = judged(specification)
    assert evidence.verdict == "vacuous"
    assert hypothesis in failed(evidence)


@pytest.mark.parametrize("scale", ["power(16,-1/2)", "1/4"])
def test_the_largest_step_of_a_rational_square_is_met_exactly(scale: str) -> None:
    labels = [["1001/1000", "3/5"], ["2/1000", "8/10"]]
    # N / (delta^2 L Lambda) = 2 / (1 * 8/5).
    for step, holds in (("5/4", True), ("12500001/10000000", False)):
        evidence = judged(residual_run(PAIR, labels, 16, scale, dynamics={**DESCENT, "step_size": step}))
        margin = next(h for h in evidence.hypotheses if h.name == "step_size")
        assert margin.holds is holds
        assert margin.margin == Measured(Fraction(5, 4) - Fraction(step))


EDGE = number(
    "1",
    "10754/10000",
    start={"scheme": "given", "weights": [[["1/20"]]]},
    dynamics={**DESCENT, "step_size": "1/2"},
)


def test_at_the_edge_the_statement_holds_and_is_not_idle() -> None:
    evidence = judged(EDGE)
    margins = {h.name: h.margin for h in evidence.hypotheses}
    loss, weights = (margins[key].value for key in ("initial_loss", "initial_weights"))  # type: ignore[union-attr]
    assert evidence.verdict == "consistent"
    assert loss is not None
    assert 0 < loss < Fraction(1, 20 * 3000)
    assert weights == 0
    tightness = {j.prediction.name: float(j.tightness or 0) for j in evidence.judged}
    assert tightness["weight_norm"] > 0.7
    assert tightness["loss_envelope"] > 0.4
    assert tightness["weights_needed"] > 0.5


@pytest.mark.parametrize(
    ("attribute", "planted", "caught"),
    [("RATE", Fraction(11, 10), "loss_envelope"), ("SPREAD", Fraction(1, 2), "increments")],
)
def test_a_planted_constant_is_caught(
    attribute: str, planted: Fraction, caught: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, attribute, planted)
    start = {"scheme": "given", "weights": [[["0"]], [["1/40"]]]}
    half = {**DESCENT, "step_size": "1/2"}
    evidence = judged(number("1", "1001/1000", 2, "power(2,-1/2)", start=start, dynamics=half))
    assert {j.prediction.name for j in evidence.judged if j.verdict == "violated"} == {caught}


def test_half_the_bound_of_the_weights_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    hypotheses = module.hypotheses
    kept = hypotheses.__globals__["at_the_start"]
    honest = module.CONSTANTS
    small = _residual_convergence.Constants(lambda share: share / 400, honest.threshold, honest.spread)
    monkeypatch.setattr(module, "CONSTANTS", small)
    monkeypatch.setattr(module, "at_the_start", lambda run, constants, room: kept(run, honest, room))
    evidence = judged(EDGE)
    assert "weight_norm" in {j.prediction.name for j in evidence.judged if j.verdict == "violated"}


# A search in floats, by code of its own, at the largest loss and step and with starts at the edge.

# Of each activation the function and its derivative; the last has |sigma''| = 1 next to zero.
ACTIVATIONS = [
    (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    (lambda z: z, np.ones_like),
    (np.arctan, lambda z: 1 / (1 + z * z)),
    (lambda z: z - z * np.abs(z) / 2, lambda z: 1 - np.abs(z)),
]


def forward(weights: list[Any], state: Any, delta: float, activation: Any) -> tuple[list[Any], list[Any]]:
    states, arguments = [state], []
    for weight in weights:
        arguments.append(weight @ states[-1])
        states.append(states[-1] + delta * activation(arguments[-1]))
    return states, arguments


def step(weights: list[Any], inputs: Any, labels: Any, delta: float, pair: Any, size: float) -> tuple[float, list[Any]]:
    """Return the loss and the weights one step later."""
    states, arguments = forward(weights, inputs, delta, pair[0])
    error, count = states[-1] - labels, inputs.shape[1]
    adjoint, moved = error / count, list(weights)
    for k in range(len(weights) - 1, -1, -1):
        inner = delta * pair[1](arguments[k]) * adjoint
        moved[k] = weights[k] - size * inner @ states[k].T
        adjoint = adjoint + weights[k].T @ inner
    return float((error**2).sum()) / (2 * count), moved


def worst(random: np.random.Generator) -> tuple[float, float, float, float]:
    """Return the largest ratios of loss, norm and increments to their bounds, and the least of the rates."""
    width = int(random.integers(1, 5))
    count, depth = int(random.integers(1, width + 1)), int(random.choice([1, 2, 5, 12]))
    basis = np.linalg.qr(random.normal(size=(width, width)))[0][:, :count]
    inputs = basis + random.choice([0.0, 0.1, 0.5]) * random.normal(size=(width, count))
    inputs = inputs / np.linalg.norm(inputs, axis=0)
    spectrum = np.linalg.eigvalsh(inputs.T @ inputs)
    least, largest = float(spectrum[0]), float(spectrum[-1])
    delta, pair = float(depth) ** -float(random.choice([0, 0.5, 1])), ACTIVATIONS[random.integers(4)]
    cap = 0.1 * np.sqrt(least / count) / (delta * depth)
    sign = np.eye(width) * random.choice([-1, 1])
    weights = [random.choice([0, 1]) * random.normal(size=(width, width)) + sign for _ in range(depth)]
    weights = [w * cap / 2 / np.linalg.norm(w, 2) for w in weights]
    ends = forward(weights, inputs, delta, pair[0])[0][-1]
    push = random.normal(size=ends.shape)
    loss = least**3 / (3000 * count**2 * largest)
    labels = ends + push / np.linalg.norm(push) * np.sqrt(2 * count * loss)
    size = float(random.choice([1, 0.3])) * count / (delta**2 * depth * largest)
    share = 4 / 7 * size * delta**2 * depth * least / count
    found = np.array([0.0, 0.0, 0.0, np.inf])
    start, before = weights, loss
    for k in range(20):
        now, after = step(weights, inputs, labels, delta, pair, size)
        if k and now > 1e-20:
            found[0] = max(found[0], now / (loss * (1 - share) ** (2 * k)))
            found[1] = max(found[1], *(np.linalg.norm(w, 2) / cap for w in weights))
            found[2] = max(found[2], _increments(weights, start, delta * depth, least / 100, count, largest))
            found[3] = min(found[3], (1 - np.sqrt(now / before)) / share)
        before, weights = now, after
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


def _increments(weights: list[Any], start: list[Any], reach: float, square: float, count: int, largest: float) -> float:
    depth, ratio = len(weights), 0.0
    slope = 1.2 * square / count * np.sqrt(count / largest) / depth
    for k in range(depth):
        for j in range(k):
            initial = reach * np.linalg.norm(start[k] - start[j])
            now = reach * np.linalg.norm(weights[k] - weights[j])
            ratio = max(ratio, float(now / (1.06 * initial + slope * (k - j))))
    return ratio


def test_a_search_finds_no_violation_and_no_idle_bound() -> None:
    random = np.random.default_rng(5)
    found = np.array([worst(random) for _ in range(300)])
    assert found[:, :3].max() < 1
    assert found[:, 3].min() > 1
    assert found[:, 1].max() > 0.7
    assert found[:, 2].max() > 0.9
    assert found[:, 3].min() < 1.5


@pytest.mark.parametrize("planted", [Fraction(1, 2), Fraction(9, 10)])
def test_less_variation_than_at_the_start_is_caught(planted: Fraction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residual_linear_convergence_larger_loss, "SPREAD", planted)
    start = {"scheme": "given", "weights": [[["0"]], [["1/30"]]]}
    flow = {"name": "gradient_flow", "stop": {"time": "1/8"}}
    specification = number("1", "1024/1000", 2, "power(2,-1/2)", start=start, dynamics=flow)
    evidence = read({"theorem": "residual_variation", **specification}).evidence()
    assert {j.verdict for j in evidence.judged} == {"violated"}


@pytest.mark.parametrize("planted", [Fraction(2), Fraction(1, 2)])
def test_a_wrong_size_of_the_weights_needed_is_caught(planted: Fraction, monkeypatch: pytest.MonkeyPatch) -> None:
    specification = residual_weights_needed.examples[1].experiment
    honest = residual_weights_needed.branch_scale
    monkeypatch.setattr(residual_weights_needed, "branch_scale", lambda run: honest(run) * planted)
    found = read({"theorem": "residual_weights_needed", **specification}).evidence()
    # Half the scale asks for twice the weights; twice the scale leaves the bound idle by a factor of two.
    assert found.verdict == ("violated" if planted < 1 else "consistent")
    assert float(found.judged[0].tightness or 0) == pytest.approx(1 / float(planted), rel=0.01)


@pytest.mark.parametrize("rows", [[["0"]], [["1", "0"]]])
def test_an_input_of_zero_is_named(rows: list[list[str]]) -> None:
    labels = [["1"] * len(rows[0])]
    found = read(
        {
            "theorem": "residual_weights_needed",
            **residual_run(rows, labels, 1, "1", dynamics=DESCENT | {"step_size": "1/4"}),
        }
    ).evidence()
    assert found.verdict == "vacuous"
    assert failed(found) == {"nonzero_inputs"}
