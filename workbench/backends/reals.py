"""Real numbers with rigorous bounds, for predictions and margins.

Arb balls where python-flint is installed; elsewhere mpmath's intervals, slower and as safe. A prediction is
computed here whatever the run was computed in, so its own error never decides a verdict unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from typing import Any, Protocol

from workbench.errors import MissingPackageError
from workbench.exact import UNKNOWN, Exact, Measured, Power

Raw = Any


class Engine(Protocol):
    """What an interval library must offer; `Reals` puts operators and coercion on top."""

    bits: int

    def session(self) -> AbstractContextManager[None]:
        """Return the context in which values may be used."""

    def number(self, value: Exact | int | Measured) -> Raw:
        """Return an enclosure of a number."""

    def log(self, x: Raw) -> Raw:
        """Return the natural logarithm."""

    def exp(self, x: Raw) -> Raw:
        """Return the exponential."""

    def sqrt(self, x: Raw) -> Raw:
        """Return the square root of the nonnegative part."""

    def power(self, x: Raw, exponent: Fraction) -> Raw:
        """Return a rational power of the nonnegative part."""

    def integer_power(self, x: Raw, exponent: int) -> Raw:
        """Return an integer power."""

    def maximum(self, *values: Raw) -> Raw:
        """Return an enclosure of the largest."""

    def measured(self, x: Raw) -> Measured:
        """Return midpoint and radius, exactly."""


class Real:
    """An enclosed real number: `+ - * /` with reals, rationals and integers, and integer powers.

    It does not compare: two enclosures that overlap have no order. Take `Reals.measured` and decide by its bounds.
    """

    __slots__ = ("engine", "raw")

    def __init__(self, engine: Engine, raw: Raw) -> None:
        self.engine = engine
        self.raw = raw

    def _lift(self, other: Any) -> Raw:
        return other.raw if isinstance(other, Real) else self.engine.number(other)

    def __add__(self, other: Any) -> Real:
        return Real(self.engine, self.raw + self._lift(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Real:
        return Real(self.engine, self.raw - self._lift(other))

    def __rsub__(self, other: Any) -> Real:
        return Real(self.engine, self._lift(other) - self.raw)

    def __mul__(self, other: Any) -> Real:
        return Real(self.engine, self.raw * self._lift(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Real:
        return Real(self.engine, self.raw / self._lift(other))

    def __rtruediv__(self, other: Any) -> Real:
        return Real(self.engine, self._lift(other) / self.raw)

    def __neg__(self) -> Real:
        return Real(self.engine, -self.raw)

    def __pow__(self, exponent: int) -> Real:
        if not isinstance(exponent, int):
            raise TypeError("a power of a real takes an integer here; use reals.power for a rational exponent")
        return Real(self.engine, self.engine.integer_power(self.raw, exponent))

    def __lt__(self, other: Any) -> bool:
        raise TypeError("enclosed reals do not compare; take reals.measured(x).bounds() or reals.maximum")

    __gt__ = __le__ = __ge__ = __lt__

    # Equality and truth of an enclosure would answer by identity, silently.
    def __eq__(self, other: object) -> bool:
        raise TypeError("enclosed reals do not compare; take reals.measured(x).bounds()")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("an enclosed real is neither true nor false; take reals.measured(x).bounds()")


class Reals:
    """Rigorous real arithmetic for predictions and margins.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def bits(self) -> int:
        """Working precision."""
        return self._engine.bits

    def session(self) -> AbstractContextManager[None]:
        """Return the context in which values may be used."""
        return self._engine.session()

    def number(self, value: Exact | int | Measured | Real) -> Real:
        """Return an enclosure of a number."""
        return value if isinstance(value, Real) else Real(self._engine, self._engine.number(value))

    def log(self, x: Any) -> Real:
        """Return the natural logarithm."""
        return Real(self._engine, self._engine.log(self.number(x).raw))

    def exp(self, x: Any) -> Real:
        """Return the exponential."""
        return Real(self._engine, self._engine.exp(self.number(x).raw))

    def sqrt(self, x: Any) -> Real:
        """Return the square root of the nonnegative part."""
        return Real(self._engine, self._engine.sqrt(self.number(x).raw))

    def power(self, x: Any, exponent: Fraction | int) -> Real:
        """Return a rational power of the nonnegative part."""
        return Real(self._engine, self._engine.power(self.number(x).raw, Fraction(exponent)))

    def maximum(self, *values: Any) -> Real:
        """Return an enclosure of the largest."""
        return Real(self._engine, self._engine.maximum(*(self.number(v).raw for v in values)))

    def measured(self, x: Any) -> Measured:
        """Return midpoint and radius, exactly."""
        return self._engine.measured(self.number(x).raw)


class Balls:
    """Arb balls.

    Parameters
    ----------
    bits : int
    """

    def __init__(self, bits: int) -> None:
        from workbench.backends import ball

        ball.flint()
        self._ball = ball
        self.bits = bits

    def session(self) -> AbstractContextManager[None]:
        """Own flint's precision."""
        return self._ball.precision(self.bits)

    def number(self, value: Exact | int | Measured) -> Raw:
        """Return an enclosure of a number."""
        return self._ball.arb(value)

    def log(self, x: Raw) -> Raw:
        """Return the natural logarithm."""
        return x.log()

    def exp(self, x: Raw) -> Raw:
        """Return the exponential."""
        return x.exp()

    def sqrt(self, x: Raw) -> Raw:
        """Return the square root of the nonnegative part."""
        return x.nonnegative_part().sqrt()

    def power(self, x: Raw, exponent: Fraction) -> Raw:
        """Return a rational power of the nonnegative part."""
        return x.nonnegative_part() ** self.number(exponent) if exponent else self.number(1)

    def integer_power(self, x: Raw, exponent: int) -> Raw:
        """Return an integer power, by products where flint's own is not a number: for balls around zero."""
        found = x**exponent
        if exponent < 0 or found.is_finite():
            return found
        product = self.number(1)
        for _ in range(exponent):
            product = product * x
        return product

    def maximum(self, *values: Raw) -> Raw:
        """Return an enclosure of the largest."""
        result = values[0]
        for value in values[1:]:
            result = result.max(value)
        return result

    def measured(self, x: Raw) -> Measured:
        """Return midpoint and radius, exactly."""
        return self._ball.measured(x)


class Intervals:
    """mpmath's intervals, in a context of their own.

    Parameters
    ----------
    bits : int
    """

    def __init__(self, bits: int) -> None:
        try:
            from mpmath.ctx_iv import MPIntervalContext
        except ImportError as error:
            raise MissingPackageError("python-flint", "rigorous real arithmetic") from error
        self._context: Any = MPIntervalContext()
        self._context.prec = self.bits = bits

    @contextmanager
    def session(self) -> Iterator[None]:
        """Do nothing: the precision is the context's own."""
        yield

    def number(self, value: Exact | int | Measured) -> Raw:
        """Return an enclosure of a number."""
        if isinstance(value, Measured):
            bounds = value.bounds()
            if bounds is None:
                return self._context.mpf(["-inf", "inf"])
            low, high = (self.number(b) for b in bounds)
            return self._context.mpf([low.a, high.b])
        if isinstance(value, Power):
            return self.power(self.number(value.base), value.exponent)
        return self._context.mpf(value.numerator) / self._context.mpf(value.denominator)

    def log(self, x: Raw) -> Raw:
        """Return the natural logarithm, unbounded where the argument may not be positive."""
        return self._context.log(x) if x.a > 0 else self._context.mpf(["-inf", "inf"])

    def exp(self, x: Raw) -> Raw:
        """Return the exponential."""
        return self._context.exp(x)

    def _nonnegative(self, x: Raw) -> Raw:
        return self._context.mpf([max(x.a, 0), max(x.b, 0)])

    def sqrt(self, x: Raw) -> Raw:
        """Return the square root of the nonnegative part."""
        return self._context.sqrt(self._nonnegative(x))

    def power(self, x: Raw, exponent: Fraction) -> Raw:
        """Return a rational power of the nonnegative part."""
        if exponent == 0:
            return self.number(1)
        base = self._nonnegative(x)
        if base.a == 0 and exponent < 0:
            return self._context.mpf(["-inf", "inf"])
        if base.a == 0:
            # x^p is monotone: from zero to the power of the upper end.
            top = base.b if base.b == 0 else self._context.exp(self._context.log(base.b) * self.number(exponent)).b
            return self._context.mpf([0, top])
        return self._context.exp(self._context.log(base) * self.number(exponent))

    def integer_power(self, x: Raw, exponent: int) -> Raw:
        """Return an integer power."""
        return x**exponent

    def maximum(self, *values: Raw) -> Raw:
        """Return an enclosure of the largest."""
        return self._context.mpf([max(v.a for v in values), max(v.b for v in values)])

    def measured(self, x: Raw) -> Measured:
        """Return midpoint and radius, exactly."""
        ends = [_fraction(end) for end in (x.a, x.b)]
        return UNKNOWN if ends[0] is None or ends[1] is None else Measured.between(ends[0], ends[1])


def _fraction(end: Any) -> Fraction | None:
    sign, mantissa, exponent, _ = end._mpi_[0]
    if mantissa == 0 and exponent != 0:
        return None
    magnitude = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -magnitude if sign else magnitude


def reals(bits: int) -> Reals:
    """Return rigorous real arithmetic at a precision: balls where python-flint is installed, else intervals."""
    try:
        import flint  # noqa: F401
    except ImportError:
        return Reals(Intervals(bits))
    return Reals(Balls(bits))
