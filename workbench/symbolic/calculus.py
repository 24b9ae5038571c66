"""Differentiate losses written in words, and write down every step.

The gradient is read off the matrix differential: d loss = tr(G^T dW). A `Calculus` may carry one deliberate fault
in one layer's gradient: a proof that still goes through with it does not depend on the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Literal, get_args

from workbench.errors import InputError, ShapeError, UnsupportedError
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import STRAY, Restriction
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    Word,
    frobenius_inner,
    identity,
    letters,
    matrix,
    word_key,
    word_polynomial,
    zero,
)

Fault = Literal["sign", "transpose", "double", "stray"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
Expression = MatrixPolynomial | TracePolynomial | Polynomial

# Symbol of the step size of descent.
STEP_SIZE = "eta"


@dataclass(frozen=True)
class OpaqueLoss:
    """Any differentiable loss of a matrix, known only by its gradient there.

    Parameters
    ----------
    argument : MatrixPolynomial
        The matrix that the loss is a function of, such as the end-to-end matrix.
    gradient : Letter
        Gradient of the loss at that matrix, same shape.
    """

    argument: MatrixPolynomial
    gradient: Letter

    def __post_init__(self) -> None:
        # A loss whose gradient is one of its own layers is not any loss.
        if self.gradient.name in {letter.name for letter in letters(self.argument)}:
            raise InputError(
                f"the gradient {self.gradient.name} is a letter of the loss's argument; give it its own name"
            )

    def derivative(self, velocities: Mapping[Letter, MatrixPolynomial]) -> TracePolynomial:
        """Return tr(G^T dW)."""
        return frobenius_inner(matrix(self.gradient), self.argument.derivative(velocities))


Loss = TracePolynomial | OpaqueLoss


@dataclass(frozen=True)
class Step:
    """One step of a derivation: the rule, and the expression before and after it."""

    number: int
    rule: str
    before: Expression | OpaqueLoss
    after: Expression


@dataclass(frozen=True)
class Gradient:
    """A gradient as it is, and as it was given to the proof: they differ where a fault is planted."""

    variable: Letter
    exact: MatrixPolynomial
    given: MatrixPolynomial


@dataclass
class Calculus:
    """Matrix calculus with a log.

    Parameters
    ----------
    fault : {None, "sign", "transpose", "double", "stray"}
        Deliberate fault in one gradient: its sign, one transpose in it, twice its size, or a stray matrix added.
    layer : int
        Which gradient carries the fault, counted from 1 in the order in which gradients are first asked for.
    dummy : bool
        Carry the fault in name only: every gradient is exact, and a proof that does not look cannot tell.
    """

    fault: InitVar[Fault | None] = None
    layer: InitVar[int] = 1
    dummy: InitVar[bool] = False
    gradients: list[Gradient] = field(default_factory=list)

    def __post_init__(self, fault: Fault | None, layer: int, dummy: bool) -> None:
        if fault is not None and fault not in FAULTS:
            raise InputError(f"no fault is called {fault!r}; known: {', '.join(FAULTS)}, None")
        # Not for a proof to read: it must go the same way with and without a fault.
        self._fault, self._layer, self._dummy = fault, layer, dummy
        self._steps: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The log; a proof adds to it by what it does, and can take nothing out."""
        return tuple(self._steps)

    def differential(self, loss: Loss, variable: Letter) -> TracePolynomial:
        """Return the differential of a loss when one letter moves by its differential."""
        # Exact types: a subclass could bring a derivative of its own.
        if type(loss) not in (TracePolynomial, OpaqueLoss):
            raise InputError(f"a {type(loss).__name__} is no loss; give a TracePolynomial or an OpaqueLoss")
        moving = differential_of(variable)
        result = loss.derivative({variable: matrix(moving)})
        self._log(f"matrix differential in {variable.name}", loss, result)
        return result

    def gradient(self, loss: Loss, variable: Letter) -> MatrixPolynomial:
        """Return the gradient of a loss, same shape as the variable.

        Raises
        ------
        UnsupportedError
            If the variable is symmetric: its entries are not free.
        """
        if variable.symmetric:
            raise UnsupportedError(f"{variable.name} is symmetric, and gradients are taken in free matrices only")
        differential = self.differential(loss, variable)
        exact = _read_off(differential, variable)
        result = self._with_fault(exact, variable)
        self.gradients.append(Gradient(variable, exact, result))
        self._log(f"gradient in {variable.name}: tr(G^T d{variable.name}) by the cyclic trace", differential, result)
        return result

    @property
    def variables(self) -> tuple[Letter, ...]:
        """The letters whose gradient was asked for, in the order of first asking."""
        return tuple(dict.fromkeys(gradient.variable for gradient in self.gradients))

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the letters and symbols that the losses are made of, and of the step size."""
        names = {STEP_SIZE}
        for step in self.steps:
            if isinstance(step.before, OpaqueLoss):
                names |= {letter.name for letter in (*letters(step.before.argument), step.before.gradient)}
            elif isinstance(step.before, TracePolynomial):
                names |= {letter.name for letter in letters(step.before)}
                names |= {name for coefficient in step.before.terms.values() for name in coefficient.symbols}
        return tuple(sorted(names))

    def flow(self, loss: Loss, variables: Sequence[Letter]) -> dict[Letter, MatrixPolynomial]:
        """Return the velocities of the gradient flow, minus the gradients."""
        return {variable: -self.gradient(loss, variable) for variable in variables}

    def descent_step(self, loss: Loss, variables: Sequence[Letter]) -> dict[Letter, MatrixPolynomial]:
        """Return the variables after one step of gradient descent of size eta, all taken at once."""
        eta = Polynomial.symbol(STEP_SIZE)
        return {variable: matrix(variable) - eta * self.gradient(loss, variable) for variable in variables}

    def lie_derivative(
        self, expression: MatrixPolynomial, velocities: Mapping[Letter, MatrixPolynomial]
    ) -> MatrixPolynomial:
        """Return the derivative of an expression along a flow."""
        result = expression.derivative(velocities)
        self._log("derivative along the flow", expression, result)
        return result

    def substitute(self, expression: MatrixPolynomial, values: Mapping[Letter, MatrixPolynomial]) -> MatrixPolynomial:
        """Replace letters by expressions."""
        result = expression.substitute(values)
        names = ", ".join(letter.name for letter in values)
        self._log(f"substitute for {names}", expression, result)
        return result

    def restrict(self, expression: MatrixPolynomial, restriction: Restriction) -> MatrixPolynomial | Polynomial:
        """Return the normal form of an expression under a restriction."""
        result = restriction.apply(expression)
        self._log(f"normal form when {restriction.name}", expression, result)
        return result

    def _with_fault(self, exact: MatrixPolynomial, variable: Letter) -> MatrixPolynomial:
        asked = tuple(dict.fromkeys((*self.variables, variable)))
        if self._fault is None or self._dummy or asked.index(variable) != self._layer - 1:
            return exact
        match self._fault:
            case "sign":
                return -exact
            case "transpose":
                return flip_one_transpose(exact)
            case "double":
                return 2 * exact
            case "stray":
                return exact + matrix(Letter(STRAY, variable.rows, variable.columns))

    def _log(self, rule: str, before: Expression | OpaqueLoss, after: Expression) -> None:
        self._steps.append(Step(len(self._steps) + 1, rule, before, after))


def differential_of(variable: Letter) -> Letter:
    """Return the letter that stands for the differential of a variable."""
    return Letter(f"d{variable.name}", variable.rows, variable.columns)


def flip_one_transpose(gradient: MatrixPolynomial) -> MatrixPolynomial:
    """Return a gradient with one letter of its first word transposed where that changes it.

    Raises
    ------
    ShapeError
        If no letter can be transposed: the widths are not equal.
    """
    for word in sorted(gradient.terms, key=word_key):
        for place, factor in enumerate(word):
            if factor != factor.T and factor.rows == factor.columns:
                flipped = word_polynomial((*word[:place], factor.T, *word[place + 1 :]))
                coefficient = gradient.terms[word]
                return gradient + (flipped - word_polynomial(word)) * coefficient
    raise ShapeError("no letter of the gradient can be transposed; take equal widths")


def _read_off(differential: TracePolynomial, variable: Letter) -> MatrixPolynomial:
    total = zero(variable.rows, variable.columns)
    for word, coefficient in differential.terms.items():
        total = total + _cofactor(word, differential_of(variable)) * coefficient
    return total


def _cofactor(word: Word, moving: Letter) -> MatrixPolynomial:
    # tr(P dW Q) = tr(QP dW) = <(QP)^T, dW>, and tr(P dW^T Q) = <QP, dW>.
    place = next(i for i, factor in enumerate(word) if factor.letter == moving)
    rest = word[place + 1 :] + word[:place]
    cofactor = word_polynomial(rest) if rest else identity(moving.rows)
    return cofactor if word[place].transposed else cofactor.T
