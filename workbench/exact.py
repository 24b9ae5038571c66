"""Exact numbers and matrices of a specification, and numbers that carry their error.

A specification holds rationals, and named operations on rationals. An irrational that a problem needs is kept by
name (`power(64,-7/10)`) and each backend carries it out once in its own arithmetic, balls enclosing it.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from workbench.errors import InputError, ShapeError

_NAMED = re.compile(r"^(root|power)\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)$")
_DECIMAL = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$")
_RATIO = re.compile(r"^([+-]?\d+)\s*/\s*(\d+)$")

# Python writes and reads no integer of more decimal digits (sys.int_info.default_max_str_digits is 4300).
_MOST_DIGITS = 4000
_MOST_BITS = 13_000


def rational(value: Any, name: str = "a number") -> Fraction:
    """Return the exact rational that a text, an integer or a float stands for.

    A text is read as it is written ("1/3", "0.1" is one tenth); a float is the dyadic that it is.

    Raises
    ------
    InputError
        For anything else, NaN and infinities among it.
    """
    if isinstance(value, bool):
        raise InputError(f"{name} is {value}; give a rational such as 1/3")
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{name} is {value}; give a finite number")
        return Fraction(value)
    if isinstance(value, str):
        text = value.strip()
        if len(text) > 2 * _MOST_DIGITS:
            raise InputError(f"{name} has {len(text)} characters; give at most {_MOST_DIGITS} digits")
        ratio = _RATIO.match(text)
        if ratio is not None and all(len(part) <= _MOST_DIGITS for part in ratio.groups()) and int(ratio.group(2)) != 0:
            return Fraction(int(ratio.group(1)), int(ratio.group(2)))
        if _DECIMAL.match(text) and len(text) <= _MOST_DIGITS:
            return _writable(Fraction(text), name)
    raise InputError(f"{name} is {_shortened(value)}; give a rational such as 1/3, 0.25 or 1e-10")


def holds_float(value: Any) -> bool:
    """Say whether a number, or one anywhere within rows or a mapping, is a float."""
    if isinstance(value, Mapping):
        return any(holds_float(x) for x in value.values())
    if isinstance(value, list | tuple):
        return any(holds_float(x) for x in value)
    return isinstance(value, float)


def _writable(value: Fraction, name: str) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
        raise InputError(f"{name} has an exponent beyond {_MOST_DIGITS - 100}; give a smaller one")
    return value


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


_POWER_CONTEXT = decimal.Context(prec=60, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)

# ln of the largest double is 709.8, of the smallest subnormal -744.4.
_LARGEST_LOGARITHM = 750


@dataclass(frozen=True)
class Power:
    """A positive rational raised to a rational power, kept by name.

    Parameters
    ----------
    base : Fraction
        Positive.
    exponent : Fraction
    """

    base: Fraction
    exponent: Fraction

    def __post_init__(self) -> None:
        if self.base <= 0:
            raise InputError(f"{self} needs a positive base")

    def __str__(self) -> str:
        return f"power({self.base},{self.exponent})"

    def __float__(self) -> float:
        value = _rounded_power(self.base, self.exponent)
        if math.isinf(value):
            raise OverflowError(f"{self} is too large for a float")
        return value


# A gradient asks for the branch scale at every block: kept, as decimals take longer than the block itself.
@lru_cache(maxsize=1024)
def _rounded_power(base: Fraction, exponent: Fraction) -> float:
    """Return base ** exponent rounded once, infinite where it is too large."""
    # Through decimals with guard digits: float ** float amplifies the rounding of the exponent.
    with decimal.localcontext(_POWER_CONTEXT):
        logarithm = Decimal(base.numerator) / Decimal(base.denominator)
        logarithm = Decimal(exponent.numerator) / Decimal(exponent.denominator) * logarithm.ln()
        if logarithm < -_LARGEST_LOGARITHM:
            return 0.0
        return float(logarithm.exp()) if logarithm < _LARGEST_LOGARITHM else math.inf


Exact = Fraction | Power


def exact(value: Any, name: str = "a number") -> Exact:
    """Return a rational, or a named operation `root(x,n)` or `power(x,p)` on rationals."""
    if isinstance(value, Power):
        return value
    match = _NAMED.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return rational(value, name)
    operation, base, argument = match.groups()
    exponent = rational(argument, name)
    if operation == "root":
        if exponent.denominator != 1 or exponent <= 0:
            raise InputError(f"{name} is {value}: the degree of a root is a positive integer")
        exponent = 1 / exponent
    return Power(rational(base, name), exponent)


@dataclass(frozen=True)
class Measured:
    """A real number with its error: the true value lies within `error` of `value`.

    Parameters
    ----------
    value : Fraction or None
        None where the number is not finite.
    error : Fraction or None
        Absolute, nonnegative; None where nothing is known.
    """

    value: Fraction | None
    error: Fraction | None = Fraction(0)

    @property
    def finite(self) -> bool:
        """Say whether both the value and its error are known."""
        return self.value is not None and self.error is not None

    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """Return the lower and the upper bound, or None where they are not known."""
        if self.value is None or self.error is None:
            return None
        return self.value - self.error, self.value + self.error

    def minus(self, other: Measured) -> Measured:
        """Return the difference; the errors add."""
        if self.value is None or other.value is None or self.error is None or other.error is None:
            return UNKNOWN
        return Measured(self.value - other.value, self.error + other.error)

    @classmethod
    def between(cls, lower: Fraction, upper: Fraction) -> Measured:
        """Return the number known to lie between two rationals."""
        return cls((lower + upper) / 2, (upper - lower) / 2)

    @classmethod
    def largest(cls, numbers: Iterable[Measured]) -> Measured:
        """Return the largest of some numbers, zero of none."""
        ends = [number.bounds() for number in numbers]
        if any(end is None for end in ends):
            return UNKNOWN
        known = [end for end in ends if end is not None]
        lower = max((end[0] for end in known), default=Fraction(0))
        return cls.between(lower, max((end[1] for end in known), default=Fraction(0)))


UNKNOWN = Measured(None, None)


def decimal_text(value: Fraction | None, digits: int = 17) -> str | None:
    """Return a decimal in scientific notation, rounded to `digits` significant digits; None stays None.

    Works at any magnitude: 2^-100000 has no float, but it has a decimal.
    """
    if value is None:
        return None
    if value == 0:
        return "0"
    sign, magnitude = ("-" if value < 0 else ""), abs(value)
    exponent = _decimal_exponent(magnitude)
    scaled = magnitude * Fraction(10) ** (digits - 1 - exponent)
    mantissa = str(round(scaled))
    if len(mantissa) > digits:
        mantissa, exponent = mantissa[:-1], exponent + 1
    head, tail = mantissa[0], mantissa[1:].rstrip("0")
    body = f"{head}.{tail}" if tail else head
    return f"{sign}{body}e{exponent}" if exponent else f"{sign}{body}"


def _decimal_exponent(magnitude: Fraction) -> int:
    """Return the k with 10^k <= magnitude < 10^(k+1)."""
    bits = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    guess = math.floor(bits * math.log10(2)) - 1
    while Fraction(10) ** (guess + 1) <= magnitude:
        guess += 1
    return guess


def to_float(value: Fraction | None) -> float | None:
    """Return the nearest float, zero on underflow, None on overflow or where there is no value."""
    if value is None:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


@dataclass(frozen=True)
class Matrix:
    """An exact matrix, with what is known of it by construction.

    Parameters
    ----------
    rows : tuple of tuple of Fraction, shape (m, n)
    family : mapping or None
        The specification it was built from (a family, a seed), which stands for the rows in a run id.
    eigenvalues : tuple of Fraction or None
        All eigenvalues, ascending, of a matrix that is symmetric by construction.
    label : str
        How a report names it.
    from_float : bool
        Whether an entry was given as a float and entered as the dyadic it is.
    """

    rows: tuple[tuple[Fraction, ...], ...]
    family: Mapping[str, Any] | None = None
    eigenvalues: tuple[Fraction, ...] | None = None
    label: str = ""
    from_float: bool = False

    def __post_init__(self) -> None:
        if not self.rows or not self.rows[0]:
            raise ShapeError("a matrix is empty; give at least one row with one entry")
        lengths = [len(row) for row in self.rows]
        for index, length in enumerate(lengths):
            if length != lengths[0]:
                raise ShapeError(f"row {index + 1} has {length} entries but row 1 has {lengths[0]}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])

    def is_symmetric(self) -> bool:
        """Say whether the matrix equals its transpose, exactly."""
        return self.rows == tuple(zip(*self.rows, strict=True))

    def specification(self) -> dict[str, Any]:
        """Return the JSON that stands for the matrix: its family, or its rows in lowest terms."""
        if self.family is not None:
            return dict(self.family)
        return {"rows": [[str(x) for x in row] for row in self.rows]}

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[Any]], label: str = "") -> Matrix:
        """Return a matrix from rows of rational texts, integers or floats."""
        if (
            not isinstance(rows, Sequence)
            or isinstance(rows, str)
            or any(isinstance(row, str) or not isinstance(row, Sequence) for row in rows)
        ):
            raise ShapeError(f'a matrix is given by rows such as [["1","0"],["0","1/2"]], not {str(rows)[:60]!r}')
        read = tuple(
            tuple(rational(x, f"entry ({i + 1},{j + 1})") for j, x in enumerate(row)) for i, row in enumerate(rows)
        )
        inexact = any(isinstance(x, float) for row in rows for x in row)
        return cls(read, label=label, from_float=inexact)

    @classmethod
    def identity(cls, size: int) -> Matrix:
        """Return the identity of a size."""
        one, zero = Fraction(1), Fraction(0)
        return cls(tuple(tuple(one if i == j else zero for j in range(size)) for i in range(size)))
