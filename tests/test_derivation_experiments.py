"""The checks and controls that the derivations name, carried out."""

from __future__ import annotations

import pytest

from workbench import derivation

pytest.importorskip("workbench.experiment", reason="the experiments are built beside this package")

NAMES = sorted(derivation.catalogue())


@pytest.mark.parametrize("name", NAMES)
def test_the_check_holds_and_the_control_fails_at_the_least_depth(name):
    outcome = derivation.run(name, depth=derivation.load(name).least_depth)
    assert outcome.verdict == "proved", outcome.text()
    assert outcome.parts["check"]["verdict"] == "consistent"
    assert outcome.parts["control"]["verdict"] == "violated"


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_check_holds_and_the_control_fails_at_the_default_depths(name):
    assert derivation.run(name).verdict == "proved"


def test_the_theorem_that_checks_a_claim_is_part_of_its_fingerprint():
    record = derivation.run("balancedness_flow", depth=2).record()
    assert record.files == ["derivations/balancedness_flow.py", "package:theorems/balancedness.py"]
    assert record.is_current()
