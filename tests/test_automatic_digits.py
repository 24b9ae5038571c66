"""A precision that is chosen by the verdict."""

from __future__ import annotations

from fractions import Fraction

import pytest

from workbench import experiment
from workbench.errors import InputError


def specification(backend="ball", **extra):
    return {
        "theorem": "balancedness",
        "problem": {
            "network": {"kind": "linear", "widths": [2, 2, 2]},
            "loss": {"target": {"family": "uniform", "shape": [2, 2], "seed": 1}},
        },
        "dynamics": {"name": "flow", "stop": {"time": "1/2"}},
        "backend": {"name": backend, "digits": "auto"},
        **extra,
    }


def test_a_verdict_that_few_digits_decide_takes_few():
    evidence = experiment.run(specification())
    assert evidence.verdict == "consistent"
    assert evidence.trajectory.arithmetic.digits == experiment.FEWEST_DIGITS
    assert f"decided at {experiment.FEWEST_DIGITS} digits" in evidence.notes


def test_the_precision_is_raised_until_the_verdict_is_decided(monkeypatch):
    read = experiment.read(specification())
    # Sixteen digits with their guard bits do not reach this width.
    sharp = Fraction(1, 10**60)
    monkeypatch.setattr(
        "workbench.evidence.identity_verdict",
        lambda gaps, resolution: "consistent" if all(g.error <= sharp for g in gaps) else "undecided",
    )
    evidence = read.evidence()
    assert evidence.verdict == "consistent"
    assert evidence.trajectory.arithmetic.digits > experiment.FEWEST_DIGITS
    assert any("were not enough" in note for note in evidence.notes)


def test_at_the_limit_the_note_says_how_wide_the_last_enclosure_was(monkeypatch):
    monkeypatch.setattr(experiment, "MOST_DIGITS", 32)
    monkeypatch.setattr("workbench.evidence.identity_verdict", lambda gaps, resolution: "undecided")
    evidence = experiment.read(specification()).evidence()
    assert evidence.verdict == "undecided"
    assert evidence.trajectory.arithmetic.digits == 32
    assert any("wide" in note for note in evidence.notes)


def test_the_run_id_is_taken_of_what_was_asked():
    read = experiment.read(specification())
    assert read.specification()["backend"] == {"name": "ball", "digits": "auto"}
    fixed = specification()
    fixed["backend"]["digits"] = 16
    assert experiment.read(fixed).run_id != read.run_id


@pytest.mark.parametrize("backend", ["float64", "exact"])
def test_a_fixed_precision_is_not_chosen(backend):
    with pytest.raises(InputError, match="fixed precision"):
        experiment.read(specification(backend))


def test_the_command_line_takes_auto_and_refuses_other_words(workbench):
    problem = ("balancedness", "--target", "spectrum:1/2,2", "--depth", "2", "--dynamics", "flow", "--time", "1/4")
    arguments = ["compare", *problem, "--backend", "ball", "--json"]
    done = workbench(*arguments, "--digits", "auto")
    assert done.status == 0, done.err
    assert done.document["grade"] == "enclosure"
    assert done.document["digits"] == 16
    refused = workbench(*arguments, "--digits", "many")
    assert refused.status == 2
    assert "auto" in refused.err
