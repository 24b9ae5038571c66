"""The synthetic data of Cohen, Cont, Rossier, Xu (2021): inputs of a cube, labels moved by a time-dependent system.

x is uniform on (-1, 1)^d and y = z_K, K = 100, of z_0 = x, z_{k+1} = z_k + K^{-1/2} tanh(sin(5 pi k / K) z_k +
cos(5 pi k / K)), entry by entry; x and y are then scaled to unit norm. The draws are exact. Roots, sines and tanh are
computed with 128 bits and rounded to multiples of 2^-64, once: those rationals are the problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from workbench.draws import GENERATOR, uniform, uniform_numerators
from workbench.errors import InputError
from workbench.exact import Matrix
from workbench.targets._shape import sizes
from workbench.targets.spectrum import seed as read_seed

MAIN = "shape"

STEPS = 100
_STREAM = "dynamical_system"
_BITS, _GUARDED = 64, 128


def build(shape: Sequence[Any], seed: Any = 0, part: str = "labels") -> Matrix:
    """Return the inputs or the labels, shape (d, N).

    Parameters
    ----------
    shape : two integers
        Entries of a sample, and their number.
    seed : int
    part : {"labels", "inputs"}
    """
    rows, columns = sizes(shape, "dynamical_system:10,4;seed=1")
    number = read_seed(seed)
    if part not in ("labels", "inputs"):
        raise InputError(f"the part of the data is {part!r}; give inputs or labels")
    samples = [_sample(rows, number, column, part) for column in range(columns)]
    family = {"family": "dynamical_system", "shape": [rows, columns], "seed": number, "part": part}
    label = f"{part} of {columns} samples of the dynamical system, seed {number}"
    return Matrix(tuple(zip(*samples, strict=True)), family=family | {"generator": GENERATOR}, label=label)


def floats(width: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels in double precision, shape (d, N) each: the same draws, rounded as they go."""
    numerators = uniform_numerators(_STREAM, [seed], width * samples)[0].reshape(samples, width).T
    state = inputs = (numerators - 2**52) * 2.0**-52
    for k in range(STEPS):
        angle = 5 * np.pi * k / STEPS
        state = state + STEPS**-0.5 * np.tanh(np.sin(angle) * state + np.cos(angle))
    return inputs / np.linalg.norm(inputs, axis=0), state / np.linalg.norm(state, axis=0)


def _sample(size: int, seed: int, column: int, part: str) -> list[Fraction]:
    import mpmath

    mp = mpmath.MPContext()
    mp.prec = _GUARDED
    drawn = [2 * uniform(_STREAM, seed, column * size + i) - 1 for i in range(size)]
    state = [mp.mpf(x.numerator) / x.denominator for x in drawn]
    for k in range(STEPS if part == "labels" else 0):
        sine, cosine = mp.sinpi(mp.mpf(5 * k) / STEPS), mp.cospi(mp.mpf(5 * k) / STEPS)
        state = [z + mp.tanh(sine * z + cosine) / mp.sqrt(STEPS) for z in state]
    norm = mp.sqrt(mp.fsum(z * z for z in state))
    return [Fraction(int(mp.nint(mp.ldexp(z / norm, _BITS))), 2**_BITS) for z in state]
