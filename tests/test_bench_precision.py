"""The benchmark's peer computes what the workbench certifies, and the command prints its table."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench import dynamics
from workbench.bench import precision_flow
from workbench.bench.precision import Peer, random_problem
from workbench.trajectory import Arithmetic, Method, Stop


def test_the_peer_of_descent_lands_in_the_enclosure():
    given = random_problem(2, 3, structured=False)
    eta, digits = Fraction(1, 100), 30
    run = dynamics.run(given, Method("gradient_descent", Stop(steps=9), eta), Arithmetic("ball", digits))
    loss = run.observables["loss"][-1]
    assert abs(float(loss.value) - float(Peer(given.loss.target, 3, digits).descend(eta, 10))) < 1e-14


def test_the_peer_of_the_flow_lands_in_the_enclosure():
    given = random_problem(2, 2, structured=False)
    method = Method("gradient_flow", Stop(time=Fraction(1, 4)))
    run = dynamics.run(given, method, Arithmetic("ball", 20), keep_weights=True)
    mine = [float(x.value) for layer in run.weights[-1] for row in layer for x in row]
    theirs = [float(x) for x in Peer(given.loss.target, 2, 20).flow(Fraction(1, 4))]
    assert mine == pytest.approx(theirs, abs=1e-14)


def test_an_unknown_suite_is_a_wrong_question(workbench):
    done = workbench("bench", "nothing")
    assert done.status == 2
    assert "precision" in done.err


@pytest.mark.long
def test_the_quick_suite_prints_ratios(workbench):
    done = workbench("bench", "precision", "--quick", "--json")
    # Status 1 says that a promised ratio was not kept on this machine; the measurement is there all the same.
    assert done.status in (0, 1), done.err
    entries = done.document["entries"]
    assert all(entry["ratio"] > 0 for entry in entries if entry["peer"])
    assert any("theory" in entry["name"] for entry in entries)


def test_the_row_of_heyoka_is_there_when_it_can_be_imported_and_not_otherwise(monkeypatch):
    monkeypatch.setattr(precision_flow, "_beside_odefun", lambda *_: "odefun")
    monkeypatch.setattr(precision_flow, "_beside_heyoka", lambda *_: "heyoka")
    monkeypatch.setattr(precision_flow, "_exponents", lambda **_: [])
    for spec, rows in ((None, ["odefun"]), ("there", ["odefun", "heyoka"])):
        monkeypatch.setattr(precision_flow, "find_spec", lambda _, spec=spec: spec)
        assert precision_flow.measure(quick=True) == rows


def test_the_fitted_exponent_of_a_power_is_its_exponent():
    assert precision_flow._slope([2, 4, 8], [3 * n**2.5 for n in (2, 4, 8)]) == pytest.approx(2.5)
