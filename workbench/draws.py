"""Exact random numbers: a function of a name, a seed and a counter, the same on every machine.

SHA-256 in counter mode gives the bits, so a draw is a dyadic that can be repeated alone and never depends on a
library's generator. The version is part of every specification that draws.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from statistics import NormalDist

GENERATOR = "sha256-counter-1"

_GAUSSIAN_BITS = 32


def uniform(stream: str, seed: int, index: int) -> Fraction:
    """Return a dyadic in (0, 1), an odd multiple of 2^-53."""
    block = hashlib.sha256(f"{GENERATOR}/{stream}/{seed}/{index}".encode()).digest()
    return Fraction(2 * (int.from_bytes(block[:8], "big") >> 12) + 1, 2**53)


def integer(stream: str, seed: int, index: int, low: int, high: int) -> int:
    """Return an integer between two others, both included."""
    return low + int(uniform(stream, seed, index) * (high - low + 1))


def gaussian(stream: str, seed: int, index: int) -> Fraction:
    """Return a standard normal draw, rounded to a multiple of 2^-32 so that the last bits of libm do not matter."""
    value = NormalDist().inv_cdf(float(uniform(stream, seed, index)))
    return Fraction(round(value * 2**_GAUSSIAN_BITS), 2**_GAUSSIAN_BITS)
