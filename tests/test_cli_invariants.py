"""`workbench invariants` and `workbench bench`: what they print and how they end."""

from __future__ import annotations

import pytest
from conftest import Command


def test_a_complete_shape_ends_with_status_zero(workbench: Command) -> None:
    found = workbench("invariants", "--widths", "2,3,2", "--json")
    assert (found.status, found.err) == (0, "")
    document = found.document
    assert document["format"] == 1
    assert (document["count"], document["complete"], document["missing"]) == (6, True, 0)
    assert document["found"][0] == {"name": "D_1[1,1]", "law": "W₂[1,1]² + W₂[2,1]² − W₁[1,1]² − W₁[1,2]²"}
    assert len(document["found"]) == 6
    certificate = document["certificate"]
    assert (certificate["lie_rank"], certificate["law_rank"], certificate["dimension"]) == (6, 6, 12)
    assert certificate["widths"] == [2, 3, 2]
    assert len(certificate["primes"]) == len(certificate["point_seeds"]) == 2


def test_a_shape_with_laws_unaccounted_for_ends_with_status_three(workbench: Command) -> None:
    found = workbench("invariants", "--widths", "1,2,2,1")
    assert found.status == 3
    assert "independent laws valid for every loss: 7" in found.out
    assert "incomplete: 1 law is not accounted for" in found.out
    document = workbench("invariants", "--widths", "1,2,2,1", "--json").document
    assert (document["complete"], document["missing"]) == (False, 1)


def test_the_laws_of_heavy_ball_are_printed(workbench: Command) -> None:
    found = workbench("invariants", "--widths", "1,2,1", "--momentum", "--degree", "2")
    assert found.status == 0
    assert "heavy ball, widths 1 → 2 → 1: 9 coordinates" in found.out
    assert "A_1[1,2] = exp(τt) (" in found.out


@pytest.mark.parametrize("widths", ["2", "2,-3,2", "2,0,2", "2x3,4x2", "", "2,,2", "two,three"])
def test_widths_that_are_no_network_are_refused_in_one_line(workbench: Command, widths: str) -> None:
    found = workbench("invariants", "--widths", widths)
    assert (found.status, found.out) == (2, "")
    assert len(found.err.splitlines()) == 1
    assert "at least two positive integers" in found.err


def test_a_degree_too_large_for_memory_is_refused_with_its_size(workbench: Command) -> None:
    found = workbench("invariants", "--widths", "6,6,6", "--degree", "4")
    assert (found.status, found.out) == (2, "")
    assert "12.3 GiB" in found.err
    assert "smaller degree" in found.err


def test_an_unknown_benchmark_is_refused(workbench: Command) -> None:
    found = workbench("bench", "symbolc")
    assert (found.status, found.out) == (2, "")
    assert "did you mean symbolic" in found.err
