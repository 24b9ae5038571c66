"""Linear algebra in balls: spectra, norms and matrix functions, each an enclosure of every matrix in the ball.

With Q an enclosed orthogonal matrix (see `ball_frames`) and M = Q^T A Q = D + R, D diagonal and exact:

* symmetric A: |lambda_k(A) - d_(k)| <= ||R||_F for the ordered values (Weyl), clusters or not;
* any A = Q M P^T: |sigma_k(A) - |d|_(k)| <= ||R||_F (Mirsky);
* f(A) = Q f(M) Q^T and ||f(M) - f(D)||_F <= Lip(f) ||R||_F for f Lipschitz on an interval with both spectra.
  In eigenbases u_i of M, v_j of D, |<u_i, (f(M) - f(D)) v_j>| = |f(m_i) - f(d_j)| |<u_i, v_j>| is at most
  Lip(f) |<u_i, (M - D) v_j>|; sum the squares. No gap enters, so that repeated eigenvalues cost nothing;
* the projection P onto a convex set that orthogonal matrices preserve, P(A) = Q P(M) P^T, is nonexpansive:
  ||P(M) - P(D)||_F <= ||R||_F.

Where a hypothesis (positive definite, no eigenvalue -1) cannot be shown at the precision in force, the answer is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from workbench.backends import ball_frames as frames
from workbench.backends.ball import arb, flint, precision

Function = Callable[[Any], Any]


def frobenius_norm(a: Any) -> Any:
    """Return the Frobenius norm."""
    return (a * a.transpose()).trace().nonnegative_part().sqrt()


def spectral_norm(a: Any) -> Any:
    """Return the largest singular value."""
    return singular_values(a)[0]


def nuclear_norm(a: Any) -> Any:
    """Return the sum of the singular values."""
    return sum(singular_values(a), flint().arb(0))


def symmetric_eigenvalues(a: Any) -> list[Any]:
    """Return the eigenvalues of a symmetric matrix, ascending, each enclosed in its place of the order."""
    _, image = _eigenframe(a)
    values = [image[i, i].mid() for i in range(a.nrows())]
    return _ordered(values, frames.frobenius(image - frames.diagonal(values)))


def _eigenframe(a: Any) -> tuple[Any, Any]:
    """Return an enclosed orthogonal Q and Q^T A Q."""
    basis = frames.orthogonal_near(frames.eigenvectors(a))
    return basis, basis.transpose() * a * basis


def _ordered(values: list[Any], slack: Any) -> list[Any]:
    """Return enclosures of the ordered numbers that lie within a slack of some balls, in the order of their places."""
    if not slack.is_finite() or not all(v.is_finite() for v in values):
        return [flint().arb("nan")] * len(values)
    lower = _sorted([(v - slack).lower() for v in values])
    upper = _sorted([(v + slack).upper() for v in values])
    return [a.union(b) for a, b in zip(lower, upper, strict=True)]


def _sorted(points: list[Any]) -> list[Any]:
    """Return exact numbers ascending; points have an order where overlapping balls have none."""
    result: list[Any] = []
    for point in points:
        place = next((k for k, other in enumerate(result) if point < other), len(result))
        result.insert(place, point)
    return result


def eigenvalues(a: Any) -> list[Any]:
    """Return complex enclosures of the eigenvalues of any square matrix, in no order.

    Clusters come as overlapping enclosures, one for each eigenvalue in them; where nothing can be isolated, each is
    the disc of the Frobenius norm.
    """
    module = flint()
    found = module.acb_mat(a).eig(multiple=True, nonstop=True)
    if all(z.is_finite() for z in found):
        return list(found)
    radius = frames.frobenius(a)
    return [module.acb(module.arb(0, radius), module.arb(0, radius))] * a.nrows()


def symmetric_function(a: Any, function: Function, slope: Callable[[Any, Any], Any]) -> Any:
    """Return f(A) for symmetric A.

    Parameters
    ----------
    a : arb_mat
        Symmetric.
    function : callable
        f on a ball.
    slope : callable
        A Lipschitz constant of f on [low, high], which contains the spectrum; NaN where there is none.
    """
    basis, image = _eigenframe(a)
    values = [image[i, i].mid() for i in range(a.nrows())]
    rest = frames.frobenius(image - frames.diagonal(values))
    if not rest.is_finite():
        return frames.spread(a, rest)
    ends = _sorted([x for v in values for x in ((v - rest).lower(), (v + rest).upper())])
    bound = slope(ends[0], ends[-1]) * rest
    middle = frames.diagonal([function(v) for v in values])
    return basis * frames.spread(middle, bound) * basis.transpose()


def positive_power(a: Any, exponent: Fraction) -> Any:
    """Return A^p for symmetric positive definite A and rational p; NaN where definiteness is not shown."""
    power = arb(exponent)

    def slope(low: Any, high: Any) -> Any:
        if not low > 0:
            return flint().arb("nan")
        return abs(power) * (low ** (power - 1)).max(high ** (power - 1))

    return symmetric_function(a, lambda x: x**power, slope)


def square_root(a: Any) -> Any:
    """Return the symmetric positive definite square root."""
    return positive_power(a, Fraction(1, 2))


def raise_symmetric_part(a: Any, floor: Any) -> Any:
    """Return the Frobenius-nearest matrix whose symmetric part has no eigenvalue below a floor."""
    even, odd = (a + a.transpose()) / 2, (a - a.transpose()) / 2
    if symmetric_eigenvalues(even)[0] >= floor:
        return a
    return symmetric_function(even, lambda x: x.max(floor), lambda low, high: flint().arb(1)) + odd


def polar_factor(a: Any) -> Any:
    """Return the orthogonal R of A = R P, P positive definite, of an invertible square matrix: A (A^T A)^(-1/2)."""
    with precision(2 * flint().ctx.prec):
        return a * positive_power(a.transpose() * a, Fraction(-1, 2))


def orthogonal_root(rotation: Any, degree: int) -> Any:
    """Return the principal root R^(1/L) of an orthogonal matrix without the eigenvalue -1.

    With c = cos t for an eigenvalue e^(it), |t| < pi, n = 1/L, C = (R + R^T)/2 and K = (R - R^T)/2 commute, and
    R^(1/L) = h(C) + K g(C), h(c) = cos(nt) = 2F1(-n, n; 1/2; z), g(c) = sin(nt)/sin t = n 2F1(1-n, 1+n; 3/2; z),
    z = (1-c)/2. |h'(c)| = n g(c), and g, like its derivative in z, has positive coefficients: both are largest at
    the smallest c.
    """
    module = flint()
    n = module.arb(1) / degree
    cosine = (rotation + rotation.transpose()) / 2
    half_turn = (rotation - rotation.transpose()) / 2

    def series(c: Any, a: Any, b: Any, below: Any) -> Any:
        z = (1 - c) / 2
        return z.hypgeom_2f1(a, b, below) if z < 1 else module.arb("nan")

    def g(c: Any) -> Any:
        return n * series(c, 1 - n, 1 + n, module.arb(3) / 2)

    def h(c: Any) -> Any:
        return series(c, -n, n, module.arb(1) / 2)

    def g_slope(low: Any, high: Any) -> Any:
        # d/dc = -1/2 d/dz, and 2F1' = (ab/c) 2F1(a+1, b+1; c+1).
        return n * (1 - n * n) / 3 * series(low, 2 - n, 2 + n, module.arb(5) / 2)

    even = symmetric_function(cosine, h, lambda low, high: n * g(low))
    return even + half_turn * symmetric_function(cosine, g, g_slope)


def _singular_frames(a: Any) -> tuple[Any, Any, Any]:
    """Return enclosed orthogonal U, V and U^T A V, for a matrix with no more columns than rows."""
    # Squaring A loses half the digits of a small singular value: guess at twice the precision.
    with precision(2 * flint().ctx.prec):
        left, right = (frames.orthogonal_near(guess) for guess in frames.singular_vectors(a))
    return left, right, left.transpose() * a * right


def _split(image: Any) -> tuple[list[Any], Any]:
    """Return the exact diagonal D of U^T A V, and an upper bound of the Frobenius norm of what is left."""
    values = [image[k, k].mid() for k in range(image.ncols())]
    return values, frames.frobenius(image - _rectangular(values, image.nrows()))


def _rectangular(values: list[Any], rows: int) -> Any:
    module = flint()
    columns = len(values)
    return module.arb_mat([[values[j] if i == j else 0 for j in range(columns)] for i in range(rows)])


def singular_values(a: Any) -> list[Any]:
    """Return the singular values, descending, each enclosed in its place of the order."""
    tall = a if a.ncols() <= a.nrows() else a.transpose()
    values, rest = _split(_singular_frames(tall)[2])
    return [x.nonnegative_part() for x in reversed(_ordered([abs(v) for v in values], rest))]


def clip_spectrum(a: Any, radius: Any) -> Any:
    """Return the Frobenius-nearest matrix of spectral norm at most a radius: singular values are cut there."""
    if a.ncols() > a.nrows():
        return clip_spectrum(a.transpose(), radius).transpose()
    left, right, image = _singular_frames(a)
    values, rest = _split(image)
    cut = [v.min(radius).max(-radius) for v in values]
    return left * frames.spread(_rectangular(cut, a.nrows()), rest) * right.transpose()
