"""Exact random numbers: a function of a name, a seed and a counter, the same on every machine.

SHA-256 in counter mode gives the bits, so a draw is a dyadic that can be repeated alone and never depends on a
library's generator. The version is part of every specification that draws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fractions import Fraction
from statistics import NormalDist

import numpy as np

GENERATOR = "sha256-counter-1"

GAUSSIAN_BITS = 32


def uniform(stream: str, seed: int, index: int) -> Fraction:
    """Return a dyadic in (0, 1), an odd multiple of 2^-53."""
    block = hashlib.sha256(f"{GENERATOR}/{stream}/{seed}/{index}".encode()).digest()
    return Fraction(2 * (int.from_bytes(block[:8], "big") >> 12) + 1, 2**53)


def uniform_numerators(stream: str, seeds: Iterable[int], count: int) -> np.ndarray:
    """Return the draws 0 ... count - 1 of `uniform` for many seeds, as odd numerators over 2^53.

    Returns
    -------
    numpy.ndarray of int64, shape (number of seeds, count)
        Bit for bit what `uniform` draws: only the hash of the shared prefix and the reading of the bits are batched.
    """
    indices = [str(index).encode() for index in range(count)]
    blocks = []
    for seed in seeds:
        prefix = hashlib.sha256(f"{GENERATOR}/{stream}/{seed}/".encode())
        for index in indices:
            draw = prefix.copy()
            draw.update(index)
            blocks.append(draw.digest()[:8])
    heads = np.frombuffer(b"".join(blocks), dtype=">u8").astype(np.uint64) >> np.uint64(12)
    return (2 * heads.astype(np.int64) + 1).reshape(-1, count)


def integer(stream: str, seed: int, index: int, low: int, high: int) -> int:
    """Return an integer between two others, both included."""
    return low + int(uniform(stream, seed, index) * (high - low + 1))


def gaussian(stream: str, seed: int, index: int) -> Fraction:
    """Return a standard normal draw, rounded to a multiple of 2^-32 so that the last bits of libm do not matter."""
    value = NormalDist().inv_cdf(float(uniform(stream, seed, index)))
    return Fraction(round(value * 2**GAUSSIAN_BITS), 2**GAUSSIAN_BITS)


def gaussian_numerators(stream: str, seeds: Iterable[int], count: int) -> np.ndarray:
    """Return the draws 0 ... count - 1 of `gaussian` for many seeds, as numerators over 2^32.

    Returns
    -------
    numpy.ndarray of int64, shape (number of seeds, count)
    """
    heads = uniform_numerators(stream, seeds, count)
    # The scalar quantile, since a vectorised logarithm may differ in its last bit.
    quantile = NormalDist().inv_cdf
    values = [quantile(u) for u in (heads * 2.0**-53).ravel().tolist()]
    return np.rint(np.array(values) * 2.0**GAUSSIAN_BITS).astype(np.int64).reshape(heads.shape)


def signs(stream: str, seed: int, step: int, shape: tuple[int, int]) -> list[list[int]]:
    """Return a matrix of fair signs, one matrix for each step."""
    rows, columns = shape
    place = f"{stream}/{step}"
    return [
        [1 if uniform(place, seed, i * columns + j) < Fraction(1, 2) else -1 for j in range(columns)]
        for i in range(rows)
    ]


def sample(stream: str, seed: int, step: int, size: int, population: int) -> list[int]:
    """Return independent uniform indices below a number, with replacement, for each step."""
    return [integer(f"{stream}/{step}", seed, index, 0, population - 1) for index in range(size)]
