"""Rates of convergence: the numbers of the sheet, the lemmas on random layers, and planted errors on both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from test_theorems import carried_out, example_evidence, holds

from workbench.evidence import Evidence
from workbench.experiment import read
from workbench.theorems._examples import FLOAT, experiment, symmetric

FLOWS = ["deficiency_margin_flow", "support_gap", "imbalance_margin", "homogeneous_imbalance"]


def given(weights: Sequence[Any], target: list[list[str]], **options: Any) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    start = {"scheme": "given", "weights": list(weights)}
    return experiment(widths, {"rows": target}, start=start, **options)


# The problem of the sheet: singular values 1.3, 1, 0.8, and a start 0.4 away, all of it in the smallest mode.
ENTRIES = {2: ("1.1402", "1.0954"), 3: ("1.0914", "1.0627"), 4: ("1.0678", "1.0466")}
SMALLEST = 0.8


def sheet(depth: int, **options: Any) -> dict[str, Any]:
    large, small = ENTRIES[depth]
    layer = [[large, "0", "0"], ["0", "1", "0"], ["0", "0", small]]
    target = [["1.3", "0", "0"], ["0", "1", "0"], ["0", "0", "0.8"]]
    return given([layer] * depth, target, **{"stop": {"until_loss": "1e-12"}, "backend": FLOAT, **options})


def margin_of(found: Evidence, name: str) -> float:
    margin = next(h.margin for h in found.hypotheses if h.name == name)
    assert margin is not None
    assert margin.value is not None
    return float(margin.value)


def observed_over_predicted(found: Evidence) -> float:
    assert found.observed is not None
    assert found.predicted_rate is not None
    assert found.predicted_rate.value is not None
    return found.observed.rate / float(found.predicted_rate.value)


@pytest.mark.parametrize(("depth", "steps_ratio"), [(2, 8.4), (3, 16.1), (4, 24.4)])
def test_the_margin_is_loose_by_the_ratio_of_the_sheet(depth: int, steps_ratio: float) -> None:
    found = carried_out("deficiency_margin", sheet(depth, step_size="1/50", without=["step_size"]))
    margin = margin_of(found, "deficiency_margin")
    assert margin == pytest.approx(0.4, abs=2e-4)
    late = depth * SMALLEST ** (2 - 2 / depth)
    discrete = -math.log(1 - late / 50) * 50 / late
    expected = 2 * depth * (SMALLEST / margin) ** (2 - 2 / depth)
    assert observed_over_predicted(found) == pytest.approx(expected * discrete, rel=1e-4)
    flow = carried_out("deficiency_margin_flow", sheet(depth, step_size="1/50", without=["gradient_flow"]))
    assert observed_over_predicted(flow) == pytest.approx(expected / (2 * depth) * discrete, rel=1e-4)
    count = next(j for j in found.judged if j.measured is not None)
    assert count.measured is not None
    assert count.rhs[0].value is not None
    assert float(count.rhs[0].value) / count.measured == pytest.approx(steps_ratio, abs=0.05)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_practical_step_is_a_million_times_the_published_one(depth: int) -> None:
    found = carried_out("practical_step", sheet(depth, step_size="largest"))
    step = found.trajectory.method.step_size
    assert found.verdict == "consistent"
    assert step is not None
    published = margin_of(
        carried_out("deficiency_margin", sheet(depth, step_size="1/10000000000", stop={"steps": 1})), "step_size"
    )
    assert float(step) > 1.8e6 * published
    # The sheet: the late factor equals (1 - eta N s_min^(2-2/N))^2 to four digits.
    losses = [float(x.value or 0) for x in found.trajectory.observables["loss"]]
    late = (1 - float(step) * depth * SMALLEST ** (2 - 2 / depth)) ** 2
    assert losses[-1] / losses[-2] == pytest.approx(late, rel=1e-5)
    assert float(step) > 0.2 * 2 / (depth * 1.3 ** (2 - 2 / depth))


def test_the_practical_step_is_the_longest_that_its_hypothesis_allows() -> None:
    chosen = read({"theorem": "practical_step", **sheet(3, step_size="largest")}).method.step_size
    assert chosen is not None
    assert holds("practical_step", sheet(3, step_size=str(chosen)))["step_size"] is True
    assert holds("practical_step", sheet(3, step_size=str(chosen + Fraction(1, 2**30))))["step_size"] is False


def test_a_problem_at_rest_at_the_origin_allows_any_step() -> None:
    rest = given([[["0"]], [["0"]]], [["0"]], step_size="largest", stop={"steps": 1})
    assert carried_out("practical_step", rest).verdict == "consistent"


@pytest.mark.parametrize("scale", ["1/4", "1"])
def test_a_white_start_beats_its_gap_by_the_ratio_of_the_sheet(scale: str) -> None:
    white = [[["1/2", "0"], ["0", "1/2"], ["0", "0"], ["0", "0"]], [["0", "0", "1/2", "0"], ["0", "0", "0", "1/2"]]]
    stop = {"until_loss": "1e-12"}
    slow = given(white, [[scale, "0"], ["0", "2"]], step_size="1/100", stop=stop, backend=FLOAT)
    found = carried_out("support_gap", {**slow, "without": ["gradient_flow"]})
    # c = 1/4 and g = 2 c; late the slowest mode decays at 4 sqrt(s_min^2 + c^2).
    late = 2 * math.hypot(float(Fraction(scale)), 0.25)
    discrete = -math.log(1 - late / 100) * 100 / late
    # Descent drifts off the flow's imbalance by some hundredths of the step.
    assert observed_over_predicted(found) == pytest.approx(late / 0.5 * discrete, rel=6e-3)


@pytest.mark.parametrize(("first", "second"), [("2", "1/2"), ("1/3", "3"), ("1", "1"), ("0", "2")])
def test_numbers_have_the_rate_of_equality(first: str, second: str) -> None:
    w, v = Fraction(first), Fraction(second)
    growing = given([[[first]], [[second]]], [[str(w * v + 1)]], dynamics="gradient_flow", stop={"time": "1/64"})
    for name in ("imbalance_margin", "homogeneous_imbalance"):
        rate = carried_out(name, growing).predicted_rate
        assert rate is not None
        assert rate.value is not None
        assert float(rate.value) == pytest.approx(float(2 * (w * w + v * v)), rel=1e-9)


# The lemmas behind the rates, on random layers.


def positive(values: np.ndarray, index: int) -> float:
    """Return [x]_+ of the value of an index counted from 1 in descending order, zero beyond the last."""
    ordered = np.sort(values)[::-1]
    return max(0.0, float(ordered[index - 1])) if index <= len(ordered) else 0.0


def alphas(w1: np.ndarray, w2: np.ndarray, *, exchanged: bool = False) -> tuple[float, float, float]:
    """Return alpha with the singular values of W, the support gap, and the least eigenvalue of the kernel."""
    d = np.linalg.eigvalsh(w2.T @ w2 - w1 @ w1.T)
    outputs, inputs = w2.shape[0], w1.shape[1]
    p, q = positive(d, outputs), positive(-d, inputs)
    plus, minus = positive(d, 1) - p, positive(-d, 1) - q
    plus, minus = (minus, plus) if exchanged else (plus, minus)
    modes = np.linalg.svd(w2 @ w1, compute_uv=False)
    out, inn = positive(modes, outputs), positive(modes, inputs)
    alpha = math.hypot(p + q + minus, 2 * out) - minus + math.hypot(p + q + plus, 2 * inn) - plus
    kernel = np.linalg.eigvalsh(w2 @ w2.T)[0] + np.linalg.eigvalsh(w1.T @ w1)[0]
    return alpha / 2, p + q, float(kernel)


def random_layers(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    outputs, hidden, inputs = generator.integers(1, 4, 3)
    sizes = 10 ** generator.uniform(-1, 1, (2, hidden))
    return (
        generator.standard_normal((hidden, inputs)) * sizes[0][:, None],
        generator.standard_normal((outputs, hidden)) * sizes[1],
    )


def test_the_corrected_alpha_is_below_the_kernel_and_the_exchanged_one_is_not() -> None:
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(1500):
        layers = random_layers(generator)
        alpha, gap, kernel = alphas(*layers)
        scale = 1e-9 * sum(float((layer**2).sum()) for layer in layers)
        assert gap - scale <= alpha <= kernel + scale
        wrong += alphas(*layers, exchanged=True)[0] > kernel + scale
    assert wrong > 100


def test_the_three_inequalities_of_the_proof_give_the_lemma_exactly() -> None:
    # tau - x + mu <= A tau + B (x - tau + M) with A = theta^2 / a, B = (1 - theta)^2 / b is x tau <= (x - mu)(x + M).
    generator = np.random.default_rng(4)
    for _ in range(50):
        mu, more, m = (Fraction(int(n), 8) for n in generator.integers(1, 60, 3))
        x = mu + more
        a, b, theta = 1 + mu / m, mu / m, (m + mu) / (m + x)
        first, second = theta**2 / a, (1 - theta) ** 2 / b
        assert 1 - first + second > 0
        assert (x - mu + second * (x + m)) / (1 - first + second) == (x - mu) * (x + m) / x
        for kappa in (m * k / 7 for k in range(1, 7)):
            assert 1 / (kappa + mu) <= first / kappa + second / (m - kappa)


def test_the_support_gap_is_the_gap_of_the_other_paper() -> None:
    generator = np.random.default_rng(2)
    for _ in range(200):
        w1, w2 = random_layers(generator)
        outputs, inputs = w2.shape[0], w1.shape[1]
        stacked = np.vstack([w1.T, w2])
        sign = np.diag([1.0] * inputs + [-1.0] * outputs)
        values, vectors = np.linalg.eigh(stacked @ stacked.T)
        root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        spectrum = np.linalg.eigvalsh(root @ sign @ root)
        scale = np.abs(spectrum).max()
        assert spectrum[outputs] - spectrum[outputs - 1] == pytest.approx(alphas(w1, w2)[1], abs=1e-7 * scale)


def elementary(squares: np.ndarray) -> float:
    """Return the symmetric polynomial of the degree before the last: the kernel of one mode."""
    return float(sum(np.prod(np.delete(squares, j)) for j in range(len(squares))))


def test_homogeneous_layers_obey_their_bound_and_one_layer_does_not() -> None:
    generator = np.random.default_rng(3)
    ratios = []
    for _ in range(500):
        depth = int(generator.integers(2, 7))
        squares = 10 ** generator.uniform(-2, 1, depth)
        offsets = np.delete(squares - squares.min(), squares.argmin())
        gamma = math.hypot(np.prod(offsets), depth * np.prod(squares) ** (1 - 1 / depth))
        ratios.append(gamma / elementary(squares))
    assert 0.999 < max(ratios) <= 1 + 1e-12
    one = given([[["1/2"]]], [["1"]], dynamics="gradient_flow", stop={"time": "1/8"})
    assert carried_out("homogeneous_imbalance", one).verdict == "vacuous"


# Hypotheses and edges.


def test_a_balanced_start_kept_by_name_is_balanced_for_every_rate() -> None:
    start = {"scheme": "balanced", "matrix": [["2", "1"], ["-1", "1"]]}
    target = {"rows": [["2", "1"], ["-1", "5/4"]]}
    run = experiment([2] * 3, target, dynamics="gradient_flow", stop={"time": "1/16"}, start=start)
    for name in ("deficiency_margin_flow", "imbalance_margin", "homogeneous_imbalance"):
        assert carried_out(name, run).verdict == "consistent"
    assert holds("support_gap", run)["positive_gap"] is False


@pytest.mark.parametrize("scale", ["1/1048576", "-1/1048576"])
def test_the_sign_of_a_thin_margin_is_known(scale: str) -> None:
    target = str(Fraction(1) + Fraction(scale))
    run = given([[["2"]]], [[target]], dynamics="gradient_flow", stop={"time": "1/64"})
    assert holds("deficiency_margin_flow", run)["deficiency_margin"] is (Fraction(scale) > 0)


def test_an_irrational_multiple_of_the_identity_is_balanced() -> None:
    start = {"scheme": "identity", "scale": "root(1/2,3)"}
    run = symmetric(2, ["1/2", "3/4"], dynamics="gradient_flow", stop={"time": "1/16"}, start=start)
    for name in ("deficiency_margin_flow", "imbalance_margin", "homogeneous_imbalance"):
        assert carried_out(name, run).verdict == "consistent"
    descent = symmetric(2, ["1/2", "3/4"], step_size="largest", stop={"steps": 4}, start=start)
    assert carried_out("practical_step", descent).verdict == "consistent"


def test_the_imbalance_of_an_irrational_rectangular_start_is_unknown() -> None:
    start = {"scheme": "identity", "scale": "root(1/2,3)"}
    options = {"dynamics": "gradient_flow", "stop": {"time": "1/16"}, "start": start}
    run = experiment([2, 3, 2], {"rows": [["1/2", "0"], ["0", "3/4"]]}, **options)
    for name in FLOWS[:3]:
        assert carried_out(name, run).verdict == "undecided"


def test_a_zero_target_is_answered() -> None:
    run = given([[["1"]], [["2"]]], [["0"]], dynamics="gradient_flow", stop={"time": "1/16"})
    assert carried_out("deficiency_margin_flow", run).verdict == "vacuous"
    for name in FLOWS[1:]:
        assert carried_out(name, run).verdict == "consistent"
    still = given([[["1"]], [["2"]]], [["0"]], step_size="1/100", stop={"steps": 2})
    assert carried_out("deficiency_margin", still).verdict == "vacuous"
    assert carried_out("local_descent", still).verdict == "consistent"


# Momentum on one layer.


def test_the_constant_of_momentum_is_below_four_thirds_and_attained() -> None:
    # The sheet: condition number 9, the published factor 0.917, the true one sqrt(beta) = 5/6.
    inputs = {"rows": [["1", "0"], ["0", "1/3"]]}
    run = experiment(
        [2, 2],
        {"rows": [["1", "2"], ["-1", "1"]]},
        step_size="1",
        dynamics="heavy_ball",
        parameters={"momentum": "25/36"},
        stop={"steps": 150},
    )
    run["problem"]["loss"]["inputs"] = inputs
    found = carried_out("momentum_rate", run)
    bound = found.judged[0].rhs[0].value
    start = found.trajectory.observables["loss"][0].value
    assert found.verdict == "consistent"
    assert bound is not None
    assert start is not None
    assert 1.1 < bound / start < Fraction(4, 3)
    assert found.observed is not None
    assert math.exp(-found.observed.rate / 2) == pytest.approx(5 / 6, abs=2e-3)
    assert (example_evidence("momentum_rate", 0).tightness or 0) > 0.999


@pytest.mark.parametrize("kappa", [1, 2, 9, 100, 10**4])
def test_the_choice_of_the_paper_has_a_constant_below_four_thirds(kappa: int) -> None:
    beta = (1 - 1 / (2 * math.sqrt(kappa))) ** 2
    ends = [4 * beta * z / (2 * beta * (1 + z) - beta**2 - (1 - z) ** 2) for z in (1 / kappa, 1.0)]
    assert 1 <= max(ends) < 4 / 3
    first, second, largest = 1.0, 1 - 1 / kappa, 0.0
    for step in range(1, 400):
        largest = max(largest, second**2 / beta**step)
        first, second = second, (1 + beta - 1 / kappa) * second - beta * first
    assert largest <= ends[0] * (1 + 1e-9)
    assert kappa == 1 or largest > 0.9 * ends[0]
