"""SymPy's expressions in and out of words, so that results print, substitute and lambdify as SymPy users expect.

SymPy 1.14 differentiates sums of traces wrongly and silently, and knows no tr(AB) = tr(BA): it is used here as a
notation, never to decide. What comes in is read node by node; no text is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy.printing.numpy import NumPyPrinter

from workbench.errors import InputError, UnsupportedError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import Decision, decide
from workbench.symbolic.identities import Identity
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import (
    Factor,
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    identity,
    matrix,
    multiply,
    trace,
    trace_constant,
    zero,
)

Words = MatrixPolynomial | TracePolynomial | Polynomial


def to_sympy(expression: Words) -> Any:
    """Return an expression as SymPy's: a matrix, a sum of traces, or a polynomial in symbols.

    Letters become `MatrixSymbol`s of their name; scalars and widths with a name become plain `Symbol`s.
    """
    if isinstance(expression, Polynomial):
        return _scalar(expression)
    if isinstance(expression, TracePolynomial):
        return sympy.Add(*(_trace_term(word, c) for word, c in expression.terms.items()))
    if not expression:
        return sympy.ZeroMatrix(_width(expression.rows), _width(expression.columns))
    terms = [_scalar(c) * _product(word, expression.rows) for word, c in expression.terms.items()]
    return sympy.MatAdd(*terms).doit(deep=False) if len(terms) > 1 else terms[0]


def from_sympy(expression: Any, symmetric: Collection[str] = ()) -> Words:
    """Return a SymPy expression in normal form: words for matrices, traces of words, or a polynomial.

    Parameters
    ----------
    expression : sympy.Expr or sympy.MatrixExpr
        Sums and products of matrix symbols, transposes, identities, zeros, whole powers and traces, with rational
        coefficients in symbols.
    symmetric : collection of str
        Names of the matrix symbols that stand for symmetric matrices.

    Raises
    ------
    UnsupportedError
        If a node has no form in words, such as an inverse, a determinant, or a product of two traces.
    InputError
        If a coefficient is a float.
    """
    if isinstance(expression, sympy.MatrixExpr):
        return _matrix(expression, symmetric)
    if not isinstance(expression, sympy.Expr):
        raise InputError(f"{type(expression).__name__} is no SymPy expression; give a MatrixExpr or an Expr")
    if not expression.has(sympy.Trace):
        return _polynomial(expression)
    return _traces(expression, symmetric)


class _NumpyPrinter(NumPyPrinter):  # type: ignore[misc]
    """NumPy code with traces, which SymPy's printer leaves out."""

    def _print_Trace(self, node: Any) -> str:
        return f"{self._module_format('numpy.trace')}({self._print(node.arg)})"


def lambdify(arguments: Sequence[Any], expression: Any) -> Callable[..., Any]:
    """Return a NumPy function of SymPy's symbols and matrix symbols, traces included."""
    printer = _NumpyPrinter({"fully_qualified_modules": False, "inline": True})
    function: Callable[..., Any] = sympy.lambdify(arguments, expression, modules="numpy", printer=printer)
    return function


def gradient(loss: Any, variable: Any, symmetric: Collection[str] = ()) -> Any:
    """Return the gradient of a SymPy sum of traces in a MatrixSymbol, as SymPy's expression.

    What SymPy's own `diff` gives for a sum of traces may be zero where it is not.
    """
    words = from_sympy(loss, symmetric)
    if not isinstance(words, TracePolynomial):
        raise InputError("a loss is a sum of traces; give one that holds a Trace")
    letter = _matrix(variable, symmetric)
    ((word, _),) = letter.terms.items()
    return to_sympy(Calculus().gradient(words, word[0].letter))


def equal(left: Any, right: Any, symmetric: Collection[str] = ()) -> Decision:
    """Decide whether two SymPy expressions are equal for all matrices: by normal form, or by an exact witness."""
    sides = [from_sympy(side, symmetric) for side in (left, right)]
    if any(isinstance(side, TracePolynomial) for side in sides):
        sides = [trace_constant(side) if isinstance(side, Polynomial) else side for side in sides]
    return decide(Identity("equality", sides[0], sides[1]))


def _scalar(polynomial: Polynomial) -> Any:
    terms = []
    for monomial, value in polynomial.terms.items():
        powers = [sympy.Symbol(name) ** exponent for name, exponent in monomial]
        terms.append(sympy.Mul(sympy.Rational(value.numerator, value.denominator), *powers))
    return sympy.Add(*terms)


def _width(width: Width) -> Any:
    return sympy.Symbol(width) if isinstance(width, str) else sympy.Integer(width)


def _factor(factor: Factor) -> Any:
    letter = factor.letter
    symbol = sympy.MatrixSymbol(letter.name, _width(letter.rows), _width(letter.columns))
    return symbol.T if factor.transposed else symbol


def _product(word: tuple[Factor, ...], rows: Width) -> Any:
    return sympy.MatMul(*map(_factor, word)).doit(deep=False) if word else sympy.Identity(_width(rows))


def _trace_term(word: tuple[Factor, ...], coefficient: Polynomial) -> Any:
    return _scalar(coefficient) * (sympy.Trace(_product(word, 1)) if word else 1)


def _matrix(node: Any, symmetric: Collection[str]) -> MatrixPolynomial:
    rows, columns = (_named_width(size) for size in node.shape)
    match node:
        case sympy.MatrixSymbol():
            return matrix(Letter(str(node.name), rows, columns, symmetric=str(node.name) in symmetric))
        case sympy.Transpose():
            return _matrix(node.arg, symmetric).T
        case sympy.Identity():
            return identity(rows)
        case sympy.ZeroMatrix():
            return zero(rows, columns)
        case sympy.MatAdd():
            total = zero(rows, columns)
            for part in node.args:
                total = total + _matrix(part, symmetric)
            return total
        case sympy.MatPow() if node.exp.is_Integer and node.exp >= 0:
            return _matrix(node.base, symmetric) ** int(node.exp)
        case sympy.MatMul():
            scale, factors = node.as_coeff_matrices()
            return multiply([_matrix(part, symmetric) for part in factors], rows) * _polynomial(scale)
    raise UnsupportedError(f"{type(node).__name__} has no form in words; give sums and products of matrices")


def _traces(node: Any, symmetric: Collection[str]) -> TracePolynomial:
    if not node.has(sympy.Trace):
        return trace_constant(_polynomial(node))
    if isinstance(node, sympy.Trace):
        return trace(_matrix(node.arg, symmetric))
    if isinstance(node, sympy.Add):
        total = TracePolynomial({})
        for part in node.args:
            total = total + _traces(part, symmetric)
        return total
    if isinstance(node, sympy.Mul):
        holding = [part for part in node.args if part.has(sympy.Trace)]
        if len(holding) == 1:
            rest = [part for part in node.args if part is not holding[0]]
            return _traces(holding[0], symmetric) * _polynomial(sympy.Mul(*rest))
    raise UnsupportedError(f"{node} is no sum of traces: products and powers of traces have no form in words")


def _polynomial(node: Any) -> Polynomial:
    if node.is_Rational:
        return Polynomial.constant(Fraction(int(node.p), int(node.q)))
    if node.is_Float:
        raise InputError(f"the coefficient {node} is rounded; give a Rational")
    if node.is_Symbol:
        return Polynomial.symbol(str(node.name))
    if node.is_Add:
        return sum((_polynomial(part) for part in node.args), Polynomial({}))
    if node.is_Mul:
        product = Polynomial.constant(1)
        for part in node.args:
            product = product * _polynomial(part)
        return product
    if node.is_Pow and node.exp.is_Integer and node.exp >= 0:
        return _polynomial(node.base) ** int(node.exp)
    raise UnsupportedError(f"{node} is no polynomial in symbols with rational coefficients")


def _named_width(size: Any) -> Width:
    if size.is_Integer:
        return int(size)
    if size.is_Symbol:
        return str(size.name)
    raise UnsupportedError(f"the width {size} is neither a number nor a symbol; name it")
