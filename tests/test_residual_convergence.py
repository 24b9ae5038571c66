"""Linear convergence of residual networks: small sizes, planted constants, and the observables in depth."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from workbench import backends
from workbench.backends.reals import reals
from workbench.errors import UnsupportedError
from workbench.evidence import Evidence
from workbench.exact import Measured
from workbench.experiment import read
from workbench.networks import build
from workbench.observables import Snapshot, load
from workbench.problem import Problem, ResidualNetwork, SquareLoss, Start
from workbench.targets import matrix
from workbench.theorems import (
    Run,
    _residual_convergence,
    residual_linear_convergence,
    residual_linear_convergence_larger_loss,
)
from workbench.theorems._residual_runs import PAIR, residual_run
from workbench.theorems._statement import Prediction

NAMES = ["residual_linear_convergence", "residual_linear_convergence_larger_loss"]
PUSHED = [["10001/10000", "3/5"], ["1/5000", "7999/10000"]]


def judged(name: str, specification: dict[str, Any]) -> Evidence:
    return read({"theorem": name, **specification}).evidence()


def number(x: str, y: str, depth: int = 1, scale: str = "1", **options: Any) -> dict[str, Any]:
    return residual_run([[x]], [[y]], depth, scale, **options)


def failed(evidence: Evidence) -> set[str]:
    return {h.name for h in evidence.hypotheses if h.holds is False}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "specification",
    [
        number("1", "1001/1000"),
        number("-1", "-1"),
        number("1", "1001/1000", 1, "power(1,-7/10)"),
        number("1", "1001/1000", 3, "power(3,-1)"),
        number("1", "1001/1000", 3, "1"),
        residual_run([["0"], ["1"]], [["1/1000"], ["1"]], 2, "power(2,-1/2)"),
    ],
)
def test_the_smallest_networks_converge(name: str, specification: dict[str, Any]) -> None:
    assert judged(name, specification).verdict == "consistent"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("specification", "hypothesis"),
    [
        (number("1", "1", 2, "power(2,-11/10)"), "branch_scale"),
        (number("1", "1", 2, "1/3"), "branch_scale"),
        (number("999/1000", "1"), "unit_inputs"),
        (residual_run([["1", "-1"]], [["1", "-1"]], 2, "1"), "gram_positive"),
        (number("1", "1", activation="softplus", backend={"name": "float64"}), "activation"),
        (number("1", "2"), "initial_loss"),
        (number("1", "1", start={"scheme": "given", "weights": [[["1/5"]]]}), "initial_weights"),
    ],
)
def test_what_breaks_a_hypothesis_is_vacuous_and_named(
    name: str, specification: dict[str, Any], hypothesis: str
) -> None:
    evidence = judged(name, specification)
    assert evidence.verdict == "vacuous"
    assert hypothesis in failed(evidence)


def test_the_halved_loss_of_two_samples_is_not_the_mean() -> None:
    specification = residual_run(PAIR, PAIR, 2, "1")
    specification["problem"]["loss"]["normalisation"] = "half"
    assert failed(judged(NAMES[0], specification)) == {"setting"}


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_of_arctan_is_enclosed_too(name: str) -> None:
    evidence = judged(name, number("1", "1001/1000", 2, "power(2,-1/2)", activation="arctan"))
    assert (evidence.verdict, evidence.grade) == ("consistent", "enclosure")


def test_lambda_is_enclosed_where_it_is_irrational() -> None:
    rows = [["1", "3/5", "0"], ["0", "4/5", "5/13"], ["0", "0", "12/13"]]
    run = read({"theorem": NAMES[0], **residual_run(rows, rows, 2, "1")}).evidence()
    least = next(h.margin for h in run.hypotheses if h.name == "gram_positive")
    cosines = [Fraction(3, 5), Fraction(4, 13)]
    assert least is not None
    assert least.value is not None
    with mpmath.workprec(600):
        truth = 1 - mpmath.sqrt(sum(mpmath.mpf((c * c).numerator) / (c * c).denominator for c in cosines))
        distance = abs(truth - mpmath.mpf(least.value.numerator) / least.value.denominator)
        assert distance <= mpmath.mpf((least.error or Fraction(0)).numerator) / (least.error or Fraction(1)).denominator


# At the edge of the hypotheses, and beyond what the statements claim.

EDGE = {
    NAMES[0]: (residual_linear_convergence, "1/40", "10361/10000"),
    NAMES[1]: (residual_linear_convergence_larger_loss, "1/20", "10722/10000"),
}


def edge(name: str) -> dict[str, Any]:
    """Return one number at depth one, started at c/2 and with nine tenths of the largest loss at the start."""
    _, start, label = EDGE[name]
    return number("1", label, start={"scheme": "given", "weights": [[[start]]]}, time="4")


@pytest.mark.parametrize("name", NAMES)
def test_at_the_edge_the_statement_holds_and_is_not_idle(name: str) -> None:
    evidence = judged(name, edge(name))
    margins = {h.name: h.margin for h in evidence.hypotheses}
    loss, weights = (margins[key].value for key in ("initial_loss", "initial_weights"))  # type: ignore[union-attr]
    assert evidence.verdict == "consistent"
    assert loss is not None
    assert 0 < loss < EDGE[name][0]._threshold(Fraction(1)) / 5
    assert weights == 0
    tightness = {j.prediction.name: float(j.tightness or 0) for j in evidence.judged}
    assert tightness["weight_norm"] > 0.6
    assert tightness["weights_needed"] > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_half_the_bound_of_the_weights_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = EDGE[name][0]
    honest = module.CONSTANTS
    planted = replace(honest, squared_size=lambda share: honest.squared_size(share) / 4)
    monkeypatch.setattr(module, "predict", lambda run: _residual_convergence.predict(run, planted))
    evidence = judged(name, edge(name))
    assert {j.prediction.name for j in evidence.judged if j.verdict == "violated"} >= {"weight_norm"}


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_five_halves_as_fast_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = EDGE[name][0].predict
    fast = Measured(Fraction(5, 2))

    def planted(run: Run) -> list[Prediction]:
        with monkeypatch.context() as patch:
            patch.setattr(_residual_convergence, "least_eigenvalue", lambda run: fast)
            return predict(run)

    monkeypatch.setattr(EDGE[name][0], "predict", planted)
    evidence = judged(name, number("1", "1001/1000", 2, "power(2,-1/2)"))
    assert next(j.verdict for j in evidence.judged if j.prediction.name == "loss_envelope") == "violated"


def test_increments_without_their_start_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    module = residual_linear_convergence
    planted = replace(module.CONSTANTS, spread=lambda run, size: run.number(Fraction(1, 2)))
    monkeypatch.setattr(module, "predict", lambda run: _residual_convergence.predict(run, planted))
    start = {"scheme": "given", "weights": [[["0"]], [["1/60"]]]}
    evidence = judged(NAMES[0], number("1", "1001/1000", 2, "power(2,-1/2)", start=start))
    assert {j.prediction.name for j in evidence.judged if j.verdict == "violated"} == {"increments"}


@pytest.mark.long
@pytest.mark.parametrize(("depth", "time"), [(16, "10"), (32, "2")])
def test_deep_networks_are_certified_to_forty_digits(depth: int, time: str) -> None:
    ball = {"name": "ball", "digits": 40}
    for name in NAMES:
        evidence = judged(name, residual_run(PAIR, PUSHED, depth, f"power({depth},-1/2)", time=time, backend=ball))
        assert (evidence.verdict, evidence.grade) == ("consistent", "enclosure")
        losses = evidence.trajectory.observables["loss"]
        assert all(x.error is not None and x.error < Fraction(1, 10**40) for x in losses)


# Observables in depth.

WALK = [[["1", "0"], ["1/2", "0"]], [["0", "0"], ["1", "1"]], [["1/3", "0"], ["0", "2"]], [["-1", "1"], ["0", "0"]]]
WALK += [[["0", "1"], ["1", "-1"]], [["2", "0"], ["1/5", "0"]], [["1", "1"], ["1", "1"]]]


def snapshot(weights: list[Any], backend: str = "exact", scale: str = "1/3") -> Snapshot:
    network = ResidualNetwork(len(weights[0]), len(weights), "identity", Fraction(scale))
    loss = SquareLoss(matrix([["1"] * len(weights[0])] * len(weights[0])))
    built = build(Problem(network, loss, Start("given", {"weights": weights})), backends.load(backend))
    return Snapshot(built, built.parameters, built.parameters, None, None, reals(200))


def value(name: str, weights: list[Any], **options: str) -> Measured:
    seen = snapshot(weights, **options)
    with seen.backend.session(), seen.reals.session():
        return load(name)(seen)


def squared_distance(a: list[Any], b: list[Any], factor: Fraction) -> Fraction:
    pairs = zip((x for row in a for x in row), (x for row in b for x in row), strict=True)
    return sum(((factor * (Fraction(x) - Fraction(y))) ** 2 for x, y in pairs), Fraction(0))


def encloses_root(found: Measured, square: Fraction) -> bool:
    low, high = found.bounds() or (Fraction(0), Fraction(0))
    narrow = high - low < Fraction(1, 10**40)
    return narrow and max(low, Fraction(0)) ** 2 <= square <= high**2


@pytest.mark.parametrize("depth", range(1, 8))
def test_the_two_variation_is_the_largest_over_all_partitions(depth: int) -> None:
    walk, factor = WALK[:depth], Fraction(depth, 3)
    inner = range(1, depth - 1)
    chosen = itertools.chain.from_iterable(itertools.combinations(inner, size) for size in range(depth))
    paths = [sorted({0, *middle, depth - 1}) for middle in chosen]
    sums = [
        sum((squared_distance(walk[a], walk[b], factor) for a, b in itertools.pairwise(path)), Fraction(0))
        for path in paths
    ]
    assert encloses_root(value("two_variation", walk), max(sums))


def test_a_straight_path_has_the_variation_of_its_ends() -> None:
    walk = [[[str(k)]] for k in range(5)]
    assert encloses_root(value("two_variation", walk, scale="1"), Fraction(5 * 4) ** 2)
    assert encloses_root(value("increment_root_sum_of_squares", walk, scale="1"), Fraction(5**2 * 4))


@pytest.mark.parametrize("depth", range(1, 8))
def test_the_other_observables_are_sums_and_maxima_over_the_layers(depth: int) -> None:
    walk, factor, zero = WALK[:depth], Fraction(depth, 3), [["0", "0"], ["0", "0"]]
    steps = [squared_distance(a, b, factor) for a, b in itertools.pairwise(walk)]
    assert encloses_root(value("branch_norm", walk), max(squared_distance(a, zero, Fraction(1)) for a in walk))
    assert encloses_root(value("rescaled_increment", walk), max(steps, default=Fraction(0)))
    assert encloses_root(value("increment_root_sum_of_squares", walk), sum(steps, Fraction(0)))
    assert (value("branch_spectral_norm", walk).bounds() or (1, 0))[0] <= (value("branch_norm", walk).bounds() or ())[1]


def test_errors_of_balls_widen_the_variation() -> None:
    found, exact = value("two_variation", WALK, backend="ball"), value("two_variation", WALK)
    bounds, inner = found.bounds() or (), exact.bounds() or ()
    assert bounds[0] <= inner[0]
    assert inner[1] <= bounds[1]


@pytest.mark.parametrize("name", ["rescaled_increment", "increment_root_sum_of_squares", "two_variation"])
def test_a_linear_network_has_no_branch_scale(name: str) -> None:
    specification = {
        "problem": {"network": {"widths": [2, 2, 2]}, "loss": {"target": {"rows": [["1", "0"], ["0", "2"]]}}},
        "dynamics": {"name": "gradient_descent", "step_size": "1/10", "stop": {"steps": 1}},
    }
    problem = read({"theorem": "balancedness", **specification}).problem
    built = build(problem, backends.load("float64"))
    with pytest.raises(UnsupportedError, match="branch scale"):
        load(name)(Snapshot(built, built.parameters, built.parameters, None, None, reals(64)))


def test_a_variation_of_many_layers_is_refused_with_what_bounds_it() -> None:
    with pytest.raises(UnsupportedError, match="increment_root_sum_of_squares bounds it from below"):
        value("two_variation", [[["0"]]] * 513)
