"""SymPy's expressions in and out: they print, substitute and lambdify, and sums of traces are differentiated."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Identity, MatrixSymbol, Trace, ZeroMatrix

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.networks import linear_network
from workbench.symbolic.sympy_forms import equal, gradient, lambdify
from workbench.symbolic.sympy_objects import to_sympy
from workbench.symbolic.words import matrix

n, m = sympy.symbols("n m")
A, B, S = MatrixSymbol("A", n, m), MatrixSymbol("B", m, n), MatrixSymbol("S", n, n)
U, V = MatrixSymbol("U", n, n), MatrixSymbol("V", n, n)


def test_sums_of_traces_are_differentiated_rightly_where_sympy_says_zero():
    loss = Trace((S - U * V).T * (S - U * V)) / 2 + Trace(U.T * U) / 2
    found = gradient(loss, U)
    assert equal(found, -(S - U * V) * V.T + U).status == "proved"
    # The bug that this module stands in for (sympy#26585): where it is mended, this line says so.
    assert loss.diff(U) != found


def test_results_lambdify_to_numpy():
    network = linear_network(2, (2, 3, 2))
    layers = [to_sympy(matrix(letter)) for letter in (*network.layers, network.target)]
    generator = np.random.default_rng(1)
    numbers = [generator.standard_normal((int(m.shape[0]), int(m.shape[1]))) for m in layers]
    first, second, target = numbers
    slope = sympy.lambdify(layers, to_sympy(Calculus().gradient(network.loss, network.layers[0])), "numpy")
    assert np.allclose(slope(*numbers), second.T @ (second @ first - target))
    loss = lambdify(layers, to_sympy(network.loss))
    assert np.isclose(loss(*numbers), ((second @ first - target) ** 2).sum() / 2)


@pytest.mark.parametrize(
    ("left", "right", "status"),
    [
        (Trace(A * B), Trace(B * A), "proved"),
        (Trace(A * B), Trace(A.T * B.T), "proved"),
        (Trace(S * S), Trace(S.T * S), "refuted"),
        ((A * B).T, B.T * A.T, "proved"),
        ((A * B).T, A * B, "refuted"),
        ((U + V) ** 2, U**2 + 2 * U * V + V**2, "refuted"),
        ((U + V) ** 2, U**2 + U * V + V * U + V**2, "proved"),
        (Trace((U + V) ** 2), Trace(U**2) + 2 * Trace(U * V) + Trace(V**2), "proved"),
        (Identity(n) * U - ZeroMatrix(n, n), U, "proved"),
        (Trace(Identity(n)), n, "proved"),
        (Trace(U) + 1, Trace(U.T) + 2, "refuted"),
        ((n + 1) ** 2, n**2 + 2 * n + 1, "proved"),
    ],
)
def test_equality_is_decided_exactly(left, right, status):
    decision = equal(left, right)
    assert decision.status == status
    assert (decision.witness is not None) == (status == "refuted")


def test_a_symmetric_matrix_is_one_by_name():
    assert equal(S.T * U, S * U).status == "refuted"
    assert equal(S.T * U, S * U, symmetric=["S"]).status == "proved"


def test_a_loss_is_a_sum_of_traces():
    with pytest.raises(InputError, match="sum of traces"):
        gradient(n**2, U)
