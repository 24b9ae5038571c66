r"""Print words and polynomials as LaTeX and as Unicode text.

The LaTeX keeps to what tex2typst 0.1.7 converts to Typst that compiles: no `\otimes`, no `\lVert`, no named
operators but `\operatorname`; long sums are broken into `aligned` lines. Letters are printed by their name: an
optional `dot ` or `d` in front, a Greek or Latin base, `_` and a subscript, `+` behind for "after the step".
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction

from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.identities import Side
from workbench.symbolic.polynomials import Monomial, Polynomial
from workbench.symbolic.words import Factor, MatrixPolynomial, Word, word_key

Printable = Side | OpaqueLoss

_NAME = re.compile(r"^(dot |d(?=[A-Z]))?([A-Za-z]+)(?:_(?:\{(.+)\}|(\w+)))?(\+)?(?:\[(\d+),(\d+)\])?$")
_GREEK = {
    "Phi": "Φ",
    "eta": "η",
    "lambda": "λ",
    "rho": "ρ",
    "epsilon": "ε",
    "theta": "θ",
    "delta": "δ",
    "beta": "β",
    "kappa": "κ",
    "tau": "τ",
    "sigma": "σ",
}
_SUBSCRIPTS = str.maketrans("0123456789+-j", "₀₁₂₃₄₅₆₇₈₉₊₋ⱼ")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# Columns of Unicode text after which a sum goes on in a new line: what fits a page at text size.
LINE = 76


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
        simple = len(block) == 1 and not block[0].transposed and not block[0].letter.name.endswith("+")
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
        return " ".join(self._symbol_power(name, exponent) for name, exponent in monomial)

    def _symbol_power(self, name: str, exponent: int) -> str:
        symbol = self.name(name)
        if exponent == 1:
            return symbol
        return self.power(self.bracket(symbol) if name.endswith("+") else symbol, exponent)

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
        place = "" if not row else f"{row}{column}" if len(row + column) == 2 else f"{row},{column}"
        subscript = ";".join(part for part in (long or short, place) if part)
        subscript = f"_{{{subscript}}}" if subscript else ""
        raised = f"^{{{after or ''}{mark}}}" if after or mark else ""
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
        # One code point for a letter with a dot where Unicode has one.
        return unicodedata.normalize("NFC", symbol + subscript + ("⁺" if after else "") + entry)

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


LATEX = LatexPrinter()
UNICODE = UnicodePrinter()


def latex(value: Printable) -> str:
    """Return an expression as LaTeX, a long sum on several lines."""
    broken = lines(value)
    if len(broken) == 1:
        return broken[0]
    body = r" \\ &\quad ".join(broken)
    return rf"\begin{{aligned}} &{body} \end{{aligned}}"


def unicode(value: Printable) -> str:
    """Return an expression as one line of Unicode text."""
    return UNICODE.expression(value)


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


def lines(value: Printable) -> list[str]:
    """Return the lines of LaTeX that a sum takes."""
    found: list[list[str]] = [[]]
    used = 0
    for text, plain in zip(LATEX.terms(value), UNICODE.terms(value), strict=True):
        if found[-1] and used + len(plain) > LINE:
            found.append([])
            used = 0
        found[-1].append(text)
        used += len(plain) + 1
    return [_join(line) for line in found]


def _join(terms: Iterable[str]) -> str:
    return " ".join(terms)


def _monomial_key(item: tuple[Monomial, Fraction]) -> tuple[int, Monomial]:
    return -sum(exponent for _, exponent in item[0]), item[0]
