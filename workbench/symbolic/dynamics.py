r"""How weights move, as exact maps of words: the gradient flow and one step of each descent.

A map gives, for every letter that moves, its velocity (the flow) or what it is after the step, all taken at once. The
gradients come from the loss through a `Calculus`. A velocity is a letter V_j beside W_j.

Nesterov's step is printed in two forms. `nesterov` looks ahead: V' = beta V - eta G(W + beta V), W' = W + V'. It is
the two sequences W_{k+1} = Y_k - eta G(Y_k), Y_{k+1} = W_{k+1} + beta (W_{k+1} - W_k), with Y = W + beta V.
`shifted_nesterov` is the same dynamics written of Y alone, as optimisers in use have it: V' = beta V - eta G(Y),
Y' = Y + beta V' - eta G(Y). They agree by the change of variable; the iterates that they print do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.symbolic.calculus import STEP_SIZE, Calculus, Loss
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, matrix

Map = dict[Letter, MatrixPolynomial]

ETA, BETA, DECAY = Polynomial.symbol(STEP_SIZE), Polynomial.symbol("beta"), Polynomial.symbol("lambda")


def velocity_of(variable: Letter) -> Letter:
    """Return the letter of a variable's velocity: V_j of W_j, and V with the whole name where that is not W."""
    base, _, subscript = variable.name.partition("_")
    name = "V" if base == "W" else f"V{base}"
    return Letter(f"{name}_{subscript}" if subscript else name, variable.rows, variable.columns)


def gradient_flow(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return the velocities -G."""
    return calculus.flow(loss, variables)


def gradient_descent(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return W - eta G."""
    return calculus.descent_step(loss, variables)


def weight_decay(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return (1 - eta lambda) W - eta G: descent on the loss plus lambda/2 times the squared norms."""
    return {w: (1 - ETA * DECAY) * matrix(w) - ETA * calculus.gradient(loss, w) for w in variables}


def heavy_ball(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return V' = beta V - eta G(W) and W' = W + V'."""
    slopes = {w: calculus.gradient(loss, w) for w in variables}
    return _pushed({w: matrix(w) for w in variables}, slopes)


def nesterov(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return V' = beta V - eta G(W + beta V) and W' = W + V'.

    Of a loss known only by its gradient letter, that letter is the gradient at the point looked at.
    """
    ahead = look_ahead(variables)
    slopes = {w: calculus.substitute(calculus.gradient(loss, w), ahead) for w in variables}
    return _pushed({w: matrix(w) for w in variables}, slopes)


def shifted_nesterov(calculus: Calculus, loss: Loss, variables: Sequence[Letter]) -> Map:
    """Return V' = beta V - eta G(Y) and Y' = Y + beta V' - eta G(Y), with the letters W for Y = W + beta V."""
    after: Map = {}
    for w in variables:
        slope = calculus.gradient(loss, w)
        speed = BETA * matrix(velocity_of(w)) - ETA * slope
        after |= {w: matrix(w) + BETA * speed - ETA * slope, velocity_of(w): speed}
    return after


def look_ahead(variables: Sequence[Letter]) -> Map:
    """Return W + beta V."""
    return {w: matrix(w) + BETA * matrix(velocity_of(w)) for w in variables}


def _pushed(places: Mapping[Letter, MatrixPolynomial], slopes: Mapping[Letter, MatrixPolynomial]) -> Map:
    after: Map = {}
    for w, place in places.items():
        speed = BETA * matrix(velocity_of(w)) - ETA * slopes[w]
        after |= {w: place + speed, velocity_of(w): speed}
    return after
