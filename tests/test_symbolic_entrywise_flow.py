"""Flow and laws entry by entry: both engines agree with each other and with the words."""

from __future__ import annotations

import pytest

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import Entries
from workbench.symbolic.entrywise_flow import (
    defect_derivatives,
    defect_entries,
    doubled_gradient_flow,
    lie_derivative,
)
from workbench.symbolic.networks import linear_network

SHAPES = [(1, 1, 1), (2, 3, 1), (3, 1, 2), (2, 2, 2, 2), (1, 2, 1, 2)]


def entries_of(widths, engine):
    network = linear_network(len(widths) - 1, widths)
    return network, Entries((*network.layers, network.target), engine)


@pytest.mark.parametrize("engine", ["flint", "sympy"])
@pytest.mark.parametrize("widths", SHAPES)
def test_every_entry_of_every_defect_is_conserved(widths, engine):
    network, entries = entries_of(widths, engine)
    found = defect_derivatives(entries, network)
    assert len(found) == sum(width**2 for width in widths[1:-1])
    assert not any(bool(element) for element in found)


@pytest.mark.parametrize("widths", SHAPES)
def test_the_two_engines_give_the_same_velocities(widths):
    flows = []
    for engine in ("flint", "sympy"):
        network, entries = entries_of(widths, engine)
        velocities = doubled_gradient_flow(entries, network)
        flows.append({name: entries.polynomial(velocity) for name, velocity in velocities.items()})
    assert flows[0] == flows[1]


@pytest.mark.parametrize("widths", SHAPES)
def test_the_velocities_are_those_of_the_words(widths):
    network, entries = entries_of(widths, "flint")
    velocities = doubled_gradient_flow(entries, network)
    for layer in network.layers:
        rows = entries.expand(Calculus().gradient(network.loss, layer))
        for r, row in enumerate(rows, start=1):
            for c, entry in enumerate(row, start=1):
                assert entries.polynomial(velocities[f"{layer.name}[{r},{c}]"]) == entry * -2


@pytest.mark.parametrize("engine", ["flint", "sympy"])
def test_the_entries_of_a_defect_are_those_of_the_words(engine):
    network, entries = entries_of((2, 3, 2), engine)
    rows = defect_entries(entries, network, 1)
    assert [[entries.polynomial(entry) for entry in row] for row in rows] == entries.expand(network.defect(1))


@pytest.mark.parametrize("engine", ["flint", "sympy"])
def test_a_law_of_the_wrong_sign_moves(engine):
    network, entries = entries_of((2, 2, 2), engine)
    upper, lower = entries.matrix(network.layers[1]), entries.matrix(network.layers[0])
    wrong = upper[0][0] ** 2 + upper[1][0] ** 2 + lower[0][0] ** 2 + lower[0][1] ** 2
    assert lie_derivative(entries, wrong, doubled_gradient_flow(entries, network))


def test_a_velocity_of_the_wrong_sign_moves_the_laws():
    network, entries = entries_of((2, 2, 2), "flint")
    velocities = doubled_gradient_flow(entries, network)
    velocities["W_1[1,1]"] = -velocities["W_1[1,1]"]
    laws = [entry for row in defect_entries(entries, network, 1) for entry in row]
    assert any(bool(lie_derivative(entries, law, velocities)) for law in laws)
