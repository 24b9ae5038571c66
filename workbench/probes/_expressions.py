"""Arithmetic in one letter, exactly: `{1-x}` or `{(1-x^2)/(1+x^2)}` in a text becomes a rational.

The text is parsed, never evaluated: only rationals, x, + - * / and whole powers are understood.
"""

from __future__ import annotations

import ast
import re
from fractions import Fraction

from workbench.errors import InputError
from workbench.exact import rational

_PLACE = re.compile(r"\{([^{}\":]*)\}")

# Exponents beyond this would write numbers that nobody asked for.
_MOST_POWER = 64


def filled(text: str, x: Fraction) -> str:
    """Return a text with every expression in braces replaced by its value."""
    return _PLACE.sub(lambda match: str(value(match.group(1), x)), text)


def mentions(text: str) -> bool:
    """Say whether a text has an expression in x."""
    return any(re.search(r"\bx\b", match.group(1)) for match in _PLACE.finditer(text))


def value(text: str, x: Fraction) -> Fraction:
    """Return the value of an expression in x."""
    refusal = f"the expression {{{text}}} is not understood; use numbers, x, + - * / ^ and brackets"
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
        return _value(tree.body, x)
    except ZeroDivisionError as error:
        raise InputError(f"the expression {{{text}}} divides by zero at x = {x}") from error
    except (SyntaxError, ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise InputError(refusal) from error


def _value(node: ast.AST, x: Fraction) -> Fraction:
    if isinstance(node, ast.Name) and node.id == "x":
        return x
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return rational(repr(node.value) if isinstance(node.value, float) else node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, x)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, x), _value(node.right, x)
        if isinstance(node.op, ast.Pow):
            if right.denominator != 1 or abs(right) > _MOST_POWER:
                raise ValueError("a power is a whole number")
            return left ** int(right)
        sums = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}
        return left / right if isinstance(node.op, ast.Div) else sums[type(node.op)]
    raise ValueError("not arithmetic")
