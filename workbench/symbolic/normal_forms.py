"""Hold what a proof yields to the normal forms that the decisions rest on.

Equal terms decide an identity, and coefficients of one sign an inequality: that proves something only of whole numbers
and fractions, positive exponents, letters that compare by their names, and products that fit. A file can build its
expressions by hand, so every one is looked at before it is decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from workbench.errors import InputError
from workbench.symbolic.identities import Claim, Identity, Inequality, Region, Side
from workbench.symbolic.polynomials import Monomial, Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Factor, Letter, MatrixPolynomial, TracePolynomial, Word, canonical_cycle

_SIDES = (Polynomial, MatrixPolynomial, TracePolynomial)


def hold_normal(claim: Claim) -> None:
    """Raise where a claim is made of anything but exact expressions of this calculus in normal form.

    Raises
    ------
    InputError
        If a type is a subclass of what it should be, a coefficient is not exact, an exponent is not positive, or a
        product does not fit.
    """
    sides = (claim.left, claim.right) if isinstance(claim, Identity) else (claim.smaller, claim.larger)
    for side in (*sides, *(value for _, value in claim.where)):
        _hold_side(claim.name, side)
    for name, _ in claim.where:
        _hold_type(claim.name, name, (Letter, str))
    if claim.under is not None:
        _hold_restriction(claim.name, claim.under)
    if isinstance(claim, Inequality):
        _hold_region(claim.name, claim.region)


def _hold_side(claim: str, side: Side) -> None:
    # Exact types throughout: a subclass could change what is equal, and what a difference is.
    if type(side) not in _SIDES:
        raise InputError(f"{claim!r} has a {type(side).__name__} for a side; give a matrix, trace or polynomial")
    if isinstance(side, Polynomial):
        _hold_polynomial(claim, side)
        return
    for word, coefficient in side.terms.items():
        _hold_type(claim, coefficient, (Polynomial,))
        _hold_polynomial(claim, coefficient)
        if not coefficient:
            raise InputError(f"{claim!r} has a term with the coefficient zero; leave it out")
        _hold_word(claim, word)
        if not _fits(side, word):
            raise InputError(f"{claim!r} has a product that does not fit; build it with the operations of the words")


def _hold_polynomial(claim: str, polynomial: Polynomial) -> None:
    for monomial, coefficient in polynomial.terms.items():
        if type(coefficient) not in (Fraction, int):
            raise InputError(f"{claim!r} has the coefficient {coefficient!r}; give whole numbers or Fractions")
        if not coefficient or not _sorted(monomial):
            raise InputError(f"{claim!r} has the term {coefficient} {monomial!r}, which is not in normal form")


def _sorted(monomial: Monomial) -> bool:
    names = [name for name, _ in monomial]
    whole = all(type(name) is str and type(exponent) is int and exponent > 0 for name, exponent in monomial)
    return whole and all(before < after for before, after in pairwise(names))


def _hold_word(claim: str, word: Word) -> None:
    for factor in word:
        _hold_type(claim, factor, (Factor,))
        _hold_type(claim, factor.letter, (Letter,))
        for part in (factor.letter.name, factor.letter.rows, factor.letter.columns):
            _hold_type(claim, part, (str, int))


def _fits(side: MatrixPolynomial | TracePolynomial, word: Word) -> bool:
    chained = all(left.columns == right.rows for left, right in pairwise(word))
    if isinstance(side, TracePolynomial):
        return chained and (not word or word[-1].columns == word[0].rows) and word == canonical_cycle(word)
    ends = (word[0].rows, word[-1].columns) if word else (side.rows, side.rows)
    return chained and ends == (side.rows, side.columns)


def _hold_restriction(claim: str, restriction: Restriction) -> None:
    _hold_type(claim, restriction, (Restriction,))
    values: list[Side] = [*restriction.letters.values(), *restriction.scalars.values()]
    for value in values:
        _hold_side(claim, value)
    for letter in (*restriction.letters, *restriction.scalars):
        _hold_type(claim, letter, (Letter,))
    for word in (word for rule in restriction.rules for word in rule):
        _hold_word(claim, word)
    for letter in restriction.scalars:
        if letter.rows != letter.columns:
            raise InputError(f"{claim!r} reads an eigenvalue of {letter.name}, which is not square; give equal widths")
    names = [letter.name for letter in restriction.scalars]
    if len(set(names)) < len(names):
        raise InputError(f"{claim!r} reads two eigenvalues of one letter; give each its own name")


def _hold_region(claim: str, region: Region) -> None:
    _hold_type(claim, region, (Region,))
    for polynomial in _parts(region):
        _hold_type(claim, polynomial, (Polynomial,))
        _hold_polynomial(claim, polynomial)


def _parts(region: Region) -> Iterator[Polynomial]:
    return (part for pair in region.ratios.values() for part in pair)


def _hold_type(claim: str, value: object, known: tuple[type, ...]) -> None:
    if type(value) not in known:
        wanted = " or ".join(each.__name__ for each in known)
        raise InputError(f"{claim!r} holds a {type(value).__name__} where a {wanted} belongs; give that type itself")
