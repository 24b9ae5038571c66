"""Balanced starts and power projection: the lemma of the step, five arithmetics, a second witness, planted faults."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from conftest import Command

from workbench import backends, dynamics, witness
from workbench.backends.ball import flint
from workbench.backends.factorisation import balanced_layers
from workbench.backends.running_error import RunningError
from workbench.dynamics import _end_to_end_step
from workbench.ensembles.members import Ensemble
from workbench.errors import InputError, ShapeError, UnsupportedError
from workbench.evidence import run_of
from workbench.exact import Measured
from workbench.experiment import read_problem
from workbench.networks import build
from workbench.networks.linear import Linear
from workbench.problem import Problem
from workbench.theorems._balanced_start import balanced_start
from workbench.trajectory import Arithmetic, Method, Status, Stop, Trajectory

SKEW = [["2", "1"], ["-1", "1"]]
THREE = [["2", "1", "0"], ["-1", "1", "1/2"], ["1/3", "0", "3/2"]]
ARITHMETICS = [("float64", None), ("torch", None), ("mp", 30), ("ball", 30)]


def problem(depth: int, target: Any = SKEW, start: Any = None) -> Problem:
    size = len(target)
    network = {"widths": [size] * (depth + 1)}
    half = [["1/2" if i == j else "0" for j in range(size)] for i in range(size)]
    given = start or {"scheme": "balanced", "matrix": half}
    return read_problem({"network": network, "loss": {"target": target}, "start": given})


def projected(given: Problem, backend: str, digits: int | None = None, **options: Any) -> Trajectory:
    stop = Stop(options.pop("steps", 25), None, options.pop("until_loss", None))
    method = Method("power_projection", stop, options.pop("eta", Fraction(1, 10)), {"floor": Fraction(1, 2)})
    observes = options.pop("observes", ("loss",))
    return dynamics.run(given, method, Arithmetic(backend, digits), observes, keep_weights=options.pop("keep", False))


# The balanced factorisation.


@pytest.mark.parametrize(("name", "bits"), [("float64", 53), ("torch", 53), ("mp", 120), ("ball", 120)])
@pytest.mark.parametrize("rows", [[["3"]], SKEW, THREE, [["1", "-10"], ["10", "1"]], [["2", "0"], ["0", "2"]]])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_layers_multiply_to_the_matrix_and_are_balanced(name: str, bits: int, rows: Any, depth: int) -> None:
    backend = backends.load(name, bits=bits) if backends.takes_digits(name) else backends.load(name)
    exact = [[Fraction(x) for x in row] for row in rows]
    with backend.session():
        layers = balanced_layers(backend, backend.matrix(exact), depth)
        product = layers[0]
        for layer in layers[1:]:
            product = backend.matmul(layer, product)
        gaps = [backend.subtract(product, backend.matrix(exact))]
        for lower, upper in itertools.pairwise(layers):
            inner = backend.matmul(backend.transpose(upper), upper)
            gaps.append(backend.subtract(inner, backend.matmul(lower, backend.transpose(lower))))
        for gap in gaps:
            for x in (x for row in backend.entries(gap) for x in row):
                assert x.value is not None
                assert x.error is not None
                assert abs(x.value) <= (x.error if name == "ball" else Fraction(4000, 2**bits))
                assert x.error < Fraction(1, 2**90)


@pytest.mark.parametrize("depth", [2, 3])
def test_the_estimate_of_a_root_covers_its_error(depth: int) -> None:
    near_half_turn = [[Fraction(1, 1000), Fraction(-2)], [Fraction(1), Fraction(1, 1000)]]
    rough, fine = RunningError(backends.load("float64")), backends.load("ball", bits=200)
    with rough.session():
        layers = balanced_layers(rough, rough.matrix(near_half_turn), depth)
        entries = [x for layer in layers for row in rough.entries(layer) for x in row]
    with fine.session():
        layers = balanced_layers(fine, fine.matrix(near_half_turn), depth)
        truth = [x for layer in layers for row in fine.entries(layer) for x in row]
    for x, y in zip(entries, truth, strict=True):
        assert x.error is not None
        assert abs(x.value - y.value) <= x.error + y.error < Fraction(1, 10**9)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["float64", "torch", "mp", "ball"])
def test_the_projection_raises_the_symmetric_part_and_leaves_what_is_above_it(name: str) -> None:
    backend = backends.load(name)
    below = [[Fraction(-1), Fraction(3)], [Fraction(1), Fraction(1)]]
    # The symmetric part (-1, 2; 2, 1) has the eigenvalues -sqrt 5, sqrt 5 with the eigenvector (2, 1 + sqrt 5).
    with backend.session():
        raised = backend.shadow(backend.raise_symmetric_part(backend.matrix(below), Fraction(0)))
        kept = backend.matrix([[Fraction(2), Fraction(5)], [Fraction(-5), Fraction(1)]])
        same = backend.shadow(backend.subtract(backend.raise_symmetric_part(kept, Fraction(1)), kept))
    root = 5**0.5
    vector = np.array([2, 1 + root]) / np.hypot(2, 1 + root)
    expected = root * np.outer(vector, vector) + np.array([[0, 1], [-1, 0]])
    assert np.abs(raised - expected).max() < 1e-14
    assert not same.any()


def test_the_exact_backend_refuses_in_one_line() -> None:
    for run in (
        lambda: projected(problem(2, start={"scheme": "identity"}), "exact"),
        lambda: build(problem(2), backends.load("exact")),
    ):
        with pytest.raises(UnsupportedError, match=r"leaves the rationals|cannot run it"):
            run()


@pytest.mark.parametrize(
    ("rows", "widths", "error"),
    [
        ([["0", "1"], ["-1", "0"]], [2, 2, 2], InputError),
        ([["1", "3"], ["0", "1"]], [2, 2, 2], InputError),
        (SKEW, [2, 3, 2], ShapeError),
        ([["1", "0"]], [2, 2, 1], ShapeError),
    ],
)
def test_a_matrix_without_a_balanced_factorisation_is_refused(rows: Any, widths: Any, error: Any) -> None:
    target = [["1"] * widths[0]] * widths[-1]
    given = {"network": {"widths": widths}, "loss": {"target": target}, "start": {"scheme": "balanced", "matrix": rows}}
    with pytest.raises(error, match="balanced"):
        build(read_problem(given), backends.load("float64"))


def test_the_start_is_part_of_the_specification_in_lowest_terms() -> None:
    start = problem(2, start={"scheme": "balanced", "matrix": [["2/4", 0], [0, "0.5"]]}).start
    assert start.specification() == {"scheme": "balanced", "matrix": [["1/2", "0"], ["0", "1/2"]]}


# The dynamics.


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("target", [[["3"]], SKEW, THREE])
def test_all_arithmetics_agree_within_their_errors(depth: int, target: Any) -> None:
    runs = [projected(problem(depth, target), name, digits, keep=True) for name, digits in ARITHMETICS]
    series = []
    for run in runs:
        assert run.weights is not None
        layers = [x for record in run.weights for layer in record for row in layer for x in row]
        series.append([*run.observables["loss"], *layers])
    for other in series[:-1]:
        for x, y in zip(other, series[-1], strict=True):
            assert x.error is not None
            # Each step rounds as 20 d roundings of an SVD do, through some ten products; 25 steps.
            assert abs(x.value - y.value) <= x.error + y.error < Fraction(1, 10**8)  # type: ignore[operator]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_second_witness_with_literal_layers_confirms_the_enclosure(depth: int) -> None:
    found = witness.examine(projected(problem(depth, THREE), "ball", 20, steps=6, keep=True))
    assert found.numbers == 7 * (1 + 9 * depth)
    assert 0 < found.disagreement <= 1


def test_the_projection_is_at_work_in_these_runs() -> None:
    # A long step throws the product below the floor: without the projection the run would go elsewhere.
    steep = problem(2, [["1/2", "4"], ["-4", "1/2"]])
    with_floor = projected(steep, "float64", eta=Fraction(1, 6), steps=8)
    method = Method("power_projection", Stop(8), Fraction(1, 6), {"floor": Fraction(0)})
    without = dynamics.run(steep, method, Arithmetic("float64"))
    assert with_floor.observables["loss"][-1].value != without.observables["loss"][-1].value
    assert 0 < witness.examine(projected(steep, "ball", 20, eta=Fraction(1, 6), steps=8, keep=True)).disagreement <= 1


def planted(monkeypatch: pytest.MonkeyPatch, change: Any) -> float:
    gradients = Linear.loss_and_gradients
    monkeypatch.setattr(Linear, "loss_and_gradients", lambda s, p: change(s.backend, *gradients(s, p)))
    return witness.examine(projected(problem(2, THREE), "ball", 20, steps=3, keep=True)).disagreement


def test_a_planted_sign_and_a_planted_transpose_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Fraction(-1)
    assert planted(monkeypatch, lambda b, loss, g: (loss, tuple(b.scale(one, x) for x in g))) > 1
    monkeypatch.undo()
    assert planted(monkeypatch, lambda b, loss, g: (loss, tuple(b.transpose(x) for x in g))) > 1


def test_a_correction_without_its_second_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _end_to_end_step.correction

    def first_order(network: Any, matrix: Any, step_size: Fraction) -> Any:
        tiny = Fraction(1, 10**30)
        return network.backend.scale(step_size / tiny, whole(network, matrix, tiny))

    monkeypatch.setattr(_end_to_end_step, "correction", first_order)
    assert witness.examine(projected(problem(2), "ball", 20, steps=3, keep=True)).disagreement > 1


def test_the_jacobian_is_that_of_one_layer_where_it_is_known() -> None:
    # One layer: V = W - eta (W - Phi), so that Lambda = 1 - eta at every point.
    network = build(problem(1), RunningError(backends.load("float64")))
    errors = _end_to_end_step.error_of(network, Fraction(1, 4))  # type: ignore[arg-type]
    assert errors.jacobian_norm(np.array([[2.0, 1.0], [0.0, 3.0]])) == pytest.approx(0.75, abs=1e-8)  # type: ignore[union-attr]


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("eta", [Fraction(1, 100), Fraction(1, 20), Fraction(1, 3)])
def test_the_certified_growth_bounds_the_jacobian_and_falls_below_one_at_the_target(depth: int, eta: Fraction) -> None:
    given = problem(depth, THREE)
    floats, ball = RunningError(backends.load("float64")), backends.load("ball", bits=100)
    rng = np.random.default_rng(0)
    with floats.session(), ball.session():
        rough: Any = _end_to_end_step.error_of(build(given, floats), eta)  # type: ignore[arg-type]
        fine: Any = _end_to_end_step.error_of(build(given, ball), eta)  # type: ignore[arg-type]
        target = np.array([[float(Fraction(x)) for x in row] for row in THREE])
        for distance in (0.0, 0.1, 0.5, 1.0):
            point = target + distance * rng.uniform(-1, 1, target.shape)
            state = _end_to_end_step.State(
                ball.matrix([[Fraction(x) for x in row] for row in point.tolist()]), flint().arb(0)
            )
            rough._seen = None
            measured, bound = rough.jacobian_norm(point), float(fine.jacobian_norm(state))
            assert measured <= bound + 1e-6
            if distance == 0 and eta < Fraction(1, 50):
                assert bound < 1


def test_no_digit_is_lost_for_ever() -> None:
    run = projected(problem(3, THREE), "ball", 20, steps=300, eta=Fraction(1, 30))
    assert run.arithmetic.precision_bits is not None
    assert run.arithmetic.precision_bits <= backends.bits_of(20) + 128


def test_power_projection_is_for_whitened_inputs() -> None:
    loss = {"target": SKEW, "inputs": [["1", "0"], ["0", "2"]]}
    given = read_problem({"network": {"widths": [2, 2]}, "loss": loss})
    with pytest.raises(UnsupportedError, match="whitened"):
        projected(given, "float64")


def test_the_layers_of_a_run_stay_balanced_and_multiply_to_a_positive_matrix() -> None:
    run = projected(problem(3), "ball", 25, observes=("loss", "balancedness_defect"))
    worst = max(x.value + x.error for x in run.observables["balancedness_defect"])  # type: ignore[operator]
    assert worst < Fraction(1, 10**20)


@pytest.mark.parametrize("name", ["float64", "ball"])
def test_a_target_at_the_start_is_done_and_a_step_far_too_long_diverges(name: str) -> None:
    at_start = problem(2, [["1/2", "0"], ["0", "1/2"]])
    assert projected(at_start, name, until_loss=Fraction(1, 10**20)).steps == (0,)
    digits = None if name == "float64" else 15
    assert projected(problem(2), name, digits, eta=Fraction(40), steps=300).status is Status.DIVERGED


def test_the_closed_form_of_numbers_is_the_scalar_recursion() -> None:
    # Width one: x <- x - eta x^(L-1) (x^L - s), the product clamped at the floor; all layers stay equal.
    run, mp = projected(problem(3, [["2"]]), "ball", 25), mpmath.MPContext()
    mp.dps = 40
    x = mp.root(mp.mpf(1) / 2, 3)
    for loss in run.observables["loss"]:
        assert abs(mp.mpf(loss.value.numerator) / loss.value.denominator - (x**3 - 2) ** 2 / 2) < mp.mpf(10) ** -22  # type: ignore[union-attr]
        x = mp.root(max((x - x**2 * (x**3 - 2) / 10) ** 3, mp.mpf(1) / 2), 3)


# By name.


def test_a_balanced_start_is_known_by_its_name_and_keeps_its_product() -> None:
    given = problem(3, start={"scheme": "balanced", "matrix": SKEW})
    run = run_of(dynamics.run(given, Method("gradient_descent", Stop(1), Fraction(1, 10)), Arithmetic("float64")))
    assert balanced_start(run).margin == Measured(Fraction(0))
    assert run.initial_product() == tuple(tuple(Fraction(x) for x in row) for row in SKEW)
    assert run.identity_start().holds is False


@pytest.mark.parametrize(
    ("start", "product"),
    [
        ({"scheme": "identity", "scale": "root(1/2,3)"}, [["1/2", "0"], ["0", "1/2"]]),
        ({"scheme": "identity", "scale": "power(3,2/3)"}, [["9", "0"], ["0", "9"]]),
        ({"scheme": "identity", "scale": "2"}, [["8", "0"], ["0", "8"]]),
        ({"scheme": "identity", "scale": "root(1/2,2)"}, None),
    ],
)
def test_the_product_of_a_start_is_exact_or_unknown(start: dict[str, str], product: Any) -> None:
    given = problem(3, start=start)
    run = run_of(dynamics.run(given, Method("gradient_descent", Stop(1), Fraction(1, 10)), Arithmetic("float64")))
    expected = None if product is None else [[Fraction(x) for x in row] for row in product]
    found = run.initial_product()
    assert (None if found is None else [list(row) for row in found]) == expected


def test_an_ensemble_has_no_balanced_start() -> None:
    with pytest.raises(InputError, match="no balanced start"):
        Ensemble(
            (2, 2, 2), {"family": "uniform", "shape": [2, 2]}, 3, (Fraction(1),), {"scheme": "balanced", "matrix": SKEW}
        )


def test_the_command_line_takes_the_named_operation(workbench: Command) -> None:
    arguments = ("compare", "end_to_end_flow", "--target", "[[1,2],[0,1]]", "--depth", "2", "--dynamics", "flow")
    found = workbench(*arguments, "--time", "1/2", "--init", "balanced([[2,1],[-1,1]])")
    assert found.status == 0
    refused = workbench(*arguments, "--init", "balanced([[0,1],[-1,0]])")
    assert refused.status == 2
