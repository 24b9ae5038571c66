"""LaTeX to Typst, and a checker that rejects what did not convert.

tex2typst 0.1.7 fails on `\\lVert`, leaves `\\limits` and unknown commands as words, and sets `\\|x\\|` as loose bars.
So the LaTeX is prepared first, and afterwards every word of the result must be a name that Typst's own mathematics
knows: a symbol, or a function that is called. Typst prints the name of a function that is not called.
"""

from __future__ import annotations

import json
import re
from functools import cache

from workbench.errors import InputError

_REPLACED = (
    (re.compile(r"\\(?:left|right)?\\?[lr]Vert(?![A-Za-z])"), r"\\|"),
    (re.compile(r"\\[lr]vert(?![A-Za-z])"), "|"),
    (re.compile(r"\\(?:no)?limits(?![A-Za-z])"), ""),
    (re.compile(r"\\mathrm\{([A-Za-z]{2,})\}"), r"\\operatorname{\1}"),
    (re.compile(r"\\(?:dfrac|tfrac)(?![A-Za-z])"), r"\\frac"),
)
_BARS = re.compile(r"(?:\\left|\\right)?(\\\||(?<!\\)\|)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"(?<![\w.])([A-Za-z]{2,})(?:\.[a-z]+)*(\()?")
_ARGUMENT = re.compile(r"\b(?:limits|delim): *#?\w+")


@cache
def formula(latex: str) -> str:
    """Return Typst mathematics for LaTeX, without the dollars.

    Raises
    ------
    InputError
        If it does not convert, or a word in it is left that Typst's mathematics does not know.
    """
    from tex2typst import tex2typst

    try:
        converted = str(tex2typst(prepared(latex))).strip()
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the formula {latex!r} cannot be typeset: {reason}") from error
    # tex2typst calls the tensor product by the name that only later releases of Typst know.
    converted = converted.replace("times.circle", "times.o")
    _check(latex, converted)
    return converted


def prepared(latex: str) -> str:
    """Return LaTeX that tex2typst converts: known commands only, bars in pairs of `\\left` and `\\right`."""
    text = " ".join(latex.split())
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    for bar in (r"\|", "|"):
        text = _paired(text, bar)
    return text


def _paired(text: str, bar: str) -> str:
    """Write every second bar of a kind as a left one, the others as right ones, where their number is even."""
    places = [match for match in _BARS.finditer(text) if match[1] == bar]
    if len(places) % 2:
        return text
    pieces, last = [], 0
    for index, match in enumerate(places):
        side = r"\right" if index % 2 else r"\left"
        pieces += [text[last : match.start()], side, bar]
        last = match.end()
    return "".join([*pieces, text[last:]])


def _check(latex: str, converted: str) -> None:
    if "\\" in re.sub(r"\\[/%#&$_,;:()\[\]{}]|\\(?=\s|$)", "", converted):
        raise InputError(f"the formula {latex!r} cannot be typeset: a command is left in {converted}")
    symbols, functions = _names()
    for match in _WORD.finditer(_ARGUMENT.sub("", _QUOTED.sub("", converted))):
        word, called = match[1], match[2] is not None
        if not (word in symbols or (called and word in functions)):
            raise InputError(f"the formula {latex!r} cannot be typeset: {word!r} is not known to the converter")


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of Typst's symbols, and of its functions."""
    import typst as engine

    listed = "dictionary(math).pairs().map(((name, value)) => (name, type(value) == function))"
    # A module of symbols, callable or not, and one of functions and operators.
    names = f"(symbols: dictionary(sym).keys(), mathematics: {listed})"
    found = json.loads(engine.Compiler(ignore_system_fonts=True).eval(names))
    functions = {name for name, callable_ in found["mathematics"] if callable_}
    operators = {name for name, callable_ in found["mathematics"] if not callable_}
    return frozenset(operators | set(found["symbols"])), frozenset(functions)
