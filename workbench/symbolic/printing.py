r"""Print words, steps and claims as LaTeX and as Unicode text.

The LaTeX keeps to what tex2typst 0.1.7 converts to Typst that compiles: no `\otimes`, no `\lVert`, no named
operators but `\operatorname`; long sums are broken into `aligned` lines. Letters are printed by their name: an
optional `dot ` or `d` in front, a Greek or Latin base, `_` and a subscript, `+` behind for "after the step".
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction

from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.identities import Identity, Inequality, Region, Side
from workbench.symbolic.polynomials import Monomial, Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import Factor, MatrixPolynomial, Word, matrix, word_key, word_polynomial

Printable = Side | OpaqueLoss

_NAME = re.compile(r"^(dot |d(?=[A-Z]))?([A-Za-z]+)(?:_(?:\{(.+)\}|(\w+)))?(\+)?(?:\[(\d+),(\d+)\])?$")
_GREEK = {"Phi": "Φ", "eta": "η", "lambda": "λ", "rho": "ρ", "theta": "θ", "delta": "δ", "beta": "β", "kappa": "κ"}
_SUBSCRIPTS = str.maketrans("0123456789+-j", "₀₁₂₃₄₅₆₇₈₉₊₋ⱼ")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# Columns of Unicode text after which a sum goes on in a new line: what fits a page at text size.
_LINE = 76


class Printer(ABC):
    """What LaTeX and Unicode have in common: the order of terms, signs, powers and brackets."""

    minus: str
    identity = "I"

    @abstractmethod
    def name(self, name: str) -> str:
        """Return the symbol of a letter or scalar."""

    @abstractmethod
    def power(self, base: str, exponent: int) -> str:
        """Return a power of something that needs no bracket."""

    @abstractmethod
    def transposed(self, name: str) -> str:
        """Return the transpose of the letter with this name."""

    @abstractmethod
    def fraction(self, value: Fraction) -> str:
        """Return a positive rational."""

    @abstractmethod
    def bracket(self, inner: str) -> str:
        """Return something in round brackets."""

    @abstractmethod
    def function(self, name: str, inner: str) -> str:
        """Return a named function of something."""

    @abstractmethod
    def over(self, numerator: str, denominator: str) -> str:
        """Return a quotient of two sums."""

    def quotient(self, numerator: Polynomial, denominator: Polynomial) -> str:
        """Return a quotient of polynomials."""
        above = self.expression(numerator)
        return above if denominator == Polynomial.constant(1) else self.over(above, self.expression(denominator))

    def expression(self, value: Printable) -> str:
        """Return an expression on one line."""
        return _join(self.terms(value))

    def terms(self, value: Printable) -> list[str]:
        """Return the terms of a sum, each after the first with its sign in front."""
        if isinstance(value, OpaqueLoss):
            return [self.function("l", self.expression(value.argument))]
        if isinstance(value, Polynomial):
            pairs = [(c, self._monomial(m)) for m, c in sorted(value.terms.items(), key=_monomial_key)]
        else:
            ordered = sorted(value.terms, key=word_key)
            pairs = [self._word_term(value.terms[w], w, isinstance(value, MatrixPolynomial)) for w in ordered]
        return self._signed(pairs)

    def word(self, word: Word) -> str:
        """Return a word, repeated blocks as powers."""
        return " ".join(self._block(block, count) for block, count in repetitions(word))

    def relation(self, left: Printable, sign: str, right: Printable) -> str:
        """Return two sides and the sign between them."""
        return f"{self.expression(left)} {sign} {self.expression(right)}"

    def _block(self, block: Word, count: int) -> str:
        text = " ".join(self._factor(factor) for factor in block)
        if count == 1:
            return text
        simple = len(block) == 1 and not block[0].transposed
        return self.power(text if simple else self.bracket(text), count)

    def _factor(self, factor: Factor) -> str:
        return self.transposed(factor.letter.name) if factor.transposed else self.name(factor.letter.name)

    def _word_term(self, coefficient: Polynomial, word: Word, is_matrix: bool) -> tuple[Fraction, str]:
        body = self.word(word)
        if not is_matrix:
            body = self.function("tr", body) if word else ""
        elif not word:
            body = self.identity
        if len(coefficient.terms) > 1:
            return Fraction(1), f"{self.bracket(self.expression(coefficient))} {body}".strip()
        ((monomial, value),) = coefficient.terms.items()
        return value, f"{self._monomial(monomial)} {body}".strip()

    def _monomial(self, monomial: Monomial) -> str:
        parts = [self.power(self.name(name), e) if e > 1 else self.name(name) for name, e in monomial]
        return " ".join(parts)

    def _signed(self, pairs: Sequence[tuple[Fraction, str]]) -> list[str]:
        texts = []
        # Positive terms first: a sum need not open with a sign.
        for place, (value, body) in enumerate(sorted(pairs, key=lambda pair: pair[0] < 0)):
            size = self.fraction(abs(value)) if abs(value) != 1 or not body else ""
            text = f"{size} {body}".strip()
            sign = self.minus if value < 0 else "+" if place else ""
            texts.append(f"{sign} {text}".strip() if place else f"{sign}{text}")
        return texts or ["0"]


class LatexPrinter(Printer):
    """LaTeX for formulas."""

    minus = "-"

    def name(self, name: str) -> str:
        return self._name(name, "")

    def transposed(self, name: str) -> str:
        return self._name(name, "T")

    def power(self, base: str, exponent: int) -> str:
        return f"{base}^{{{exponent}}}"

    def fraction(self, value: Fraction) -> str:
        if value.denominator == 1:
            return str(value.numerator)
        return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"

    def bracket(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def function(self, name: str, inner: str) -> str:
        head = r"\ell" if name == "l" else rf"\operatorname{{{name}}}"
        return head + self.bracket(inner)

    def over(self, numerator: str, denominator: str) -> str:
        return rf"\frac{{{numerator}}}{{{denominator}}}"

    def _name(self, name: str, mark: str) -> str:
        found = _NAME.match(name)
        if found is None:
            return rf"\text{{{name}}}"
        front, base, long, short, after, row, column = found.groups()
        symbol = f"\\{base}" if base in _GREEK else base
        symbol = rf"\dot{{{symbol}}}" if front == "dot " else rf"\mathrm{{d}}{symbol}" if front else symbol
        subscript = f"_{{{long or short}}}" if long or short else ""
        raised = f"^{{{after or ''}{mark}}}" if after or mark else ""
        if row:
            return f"({symbol}{subscript}{raised})_{{{row},{column}}}"
        return symbol + subscript + raised


class UnicodePrinter(Printer):
    """Text for the terminal."""

    minus = "−"

    def name(self, name: str) -> str:
        found = _NAME.match(name)
        if found is None:
            return name
        front, base, long, short, after, row, column = found.groups()
        symbol = _GREEK.get(base, base)
        symbol = symbol[0] + "\u0307" + symbol[1:] if front == "dot " else (front or "") + symbol
        # A subscript with no Unicode form, such as L:j+2, stays in brackets.
        subscript = short.translate(_SUBSCRIPTS) if short else f"[{long}]" if long else ""
        entry = f"[{row},{column}]" if row else ""
        return symbol + subscript + ("⁺" if after else "") + entry

    def transposed(self, name: str) -> str:
        return self.name(name) + "ᵀ"

    def power(self, base: str, exponent: int) -> str:
        return base + str(exponent).translate(_SUPERSCRIPTS)

    def fraction(self, value: Fraction) -> str:
        return str(value)

    def bracket(self, inner: str) -> str:
        return f"({inner})"

    def function(self, name: str, inner: str) -> str:
        return ("ℓ" if name == "l" else name) + self.bracket(inner)

    def over(self, numerator: str, denominator: str) -> str:
        above = numerator if " " not in numerator else self.bracket(numerator)
        return f"{above}/{self.bracket(denominator)}"


_LATEX = LatexPrinter()
_UNICODE = UnicodePrinter()


def latex(value: Printable) -> str:
    """Return an expression as LaTeX, a long sum on several lines."""
    lines = _lines(value)
    if len(lines) == 1:
        return lines[0]
    body = r" \\ &\quad ".join(lines)
    return rf"\begin{{aligned}} &{body} \end{{aligned}}"


def unicode(value: Printable) -> str:
    """Return an expression as one line of Unicode text."""
    return _UNICODE.expression(value)


def claim_latex(claim: Identity | Inequality) -> str:
    """Return the statement of an identity or inequality as LaTeX."""
    left, sign, right = _sides(claim)
    heads, tails = _side_lines(claim, left), _side_lines(claim, right)
    sign = {"=": "=", "≤": r"\le"}[sign]
    if len(heads) == len(tails) == 1 and len(_text(claim, left) + _text(claim, right)) < _LINE:
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
    supposed = [] if claim.under is None else _restriction(claim.under, _LATEX)
    return supposed + ([] if isinstance(claim, Identity) else _region(claim.region, _LATEX, r"\ge"))


def suppositions_unicode(claim: Identity | Inequality) -> list[str]:
    """Return what a claim supposes, as text."""
    supposed = [] if claim.under is None else _restriction(claim.under, _UNICODE)
    return supposed + ([] if isinstance(claim, Identity) else _region(claim.region, _UNICODE, "≥"))


def repetitions(word: Word) -> list[tuple[Word, int]]:
    """Return a word as blocks with how often each is repeated, taking the longest repetition at each place."""
    blocks: list[tuple[Word, int]] = []
    place = 0
    while place < len(word):
        length, count = max(_repeats(word[place:]), key=lambda pair: (pair[0] * pair[1], -pair[0]))
        if count == 1:
            length = 1
        blocks.append((word[place : place + length], count))
        place += length * count
    return blocks


def _repeats(rest: Word) -> Iterable[tuple[int, int]]:
    yield 1, 1
    for length in range(1, len(rest) // 2 + 1):
        count = 1
        while rest[count * length : (count + 1) * length] == rest[:length]:
            count += 1
        if count > 1:
            yield length, count


def _lines(value: Printable) -> list[str]:
    lines: list[list[str]] = [[]]
    used = 0
    for text, plain in zip(_LATEX.terms(value), _UNICODE.terms(value), strict=True):
        if lines[-1] and used + len(plain) > _LINE:
            lines.append([])
            used = 0
        lines[-1].append(text)
        used += len(plain) + 1
    return [_join(line) for line in lines]


def _definitions(claim: Identity | Inequality) -> list[Identity]:
    found = []
    for name, value in claim.where:
        short: Side = Polynomial.symbol(name) if isinstance(name, str) else matrix(name)
        definition = Identity("", short, value)
        # A definition that reads like the claim itself is not said twice.
        if claim_unicode(definition) != claim_unicode(claim):
            found.append(definition)
    return found


def _sides(claim: Identity | Inequality) -> tuple[Side, str, Side]:
    if isinstance(claim, Identity):
        return claim.left, "=", claim.right
    return claim.smaller, "≤", claim.larger


def _as_eigenvalue(claim: Identity | Inequality, side: Side) -> bool:
    return isinstance(side, MatrixPolynomial) and claim.under is not None and bool(claim.under.scalars)


def _side_lines(claim: Identity | Inequality, side: Side) -> list[str]:
    if _as_eigenvalue(claim, side):
        return [_LATEX.function("eig", _LATEX.expression(side))]
    return _lines(side)


def _text(claim: Identity | Inequality, side: Side) -> str:
    text = unicode(side)
    return f"eig({text})" if _as_eigenvalue(claim, side) else text


def _restriction(restriction: Restriction, printer: Printer) -> list[str]:
    supposed = []
    for value in dict.fromkeys(printer.expression(v) for v in restriction.letters.values()):
        names = [printer.name(m.name) for m, v in restriction.letters.items() if printer.expression(v) == value]
        if names != [value]:
            supposed.append(" = ".join([*names, value]))
    supposed += [
        printer.relation(word_polynomial(left), "=", word_polynomial(right)) for left, right in restriction.rules
    ]
    for letter, value in restriction.scalars.items():
        supposed.append(f"{printer.function('eig', printer.name(letter.name))} = {printer.expression(value)}")
    return supposed


def _region(region: Region, printer: Printer, sign: str) -> list[str]:
    found = []
    for name, (numerator, denominator) in region.ratios.items():
        if numerator != Polynomial.symbol(name):
            found.append(f"{printer.name(name)} = {printer.quotient(numerator, denominator)}")
    return [*found, f"{', '.join(map(printer.name, region.parameters))} {sign} 0"]


def _join(terms: Iterable[str]) -> str:
    return " ".join(terms)


def _monomial_key(item: tuple[Monomial, Fraction]) -> tuple[int, Monomial]:
    return -sum(exponent for _, exponent in item[0]), item[0]
