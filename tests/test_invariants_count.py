"""Laws are counted exactly: against formulas, against the rank of expanded brackets, and with planted faults."""

from __future__ import annotations

import itertools

import flint
import pytest
import sympy

from workbench.errors import InconsistentError, InputError, ShapeError
from workbench.invariants import census, closure, counting, jets
from workbench.invariants import systems as systems_module
from workbench.invariants.closure import Closure, bracket, lie_closure
from workbench.invariants.counting import PRIMES, Witness, check_agreement
from workbench.invariants.laws import balancedness_laws, momentum_laws
from workbench.invariants.systems import GradientFlow, HeavyBallFlow, gradient
from workbench.symbolic.entrywise import Entries
from workbench.symbolic.networks import linear_network

PRIME = PRIMES[0]
TWO_LAYERS = [
    (1, 1, 1), (1, 2, 1), (1, 3, 1), (1, 5, 1), (2, 1, 2), (2, 2, 2), (2, 3, 2), (3, 2, 1),
    (2, 4, 2), (2, 5, 2), (1, 4, 2), (1, 6, 3), (4, 2, 5), (3, 7, 3),
]  # fmt: skip


def laws_of_two_layers(n: int, r: int, m: int) -> int:
    """The number of independent laws in Marcotte, Gribonval and Peyre (2023), with the generic rank of (U; V)."""
    rank = min(n + m, r)
    return rank * (2 * r + 1 - rank) // 2


@pytest.mark.parametrize("widths", TWO_LAYERS)
def test_two_layers_have_as_many_laws_as_the_formula_says(widths):
    found = census(widths)
    assert found.count == laws_of_two_layers(*widths)
    assert found.complete


@pytest.mark.parametrize(("depth", "width"), [(2, 2), (3, 2), (4, 2), (3, 3), (5, 2), (2, 4)])
def test_equal_widths_have_the_entries_of_balancedness_and_no_more(depth, width):
    found = census((width,) * (depth + 1))
    assert found.complete
    assert found.count == (depth - 1) * width * (width + 1) // 2
    assert found.certificate["lie_rank"] == width**2 + (depth - 1) * width * (width - 1) // 2


WIDE = [(1, 6, 2), (2, 8, 2), (2, 9, 2)]


@pytest.mark.parametrize("widths", [(2, 2, 2), (2, 3, 2), (3, 4, 2), (2, 5, 2), (2, 6, 2), (2, 3, 1), *WIDE])
def test_heavy_ball_has_as_many_skew_laws_as_the_formula_says(widths):
    n, r, m = widths
    q = n + m
    expected = r * (r - 1) // 2 if r <= 2 * q else q * (2 * r - 2 * q - 1)
    found = census(widths, momentum=True)
    assert len(found.laws) == expected
    assert found.complete


def test_a_bottleneck_of_one_neuron_leaves_one_law():
    assert census((3, 1, 3)).count == 1


@pytest.mark.parametrize("widths", [(1, 1), (2, 3), (4, 1)])
@pytest.mark.parametrize("momentum", [False, True])
def test_depth_one_has_no_law(widths, momentum):
    found = census(widths, momentum)
    assert (found.count, found.laws, found.complete) == (0, (), True)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_width_one_has_a_law_for_each_pair_of_neighbours(depth):
    found = census((1,) * (depth + 1))
    assert (found.count, found.complete) == (depth - 1, True)


def test_one_input_and_one_output_have_a_law_that_balancedness_does_not_give():
    # The end-to-end matrix is one number, so all fields are multiples of one: any of its 7 invariants is a law.
    found = census((1, 2, 2, 1))
    assert (found.count, len(found.laws), found.missing, found.complete) == (7, 6, 1, False)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_laws_are_missing_exactly_where_layers_of_one_neuron_enclose_two_wider_ones(depth):
    # Between two single neurons the product is one number, so its gradient field is one field up to a factor.
    for widths in itertools.product((1, 2, 3), repeat=depth + 1):
        single = [place for place, width in enumerate(widths) if width == 1]
        enclosed = any(high - low >= 3 for low, high in itertools.pairwise(single))
        found = census(widths)
        assert found.complete == (not enclosed), widths
        assert found.certificate["exhausted"]


def test_one_input_and_one_output_have_more_laws_of_heavy_ball_than_the_skew_ones():
    # With u = a + b and v = a - b two central forces act apart: each angular momentum has rank 2 r - 3.
    found = census((1, 4, 1), momentum=True)
    assert (found.count, len(found.laws)) == (2 * (2 * 4 - 3), 6)


@pytest.mark.parametrize("momentum", [False, True])
def test_the_same_seed_gives_the_same_certificate(momentum):
    first, second = (census((2, 3, 1), momentum, seed=5) for _ in range(2))
    assert first == census((2, 3, 1), momentum, seed=5)
    assert first.certificate == second.certificate
    assert census((2, 3, 1), momentum, seed=6).certificate["point_seeds"] == [6, 7]


def test_the_moduli_are_two_primes_near_2_to_the_61():
    assert len(set(PRIMES)) == 2
    assert all(sympy.isprime(prime) and 2**60 < prime < 2**61 for prime in PRIMES)


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 1, 2), (1, 2, 3), (2, 2, 1, 2)])
def test_brackets_by_jets_are_the_brackets_multiplied_out(widths):
    system = GradientFlow(widths, PRIME)
    symbols = sympy.symbols(f"w:{len(system.names)}")
    point = [int(entry) for jet in system.point(3) for entry in jet[0].entries()]
    controls = [system.control(3, k) for k in range(3)]
    fields = [expanded(widths, symbols, control) for control in controls]
    inner = commutator(symbols, fields[1], fields[0])
    nested = commutator(symbols, fields[2], inner)
    at = dict(zip(symbols, point, strict=True))
    for length, field in ((1, inner), (2, nested)):
        found = jets.flatten(bracket(system, controls[: length + 1], system.point(3)))
        assert found == [int(entry.subs(at)) % PRIME for entry in field]


def expanded(widths, symbols, control):
    """Return the gradient of tr(G^T W_L ... W_1) as SymPy expressions, by differentiating it."""
    layers, rest = [], list(symbols)
    for columns, rows in itertools.pairwise(widths):
        layers.append(sympy.Matrix(rows, columns, rest[: rows * columns]))
        rest = rest[rows * columns :]
    product = layers[0]
    for layer in layers[1:]:
        product = layer * product
    slope = sympy.Matrix(widths[-1], widths[0], [int(entry) for entry in control.slope.entries()])
    loss = (slope.T * product).trace()
    return [sympy.diff(loss, symbol) for symbol in symbols]


def commutator(symbols, first, second):
    """Return [X, Y] = DY X - DX Y."""

    def along(field, direction):
        return [sum(sympy.diff(f, s) * d for s, d in zip(symbols, direction, strict=True)) for f in field]

    return [a - b for a, b in zip(along(second, first), along(first, second), strict=True)]


@pytest.mark.parametrize("widths", [(2, 2, 2), (1, 2, 2, 2)])
def test_the_rank_of_the_closure_needs_no_law_to_stop(widths):
    system = GradientFlow(widths, PRIME)
    free = lie_closure(system, 0, ceiling=len(system.names))
    assert free.exhausted
    assert free.rank == census(widths).certificate["lie_rank"]


@pytest.mark.parametrize("widths", [(1, 1), (2, 1, 3), (2, 3, 2), (1, 2, 3, 1)])
def test_balancedness_laws_are_the_entries_of_the_defects(widths):
    network = linear_network(len(widths) - 1, widths)
    entries = Entries(network.layers)
    expected = {}
    for j in range(1, network.depth):
        rows = entries.expand(network.defect(j))
        expected |= {f"D_{j}[{r + 1},{s + 1}]": rows[r][s] for r in range(len(rows)) for s in range(r, len(rows))}
    assert {law.name: law.polynomial for law in balancedness_laws(widths)} == expected


def test_a_wrong_sign_in_the_bracket_is_caught(monkeypatch):
    monkeypatch.setattr(closure.jets, "minus", jets.plus)
    with pytest.raises(InconsistentError, match="moves along a bracket"):
        census((2, 3, 2))


def test_a_missing_transpose_in_the_field_is_caught(monkeypatch):
    monkeypatch.setattr(jets, "transpose", lambda jet: jet)
    with pytest.raises(InconsistentError, match="moves along a bracket"):
        census((2, 2, 2))


def test_a_law_of_the_wrong_sign_is_caught(monkeypatch):
    false = [
        law.__class__(law.name, law.polynomial.substitute({"W_1[1,1]": 0})) for law in balancedness_laws((2, 2, 2))
    ]
    monkeypatch.setattr(counting, "balancedness_laws", lambda widths: false)
    with pytest.raises(InconsistentError, match="D_1"):
        census((2, 2, 2))


def test_a_rank_that_differs_between_primes_is_caught():
    def witness(rank):
        return Witness(PRIME, 0, Closure(rank, (rank,), True, flint.nmod_mat(0, 1, [], PRIME)), 3)

    check_agreement([witness(5), witness(5)])
    with pytest.raises(InconsistentError, match="differ between primes"):
        check_agreement([witness(5), witness(4)])


def test_a_rank_that_is_too_small_is_never_called_complete(monkeypatch):
    honest = closure.reduced

    def short(rows, prime):
        return honest(rows[:4], prime)

    monkeypatch.setattr(closure, "reduced", short)
    found = census((2, 3, 2))
    assert found.missing > 0
    assert not found.complete


def test_a_rank_that_is_too_large_for_the_laws_is_caught(monkeypatch):
    honest = gradient

    def crooked(weights, slope):
        moved = honest(weights, slope)
        return [jets.scale(moved[0], 2), *moved[1:]]

    monkeypatch.setattr(systems_module, "gradient", crooked)
    with pytest.raises(InconsistentError, match="moves along a bracket"):
        census((2, 2, 2))


def test_heavy_ball_without_its_drift_is_caught_by_the_count(monkeypatch):
    # Velocities that only the gradient pushes keep more constant: the weights themselves.
    honest = HeavyBallFlow.control
    drifting = census((2, 2, 2), momentum=True).count
    still = systems_module.Control
    monkeypatch.setattr(HeavyBallFlow, "control", lambda self, seed, index: still(honest(self, seed, index).slope))
    assert census((2, 2, 2), momentum=True).count > drifting


@pytest.mark.parametrize("widths", [(), (3,), (2, 0, 2), (2, -1)])
def test_widths_that_are_no_network_are_refused(widths):
    with pytest.raises(InputError):
        census(widths)
    if len(widths) > 1:
        with pytest.raises(ShapeError, match="at least 1"):
            census(widths)


def test_a_network_too_large_for_memory_is_refused_with_its_size():
    with pytest.raises(InputError, match=r"coordinates .* needs about [\d.]+ GiB"):
        census((100, 100, 100))


def test_momentum_laws_are_skew():
    widths = (2, 3, 2)
    assert [law.name for law in momentum_laws(widths)] == ["A_1[1,2]", "A_1[1,3]", "A_1[2,3]"]
    assert momentum_laws((2, 1, 2)) == []


def test_a_momentum_law_of_the_wrong_sign_is_caught(monkeypatch):
    false = [law.__class__(law.name, law.polynomial.substitute({"V_1[1,1]": 0})) for law in momentum_laws((2, 2, 2))]
    monkeypatch.setattr(counting, "momentum_laws", lambda widths: false)
    with pytest.raises(InconsistentError, match="A_1"):
        census((2, 2, 2), momentum=True)


def test_brackets_that_became_too_long_leave_the_count_an_upper_bound(monkeypatch):
    monkeypatch.setattr(closure, "_LONGEST", 2)
    found = census((1, 2, 1), momentum=True)
    assert not found.certificate["exhausted"]
    assert not found.complete
    assert found.count >= 2
