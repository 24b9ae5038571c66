"""Labels of a teacher: what a residual network with random weights makes of the inputs `unit_columns`, by seed.

The labels are computed with 128 bits and rounded to multiples of 2^-64, once: those rationals are the problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends import load
from workbench.draws import GENERATOR, gaussian
from workbench.errors import InputError
from workbench.exact import Matrix, exact, rational
from workbench.problem import ACTIVATIONS
from workbench.targets._shape import count, sizes
from workbench.targets.spectrum import seed as read_seed
from workbench.targets.unit_columns import build as unit_columns

MAIN = "shape"

_BITS, _GUARDED = 64, 128


def build(
    shape: Sequence[Any],
    seed: Any = 0,
    inputs_seed: Any = 0,
    depth: Any = 4,
    scale: Any = "1",
    activation: str = "tanh",
    branch_scale: Any = "1/4",
) -> Matrix:
    """Return the labels, shape (d, N).

    Parameters
    ----------
    shape : two integers
        Width of the teacher, and number of samples.
    seed, inputs_seed : int
        Of the teacher's weights, and of the inputs `unit_columns` of the same shape.
    depth : int
    scale : rational
        Standard deviation of an entry of its weights.
    activation : str
    branch_scale : rational or named power
    """
    rows, columns = sizes(shape, "teacher:3,2;seed=1")
    if activation not in ACTIVATIONS:
        raise InputError(f"no activation is called {activation!r}; known: {', '.join(ACTIVATIONS)}")
    numbers = {"seed": read_seed(seed), "inputs_seed": read_seed(inputs_seed), "depth": count(depth, "the depth")}
    spread, delta = rational(scale, "the scale"), exact(branch_scale, "the branch scale")
    family = {
        "family": "teacher",
        "shape": [rows, columns],
        **numbers,
        "scale": str(spread),
        "activation": activation,
        "branch_scale": str(delta),
        "generator": GENERATOR,
    }
    backend = load("mp", bits=_GUARDED)
    state = backend.matrix(unit_columns((rows, columns), numbers["inputs_seed"]).rows)
    with backend.session():
        for k in range(numbers["depth"]):
            branch = backend.matrix(_weights(rows, k, numbers["seed"], spread))
            step = backend.activate(activation, backend.matmul(branch, state))
            state = backend.add(state, backend.scale(delta, step))
        entries = [[_rounded(x.value or Fraction(0)) for x in row] for row in backend.entries(state)]
    label = f"labels of a teacher of depth {numbers['depth']}, seed {numbers['seed']}"
    return Matrix(tuple(map(tuple, entries)), family=family, label=label)


def _weights(size: int, block: int, seed: int, spread: Fraction) -> list[list[Fraction]]:
    stream = f"teacher/{block}"
    return [[spread * gaussian(stream, seed, i * size + j) for j in range(size)] for i in range(size)]


def _rounded(value: Fraction) -> Fraction:
    return Fraction(round(value * 2**_BITS), 2**_BITS)
