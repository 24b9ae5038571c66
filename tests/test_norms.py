"""Norms and spectra: enclosed where known, and never idle."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from test_backends import PLAIN, carrying, contains, draw

from workbench.backends.norms import frobenius_norm, spectral_norm
from workbench.backends.reals import reals
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.dynamics._error_bounds import HessianBound, spectral_norm_bound
from workbench.exact import Matrix, Measured
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.targets import matrix as target_matrix


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("values", [["2", "1/3"], ["1", "1", "1"], ["-5", "5", "0"], ["0", "0"], ["7"]])
def test_norms_enclose_the_known_ones(name: str, values: list[str]) -> None:
    backend = carrying(name)
    a = target_matrix({"family": "spectrum", "eigenvalues": values, "rotate": 2})
    top = max(abs(Fraction(v)) for v in values)
    squares = sum(Fraction(v) ** 2 for v in values)
    arithmetic = reals(150)
    with backend.session(), arithmetic.session():
        array = backend.matrix(a.rows)
        squarings = 3 if name == "exact" else 12
        spectral = spectral_norm(backend, arithmetic, array, squarings)
        frobenius = frobenius_norm(backend, arithmetic, array).bounds()
    assert contains(spectral, top)
    assert (spectral.error or 0) <= top / 4
    assert frobenius is not None
    assert max(frobenius[0], 0) ** 2 <= squares <= frobenius[1] ** 2


@pytest.mark.parametrize("name", ["float64", "mp", "ball"])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (1, 4)])
def test_the_spectral_norm_of_a_rectangular_matrix_is_enclosed(name: str, shape: tuple[int, int]) -> None:
    backend, arithmetic = carrying(name), reals(150)
    rows = draw(*shape, 11)
    truth = float(np.linalg.norm(np.array([[float(x) for x in row] for row in rows]), 2))
    with backend.session(), arithmetic.session():
        bounds = spectral_norm(backend, arithmetic, backend.matrix(rows)).bounds()
    assert bounds is not None
    assert bounds[0] <= Fraction(truth) * (1 + Fraction(1, 10**13))
    assert bounds[1] >= Fraction(truth) * (1 - Fraction(1, 10**13))
    assert bounds[1] - bounds[0] <= Fraction(truth) / 1000


def _adversarial() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    found = [random.standard_normal((m, n)) for m, n in [(1, 1), (2, 2), (7, 3), (3, 7), (30, 30), (1, 9)]]
    found += [np.eye(12), np.ones((9, 9)), np.zeros((3, 3)), np.diag([1.0, 1.0 + 1e-15]), np.diag([1e-160, 1e-170])]
    found += [np.outer(random.standard_normal(40), random.standard_normal(40)), 1e150 * np.ones((4, 4))]
    found += [np.diag(np.geomspace(1, 1e-300, 10)), np.array([[1, 1e8], [0, 1]]), np.array([[1e-320, 0], [0, 1e-322]])]
    orthogonal = np.linalg.qr(random.standard_normal((25, 25)))[0]
    return [*found, orthogonal, orthogonal[:, :3]]


@pytest.mark.parametrize("a", _adversarial(), ids=range(len(_adversarial())))
def test_the_spectral_norm_bound_is_an_upper_bound_and_not_idle(a: np.ndarray) -> None:
    bound = spectral_norm_bound(a)
    with mpmath.workprec(200):
        truth = max(mpmath.svd_r(mpmath.matrix(a.tolist()), compute_uv=False))
        assert truth <= mpmath.mpf(bound)
        # Doubles near the end of their range have few bits: the bound is safe there, not sharp.
        assert mpmath.mpf(bound) <= 1.2 * truth + mpmath.mpf(10) ** -279


def _bounds_of_the_hessian(layers: list[np.ndarray], target: list[list[float]]) -> tuple[float, float]:
    widths = (layers[0].shape[1], *(layer.shape[0] for layer in layers))
    problem = Problem(LinearNetwork(widths), SquareLoss(Matrix.from_rows(target)), Start())
    return HessianBound(problem).extremes(layers, 0.0)


def test_the_hessian_bound_holds_where_one_layer_nearly_vanishes() -> None:
    # l = (w_1 ... w_6 - 1)^2 / 2 at (w, 1, ..., 1), second derivatives by hand.
    for small in (1e-20, 1e-8, 1e-3, 0.5):
        weights = np.array([small, 1.0, 1.0, 1.0, 1.0, 1.0])
        without = [float(np.prod(np.delete(weights, i))) for i in range(6)]
        hessian = np.outer(without, without)
        for i in range(6):
            for j in range(i):
                hessian[i, j] += (small - 1) * float(np.prod(np.delete(weights, (i, j))))
                hessian[j, i] = hessian[i, j]
        values = np.linalg.eigvalsh(hessian)
        low, high = _bounds_of_the_hessian([np.array([[w]]) for w in weights], [[1.0]])
        assert low <= values[0]
        assert values[-1] <= high


def test_the_hessian_bound_is_finite_where_a_layer_is_zero() -> None:
    low, high = _bounds_of_the_hessian([np.eye(2), np.eye(2), np.zeros((2, 2))], [[1.0, 0.0], [0.0, 2.0]])
    assert -10 < low < 0 < high < 20


@pytest.mark.parametrize("seed", range(5))
def test_the_hessian_bound_encloses_the_spectrum_of_the_hessian(seed: int) -> None:
    from workbench.networks.curvature import Curvature

    random = np.random.default_rng(seed)
    layers = [random.standard_normal((3, 2)), random.standard_normal((2, 3)), random.standard_normal((2, 2))]
    target = random.standard_normal((2, 2)).tolist()
    problem = Problem(LinearNetwork((2, 3, 2, 2)), SquareLoss(Matrix.from_rows(target)), Start())
    low, high = HessianBound(problem).extremes(layers, 0.0)
    true_low, true_high = Curvature(problem).extremes(layers)
    assert low <= true_low
    assert true_high <= high
    assert high <= 30 * true_high


@pytest.mark.parametrize(
    "values",
    [["1/3", "2/7", "5"], ["1", "1", "1"], ["2", "2", "-1", "0"], ["0", "0"], ["1/1000003", "1"], ["-4"]],
)
def test_rational_eigenvalues_are_found_exactly(values: list[str]) -> None:
    built = target_matrix({"family": "spectrum", "eigenvalues": values, "rotate": 5})
    forgotten = Matrix(built.rows)
    found = symmetric_eigenvalues(forgotten)
    wanted = sorted(Fraction(v) for v in values)
    assert all(contains(m, x) for m, x in zip(found, wanted, strict=True))
    assert all(m.error == 0 for m, x in zip(found, wanted, strict=True) if x.denominator < 1000)
    assert symmetric_eigenvalues(built) == tuple(Measured(x) for x in wanted)


def test_irrational_eigenvalues_are_enclosed() -> None:
    matrix = Matrix.from_rows([[2, 1, 0], [1, 3, 1], [0, 1, 5]])
    found = symmetric_eigenvalues(matrix)
    with mpmath.workprec(200):
        for measured, truth in zip(
            found, mpmath.eigsy(mpmath.matrix([[2, 1, 0], [1, 3, 1], [0, 1, 5]]))[0], strict=True
        ):
            man, exp = truth.man_exp
            assert contains(measured, Fraction(int(man)) * Fraction(2) ** int(exp))
            assert 0 < (measured.error or 0) < Fraction(1, 2**35)


@pytest.mark.parametrize("scale", ["1e400", "1e-400", "1e200", "1e-200"])
def test_eigenvalues_are_enclosed_at_any_magnitude(scale: str) -> None:
    factor = Fraction(scale)
    found = symmetric_eigenvalues(Matrix.from_rows([[2 * factor, factor], [factor, 2 * factor]]))
    for measured, truth in zip(found, (factor, 3 * factor), strict=True):
        assert contains(measured, truth)
        assert (measured.error or 0) <= factor / 2
