"""Print claims: the statement, the abbreviations that it uses and what it supposes."""

from __future__ import annotations

from workbench.symbolic.identities import Identity, Inequality, Region, Side
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.printing import LATEX, LINE, UNICODE, Printer, lines, unicode
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import MatrixPolynomial, letters, matrix


def claim_latex(claim: Identity | Inequality) -> str:
    """Return the statement of an identity or inequality as LaTeX."""
    left, sign, right = _sides(claim)
    heads, tails = _side_lines(claim, left), _side_lines(claim, right)
    sign = {"=": "=", "≤": r"\le"}[sign]
    if len(heads) == len(tails) == 1 and len(_text(claim, left) + _text(claim, right)) < LINE:
        return f"{heads[0]} {sign} {tails[0]}"
    lines = [f"&{heads[0]}", *(rf"&\quad {line}" for line in heads[1:])]
    lines += [f"&{sign} {tails[0]}", *(rf"&\quad {line}" for line in tails[1:])]
    return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"


def claim_unicode(claim: Identity | Inequality) -> str:
    """Return the statement of an identity or inequality as Unicode text."""
    left, sign, right = _sides(claim)
    return f"{_text(claim, left)} {sign} {_text(claim, right)}"


def definitions_latex(claim: Identity | Inequality) -> list[str]:
    """Return each abbreviation of a claim and what it stands for."""
    return [claim_latex(definition) for definition in _definitions(claim)]


def definitions_unicode(claim: Identity | Inequality) -> list[str]:
    """Return each abbreviation of a claim and what it stands for, as text."""
    return [claim_unicode(definition) for definition in _definitions(claim)]


def suppositions_latex(claim: Identity | Inequality) -> list[str]:
    """Return what a claim supposes: its restriction and, for an inequality, its region."""
    return _suppositions(claim, LATEX) + ([] if isinstance(claim, Identity) else _region(claim.region, LATEX, r"\ge"))


def suppositions_unicode(claim: Identity | Inequality) -> list[str]:
    """Return what a claim supposes, as text."""
    return _suppositions(claim, UNICODE) + ([] if isinstance(claim, Identity) else _region(claim.region, UNICODE, "≥"))


def _suppositions(claim: Identity | Inequality, printer: Printer) -> list[str]:
    """Return what a claim supposes by its restriction, and of the letters that are symmetric by themselves."""
    left, _, right = _sides(claim)
    values = [side for side in (left, right, *(value for _, value in claim.where)) if not isinstance(side, Polynomial)]
    symmetric = sorted({letter.name for value in values for letter in letters(value) if letter.symmetric})
    told = [f"{printer.transposed(name)} = {printer.name(name)}" for name in symmetric]
    return list(dict.fromkeys([*([] if claim.under is None else _restriction(claim.under, printer)), *told]))


def is_defined_so(claim: Identity | Inequality) -> bool:
    """Say whether a definition of the claim reads like the claim itself."""
    return any(claim_unicode(definition) == claim_unicode(claim) for definition in _all_definitions(claim))


def _definitions(claim: Identity | Inequality) -> list[Identity]:
    # A definition that reads like the claim itself is not said twice.
    return [each for each in _all_definitions(claim) if claim_unicode(each) != claim_unicode(claim)]


def _all_definitions(claim: Identity | Inequality) -> list[Identity]:
    shorts: list[Side] = [Polynomial.symbol(m) if isinstance(m, str) else matrix(m) for m, _ in claim.where]
    return [Identity("", short, value) for short, (_, value) in zip(shorts, claim.where, strict=True)]


def _sides(claim: Identity | Inequality) -> tuple[Side, str, Side]:
    if isinstance(claim, Identity):
        return claim.left, "=", claim.right
    return claim.smaller, "≤", claim.larger


def _as_eigenvalue(claim: Identity | Inequality, side: Side) -> bool:
    return isinstance(side, MatrixPolynomial) and claim.under is not None and bool(claim.under.scalars)


def _side_lines(claim: Identity | Inequality, side: Side) -> list[str]:
    if _as_eigenvalue(claim, side):
        return [LATEX.function("eig", LATEX.expression(side))]
    return lines(side)


def _text(claim: Identity | Inequality, side: Side) -> str:
    text = unicode(side)
    return f"eig({text})" if _as_eigenvalue(claim, side) else text


def _restriction(restriction: Restriction, printer: Printer) -> list[str]:
    supposed = []
    for text in dict.fromkeys(printer.expression(v) for v in restriction.letters.values()):
        names = [printer.name(m.name) for m, v in restriction.letters.items() if printer.expression(v) == text]
        if names != [text]:
            supposed.append(" = ".join([*names, text]))
    symmetric = {m for value in restriction.letters.values() for m in letters(value) if m.symmetric}
    names = sorted(letter.name for letter in symmetric)
    supposed += [f"{printer.transposed(name)} = {printer.name(name)}" for name in names]
    supposed += [printer.relation(left, "=", right) for left, right in restriction.equations()]
    for letter, value in restriction.scalars.items():
        name, read = printer.name(letter.name), printer.function("eig", printer.name(letter.name))
        supposed.append(f"{read} = {printer.expression(value)}")
        # Letters commute under eig, and are their transposes: that is true on a common eigenvector v only.
        if (letter.rows, letter.columns) != (1, 1):
            images = [f"{name} v"] if letter.symmetric else [f"{name} v", f"{printer.transposed(letter.name)} v"]
            supposed.append(" = ".join([*images, f"{read} v"]))
    return supposed


def _region(region: Region, printer: Printer, sign: str) -> list[str]:
    found = []
    for name, (numerator, denominator) in region.ratios.items():
        if numerator != Polynomial.symbol(name):
            found.append(f"{printer.name(name)} = {printer.quotient(numerator, denominator)}")
    parameters = ", ".join(map(printer.name, region.parameters))
    return [*found, f"{parameters} {sign} 0"] if parameters else found
