"""Two polynomial engines agree, and words are evaluated exactly."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from workbench.errors import InputError, ShapeError
from workbench.symbolic.entrywise import Entries, entry_names, evaluate, evaluate_trace
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, identity, matrix, trace


@pytest.mark.parametrize("widths", [(1, 1), (2, 1, 3), (1, 2, 1, 2)])
def test_flint_and_sympy_multiply_out_the_same_loss(widths):
    network = linear_network(len(widths) - 1, widths)
    losses = [
        entries.polynomial(entries.square_loss(network))
        for entries in (Entries((*network.layers, network.target), engine) for engine in ("flint", "sympy"))
    ]
    assert losses[0] == losses[1]


def test_scalar_network_has_the_loss_of_a_scalar():
    network = linear_network(2, (1, 1, 1))
    entries = Entries((*network.layers, network.target))
    first, second, goal = (Polynomial.symbol(f"{name}[1,1]") for name in ("W_1", "W_2", "Phi"))
    assert entries.polynomial(entries.square_loss(network)) == (second * first - goal) ** 2 * Fraction(1, 2)


def test_the_loss_in_words_expands_to_the_loss_in_entries():
    network = linear_network(2, (2, 1, 2))
    point = {network.layers[0]: [[2, -1]], network.layers[1]: [[3], [1]], network.target: [[1, 0], [0, 5]]}
    product = np.array(point[network.layers[1]]) @ np.array(point[network.layers[0]])
    error = product - np.array(point[network.target])
    assert evaluate_trace(network.loss, point, {}) == Fraction(int((error * error).sum()), 2)


def test_evaluation_is_exact_where_floats_are_not():
    letter = Letter("A", 1, 1)
    tiny = Fraction(1, 10**40)
    assert evaluate(matrix(letter) + identity(1), {letter: [[tiny]]}, {}) == [[1 + tiny]]


def test_scalar_symbols_are_evaluated_too():
    letter = Letter("A", "n", "n")
    expression = matrix(letter) * Polynomial.symbol("eta") + identity("n")
    assert evaluate(expression, {letter: [[2, 0], [4, 2]]}, {"eta": Fraction(1, 2)}) == [[2, 0], [2, 2]]


def test_trace_of_an_identity_of_symbolic_width_needs_the_width():
    expression = trace(identity("n"))
    assert evaluate_trace(expression, {}, {"n": Fraction(3)}) == 3
    with pytest.raises(InputError, match="n"):
        evaluate_trace(expression, {}, {})


def test_mirrored_entries_of_a_symmetric_letter_are_one_symbol():
    names = entry_names(Letter("S", 2, 2, symmetric=True))
    assert names[0][1] == names[1][0] == "S[1,2]"


def test_entries_need_numbers():
    with pytest.raises(ShapeError, match="d_1 is a name"):
        Entries(linear_network(2).layers)


def test_a_letter_without_a_matrix_is_named():
    with pytest.raises(InputError, match="no matrix is given for Phi"):
        evaluate(matrix(Letter("Phi", 1, 1)), {}, {})


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="flint, sympy"):
        Entries((Letter("A", 1, 1),), "maple")


def test_without_flint_the_entries_are_sympys_and_the_derivation_is_proved():
    script = (
        "import sys; sys.modules['flint'] = None\n"
        "from types import SimpleNamespace as N\n"
        "from workbench import derivation\n"
        "from workbench.symbolic.entrywise import Entries\n"
        "verdict = lambda s, store=None: N(verdict='violated' if s.get('without') else 'consistent', "
        "grade='', margin_decimal='')\n"
        "outcome = derivation.run('gradient_flow', run_experiment=verdict)\n"
        "print(Entries(()).engine, outcome.verdict)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["sympy", "proved"]
