"""Linear algebra in balls against closed forms, and against mpmath at twice the digits."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import mpmath
import pytest

from workbench import rotation
from workbench.backends import ball_algebra as algebra
from workbench.backends import load

BITS = 200
BALL = load("ball", bits=BITS)
SPECTRA = [[1, 2, 3], [1, 1, 2], [2, 2, 2], [0, 0, 5], [-1, -1, 4], [Fraction(1, 10**40), 1, 1], [7]]


def symmetric(values, seed=3):
    basis = rotation.rotation(len(values), seed)
    scaled = [[x * v for x, v in zip(row, values, strict=True)] for row in basis]
    return rotation.product(scaled, list(zip(*basis, strict=True)))


def contains(matrix, rows):
    return all(
        x.contains(BALL.matrix([[y]])[0, 0]) or (x - BALL.matrix([[y]])[0, 0]).contains(0)
        for given, wanted in zip(matrix.tolist(), rows, strict=True)
        for x, y in zip(given, wanted, strict=True)
    )


def radius(matrix):
    return max(float(x.rad()) for x in matrix.entries())


@pytest.mark.parametrize("values", SPECTRA)
def test_symmetric_eigenvalues_are_enclosed_in_their_order_clusters_too(values):
    with BALL.session():
        found = algebra.symmetric_eigenvalues(BALL.matrix(symmetric(list(map(Fraction, values)))))
        assert all(x.contains(BALL.matrix([[Fraction(v)]])[0, 0]) for x, v in zip(found, sorted(values), strict=True))
        assert max(float(x.rad()) for x in found) < 1e-55


@pytest.mark.parametrize("values", SPECTRA)
def test_eigenvalues_of_a_general_matrix_are_enclosed(values):
    with BALL.session():
        found = algebra.eigenvalues(BALL.matrix(symmetric(list(map(Fraction, values)))))
        for v in values:
            assert any((z.real - BALL.matrix([[Fraction(v)]])[0, 0]).contains(0) and z.imag.contains(0) for z in found)


def test_a_defective_matrix_has_a_wide_enclosure_not_a_wrong_one():
    with BALL.session():
        found = algebra.eigenvalues(BALL.matrix([[Fraction(1), Fraction(1)], [Fraction(0), Fraction(1)]]))
        assert len(found) == 2
        assert all(z.real.contains(1) and z.imag.contains(0) for z in found)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4, 2), (3, 3)])
def test_singular_values_enclose_those_of_mpmath(shape):
    rows = [[Fraction((3 * i * i + 5 * j + 1) % 7 - 3, 4) for j in range(shape[1])] for i in range(shape[0])]
    mp = mpmath.MPContext()
    mp.dps = 120
    reference = mp.svd_r(mp.matrix([[mp.mpf(x.numerator) / x.denominator for x in r] for r in rows]), compute_uv=False)
    with BALL.session():
        found = algebra.singular_values(BALL.matrix(rows))
        for ball, value in zip(found, reference, strict=True):
            lower, upper = (mp.mpf(str(end.str(100, radius=False))) for end in (ball.lower(), ball.upper()))
            assert lower - mp.mpf(10) ** -90 <= value <= upper + mp.mpf(10) ** -90
            assert float(ball.rad()) < 1e-50


def test_singular_values_of_a_zero_and_of_a_singular_matrix():
    with BALL.session():
        assert all(s.contains(0) for s in algebra.singular_values(BALL.matrix([[Fraction(0)] * 2] * 2)))
        one = algebra.singular_values(BALL.matrix([[Fraction(1)] * 2] * 2))
        assert one[0].contains(2)
        assert one[1].contains(0)
        assert float(one[1].rad()) < 1e-50


@pytest.mark.parametrize("values", [[1, 4, 9], [4, 4, 4], [Fraction(1, 9), 1, 1]])
def test_the_square_root_and_powers_enclose_the_closed_form(values):
    with BALL.session():
        a = BALL.matrix(symmetric([Fraction(v) for v in values]))
        roots = [Fraction(isqrt(Fraction(v).numerator), isqrt(Fraction(v).denominator)) for v in values]
        root = algebra.square_root(a)
        assert contains(root, symmetric(roots))
        assert radius(root) < 1e-55
        assert contains(algebra.positive_power(a, Fraction(-3, 2)), symmetric([1 / r**3 for r in roots]))


def test_a_power_of_a_matrix_not_shown_to_be_definite_is_unknown():
    with BALL.session():
        found = algebra.square_root(BALL.matrix(symmetric([Fraction(0), Fraction(1)])))
        assert not any(x.is_finite() for x in found.entries())


def test_the_polar_factor_of_rotation_times_definite_is_the_rotation():
    turn = rotation.rotation(3, 8)
    with BALL.session():
        product = rotation.product(turn, symmetric([Fraction(1, 10), Fraction(2), Fraction(2)]))
        found = algebra.polar_factor(BALL.matrix(product))
        assert contains(found, turn)
        assert radius(found) < 1e-50


@pytest.mark.parametrize("degree", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_principal_root_of_an_orthogonal_matrix_has_its_power(degree, size):
    turn = rotation.rotation(size, 5)
    with BALL.session():
        root = algebra.orthogonal_root(BALL.matrix(turn), degree)
        power = root
        for _ in range(degree - 1):
            power = power * root
        assert contains(power, turn)
        assert radius(root) < 1e-45
        # Principal: every angle of the root is at most pi / degree.
        bottom = algebra.symmetric_eigenvalues((root + root.transpose()) / 2)[0]
        assert float(bottom.upper()) >= float(mpmath.cos(mpmath.pi / degree)) - 1e-12


def test_the_root_at_the_eigenvalue_minus_one_is_unknown():
    with BALL.session():
        found = algebra.orthogonal_root(BALL.matrix([[Fraction(-1), Fraction(0)], [Fraction(0), Fraction(-1)]]), 2)
        assert not any(x.is_finite() for x in found.entries())


def test_the_spectral_projection_cuts_singular_values_repeated_or_not():
    left, right = rotation.rotation(3, 1), list(zip(*rotation.rotation(3, 2), strict=True))

    def matrix(values):
        return rotation.product([[x * v for x, v in zip(row, values, strict=True)] for row in left], right)

    with BALL.session():
        for values in ([3, 2, Fraction(1, 3)], [2, 2, 2], [1, 1, 1], [0, 0, 4], [0, 0, 0]):
            given = [Fraction(v) for v in values]
            clipped = BALL.clip_spectrum(BALL.matrix(matrix(given)), Fraction(1))
            assert contains(clipped, matrix([min(v, Fraction(1)) for v in given]))
            assert radius(clipped) < 1e-50


def test_a_frame_that_is_not_orthogonal_is_refused_not_believed():
    from workbench.backends.ball_frames import orthogonal_near

    with BALL.session():
        assert not orthogonal_near(BALL.matrix([[Fraction(1), Fraction(1)], [Fraction(0), Fraction(1)]]))[
            0, 0
        ].is_finite()


def test_a_wide_ball_contains_the_spectrum_of_each_of_its_matrices():
    import flint

    with BALL.session():
        wide = BALL.matrix(symmetric([Fraction(1), Fraction(1), Fraction(3)]))
        wide = wide + flint.arb_mat(3, 3, [flint.arb(0, 0.01)] * 9)
        found = algebra.symmetric_eigenvalues(wide)
        for shift in (Fraction(-1, 110), Fraction(0), Fraction(1, 110)):
            moved = [Fraction(1) + shift, Fraction(1) + shift, Fraction(3) + shift]
            assert all(x.contains(BALL.matrix([[v]])[0, 0]) for x, v in zip(found, moved, strict=True))
