"""The members' own draws, made on the device: bit for bit those of `workbench.draws`.

A draw is SHA-256 of a text that ends in a seed and an index in decimal. Messages with as many digits have the same
layout, so they are written and hashed as one tensor. A normal draw is rounded to a multiple of 2^-32; where the
device's own logarithm could tip that rounding, the host decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import NormalDist
from typing import Any

import torch

from workbench.draws import GAUSSIAN_BITS, GENERATOR
from workbench.ensembles.device_hash import leading_words, padding

# Seeds beyond int64 have no tensor.
LARGEST_SEED = 2**63 - 1

# Draws hashed at once: a message schedule is 64 words of each.
_AT_ONCE = 2**18

# Units of 2^-32; the quantile below is good to 1e-14 of its size, which is 4e-5 of a unit.
_DOUBT = 1e-3


def uniform_numerators(stream: str, seeds: Sequence[int], count: int, device: str) -> Any:
    """Return the draws 0 ... count - 1 for consecutive or other seeds, odd numerators over 2^53.

    Returns
    -------
    tensor of int64, shape (number of seeds, count)
    """
    prefix = f"{GENERATOR}/{stream}/".encode()
    rows = []
    # Seeds ascend, so those of one length stand together.
    for _, group in groupby(seeds, key=lambda seed: len(str(seed))):
        numbers = torch.tensor(list(group), dtype=torch.int64, device=device)
        for some in numbers.split(max(1, _AT_ONCE // count)):
            parts = [_drawn(prefix, some, indices) for indices in _by_length(count, device)]
            rows.append(torch.cat(parts, dim=1))
    return torch.cat(rows)


def gaussian_numerators(stream: str, seeds: Sequence[int], count: int, device: str) -> Any:
    """Return normal draws as numerators over 2^32, int64, shape (number of seeds, count)."""
    uniform = uniform_numerators(stream, seeds, count, device).double() * 2.0**-53
    scaled = _quantile(uniform) * 2.0**GAUSSIAN_BITS
    rounded = scaled.round()
    doubtful = ((scaled - rounded).abs() - 0.5).abs() < _DOUBT
    if doubtful.any():
        exact = [NormalDist().inv_cdf(u) * 2.0**GAUSSIAN_BITS for u in uniform[doubtful].tolist()]
        rounded[doubtful] = torch.tensor([round(x) for x in exact], dtype=torch.float64, device=device)
    return rounded.long()


def _by_length(count: int, device: str) -> list[Any]:
    """Return the indices below a count, those of one number of digits together."""
    edges = [0, *(10**k for k in range(1, len(str(count)) + 1) if 10**k < count), count]
    return [torch.arange(a, b, device=device) for a, b in pairwise(edges)]


def _drawn(prefix: bytes, seeds: Any, indices: Any) -> Any:
    """Return the draws of seeds and indices that all have the same numbers of digits."""
    seed_digits, index_digits = _digits(seeds), _digits(indices)
    length = len(prefix) + seed_digits.shape[1] + 1 + index_digits.shape[1]
    shape = (len(seeds), len(indices))
    parts = [
        _constant(list(prefix), shape, seeds),
        seed_digits[:, None].expand(*shape, -1),
        _constant(list(b"/"), shape, seeds),
        index_digits[None].expand(*shape, -1),
        _constant(padding(length), shape, seeds),
    ]
    messages = torch.cat(parts, dim=2).reshape(shape[0] * shape[1], -1)
    high, low = leading_words(messages, length)
    # The leading 52 bits of 64, made odd.
    return (2 * ((high << 20) | (low >> 12)) + 1).reshape(shape)


def _constant(values: list[int], shape: tuple[int, int], like: Any) -> Any:
    return torch.tensor(values, dtype=torch.int64, device=like.device).expand(*shape, -1)


def _digits(numbers: Any) -> Any:
    """Return the decimal digits in ASCII of numbers with equally many, shape (n, digits)."""
    count = len(str(int(numbers[0])))
    columns = [(numbers // 10**k) % 10 + ord("0") for k in reversed(range(count))]
    return torch.stack(columns, dim=1)


def _quantile(u: Any) -> Any:
    """Return the standard normal quantile, to near the last digits of a double; Newton on the error function's."""
    # The tail is taken from the smaller side, where the complementary error function loses nothing.
    tail = torch.minimum(u, 1 - u)
    z = torch.special.ndtri(tail)
    density = torch.exp(-z * z / 2) * 0.3989422804014327
    z = z - (torch.special.erfc(-z * 0.7071067811865476) / 2 - tail) / density
    return torch.where(u < 0.5, z, -z)
