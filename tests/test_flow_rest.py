"""Flows at rest, long flows and stiff ones: exact saddles, huge times, the growth of the enclosure, and refusals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from workbench import dynamics, targets
from workbench.backends import load
from workbench.backends.ball import arb
from workbench.dynamics import _flow_rest, _hessian_balls, _taylor
from workbench.dynamics._error_bounds import spread_evenly
from workbench.dynamics._flow_fixed_bound import FixedBound
from workbench.dynamics._flow_rest import starts_at_rest, trapped
from workbench.dynamics._hessian_balls import CurvatureBound, Tangent, Tangents, least_eigenvalue
from workbench.dynamics._hessian_boxes import Box, HessianBoxes, enclosing_box
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem, ResidualNetwork, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Status, Stop


def given(*layers):
    return Start("given", {"weights": [[[str(x) for x in row] for row in layer] for layer in layers]})


def problem(widths, rows, start=None):
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(targets.matrix(rows)), start or Start())


def flow(posed, time, digits=15):
    method = Method("gradient_flow", Stop(time=Fraction(time)))
    return dynamics.run(posed, method, Arithmetic("ball", digits, structured=False), keep_weights=True)


UNIFORM = {"family": "uniform", "shape": [2, 2], "seed": 4}
SADDLE = problem([2, 2, 2], [["1/3", "0"], ["0", "-1"]], given([["1/3", 0], [0, 0]], [["1", 0], [0, 0]]))


def test_a_saddle_that_is_no_dyadic_is_never_left():
    assert starts_at_rest(SADDLE)
    run = flow(SADDLE, "1000")
    assert run.status is Status.FINISHED
    assert all(loss.bounds()[0] <= Fraction(1, 2) <= loss.bounds()[1] for loss in run.observables["loss"])
    assert run.observables["loss"][-1].error < Fraction(1, 10**15)


def test_a_start_beside_the_saddle_is_not_called_at_rest():
    beside = problem([1, 1, 1], [["1"]], given([["1e-30"]], [["0"]]))
    assert not starts_at_rest(beside)
    assert flow(beside, "1").weights[-1][1][0][0].bounds()[0] > 0


def test_a_curved_network_is_never_called_at_rest_by_rationals():
    curved = Problem(ResidualNetwork(1, 1, "tanh"), SquareLoss(targets.matrix([["1"]])), given([["0"]]))
    assert not starts_at_rest(curved)


@pytest.mark.parametrize("widths", [[2, 2, 2, 2], [2, 3, 2], [2, 2]])
def test_a_million_units_of_time_take_no_more_than_the_approach(widths):
    posed = problem(widths, UNIFORM, Start("gaussian", {"seed": 1, "scale": "1/2"}) if widths[1] == 3 else None)
    far, near = flow(posed, "1000000"), flow(posed, "100")
    assert far.status is Status.FINISHED
    for a, b in zip(far.weights[-1], near.weights[-1], strict=True):
        for x, y in zip((v for r in a for v in r), (v for r in b for v in r), strict=True):
            assert abs(x.value - y.value) <= x.error + y.error + Fraction(1, 10**15)


def test_the_trap_holds_the_path_of_one_layer_and_is_not_idle():
    # One layer: W(t) - Y = e^(-t) (W(0) - Y), and the path is as long as the residual.
    posed = problem([1, 1], [["3"]], given([["2"]]))
    backend = load("ball", bits=100)
    with backend.session():
        network = build(posed, backend)
        assert trapped(network, network.parameters, arb(0)) is None
        near = tuple(p * 0 + 3 + arb(Fraction(1, 1024)) for p in network.parameters)
        reach = trapped(network, near, arb(0))
        assert Fraction(1, 1024) <= Fraction(float(reach)) <= Fraction(1, 1000)


def test_a_coercivity_read_too_large_shortens_the_trap(monkeypatch):
    posed = problem([1, 1], [["3"]], given([["2"]]))
    monkeypatch.setattr(_flow_rest, "_coercivity", lambda *_: arb(4))
    backend = load("ball", bits=100)
    with backend.session():
        near = tuple(p * 0 + 3 + arb(Fraction(1, 1024)) for p in build(posed, backend).parameters)
        assert float(trapped(build(posed, backend), near, arb(0))) < 1 / 1024


BOTTLENECK = problem([2, 1, 2], UNIFORM, Start("gaussian", {"seed": 1}))


def test_the_hessian_keeps_the_enclosure_of_a_bottleneck_from_growing(monkeypatch):
    """Its loss tends to a positive number: norms would charge for a growth that there is not."""
    narrow = flow(BOTTLENECK, "50")
    assert narrow.arithmetic.precision_bits < 120
    assert narrow.observables["loss"][-1].error < Fraction(1, 10**18)
    monkeypatch.setattr(CurvatureBound, "growth", lambda *_: arb(10**6))
    wide = flow(BOTTLENECK, "50")
    bits, error = narrow.arithmetic.precision_bits, narrow.observables["loss"][-1].error
    assert wide.arithmetic.precision_bits > bits or wide.observables["loss"][-1].error > 10**3 * error


def test_the_smallest_eigenvalue_of_a_box_is_a_lower_bound_and_not_idle():
    backend = load("ball", bits=80)
    with backend.session():
        a = backend.matrix([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(-1)]])
        exact = 0.5 - 13**0.5 / 2
        assert exact - 1e-12 < float(least_eigenvalue(enclosing_box(a))) <= exact
        wide = a + type(a)(2, 2, [type(a[0, 0])(0, 0.125)] * 4)
        assert exact - 0.3 < float(least_eigenvalue(enclosing_box(wide))) <= exact - 0.125


def test_the_hessian_of_tangents_is_the_second_derivative():
    posed = problem([1, 1, 1], [["1/2"]], given([["3"]], [["2"]]))
    backend = load("ball", bits=80)
    with backend.session():
        found = CurvatureBound(posed, backend).hessian(build(posed, backend).parameters)
        # (a b - s)^2 / 2 has the second derivatives b^2, 2 a b - s, a^2.
        assert [float(x) for x in found.entries()] == [4, 11.5, 11.5, 9]


@pytest.mark.parametrize("widths", [(1, 1), (2, 3, 2), (1, 3, 2, 2), (3, 2)])
def test_the_hessian_in_doubles_contains_the_one_in_balls_and_is_as_narrow(widths):
    inputs = targets.matrix({"family": "uniform", "shape": [widths[0], 2], "seed": 3})
    target = targets.matrix({"family": "uniform", "shape": [widths[-1], 2], "seed": 2})
    start = Start("gaussian", {"seed": 1})
    posed = Problem(LinearNetwork(widths), SquareLoss(target, inputs, normalisation="mean"), start)
    backend = load("ball", bits=80)
    with backend.session():
        exact = build(posed, backend).parameters
        for reach in (0, 2**-10):
            balls = tuple(spread_evenly(backend._flint, a, backend._flint.arb(reach)) for a in exact)
            found = HessianBoxes(posed, Tangents, Tangent, backend)(balls)
            sharp = CurvatureBound(posed, backend).hessian(exact)
            rough = CurvatureBound(posed, backend).hessian(balls)
            values = zip(found.middle.flat, found.radius.flat, sharp.entries(), rough.entries(), strict=True)
            for middle, radius, value, other in values:
                assert abs(float(value) - middle) <= radius + 1e-18
                # A few hundred roundings of numbers below 100.
                assert radius <= 2 * float(other.rad()) + 1e-11


def test_a_box_keeps_what_its_roundings_lose():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 5, 5))
    box = Box(a, np.zeros((5, 5))) * Box(b, np.zeros((5, 5)))
    for i in range(5):
        for j in range(5):
            exact = sum((Fraction(x) * Fraction(y) for x, y in zip(a[i], b[:, j], strict=True)), Fraction(0))
            assert 0 < abs(exact - Fraction(box.middle[i, j])) <= Fraction(box.radius[i, j]) < Fraction(1, 10**13)


def test_a_curvature_of_the_wrong_sign_is_caught(monkeypatch):
    monkeypatch.setattr(_hessian_balls, "least_eigenvalue", lambda a: -least_eigenvalue(a))
    posed = problem([1, 1, 1], [["1"]], given([["0"]], [["0"]]))
    backend = load("ball", bits=80)
    with backend.session():
        box = build(posed, backend).parameters
        # Minus the smallest eigenvalue at the saddle is one; the flow leaves it at that rate.
        assert float(CurvatureBound(posed, backend).rate(box)) < 1


def test_a_flow_too_stiff_is_a_status_and_no_wrong_enclosure(monkeypatch):
    monkeypatch.setattr(_taylor, "_MOST_STEPS", 20)
    monkeypatch.setattr(FixedBound, "majorants", _steep(FixedBound.majorants))
    monkeypatch.setattr(dynamics, "_MOST_BITS", 200)
    run = flow(problem([2, 2, 2], UNIFORM), "5")
    assert run.status is Status.STALLED
    assert run.times[-1] < 5
    assert any("too stiff" in note for note in run.notes)


def _steep(majorants):
    """Return majorants in which every coefficient is as large as a flow of rate 2^60 has it."""

    def steep(self, expansion):
        norms = majorants(self, expansion)
        return replace(norms, slope=norms.slope - 60)

    return steep


@pytest.mark.parametrize("digits", [15, 80])
@pytest.mark.parametrize(
    "posed",
    [
        problem([1, 1], [["1e6"]]),
        problem([1, 1, 1, 1], [["0"]]),
        problem([3, 1, 2], [["1", "2", "0"], ["0", "1", "1"]], Start("gaussian", {"seed": 1})),
        problem([2, 2, 2], [["0", "0"], ["0", "0"]], Start("gaussian", {"seed": 2})),
    ],
)
def test_the_smallest_sizes_have_the_digits_asked_for(posed, digits):
    run = flow(posed, "1/4", digits)
    size = max(Fraction(1), *(abs(x.value) for layer in run.weights[-1] for row in layer for x in row))
    assert all(x.error <= size / 10**digits for layer in run.weights[-1] for row in layer for x in row)
    assert run.status is Status.FINISHED
