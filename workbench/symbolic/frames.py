"""Balanced layers by their singular frames: W_j = Q_j X Q_{j-1}^T with one X and frames of orthonormal columns."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from workbench.errors import InputError, ShapeError
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.restrictions import Restriction, Rows, Sample, Shape
from workbench.symbolic.words import Factor, Letter, MatrixPolynomial, Width, identity, letters, matrix


@dataclass(frozen=True)
class SingularFrames:
    """The frames of balanced layers and what is supposed of them.

    Parameters
    ----------
    frames : tuple of MatrixPolynomial
        Q_0 ... Q_L, shape (d_j, k), with orthonormal columns.
    stretch : MatrixPolynomial
        X, shape (k, k): the singular values of every layer.
    supposed : Restriction
        W_j = Q_j X Q_{j-1}^T, Q_j^T Q_j = I.
    """

    frames: tuple[MatrixPolynomial, ...]
    stretch: MatrixPolynomial
    supposed: Restriction

    def apply(self, calculus: Calculus, expression: MatrixPolynomial) -> MatrixPolynomial:
        """Return the normal form of an expression in the frames, as a logged step."""
        found = calculus.restrict(expression, self.supposed)
        if not isinstance(found, MatrixPolynomial):
            raise InputError("an expression in singular frames is a matrix; give no eigenvalues to read")
        return found

    def with_letters(self, values: Mapping[Letter, MatrixPolynomial]) -> SingularFrames:
        """Return the same with more letters written in the frames."""
        more = replace(self.supposed, letters={**self.supposed.letters, **values})
        return replace(self, supposed=more)

    def rotations(self, size: int) -> Sample:
        """Return exact square frames of a size, each another rotation of the first two coordinates."""
        turns = [letter for frame in self.frames for letter in letters(frame)]
        return {turn: _rotation(size, Fraction(1, j + 2)) for j, turn in enumerate(turns)}


def singular_frames(layers: Sequence[Letter], modes: Width) -> SingularFrames:
    """Return balanced layers with a number of modes; every network of balanced layers is of this form."""
    stretch = Letter("X", modes, modes, symmetric=True)
    widths = [layers[0].columns, *(layer.rows for layer in layers)]
    turns = [Letter(f"Q_{j}", width, modes) for j, width in enumerate(widths)]
    return _frames(layers, turns, [matrix(turn) for turn in turns], matrix(stretch), [stretch])


def rank_one_frames(layers: Sequence[Letter], stretch: MatrixPolynomial) -> SingularFrames:
    """Return balanced layers of a network with one output: one mode, and the frame of the output is the number 1."""
    if layers[-1].rows != 1:
        raise ShapeError(f"the last width is {layers[-1].rows}; a network with one output has the last width 1")
    turns = [Letter(f"Q_{j}", layer.columns, 1) for j, layer in enumerate(layers)]
    return _frames(layers, turns, [*(matrix(turn) for turn in turns), identity(1)], stretch, [])


def _frames(
    layers: Sequence[Letter],
    turns: Sequence[Letter],
    frames: Sequence[MatrixPolynomial],
    stretch: MatrixPolynomial,
    diagonals: Sequence[Letter],
) -> SingularFrames:
    def draw(generator: random.Random, shape: Shape) -> Sample:
        drawn = {turn: _orthonormal_columns(generator, *shape(turn)) for turn in turns}
        return drawn | {letter: _diagonal(generator, shape(letter)[0]) for letter in diagonals}

    factors = {layer: frames[j + 1] @ stretch @ frames[j].T for j, layer in enumerate(layers)}
    supposed = Restriction(
        name="the layers are balanced, by their singular frames",
        letters=factors,
        rules=tuple(((Factor(turn).T, Factor(turn)), ()) for turn in turns),
        draw=draw,
    )
    return SingularFrames(tuple(frames), stretch, supposed)


def _orthonormal_columns(generator: random.Random, rows: int, columns: int) -> Rows:
    if columns > rows:
        raise ShapeError(f"a frame of {columns} columns in {rows} dimensions is not orthonormal; take wider layers")
    places = generator.sample(range(rows), columns)
    signs = [generator.choice((-1, 1)) for _ in range(columns)]
    return [[Fraction(signs[c] * (places[c] == r)) for c in range(columns)] for r in range(rows)]


def _rotation(size: int, tangent: Fraction) -> Rows:
    # Cosine and sine are rational in the tangent of half the angle.
    rows = [[Fraction(int(r == c)) for c in range(size)] for r in range(size)]
    if size > 1:
        cosine, sine = (1 - tangent**2) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)
        rows[0][:2], rows[1][:2] = [cosine, -sine], [sine, cosine]
    return rows


def _diagonal(generator: random.Random, size: int) -> Rows:
    return [[Fraction(generator.randint(1, 4)) * (r == c) for c in range(size)] for r in range(size)]
