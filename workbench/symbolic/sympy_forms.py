"""What SymPy gets wrong or leaves out, done for its expressions by words: gradients, equality, NumPy functions.

SymPy 1.14 differentiates sums of traces wrongly and silently, knows no tr(AB) = tr(BA), and prints no NumPy code for a
trace.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import sympy
from sympy.printing.numpy import NumPyPrinter

from workbench.errors import InputError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import Decision, decide
from workbench.symbolic.identities import Identity
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.sympy_objects import from_sympy, to_sympy
from workbench.symbolic.words import MatrixPolynomial, TracePolynomial, trace_constant


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
    letter = from_sympy(variable, symmetric)
    if not isinstance(letter, MatrixPolynomial) or not isinstance(variable, sympy.MatrixSymbol):
        raise InputError(f"the variable {variable} is no MatrixSymbol; differentiate in one")
    ((word, _),) = letter.terms.items()
    return to_sympy(Calculus().gradient(words, word[0].letter))


def equal(left: Any, right: Any, symmetric: Collection[str] = ()) -> Decision:
    """Decide whether two SymPy expressions are equal for all matrices: by normal form, or by an exact witness."""
    sides = [from_sympy(side, symmetric) for side in (left, right)]
    if any(isinstance(side, TracePolynomial) for side in sides):
        sides = [trace_constant(side) if isinstance(side, Polynomial) else side for side in sides]
    return decide(Identity("equality", sides[0], sides[1]))
