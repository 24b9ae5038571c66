"""SHA-256 of many short messages at once on torch tensors, so that draws need not leave the device.

Words are held in int64 and masked to 32 bits: torch leaves the overflow of int32 undefined. The constants are the
fractional bits of square and cube roots of primes, computed here from their definition (FIPS 180-4).
"""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import Any

import torch

_MASK = 2**32 - 1
_ROUNDS = 64


def leading_words(messages: Any, length: int) -> tuple[Any, Any]:
    """Return the first two 32-bit words of each digest.

    Parameters
    ----------
    messages : tensor of int64, shape (n, m)
        Padded messages, a byte an entry, m a multiple of 64 (see `padding`).
    length : int
        Not used for anything but the check that the padding fits: bytes of a message.
    """
    words = messages.reshape(messages.shape[0], -1, 4)
    words = (words[..., 0] << 24) | (words[..., 1] << 16) | (words[..., 2] << 8) | words[..., 3]
    if messages.shape[1] < length + 9:
        raise ValueError(f"{messages.shape[1]} bytes do not hold a message of {length} and its padding")
    state = [torch.full_like(words[:, 0], root) for root in _square_roots()]
    for first in range(0, words.shape[1], 16):
        state = _compress(state, [words[:, first + k] for k in range(16)])
    return state[0], state[1]


def padding(length: int) -> list[int]:
    """Return the bytes that follow a message of some bytes."""
    zeros = (-length - 9) % 64
    return [0x80, *([0] * zeros), *(8 * length).to_bytes(8, "big")]


def _compress(state: list[Any], block: list[Any]) -> list[Any]:
    a, b, c, d, e, f, g, h = state
    schedule = list(block)
    for k in range(_ROUNDS):
        if k >= 16:
            schedule.append(_next_word(schedule))
        choice, majority = (e & f) ^ (~e & g), (a & b) ^ (a & c) ^ (b & c)
        one = h + (_rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)) + choice + _cube_roots()[k] + schedule[k]
        two = (_rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)) + majority
        a, b, c, d, e, f, g, h = (one + two) & _MASK, a, b, c, (d + one) & _MASK, e, f, g
    return [(x + y) & _MASK for x, y in zip(state, (a, b, c, d, e, f, g, h), strict=True)]


def _next_word(schedule: list[Any]) -> Any:
    early, late = schedule[-15], schedule[-2]
    zero = _rotated(early, 7) ^ _rotated(early, 18) ^ (early >> 3)
    one = _rotated(late, 17) ^ _rotated(late, 19) ^ (late >> 10)
    return (schedule[-16] + zero + schedule[-7] + one) & _MASK


def _rotated(word: Any, by: int) -> Any:
    return ((word >> by) | (word << (32 - by))) & _MASK


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % p for p in found):
            found.append(number)
        number += 1
    return found


@cache
def _square_roots() -> tuple[int, ...]:
    return tuple(isqrt(p << 64) & _MASK for p in _primes(8))


@cache
def _cube_roots() -> tuple[int, ...]:
    return tuple(_cube_root(p << 96) & _MASK for p in _primes(_ROUNDS))


def _cube_root(number: int) -> int:
    """Return the integer part of a cube root, by bisection."""
    low, high = 0, 1 << (number.bit_length() // 3 + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**3 <= number else (low, middle)
    return low
