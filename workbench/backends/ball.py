"""Arb's real balls through python-flint: every result encloses what was asked.

python-flint keeps one precision for the whole process (`flint.ctx`), so one lock owns it: a computation runs inside
`session()`, which sets the precision and puts the old one back. Work side by side is processes, not threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.backends.base import Array, ShadowedScalars
from workbench.errors import MissingPackageError, UnsupportedError
from workbench.exact import UNKNOWN, Exact, Measured, Power

_CONTEXT_LOCK = threading.RLock()

# A midpoint below 2^-_SMALLEST is taken as zero and joins the radius: a rational of that many digits is useless.
_SMALLEST = 200_000


def flint() -> Any:
    """Return the flint module, or say how to install it."""
    try:
        import flint as module
    except ImportError as error:
        raise MissingPackageError("python-flint", "ball arithmetic") from error
    return module


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Own flint's global precision while a computation runs."""
    context = flint().ctx
    with _CONTEXT_LOCK:
        before = context.prec
        context.prec = bits
        try:
            yield
        finally:
            context.prec = before


def _curved(activation: str, x: Any, order: int) -> Any:
    """Return arctan, the shifted softplus or relu, or its derivative, of one ball."""
    if activation == "relu":
        return _rectified(x, order)
    if activation == "arctan":
        return x.atan() if order == 0 else 1 / (1 + x * x)
    return x.exp().log1p() - flint().arb.const_log2() if order == 0 else 1 / (1 + (-x).exp())


def _rectified(x: Any, order: int) -> Any:
    """Return max(0, x), or its slope: 0 at zero and below, and any number of [0, 1] where the sign is not known."""
    module = flint()
    if not x.is_finite():
        return module.arb("nan")
    if x > 0:
        return x if order == 0 else module.arb(1)
    if x <= 0:
        return module.arb(0)
    return x.max(module.arb(0)) if order == 0 else module.arb("0.5") + module.arb(0, "0.5")


class Ball(ShadowedScalars):
    """Midpoint-radius arithmetic with outward rounding.

    Parameters
    ----------
    bits : int
        Bits of the midpoints.
    """

    name = "ball"
    encloses = True

    def __init__(self, bits: int) -> None:
        self._flint = flint()
        self.precision_bits = bits
        self._factors: dict[Exact, Any] = {}

    @property
    def roundoff(self) -> Fraction:
        """Bound of the relative error of one rounding of a midpoint."""
        return Fraction(1, 2**self.precision_bits)

    def session(self) -> Any:
        """Own flint's precision while a computation runs."""
        return precision(self.precision_bits)

    def matrix(self, rows: Sequence[Sequence[Exact]]) -> Array:
        """Return a matrix, each entry enclosed."""
        return self._flint.arb_mat([[arb(x) for x in row] for row in rows])

    def identity(self, size: int) -> Array:
        """Return the identity."""
        return self._flint.arb_mat([[int(i == j) for j in range(size)] for i in range(size)])

    def matmul(self, a: Array, b: Array) -> Array:
        """Return the matrix product."""
        return a * b

    def add(self, a: Array, b: Array) -> Array:
        """Return the sum."""
        return a + b

    def subtract(self, a: Array, b: Array) -> Array:
        """Return the difference."""
        return a - b

    def multiply(self, a: Array, b: Array) -> Array:
        """Return the entrywise product."""
        pairs = zip(a.entries(), b.entries(), strict=True)
        return self._flint.arb_mat(a.nrows(), a.ncols(), [x * y for x, y in pairs])

    def scale(self, factor: Exact, a: Array) -> Array:
        """Return the product with a number."""
        ball = self._factors.get(factor)
        if ball is None:
            # Any ball around the factor will do, whatever the precision in force when it was made.
            ball = self._factors[factor] = arb(factor)
        return a * ball

    def transpose(self, a: Array) -> Array:
        """Return the transpose."""
        return a.transpose()

    def frobenius_squared(self, a: Array) -> Array:
        """Return the sum of the squared entries, 1 x 1."""
        wide = a if a.nrows() <= a.ncols() else a.transpose()
        return self._flint.arb_mat([[(wide * wide.transpose()).trace()]])

    def activate(self, activation: str, a: Array, order: int = 0) -> Array:
        """Return an activation, or its first derivative, entry by entry."""
        if activation == "identity":
            return a if order == 0 else self._flint.arb_mat(a.nrows(), a.ncols(), [1] * (a.nrows() * a.ncols()))
        if activation == "tanh":
            values = [x.tanh() for x in a.entries()]
            chosen = values if order == 0 else [1 - v * v for v in values]
            return self._flint.arb_mat(a.nrows(), a.ncols(), chosen)
        if activation in ("arctan", "softplus", "relu"):
            return self._flint.arb_mat(a.nrows(), a.ncols(), [_curved(activation, x, order) for x in a.entries()])
        raise UnsupportedError(f"the backend {self.name} has no activation {activation!r}")

    def clip_spectrum(self, a: Array, radius: Fraction) -> Array:
        """Return the Frobenius-nearest matrix of spectral norm at most `radius`, repeated singular values or not."""
        from workbench.backends.ball_algebra import clip_spectrum

        return clip_spectrum(a, arb(radius))

    def raise_symmetric_part(self, a: Array, floor: Fraction) -> Array:
        """Return the Frobenius-nearest matrix with u^T A u >= floor |u|^2 for every u."""
        from workbench.backends.ball_algebra import raise_symmetric_part

        return raise_symmetric_part(a, arb(floor))

    def polar_root(self, a: Array, degree: int) -> tuple[Array, Array]:
        """Return R and P^(1/degree) of A = R P; NaN where A is not shown to be invertible."""
        from workbench.backends.ball_algebra import polar_factor, positive_power

        with precision(2 * self._flint.ctx.prec):
            root = positive_power(a.transpose() * a, Fraction(1, 2 * degree))
        return polar_factor(a), root

    def orthogonal_root(self, a: Array, degree: int) -> Array:
        """Return the principal root of an orthogonal matrix; NaN where an eigenvalue -1 is not excluded."""
        from workbench.backends.ball_algebra import orthogonal_root

        return orthogonal_root(a, degree)

    def shape(self, a: Array) -> tuple[int, int]:
        """Return rows and columns."""
        return int(a.nrows()), int(a.ncols())

    def shadow(self, a: Array) -> np.ndarray:
        """Return the floats nearest to the midpoints."""
        return np.array([float(x.mid()) for x in a.entries()]).reshape(self.shape(a))

    def entries(self, a: Array) -> list[list[Measured]]:
        """Return every entry's midpoint and radius, both exactly."""
        return [[measured(x) for x in row] for row in a.tolist()]


def arb(value: Exact | int | Measured) -> Any:
    """Return a ball around an exact number, or around a measured one with its error as radius."""
    module = flint()
    if isinstance(value, Measured):
        if value.value is None or value.error is None:
            return module.arb.nan() if callable(getattr(module.arb, "nan", None)) else module.arb("nan")
        centre = arb(value.value)
        return centre if value.error == 0 else centre + module.arb(0, _radius(value.error))
    if isinstance(value, Power):
        return arb(value.base) ** arb(value.exponent)
    if isinstance(value, Fraction):
        return module.arb(module.fmpq(value.numerator, value.denominator))
    return module.arb(value)


def _radius(error: Fraction) -> Any:
    """Return a dyadic that is at least `error`, as a ball of radius zero."""
    module = flint()
    shift = error.denominator.bit_length() - error.numerator.bit_length() + 32
    mantissa = -((-error * Fraction(2) ** shift) // 1)
    return module.arb(int(mantissa)) * module.arb(2) ** (-shift)


def measured(value: Any) -> Measured:
    """Return a ball's midpoint and radius as exact rationals; unknown where it is not finite."""
    if not value.is_finite():
        return UNKNOWN
    middle, radius = (_dyadic(x) for x in (value.mid(), value.rad()))
    return Measured(middle[0], radius[0] + radius[1] + middle[1])


def _dyadic(value: Any) -> tuple[Fraction, Fraction]:
    """Return an exact ball as a rational, and what was cut off below the smallest magnitude kept."""
    mantissa, exponent = (int(x) for x in value.man_exp())
    if mantissa and exponent + mantissa.bit_length() < -_SMALLEST:
        return Fraction(0), Fraction(1, 2**_SMALLEST)
    # Shifts, where a power of Fraction(2) would cost ten times as much.
    return (Fraction(mantissa << exponent) if exponent >= 0 else Fraction(mantissa, 1 << -exponent)), Fraction(0)
