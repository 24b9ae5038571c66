"""The precision of a run and of a hypothesis: floats that enter, digits left to the run, threads, margins in balls."""

from __future__ import annotations

import math
import sys
import threading
from fractions import Fraction

import mpmath
import pytest

from workbench import dynamics, experiment
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.dynamics._loss_series import _dyadic
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, SquareLoss
from workbench.trajectory import Arithmetic, Method, Stop


def descent(target, depth=2, backend="ball", digits="auto", theorem="gradient_bound", **extra):
    rows = [list(row) for row in target]
    return experiment.read(
        {
            "theorem": theorem,
            "problem": {"network": {"kind": "linear", "widths": [len(rows)] * (depth + 1)}, "loss": {"target": rows}},
            "dynamics": {"name": "descent", "step_size": "1/16", "stop": {"steps": 6}},
            "backend": {"name": backend, "digits": digits},
            **extra,
        }
    )


@pytest.mark.parametrize("backend", ["ball", "mp"])
@pytest.mark.parametrize("target", [[["0"]], [["0", "0"], ["0", "0"]], [["1"]]])
@pytest.mark.parametrize("depth", [1, 2])
def test_digits_left_to_the_run_end_for_the_smallest_problems(backend, target, depth):
    evidence = descent(target, depth, backend).evidence()
    assert evidence.verdict in ("consistent", "undecided")
    assert any("digits" in note for note in evidence.notes)


def test_a_vacuous_verdict_takes_the_fewest_digits():
    evidence = descent([["5", "1"], ["0", "5"]], theorem="near_identity").evidence()
    assert evidence.verdict == "vacuous"
    assert evidence.trajectory.arithmetic.digits == experiment.FEWEST_DIGITS


@pytest.mark.parametrize("backend", ["ball", "mp"])
def test_a_float_that_enters_a_run_of_many_bits_is_reported(backend):
    told = descent([[0.1]], backend=backend, digits=30).trajectory().notes
    assert any("given as a float" in note for note in told)
    exact = descent([["0.1"]], backend=backend, digits=30).trajectory().notes
    assert not any("given as a float" in note for note in exact)


@pytest.mark.parametrize("backend", ["ball", "mp"])
@pytest.mark.parametrize(
    ("place", "told"), [("weights", "the start"), ("step_size", "the step size"), ("momentum", "the step size")]
)
def test_a_float_in_the_start_or_the_method_is_reported(backend, place, told):
    def notes(value):
        numbers = {"weights": "1/4", "step_size": "1/16", "momentum": "1/5"} | {place: value}
        given = {"scheme": "given", "weights": [[[numbers["weights"]]]]}
        loss = {"target": [["1"]]}
        problem = {"network": {"kind": "linear", "widths": [1, 1]}, "loss": loss, "start": given}
        rule = {"name": "heavy_ball", "step_size": numbers["step_size"], "momentum": numbers["momentum"]}
        read = descent([["1"]], backend=backend, digits=30, problem=problem, dynamics=rule | {"stop": {"steps": 2}})
        return read.trajectory().notes

    assert any(note.startswith(told) and "given as a float" in note for note in notes(0.1))
    assert not any("given as a float" in note for note in notes("0.1"))


def test_a_float_that_enters_a_run_of_53_bits_is_at_home():
    notes = descent([[0.1]], backend="float64", digits=None).trajectory().notes
    assert not any("given as a float" in note for note in notes)


def test_certified_runs_of_two_precisions_in_threads_are_those_of_one():
    given = Problem(LinearNetwork((2,) * 4), SquareLoss(Matrix.from_rows([["1/3", "2"], ["-1", "5/7"]])))
    symmetric = Problem(LinearNetwork((2,) * 4), SquareLoss(Matrix.from_rows([["1/3", "2"], ["2", "5/7"]])))
    methods = [Method(name, Stop(steps=25), Fraction(1, 40), parameters) for name, parameters in METHODS]
    asked = [(p, m, digits) for p in (given, symmetric) for m in methods for digits in (12, 80)]

    def carried_out(task):
        problem, method, digits = task
        run = dynamics.run(problem, method, Arithmetic("ball", digits))
        return run.observables["loss"], run.arithmetic.precision_bits

    alone = [carried_out(task) for task in asked]
    found = [[] for _ in asked]
    workers = [
        threading.Thread(target=lambda k=k: found[k].extend(carried_out(asked[k]) for _ in range(2)))
        for k in range(len(asked))
    ]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert all(results == [expected, expected] for results, expected in zip(found, alone, strict=True))


METHODS = [("gradient_descent", {}), ("heavy_ball", {"momentum": Fraction(1, 5)})]


@pytest.mark.parametrize(("offset", "holds"), [("-1e-30", True), ("1e-30", False)])
def test_a_distance_is_not_rounded_where_a_float_could_not_tell(offset, holds):
    # ||Phi - I||_F = sqrt(2) x with x within 1e-30 of 1/(10 sqrt(2)): a float's root is 1/10 on both sides.
    x = Fraction(70710678118654752440084436210484903928, 10**39) + Fraction(offset)
    read = descent([[str(1 + x), "0"], ["0", str(1 + x)]], theorem="near_identity", digits=50)
    hypothesis = next(h for h in read.evidence().hypotheses if h.name == "near_identity")
    assert hypothesis.holds is holds


@pytest.mark.parametrize(("shift", "holds"), [("1e-30", True), ("0", False), ("-1e-30", False)])
def test_the_sign_of_a_smallest_eigenvalue_is_counted_not_rounded(shift, holds):
    # [[2, 2], [2, 2]] is singular; a multiple of the identity decides, far below the rounding of a float.
    entry = str(2 + Fraction(shift))
    read = descent([[entry, "2"], ["2", entry]], theorem="positive_definite", digits=50)
    hypotheses = read.evidence().hypotheses
    assert any(h.holds is False for h in hypotheses) is not holds


@pytest.mark.parametrize("denominator", [1, 2, 3, 8, 10])
@pytest.mark.parametrize("scale", [-3, 0, 1, 5, 64])
def test_a_dyadic_is_the_fraction_in_lowest_terms(denominator, scale):
    for mantissa in (0, 1, 6, 64, 96, 3**50, 2**70):
        expected = Fraction(mantissa) / Fraction(2) ** scale / denominator
        found = _dyadic(mantissa, scale, denominator)
        assert (found.numerator, found.denominator) == (expected.numerator, expected.denominator)
        assert hash(found) == hash(expected)


@pytest.mark.parametrize("tiny", ["1e-30", "-1e-30", "1e-200", "-1e-200"])
def test_the_enclosure_of_a_tiny_eigenvalue_has_its_sign(tiny):
    entry = 2 + Fraction(tiny)
    smallest = symmetric_eigenvalues(Matrix.from_rows([[entry, Fraction(2)], [Fraction(2), entry]]))[0]
    low, high = smallest.bounds()
    assert low <= Fraction(tiny) <= high
    assert low * high > 0


@pytest.mark.parametrize(
    ("offset", "holds"),
    [("-1e-9", True), ("1e-9", False), ("-1e-30", True), ("1e-30", False), ("1e-95", None), ("-1e-95", None)],
)
def test_a_margin_of_singular_values_is_decided_only_outside_its_enclosure(offset, holds):
    # s_min(Phi) = 1 - b and ||I - Phi||_F = sqrt(2) b for [[1, b], [b, 1]]: the margin is zero at b = sqrt(2) - 1.
    root = Fraction(math.isqrt(2 * 10**200), 10**100)
    b = str(root - 1 + Fraction(offset))
    read = descent([["1", b], [b, "1"]], theorem="deficiency_margin", digits=20)
    hypothesis = next(h for h in read.evidence().hypotheses if h.name == "deficiency_margin")
    assert hypothesis.holds is holds


SPECTRA = {
    "cluster": [["2", "1e-20", "0"], ["1e-20", "2", "0"], ["0", "0", "1"]],
    "repeated, irrational": [["1", "1", "0", "0"], ["1", "0", "0", "0"], ["0", "0", "1", "1"], ["0", "0", "1", "0"]],
    "tiny": [["1", "1"], ["1", "1.000000000000000000000000000001"]],
    "huge": [["1e200", "3"], ["3", "-1e-200"]],
    "nearly repeated": [["1", "1e-40", "0"], ["1e-40", "1", "1e-45"], ["0", "1e-45", "1"]],
    "number": [["1/3"]],
    "zero": [["0", "0"], ["0", "0"]],
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("bits", [60, 180, 2000])
def test_an_eigenvalue_is_enclosed_to_the_bits_that_were_asked(name, bits):
    matrix = Matrix.from_rows(SPECTRA[name])
    found = symmetric_eigenvalues(matrix, bits)
    assert all(x.error <= abs(x.value) / 2 ** (bits - 2) for x in found)
    context = mpmath.MPContext()
    context.prec = 3 * bits + 3000
    rows = [[context.mpf(x.numerator) / x.denominator for x in row] for row in matrix.rows]
    wanted = sorted(context.eigsy(context.matrix(rows), eigvals_only=True))
    for mine, theirs in zip(found, wanted, strict=True):
        value, error = (context.mpf(x.numerator) / x.denominator for x in (mine.value, mine.error))
        assert (
            abs(value - theirs) <= error + abs(theirs) * context.mpf(2) ** (-2 * bits - 100) + context.mpf(2) ** -2500
        )


@pytest.mark.parametrize("digits", [20, 60])
def test_a_margin_of_singular_values_follows_the_precision(digits):
    root = Fraction(math.isqrt(2 * 10**160), 10**80)
    b = str(root - 1 - Fraction(1, 10**30))
    read = descent([["1", b], [b, "1"]], theorem="deficiency_margin", digits=digits)
    hypothesis = next(h for h in read.evidence().hypotheses if h.name == "deficiency_margin")
    assert hypothesis.holds is True
    assert 0 < hypothesis.margin.error < Fraction(1, 10**digits)
