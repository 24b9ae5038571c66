"""Words as SymPy's objects and back, so that a result prints, substitutes and lambdifies as SymPy's users expect.

SymPy only carries and shows: nothing is decided or differentiated by it, since it knows no tr(AB) = tr(BA) and
differentiates sums of traces wrongly. What comes in is read from its tree; no text is ever parsed.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from workbench.errors import InputError, UnsupportedError
from workbench.symbolic.polynomials import Polynomial, collect
from workbench.symbolic.words import (
    Factor,
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Width,
    Word,
    identity,
    matrix,
    trace,
    trace_constant,
    zero,
)

Expression = MatrixPolynomial | TracePolynomial | Polynomial


def to_sympy(expression: Expression) -> Any:
    """Return an expression as SymPy's: a matrix expression, a sum of traces, or a polynomial.

    Widths that are names become positive integer symbols.
    """
    import sympy

    if isinstance(expression, Polynomial):
        return _scalar_out(expression)
    if isinstance(expression, TracePolynomial):
        parts = [_scalar_out(c) * (sympy.Trace(_word_out(word)) if word else 1) for word, c in expression.terms.items()]
        return sympy.Add(*parts)
    shape = _width_out(expression.rows), _width_out(expression.columns)
    terms = [_term_out(c, word, shape[0]) for word, c in expression.terms.items()]
    if not terms:
        return sympy.ZeroMatrix(*shape)
    return sympy.MatAdd(*terms) if len(terms) > 1 else terms[0]


def from_sympy(expression: Any, symmetric: Collection[str] = ()) -> Expression:
    """Return SymPy's expression in words.

    Parameters
    ----------
    expression : MatrixExpr or Expr
        Sums, products, whole powers and transposes of matrix symbols, identities and zeros; polynomials in their
        traces of degree one; polynomials with rational coefficients.
    symmetric : collection of str
        Names of the matrix symbols that are symmetric.

    Raises
    ------
    UnsupportedError
        If a part is none of these.
    """
    import sympy

    if not isinstance(expression, sympy.Basic):
        raise InputError(
            f"{type(expression).__name__} is no object of SymPy; give a matrix expression or an expression"
        )
    if isinstance(expression, sympy.MatrixExpr):
        return _matrix_in(expression, frozenset(symmetric))
    if expression.has(sympy.Trace):
        return _traces_in(expression, frozenset(symmetric))
    return _scalar_in(expression)


def _scalar_out(polynomial: Polynomial) -> Any:
    import sympy

    total = sympy.Integer(0)
    for monomial, value in polynomial.terms.items():
        factors = [sympy.Symbol(name) ** exponent for name, exponent in monomial]
        total += sympy.Mul(sympy.Rational(value.numerator, value.denominator), *factors)
    return total


def _word_out(word: Word) -> Any:
    import sympy

    return sympy.MatMul(*(_factor_out(factor) for factor in word)) if len(word) > 1 else _factor_out(word[0])


def _term_out(coefficient: Polynomial, word: Word, size: Any) -> Any:
    import sympy

    factors = [_factor_out(factor) for factor in word] or [sympy.Identity(size)]
    scale = _scalar_out(coefficient)
    # A product of one factor is no symbol any more, and would neither substitute nor lambdify.
    return factors[0] if scale == 1 and len(factors) == 1 else sympy.MatMul(*([] if scale == 1 else [scale]), *factors)


def _factor_out(factor: Factor) -> Any:
    import sympy

    letter = factor.letter
    symbol = sympy.MatrixSymbol(letter.name, _width_out(letter.rows), _width_out(letter.columns))
    return symbol.T if factor.transposed else symbol


def _width_out(width: Width) -> Any:
    import sympy

    return sympy.Symbol(width, integer=True, positive=True) if isinstance(width, str) else sympy.Integer(width)


def _width_in(width: Any) -> Width:
    if width.is_Integer:
        return int(width)
    if width.is_Symbol:
        return str(width.name)
    raise UnsupportedError(f"the width {width} is neither a number nor a symbol")


def _matrix_in(expression: Any, symmetric: frozenset[str]) -> MatrixPolynomial:
    import sympy

    rows, columns = (_width_in(width) for width in expression.shape)
    if isinstance(expression, sympy.MatrixSymbol):
        return matrix(Letter(expression.name, rows, columns, symmetric=expression.name in symmetric))
    if isinstance(expression, sympy.Identity):
        return identity(rows)
    if isinstance(expression, sympy.ZeroMatrix):
        return zero(rows, columns)
    if isinstance(expression, sympy.Transpose):
        return _matrix_in(expression.arg, symmetric).T
    if isinstance(expression, sympy.MatAdd):
        total = zero(rows, columns)
        for part in expression.args:
            total = total + _matrix_in(part, symmetric)
        return total
    if isinstance(expression, sympy.MatMul):
        scale, factors = expression.as_coeff_matrices()
        result = _matrix_in(factors[0], symmetric)
        for factor in factors[1:]:
            result = result @ _matrix_in(factor, symmetric)
        return result * _scalar_in(scale)
    if isinstance(expression, sympy.MatPow) and expression.exp.is_Integer and expression.exp >= 0:
        return _matrix_in(expression.base, symmetric) ** int(expression.exp)
    raise UnsupportedError(f"the calculus of words has no {type(expression).__name__}: {expression}")


def _traces_in(expression: Any, symmetric: frozenset[str]) -> TracePolynomial:
    import sympy

    total = TracePolynomial({})
    for term in sympy.Add.make_args(sympy.expand(expression)):
        factors = sympy.Mul.make_args(term)
        traces = [factor for factor in factors if factor.has(sympy.Trace)]
        if len(traces) > 1 or any(not isinstance(factor, sympy.Trace) for factor in traces):
            raise UnsupportedError(f"the calculus of words has sums of traces, and {term} is none")
        scale = _scalar_in(sympy.Mul(*(factor for factor in factors if factor not in traces)))
        value = trace(_matrix_in(traces[0].arg, symmetric)) if traces else trace_constant(1)
        total = total + value * scale
    return total


def _scalar_in(expression: Any) -> Polynomial:
    import sympy

    symbols = sorted(expression.free_symbols, key=str)
    if any(not symbol.is_Symbol for symbol in symbols) or not expression.is_polynomial(*symbols):
        raise UnsupportedError(f"the coefficient {expression} is no polynomial in symbols")
    found = sympy.Poly(expression, *symbols) if symbols else None
    terms = found.terms() if found is not None else [((), expression)]
    return collect([(_monomial(symbols, exponents), _rational(value)) for exponents, value in terms])


def _monomial(symbols: list[Any], exponents: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
    pairs = zip(symbols, exponents, strict=True)
    return tuple(sorted((str(symbol.name), int(exponent)) for symbol, exponent in pairs if exponent))


def _rational(value: Any) -> Fraction:
    if not value.is_Rational:
        raise UnsupportedError(f"the coefficient {value} is not rational, and words are exact; give a fraction")
    return Fraction(int(value.p), int(value.q))
