"""Named identities and inequalities: what a proof yields. They are data; `decisions` decides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from workbench.errors import InputError
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Letter, MatrixPolynomial, TracePolynomial

Side = MatrixPolynomial | TracePolynomial | Polynomial
Definition = tuple[Letter, MatrixPolynomial] | tuple[str, Polynomial]
Definitions = tuple[Definition, ...]


@dataclass(frozen=True)
class Identity:
    """A claim that two expressions are equal, perhaps under a restriction.

    Parameters
    ----------
    name : str
    left, right : MatrixPolynomial, TracePolynomial or Polynomial
    where : tuple of (Letter, MatrixPolynomial) or (str, Polynomial)
        Abbreviations that the sides use, each in terms of earlier ones; written out before anything is decided.
    under : Restriction, optional
        Applied to both sides when they are written out.
    """

    name: str
    left: Side
    right: Side
    where: Definitions = ()
    under: Restriction | None = None


@dataclass(frozen=True)
class Region:
    """A set of points, as the image of parameters that are at least zero.

    Parameters
    ----------
    ratios : mapping from symbol to (Polynomial, Polynomial)
        Numerator and denominator in parameters and symbols that come earlier; all coefficients are at least zero.
        A symbol that is a parameter itself has itself over 1.
    """

    ratios: Mapping[str, tuple[Polynomial, Polynomial]]

    def __post_init__(self) -> None:
        for name, pair in self.ratios.items():
            itself = pair == (Polynomial.symbol(name), Polynomial.constant(1))
            if not itself and any(name in part.symbols for part in pair):
                raise InputError(f"the region's {name} is given by itself; name its parameter otherwise")
            if not pair[1] or any(value < 0 for part in pair for value in part.terms.values()):
                raise InputError(f"the region's {name} is not a quotient of polynomials with positive coefficients")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the region, all at least zero."""
        used = {name for pair in self.ratios.values() for part in pair for name in part.symbols}
        own = {name for name, pair in self.ratios.items() if pair[0] == Polynomial.symbol(name)}
        return tuple(sorted((used - set(self.ratios)) | own))

    def pull_back(self, polynomial: Polynomial) -> Polynomial:
        """Return a polynomial in the parameters, times positive denominators."""
        for name, pair in reversed(list(self.ratios.items())):
            polynomial = polynomial.substitute_ratio(name, *pair)
        return polynomial

    def point(self, parameters: Mapping[str, Fraction]) -> dict[str, Fraction] | None:
        """Return the point at some parameters; None where a denominator is zero."""
        values = dict(parameters)
        for name, (numerator, denominator) in self.ratios.items():
            if not denominator.evaluate(values):
                return None
            values[name] = numerator.evaluate(values) / denominator.evaluate(values)
        return values


@dataclass(frozen=True)
class Inequality:
    """A claim that one expression is at most another on a region.

    Parameters
    ----------
    name : str
    smaller, larger : MatrixPolynomial or Polynomial
        Matrices are read as eigenvalues by the restriction.
    region : Region
    where : tuple of (Letter, MatrixPolynomial) or (str, Polynomial)
        Abbreviations that the sides use.
    under : Restriction, optional
    """

    name: str
    smaller: MatrixPolynomial | Polynomial
    larger: MatrixPolynomial | Polynomial
    region: Region
    where: Definitions = ()
    under: Restriction | None = None


Claim = Identity | Inequality


def names_in(side: Side) -> set[str]:
    """Return the names of the letters and symbols of an expression."""
    if isinstance(side, Polynomial):
        return set(side.symbols)
    scalars = {name for coefficient in side.terms.values() for name in coefficient.symbols}
    return scalars | {factor.letter.name for word in side.terms for factor in word}


def written_out(side: Side, where: Definitions) -> Side:
    """Return a side with its abbreviations written out."""
    for name, value in reversed(where):
        if isinstance(side, Polynomial):
            if isinstance(name, str) and isinstance(value, Polynomial):
                side = side.substitute({name: value})
        elif isinstance(name, Letter) and isinstance(value, MatrixPolynomial):
            side = side.substitute({name: value})
    return side


def restricted(side: Side, claim: Claim) -> Side:
    """Return the normal form of a side of a claim: written out, then under the claim's restriction."""
    full = written_out(side, claim.where)
    if claim.under is None or not isinstance(full, MatrixPolynomial):
        return full
    return claim.under.apply(full)
