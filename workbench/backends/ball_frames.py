"""Approximate eigenvectors and singular vectors at any precision, and the exact orthogonal matrices beside them.

Nothing here decides anything: a frame is a guess, made orthogonal by enclosure, and `ball_algebra` proves what the
guess is worth. Jacobi's method after a floating start is quadratic and does not mind clusters, where the refinement
of single eigenvectors breaks down.

Lemma (an orthogonal matrix near a guess).
    If ||V^T V - I||_F <= eps < 1, V = Q S with Q orthogonal, S = (V^T V)^(1/2), and
    ||Q - V||_F <= sqrt(1 + eps) eps / (1 - eps).
Proof.
    The squared singular values s^2 of V lie in [1 - eps, 1 + eps], so S is invertible and Q = V S^-1 is orthogonal.
    Q - V = V (S^-1 - I), ||V||_2 <= sqrt(1 + eps), and |1/s - 1| = |1 - s^2| / (s (1 + s)) <= |1 - s^2| / (1 - eps),
    as s (1 + s) >= s^2; sum the squares over the singular values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.backends.ball import flint

_MOST_SWEEPS = 30


def diagonal(values: list[Any]) -> Any:
    """Return a diagonal matrix."""
    size = len(values)
    return flint().arb_mat([[values[i] if i == j else 0 for j in range(size)] for i in range(size)])


def frobenius(a: Any) -> Any:
    """Return an upper bound of the Frobenius norm, an exact number."""
    return (a * a.transpose()).trace().nonnegative_part().sqrt().upper()


def unit(size: int) -> Any:
    """Return the identity."""
    return diagonal([flint().arb(1)] * size)


def orthogonal_near(guess: Any) -> Any:
    """Return a matrix of balls that contains an orthogonal matrix near a guess; NaN where the guess is too poor."""
    arb = flint().arb
    size = guess.ncols()
    defect = frobenius(guess.transpose() * guess - unit(size))
    if not defect < arb(1) / 2:
        return spread(guess, arb("inf"))
    return spread(guess, (1 + defect).sqrt() * defect / (1 - defect))


def spread(a: Any, radius: Any) -> Any:
    """Return a matrix with a radius added to every entry."""
    module = flint()
    if not radius.is_finite():
        return module.arb_mat(a.nrows(), a.ncols(), [module.arb("nan")] * (a.nrows() * a.ncols()))
    ball = module.arb(0, radius.abs_upper())
    return a + module.arb_mat(a.nrows(), a.ncols(), [ball] * (a.nrows() * a.ncols()))


def eigenvectors(a: Any) -> Any:
    """Return nearly orthonormal approximate eigenvectors of a symmetric matrix, as exact columns."""
    middle = a.mid()
    basis = _floating_start(middle)
    scale = frobenius(middle)
    if scale.is_zero():
        return basis
    threshold = scale * flint().arb(2) ** (-flint().ctx.prec + 4)
    for _ in range(_MOST_SWEEPS):
        basis = _orthonormalised(basis)
        if not _sweep(middle, basis, threshold):
            break
    return _orthonormalised(basis)


def _floating_start(middle: Any) -> Any:
    """Return eigenvectors in double precision, or the identity where the matrix is beyond the floats."""
    size = middle.nrows()
    values = np.array([float(x) for x in middle.entries()]).reshape(size, size)
    if not np.isfinite(values).all():
        return unit(size)
    return flint().arb_mat(np.linalg.eigh((values + values.T) / 2)[1].tolist())


def _orthonormalised(basis: Any) -> Any:
    """Return the basis after Newton and Schulz, V (3 - V^T V) / 2 repeated: quadratic from a floating start."""
    three, size = 3 * unit(basis.ncols()), basis.ncols()
    tiny = flint().arb(2) ** (-flint().ctx.prec + 8)
    for _ in range(64):
        gram = (basis.transpose() * basis).mid()
        basis = (basis * (three - gram) / 2).mid()
        if frobenius(gram - unit(size)) < tiny:
            break
    return basis


def _sweep(middle: Any, basis: Any, threshold: Any) -> bool:
    """Rotate away every off-diagonal entry of V^T A V once, in place; return whether there was one to rotate."""
    image = (basis.transpose() * middle * basis).mid().tolist()
    columns = [list(row) for row in basis.transpose().tolist()]
    size, rotated = len(columns), False
    for i in range(size):
        for j in range(i):
            if abs(image[i][j]) > threshold:
                rotated = True
                _rotate(image, columns, i, j)
    for i in range(size):
        for j in range(size):
            basis[i, j] = columns[j][i]
    return rotated


def _rotate(image: list[list[Any]], columns: list[list[Any]], i: int, j: int) -> None:
    """Apply the Jacobi rotation that annihilates entry (i, j)."""
    ratio = ((image[j][j] - image[i][i]) / (2 * image[i][j])).mid()
    root = (1 + ratio * ratio).sqrt()
    tangent = (1 / (ratio + root) if ratio >= 0 else 1 / (ratio - root)).mid()
    cosine = ((1 + tangent * tangent).rsqrt()).mid()
    sine = (tangent * cosine).mid()
    for line in (*image, None):
        first, second = (line[i], line[j]) if line is not None else (columns[i], columns[j])
        if line is not None:
            line[i], line[j] = (cosine * first - sine * second).mid(), (sine * first + cosine * second).mid()
            continue
        pairs = list(zip(first, second, strict=True))
        columns[i] = [(cosine * x - sine * y).mid() for x, y in pairs]
        columns[j] = [(sine * x + cosine * y).mid() for x, y in pairs]
    pairs = list(zip(image[i], image[j], strict=True))
    image[i] = [(cosine * x - sine * y).mid() for x, y in pairs]
    image[j] = [(sine * x + cosine * y).mid() for x, y in pairs]


def singular_vectors(a: Any) -> tuple[Any, Any]:
    """Return guesses of the left and right singular vectors of a matrix with no more columns than rows.

    The right ones are eigenvectors of A^T A, the left ones an orthonormal basis that follows the columns of A V.
    """
    middle = a.mid()
    right = eigenvectors((middle.transpose() * middle).mid())
    images = [list(column) for column in (middle * right).mid().transpose().tolist()]
    order = sorted(range(len(images)), key=lambda k: -float(_squared(images[k])))
    right = flint().arb_mat([[row[k] for k in order] for row in right.tolist()])
    left = _completed([images[k] for k in order], a.nrows())
    return _orthonormalised(left), right


def _squared(column: list[Any]) -> Any:
    return sum((x * x for x in column), flint().arb(0)).mid()


def _completed(images: list[list[Any]], size: int) -> Any:
    """Return an orthonormal basis of R^size whose first columns follow the images, by Gram and Schmidt done twice."""
    module = flint()
    largest = max((_squared(column) for column in images), key=float)
    floor = largest * module.arb(2) ** (-module.ctx.prec)
    axes = [[module.arb(int(k == n)) for k in range(size)] for n in range(size)]
    basis: list[list[Any]] = []
    for column in images:
        rest = _without(column, basis)
        if not _squared(rest) > floor:
            rest = max((_without(axis, basis) for axis in axes), key=lambda v: float(_squared(v)))
        basis.append(_normalised(rest))
    while len(basis) < size:
        rest = max((_without(axis, basis) for axis in axes), key=lambda v: float(_squared(v)))
        basis.append(_normalised(rest))
    return module.arb_mat(basis).transpose()


def _without(column: list[Any], basis: list[list[Any]]) -> list[Any]:
    for _ in range(2):
        for other in basis:
            inner = sum((x * y for x, y in zip(column, other, strict=True)), flint().arb(0)).mid()
            column = [(x - inner * y).mid() for x, y in zip(column, other, strict=True)]
    return column


def _normalised(column: list[Any]) -> list[Any]:
    scale = _squared(column).rsqrt().mid()
    return [(x * scale).mid() for x in column]
