"""What a claim supposes of its matrices: a substitution, rewriting rules, and how to draw matrices that obey both.

A restriction is data. The runner applies it to each side of an identity, and checks by exact arithmetic that the
matrices it draws for a witness obey it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from workbench.errors import ShapeError, UnsupportedError
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import (
    Factor,
    Letter,
    MatrixPolynomial,
    Word,
    identity,
    matrix,
    word_polynomial,
    zero,
)

Rows = list[list[Fraction]]
Sample = dict[Letter, Rows]
Shape = Callable[[Letter], tuple[int, int]]

# Name of the matrix that a planted fault adds to a gradient; where eigenvalues are read it has one of its own.
STRAY = "stray"

# A product of n letters under rules that only sort it takes at most n^2 of them; more is a loop.
_LONGEST_REWRITING = 100_000


@dataclass(frozen=True)
class Restriction:
    """What is supposed of the letters of an identity.

    Parameters
    ----------
    name : str
        In words, for the log.
    letters : mapping from Letter to MatrixPolynomial
        Letters that are replaced, all at once.
    rules : tuple of (word, word)
        Words that are rewritten, left to right, until none occurs.
    scalars : mapping from Letter to Polynomial
        For commuting symmetric letters: the eigenvalue of each, on a common eigenvector. An expression is then
        read as its eigenvalue.
    draw : callable
        (generator, shape of a letter) -> exact matrices of the letters that remain, obeying the rules.
    """

    name: str
    letters: Mapping[Letter, MatrixPolynomial] = field(default_factory=dict)
    rules: tuple[tuple[Word, Word], ...] = ()
    scalars: Mapping[Letter, Polynomial] = field(default_factory=dict)
    draw: Callable[[random.Random, Shape], Sample] | None = None

    def apply(self, expression: MatrixPolynomial) -> MatrixPolynomial | Polynomial:
        """Return the normal form of an expression, a polynomial where eigenvalues are read."""
        replaced = rewrite(expression.substitute(self.letters), self.rules)
        return _eigenvalue(replaced, self.scalars) if self.scalars else replaced

    def equations(self) -> list[tuple[MatrixPolynomial, MatrixPolynomial]]:
        """Return the rules as pairs of matrices; the empty word is the identity."""
        sides = [(word_polynomial(left), right) for left, right in self.rules]
        return [(left, word_polynomial(right) if right else identity(left.rows)) for left, right in sides]


def rewrite(expression: MatrixPolynomial, rules: Sequence[tuple[Word, Word]]) -> MatrixPolynomial:
    """Rewrite words by rules until no left side occurs.

    Raises
    ------
    UnsupportedError
        If the rules run in a circle.
    """
    total = zero(expression.rows, expression.columns)
    for word, coefficient in expression.terms.items():
        for _ in range(_LONGEST_REWRITING):
            following = _rewrite_once(word, rules)
            if following == word:
                break
            word = following
        else:
            raise UnsupportedError("the rewriting rules run in a circle; order them so that each shortens or sorts")
        normal = word_polynomial(word) if word else identity(expression.rows)
        total = total + normal * coefficient
    return total


def equal_layers(layers: Sequence[Letter], target: Letter) -> Restriction:
    """Suppose that all layers are one symmetric matrix S that commutes with a symmetric target."""
    common, symmetric = _common(layers, target)

    def draw(generator: random.Random, shape: Shape) -> Sample:
        base = _symmetric(generator, shape(symmetric)[0])
        return {symmetric: base, common: _quadratic(generator, base)}

    return Restriction(
        name="all layers equal one symmetric S that commutes with the symmetric target",
        letters={**dict.fromkeys(layers, matrix(common)), target: matrix(symmetric)},
        rules=(((Factor(symmetric), Factor(common)), (Factor(common), Factor(symmetric))),),
        draw=draw,
    )


def eigenvalues(layers: Sequence[Letter], target: Letter, target_eigenvalue: Polynomial) -> Restriction:
    """Suppose the same, and read expressions as eigenvalues: x of each layer, the one given of the target."""
    common, symmetric = _common(layers, target)
    return Restriction(
        name="all layers equal one symmetric S that commutes with the symmetric target, on a common eigenvector",
        letters={**dict.fromkeys(layers, matrix(common)), target: matrix(symmetric)},
        scalars={common: Polynomial.symbol("x"), symmetric: target_eigenvalue},
    )


def balanced(layers: Sequence[Letter], towards: Literal["first", "last"]) -> Restriction:
    """Suppose W_{j+1}^T W_{j+1} = W_j W_j^T for all j, and rewrite towards the first or the last layer."""
    rules = []
    for lower, upper in pairwise(layers):
        inner = (Factor(upper).T, Factor(upper))
        outer = (Factor(lower), Factor(lower).T)
        rules.append((inner, outer) if towards == "first" else (outer, inner))
    return Restriction(
        name="the layers are balanced",
        rules=tuple(rules),
        draw=lambda generator, shape: _draw_balanced(generator, layers, shape),
    )


def polar_factors(layers: Sequence[Letter], target: Letter) -> Restriction:
    """Suppose W_j = Q^j S Q^(1-j) with an orthogonal Q and a symmetric S: the balanced factorisation of Q^L S^L."""
    width = target.rows
    if any((m.rows, m.columns) != (width, width) for m in (*layers, target)):
        raise ShapeError("the balanced factorisation of a polar form has square layers; give equal widths")
    turn, stretch = Letter("Q", width, width), Letter("S", width, width, symmetric=True)
    q, s = matrix(turn), matrix(stretch)
    factors = {layer: q**j @ s @ q.T ** (j - 1) for j, layer in enumerate(layers, start=1)}
    there, back = Factor(turn), Factor(turn).T

    def draw(generator: random.Random, shape: Shape) -> Sample:
        size = shape(turn)[0]
        places, signs = generator.sample(range(size), size), [generator.choice((-1, 1)) for _ in range(size)]
        rows = [[Fraction(signs[i] * (places[i] == j)) for j in range(size)] for i in range(size)]
        return {turn: rows, stretch: _symmetric(generator, size)}

    return Restriction(
        name="the layers are the balanced factorisation of a polar form",
        letters=factors,
        rules=(((there, back), ()), ((back, there), ())),
        draw=draw,
    )


def _common(layers: Sequence[Letter], target: Letter) -> tuple[Letter, Letter]:
    width = target.rows
    if any((m.rows, m.columns) != (width, width) for m in (*layers, target)):
        raise ShapeError("layers that are all equal and a target that commutes with them are square; give equal widths")
    return Letter("S", width, width, symmetric=True), Letter(target.name, width, width, symmetric=True)


def _rewrite_once(word: Word, rules: Sequence[tuple[Word, Word]]) -> Word:
    for place in range(len(word)):
        for left, right in rules:
            if word[place : place + len(left)] == left:
                return word[:place] + right + word[place + len(left) :]
    return word


def _eigenvalue(expression: MatrixPolynomial, scalars: Mapping[Letter, Polynomial]) -> Polynomial:
    total = Polynomial({})
    for word, coefficient in expression.terms.items():
        product = coefficient
        for factor in word:
            if factor.letter not in scalars and factor.letter.name != STRAY:
                raise UnsupportedError(f"{factor.letter.name} has no eigenvalue under this restriction")
            product = product * scalars.get(factor.letter, Polynomial.symbol(STRAY))
        total = total + product
    return total


def _symmetric(generator: random.Random, size: int) -> Rows:
    rows = [[Fraction(generator.randint(-3, 3)) for _ in range(size)] for _ in range(size)]
    return [[rows[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]


def _quadratic(generator: random.Random, base: Rows) -> Rows:
    # A polynomial in a symmetric matrix is symmetric and commutes with it.
    first, second, third = (generator.randint(-2, 2) for _ in range(3))
    size = range(len(base))
    square = [[sum((base[i][k] * base[k][j] for k in size), Fraction(0)) for j in size] for i in size]
    return [[first * (i == j) + second * base[i][j] + third * square[i][j] for j in size] for i in size]


def _draw_balanced(generator: random.Random, layers: Sequence[Letter], shape: Shape) -> Sample:
    # W_j = Q_j [S 0; 0 0] Q_{j-1}^T with signed permutations Q_j: both sides are Q_j [S^2 0; 0 0] Q_j^T.
    widths = [shape(layers[0])[1], *(shape(layer)[0] for layer in layers)]
    core = _symmetric(generator, min(widths))
    places = [generator.sample(range(width), width) for width in widths]
    signs = [[generator.choice((-1, 1)) for _ in range(width)] for width in widths]
    sample: Sample = {}
    for j, layer in enumerate(layers, start=1):
        rows = [[Fraction(0)] * widths[j - 1] for _ in range(widths[j])]
        for r, line in enumerate(core):
            for c, entry in enumerate(line):
                rows[places[j][r]][places[j - 1][c]] = entry * signs[j][r] * signs[j - 1][c]
        sample[layer] = rows
    return sample
