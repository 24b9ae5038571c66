"""The one rule that decides claims.

`proved` means a normal form that is zero, or a certificate whose coefficients are all at least zero. `refuted`
means exact numbers at which the statement fails. Anything else is `undecided`: agreement at numbers proves nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any, Literal

from workbench.errors import InputError
from workbench.symbolic.entrywise import evaluate, evaluate_trace
from workbench.symbolic.identities import Claim, Identity, Inequality, Region, Side, restricted, written_out
from workbench.symbolic.normal_forms import hold_normal
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction, Sample
from workbench.symbolic.words import Letter, MatrixPolynomial, TracePolynomial, Width, letters

Status = Literal["proved", "refuted", "undecided"]

# Tries at a witness; one integer point nearly always suffices, small ones may lie on a zero set by accident.
_TRIES = 40


@dataclass(frozen=True)
class Decision:
    """What became of a claim.

    Parameters
    ----------
    status : {"proved", "refuted", "undecided"}
    witness : mapping or None
        Letters and symbols with exact values, as text, at which the claim fails; `left` and `right` there.
    certificate : Polynomial or None
        For an inequality: the difference in the region's parameters, times positive denominators.
    """

    status: Status
    witness: Mapping[str, Any] | None = None
    certificate: Polynomial | None = None


def decide(claim: Claim) -> Decision:
    """Decide a claim: by normal form or certificate, or else by an exact counterexample.

    Raises
    ------
    InputError
        If the two sides are not of one kind, or anything in the claim is not in normal form.
    """
    hold_normal(claim)
    return _decide_identity(claim) if isinstance(claim, Identity) else _decide_inequality(claim)


def _decide_identity(claim: Identity) -> Decision:
    left, right = restricted(claim.left, claim), restricted(claim.right, claim)
    if type(left) is not type(right):
        raise InputError(f"the two sides of {claim.name!r} are of different kinds")
    generator = random.Random(claim.name)
    if not _difference(left, right):
        return Decision("proved" if _vouched(claim, generator) else "undecided")
    for _ in range(_TRIES):
        witness = _witness(claim, left, right, generator)
        if witness is not None:
            return Decision("refuted", witness)
    return Decision("undecided")


def _difference(left: Side, right: Side) -> Side:
    if isinstance(left, Polynomial) and isinstance(right, Polynomial):
        return left - right
    if isinstance(left, TracePolynomial) and isinstance(right, TracePolynomial):
        return left - right
    if isinstance(left, MatrixPolynomial) and isinstance(right, MatrixPolynomial):
        return left - right
    raise InputError("an identity is between two matrices, two traces or two polynomials")


def _witness(claim: Identity, left: Side, right: Side, generator: random.Random) -> Mapping[str, Any] | None:
    if isinstance(left, Polynomial) and isinstance(right, Polynomial):
        return _polynomial_witness(left, right, generator)
    if isinstance(left, TracePolynomial) and isinstance(right, TracePolynomial):
        return _trace_witness(left, right, generator)
    return _matrix_witness(claim, generator)


def _polynomial_witness(left: Polynomial, right: Polynomial, generator: random.Random) -> Mapping[str, Any] | None:
    names = sorted({*left.symbols, *right.symbols})
    point = {name: Fraction(generator.randint(-4, 4)) for name in names}
    return _report(point, left.evaluate(point), right.evaluate(point))


def _trace_witness(left: TracePolynomial, right: TracePolynomial, generator: random.Random) -> Mapping[str, Any] | None:
    found = tuple(dict.fromkeys((*letters(left), *letters(right))))
    sizes = _sizes(found, generator)
    sample = {letter: _integers(generator, *_shape(letter, sizes), letter.symmetric) for letter in found}
    names = {name for each in (left, right) for c in each.terms.values() for name in c.symbols}
    # A symbol may be the width of an identity that no letter shows: whole numbers serve as widths and as scalars.
    scalars = {name: Fraction(sizes.get(name) or generator.randint(2, 9)) for name in sorted(names)}
    sides = evaluate_trace(left, sample, scalars), evaluate_trace(right, sample, scalars)
    return _report({**_named(sample), **scalars}, *sides)


def _matrix_witness(claim: Identity, generator: random.Random) -> Mapping[str, Any] | None:
    left, right = _replaced(claim.left, claim), _replaced(claim.right, claim)
    found = tuple(dict.fromkeys((*letters(left), *letters(right))))
    sizes = _sizes(found, generator, (left.rows, left.columns))
    drawn: Sample = {}
    if claim.under is not None and claim.under.draw is not None:
        drawn = claim.under.draw(generator, lambda letter: _shape(letter, sizes))
        _check_rules(claim.under, drawn, sizes)
    elif claim.under is not None and claim.under.rules:
        return None
    sample = {m: drawn.get(m) or _integers(generator, *_shape(m, sizes), m.symmetric) for m in found}
    symbols = _symbols((*left.terms.values(), *right.terms.values()), generator)
    sides = [evaluate(side, sample, symbols, sizes=sizes) for side in (left, right)]
    return _report({**_named(sample), **symbols}, *sides)


def _replaced(side: Side, claim: Identity) -> MatrixPolynomial:
    full = written_out(side, claim.where)
    if not isinstance(full, MatrixPolynomial):
        raise InputError("an identity is between two matrices, two traces or two polynomials")
    return full.substitute(claim.under.letters) if claim.under is not None else full


def _vouched(claim: Claim, generator: random.Random) -> bool:
    """Say whether matrices were drawn that obey the rules which the normal form used: no rules need none.

    Rules that no matrix obeys would prove anything, and so would rules that only zero obeys: each letter of the
    rules must be drawn with an entry that is not zero.
    """
    restriction = claim.under
    if restriction is None or not restriction.rules:
        return True
    if restriction.draw is None or not _eigenvalues_obey(restriction):
        return False
    involved = [factor.letter for rule in restriction.rules for word in rule for factor in word]
    ends = (claim.left, claim.right) if isinstance(claim, Identity) else (claim.smaller, claim.larger)
    sides = [side for side in ends if not isinstance(side, Polynomial)]
    found = tuple(dict.fromkeys((*(letter for side in sides for letter in letters(side)), *involved)))
    idle = set(involved)
    for _ in range(_TRIES):
        sizes = _sizes(found, generator)
        sample = restriction.draw(generator, partial(_shape, sizes=sizes))
        _check_rules(restriction, sample, sizes)
        idle -= {letter for letter, rows in sample.items() if any(any(row) for row in rows)}
        if not idle:
            return True
    return False


def _eigenvalues_obey(restriction: Restriction) -> bool:
    """Say whether the eigenvalues read obey the rules: A A = I says that the square of A's is 1."""
    read = replace(restriction, letters={}, rules=())
    # A rule with a letter that has no eigenvalue is checked on the matrices drawn.
    told = [
        pair for pair in restriction.equations() if {m for side in pair for m in letters(side)} <= set(read.scalars)
    ]
    return not read.scalars or all(read.apply(left) == read.apply(right) for left, right in told)


def _check_rules(restriction: Restriction, sample: Sample, sizes: Mapping[str, int]) -> None:
    for letter, rows in sample.items():
        height, width = _shape(letter, sizes) if _known(letter, sizes) else (len(rows), len(rows[0]))
        if len(rows) != height or any(len(row) != width for row in rows):
            raise InputError(
                f"{letter.name} is drawn for {restriction.name!r} in another shape; draw {height} x {width}"
            )
    for left, right in restriction.equations():
        first, second = (evaluate(side, sample, {}) for side in (left, right))
        if first != second:
            raise InputError(f"the matrices drawn for {restriction.name!r} do not obey its rules")


def _decide_inequality(claim: Inequality) -> Decision:
    smaller, larger = restricted(claim.smaller, claim), restricted(claim.larger, claim)
    if not isinstance(smaller, Polynomial) or not isinstance(larger, Polynomial):
        raise InputError(f"the sides of {claim.name!r} are matrices; read them as eigenvalues by a restriction")
    difference = larger - smaller
    loose = [name for name in difference.symbols if name not in claim.region.ratios]
    if loose:
        raise InputError(f"the region of {claim.name!r} says nothing of {', '.join(loose)}; name each symbol")
    # Quotients of positive coefficients: one that has no value where all parameters are 1 has none anywhere.
    if claim.region.point({name: Fraction(1) for name in claim.region.parameters}) is None:
        raise InputError(f"the region of {claim.name!r} is empty: it divides by zero everywhere; give one with points")
    generator = random.Random(claim.name)
    certificate = claim.region.pull_back(difference)
    if all(value >= 0 for value in certificate.terms.values()):
        return Decision("proved" if _vouched(claim, generator) else "undecided", certificate=certificate)
    for _ in range(_TRIES):
        witness = _point_of_failure(claim.region, smaller, larger, generator)
        if witness is not None:
            return Decision("refuted", witness)
    return Decision("undecided")


def _point_of_failure(
    region: Region, smaller: Polynomial, larger: Polynomial, generator: random.Random
) -> Mapping[str, Any] | None:
    difference = larger - smaller
    # Parameters of every size: a failure may lie in a corner of the region.
    parameters = {name: Fraction(generator.randint(0, 8), 2 ** generator.randint(0, 8)) for name in region.parameters}
    image = region.point(parameters)
    if image is None:
        return None
    point = {name: image[name] for name in sorted({*smaller.symbols, *larger.symbols})}
    if difference.evaluate(point) >= 0:
        return None
    return _report(point, smaller.evaluate(point), larger.evaluate(point))


def _report(point: Mapping[str, Any], left: Any, right: Any) -> Mapping[str, Any] | None:
    if left == right:
        return None
    return {name: _text(value) for name, value in {**point, "left": left, "right": right}.items()}


def _text(value: Any) -> Any:
    return [_text(part) for part in value] if isinstance(value, list) else str(value)


def _named(sample: Sample) -> dict[str, Any]:
    return {letter.name: rows for letter, rows in sample.items()}


def _sizes(found: Iterable[Letter], generator: random.Random, more: tuple[Width, ...] = ()) -> dict[str, int]:
    widths = [*more, *(width for letter in found for width in (letter.rows, letter.columns))]
    return {width: generator.choice((2, 3)) for width in dict.fromkeys(widths) if isinstance(width, str)}


def _shape(letter: Letter, sizes: Mapping[str, int]) -> tuple[int, int]:
    rows, columns = (sizes[w] if isinstance(w, str) else w for w in (letter.rows, letter.columns))
    return rows, columns


def _known(letter: Letter, sizes: Mapping[str, int]) -> bool:
    return all(isinstance(width, int) or width in sizes for width in (letter.rows, letter.columns))


def _integers(generator: random.Random, rows: int, columns: int, symmetric: bool = False) -> list[list[Fraction]]:
    drawn = [[Fraction(generator.randint(-3, 3)) for _ in range(columns)] for _ in range(rows)]
    if symmetric:
        return [[drawn[max(i, j)][min(i, j)] for j in range(columns)] for i in range(rows)]
    return drawn


def _symbols(coefficients: Iterable[Polynomial], generator: random.Random) -> dict[str, Fraction]:
    names = sorted({name for coefficient in coefficients for name in coefficient.symbols})
    return {name: Fraction(1, generator.randint(2, 9)) for name in names}
