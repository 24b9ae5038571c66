"""All polynomial integrals are found: their number by an independent solver, their constancy by brackets."""

from __future__ import annotations

import itertools
import tracemalloc
from fractions import Fraction
from math import comb

import pytest
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from workbench.errors import InconsistentError, InputError
from workbench.invariants import census, estimated_bytes, integrals, polynomial_integrals
from workbench.invariants.systems import GROWTH
from workbench.symbolic.entrywise import Entries, entry_names
from workbench.symbolic.entrywise_flow import doubled_gradient_flow, lie_derivative
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial


@pytest.mark.parametrize(
    ("widths", "degree", "number"),
    [
        ((2, 2, 2), 2, 3),
        ((2, 2, 2, 2), 2, 6),
        ((3, 3, 3), 2, 6),
        ((2, 2, 2), 4, 9),
        ((2, 2, 2, 2), 4, 27),
        ((1, 3), 3, 0),
    ],
)
def test_as_many_integrals_as_polynomials_in_balancedness(widths, degree, number):
    assert len(polynomial_integrals(widths, degree)) == number


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 2, 2), (2, 3, 2), (1, 2, 2, 1), (2, 1, 3)])
def test_quadratic_integrals_span_the_entries_of_balancedness(widths):
    inner = sum(width * (width + 1) // 2 for width in widths[1:-1])
    assert len(polynomial_integrals(widths, 2)) == inner


def test_integrals_of_degree_six_add_nothing_to_balancedness_where_a_law_is_missing():
    # 6 quadratics give 6 + 21 + 56 polynomials: the seventh law of this shape is no polynomial of degree 6.
    found = polynomial_integrals((1, 2, 2, 1), 6)
    assert len(found) == sum(comb(5 + k, k) for k in (1, 2, 3))
    assert census((1, 2, 2, 1), degree=6).missing == 1


@pytest.mark.parametrize("widths", [(1, 2, 1), (2, 2, 1), (2, 1, 2, 1)])
@pytest.mark.parametrize("momentum", [False, True])
def test_the_nullity_is_the_one_that_sympy_finds_without_blocks(widths, momentum):
    equations = integrals._equations(widths, momentum)
    expected = 0
    for size in (1, 2):
        for growth in range(size + 1 if momentum else 1):
            unknowns = list(itertools.combinations_with_replacement(range(len(equations.names)), size))
            rows = integrals._rows(equations, unknowns, growth)
            dense = [[QQ(row.get(unknown, 0)) for unknown in unknowns] for row in rows]
            expected += DomainMatrix(dense, (len(rows), len(unknowns)), QQ).nullspace().shape[0]
    assert len(polynomial_integrals(widths, 2, momentum)) == expected


@pytest.mark.parametrize("widths", [(2, 2, 2), (1, 2, 2, 1)])
def test_integrals_are_constant_along_the_flow_of_the_square_loss(widths):
    network = linear_network(len(widths) - 1, widths)
    entries = Entries((*network.layers, network.target))
    velocities = doubled_gradient_flow(entries, network)
    for law in polynomial_integrals(widths, 4):
        assert not lie_derivative(entries, in_ring(entries, law.polynomial), velocities)


def in_ring(entries, polynomial):
    total = entries.zero
    for monomial, coefficient in polynomial.terms.items():
        term = entries.number(Fraction(coefficient))
        for name, exponent in monomial:
            term = term * entries.generators[name] ** exponent
        total = total + term
    return total


def test_the_integrals_of_heavy_ball_complete_a_shape_that_the_skew_laws_do_not():
    assert not census((1, 4, 1), momentum=True).complete
    assert census((1, 4, 1), momentum=True, degree=2).complete


def test_a_law_of_heavy_ball_grows_with_the_first_power():
    (law,) = polynomial_integrals((2, 2, 2), 2, momentum=True)
    assert law.polynomial.degree(GROWTH) == 1
    assert law.text.startswith("exp(τt) (")
    assert law.polynomial.substitute({GROWTH: 1}) in (skew(1), skew(-1))


def skew(sign):
    """Return W_2^T V_2 - V_2^T W_2 + W_1 V_1^T - V_1 W_1^T at row 1, column 2."""
    w, v = (
        {j: [[Polynomial.symbol(f"{n}_{j}[{r},{c}]") for c in (1, 2)] for r in (1, 2)] for j in (1, 2)} for n in "WV"
    )
    upper = sum((w[2][a][0] * v[2][a][1] - v[2][a][0] * w[2][a][1] for a in (0, 1)), Polynomial({}))
    lower = sum((w[1][0][a] * v[1][1][a] - v[1][0][a] * w[1][1][a] for a in (0, 1)), Polynomial({}))
    return (upper + lower) * sign


def test_a_wrong_solution_of_the_linear_equations_is_caught(monkeypatch):
    honest = integrals.nullspace

    def crooked(rows, unknowns):
        return [{**vector, unknowns[0]: vector.get(unknowns[0], 0) + 1} for vector in honest(rows, unknowns)]

    monkeypatch.setattr(integrals, "nullspace", crooked)
    with pytest.raises(InconsistentError, match="I_1 moves"):
        census((2, 2, 2), degree=2)


def test_a_missing_solution_of_the_linear_equations_leaves_laws_missing(monkeypatch):
    monkeypatch.setattr(integrals, "nullspace", lambda rows, unknowns: [])
    assert not census((1, 4, 1), momentum=True, degree=2).complete


@pytest.mark.parametrize(("widths", "degree", "momentum"), [((3, 3, 3), 4, False), ((2, 2, 2, 2), 4, False)])
def test_the_memory_is_not_above_its_estimate(widths, degree, momentum):
    equations = integrals._equations(widths, momentum)
    tracemalloc.start()
    unknowns = list(itertools.combinations_with_replacement(range(len(equations.names)), degree))
    rows = integrals._rows(equations, unknowns, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    count, needed = estimated_bytes(widths, degree, momentum)
    assert len(rows) > 0
    assert len(unknowns) <= count
    assert peak <= needed


def test_the_estimate_counts_the_unknowns():
    assert estimated_bytes((2, 2, 2), 2)[0] == 8 + 36


@pytest.mark.parametrize("entry_count", [1])
def test_symbols_are_those_of_the_entries(entry_count):
    names = {name for law in polynomial_integrals((1, 1, 1), 2) for name in law.polynomial.symbols}
    assert names == {row[0] for layer in linear_network(2, (1, 1, 1)).layers for row in entry_names(layer)}
    assert len(polynomial_integrals((1, 1, 1), 2)) == entry_count


@pytest.mark.parametrize("degree", [0, -2])
def test_a_degree_below_one_is_refused(degree):
    with pytest.raises(InputError, match="at least 1"):
        polynomial_integrals((2, 2, 2), degree)


def test_a_degree_too_large_for_memory_is_refused_with_its_size_before_it_starts():
    with pytest.raises(InputError, match=r"1282974 coefficients .* needs about 12\.\d GiB.*smaller degree"):
        polynomial_integrals((6, 6, 6), 4)


@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize("widths", [(1, 1), (2, 3), (2, 2, 2), (1, 4, 1)])
@pytest.mark.parametrize("degree", [1, 2, 5])
def test_the_number_of_unknowns_is_a_closed_form(widths, degree, momentum):
    weights = sum(a * b for a, b in itertools.pairwise(widths)) * (2 if momentum else 1)
    direct = sum(comb(weights + k - 1, k) * (k + 1 if momentum else 1) for k in range(1, degree + 1))
    assert estimated_bytes(widths, degree, momentum)[0] == direct


@pytest.mark.parametrize("degree", [5_000, 10**9, 10**40])
def test_a_degree_beyond_all_numbers_is_refused_at_once_with_a_size(degree):
    with pytest.raises(InputError, match=r"more than 1e24 coefficients .* needs more than 1e20 GiB"):
        polynomial_integrals((8, 8, 8), degree, momentum=True)
