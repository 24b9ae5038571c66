"""Words, numbers and formulas as Typst source.

Words are written with `$...$` for formulas (LaTeX), `$$...$$` for displayed ones, backticks for names, `*...*` for
stress, and `{...}` for numbers that are looked up in the records: nothing numeric is typed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from workbench.errors import InputError
from workbench.report.formulas import formula

_PIECES = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|`([^`]+)`|\*([A-Za-z][^*\n]*)\*", re.DOTALL)
_LETTERS = re.compile(r"(?:tr\()?\b[a-zA-Z]{1,2}(?:[_^](?:\{[^}]*\}|\w))+(?: ?d?[A-Z](?:[_^](?:\{[^}]*\}|\w))+\)?)*")
_PLACE = re.compile(r"\{([a-z][\w.\-]*(?::[\w.\-]+)?)\}")


def literal(text: str) -> str:
    """Return a Typst string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def inline(latex: str) -> str:
    """Return a formula in a line, with its LaTeX as alternative text; one of several lines is set as one that wraps."""
    return f"#math.equation(alt: {literal(latex)}, ${formula(_unfolded(latex))}$)"


def _unfolded(latex: str) -> str:
    """Return the lines of an aligned formula as one line."""
    if r"\begin{aligned}" not in latex:
        return latex
    return re.sub(r"\\begin\{aligned\}|\\end\{aligned\}|\\\\|&(?:\\quad)?", " ", latex)


def display(latex: str) -> str:
    """Return a displayed formula, with its LaTeX as alternative text."""
    return f"#math.equation(block: true, alt: {literal(latex)}, $ {formula(latex)} $)"


def prose(text: str) -> str:
    """Return words with formulas and names as Typst content."""
    parts, position, shown = [], 0, False
    for match in _PIECES.finditer(text):
        parts.append(_plain(text[position : match.start()], after_display=shown))
        parts.append(_piece(*match.groups()))
        shown = match.group(1) is not None
        position = match.end()
    parts.append(_plain(text[position:], after_display=shown))
    return "".join(part for part in parts if part)


def _piece(shown: str | None, line: str | None, name: str | None, stressed: str | None) -> str:
    if shown:
        return display(shown)
    if line:
        return inline(line)
    return f"#raw({literal(name)})" if name else f"#emph({literal(str(stressed))})"


def named(text: str) -> str:
    """Return words in which letters with indices or transposes, `W_1` or `G^T dW_1`, are formulas."""
    return _LETTERS.sub(lambda match: f"${match.group(0)}$", text)


def _plain(text: str, *, after_display: bool = False) -> str:
    text = text.lstrip() if after_display else text
    paragraphs = re.split(r"\n\s*\n", text)
    pieces = []
    for paragraph in paragraphs:
        words = re.sub(r"\s+", " ", paragraph)
        pieces.append(f"#{literal(words)};" if words else "")
    return "\n\n".join(pieces)


def filled(text: str, lookup: Callable[[str], str | Latex]) -> str:
    """Return words with every `{place}` replaced by what the records hold there.

    A number stands bare inside a formula, and becomes a formula of its own in the words.
    """
    parts, position = [], 0
    for match in _PIECES.finditer(text):
        parts.append(_fill(text[position : match.start()], lookup, inside=False))
        parts.append(_fill(match.group(0), lookup, inside=True))
        position = match.end()
    return "".join([*parts, _fill(text[position:], lookup, inside=False)])


def _fill(text: str, lookup: Callable[[str], str | Latex], *, inside: bool) -> str:
    def value(match: re.Match[str]) -> str:
        found = lookup(match.group(1))
        return f"${found}$" if isinstance(found, Latex) and not inside else str(found)

    return _PLACE.sub(value, text)


class Latex(str):
    """A text that is a formula."""


def number(value: object, digits: int = 3) -> str:
    """Return a number as LaTeX, to a few significant digits; integers whole."""
    if value is None:
        return r"\text{unknown}"
    if isinstance(value, bool):
        return r"\text{yes}" if value else r"\text{no}"
    if isinstance(value, int):
        return f"{value}"
    try:
        exact = Decimal(str(value))
    except ArithmeticError as error:
        raise InputError(f"{value!r} is not a number") from error
    if exact == exact.to_integral_value() and abs(exact) < 10**6:
        return f"{int(exact)}"
    return _scientific(exact, digits)


def _scientific(exact: Decimal, digits: int) -> str:
    """Return a number to some digits, fewer where it has fewer; just below 1 as 1 less a small one."""
    if exact == 0:
        return "0"
    digits = min(digits, len(exact.normalize().as_tuple().digits))
    exponent = exact.adjusted()
    if -4 < exponent < 6:
        places = max(digits - 1 - exponent, 0)
        rounded = f"{exact:.{places}f}"
        if 0 < exact < 1 <= Decimal(rounded):
            return f"1 - {_scientific(1 - exact, 1)}"
        return rounded
    mantissa = exact.scaleb(-exponent)
    rounded = f"{mantissa:.{digits - 1}f}"
    if abs(Decimal(rounded)) >= 10:
        rounded, exponent = f"{mantissa / 10:.{digits - 1}f}", exponent + 1
    return f"10^{{{exponent}}}" if rounded == "1" else f"{rounded} \\times 10^{{{exponent}}}"
