"""Truncated jets of matrices modulo a prime, for derivatives in several directions at one point.

A jet with k small parameters e_1 ... e_k, each of square zero, is the list of its 2^k coefficients: the first half
is free of e_k, the second half is the coefficient of e_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Jet = list[Any]
State = list[Jet]


def product(left: Jet, right: Jet) -> Jet:
    """Return the product of two jets of matrices."""
    if len(left) == 1:
        return [left[0] * right[0]]
    half = len(left) // 2
    value = product(left[:half], right[:half])
    slope = plus(product(left[:half], right[half:]), product(left[half:], right[:half]))
    return value + slope


def plus(left: Jet, right: Jet) -> Jet:
    """Return the sum of two jets."""
    return [a + b for a, b in zip(left, right, strict=True)]


def minus(left: Jet, right: Jet) -> Jet:
    """Return the difference of two jets."""
    return [a - b for a, b in zip(left, right, strict=True)]


def scale(jet: Jet, number: int) -> Jet:
    """Return a jet times a number."""
    return [number * part for part in jet]


def transpose(jet: Jet) -> Jet:
    """Return the jet of the transposed matrix."""
    return [part.transpose() for part in jet]


def constant(value: Any, like: Jet) -> Jet:
    """Return a matrix that does not move, as a jet with as many parameters as another."""
    return [value, *(0 * value for _ in like[1:])]


def lift(state: State, direction: State) -> State:
    """Return the state moved in a direction by one more small parameter."""
    return [at + along for at, along in zip(state, direction, strict=True)]


def value(state: State) -> State:
    """Return the part free of the last parameter."""
    return [jet[: len(jet) // 2] for jet in state]


def derivative(state: State) -> State:
    """Return the coefficient of the last parameter."""
    return [jet[len(jet) // 2 :] for jet in state]


def flatten(state: Sequence[Jet]) -> list[int]:
    """Return the entries of a state without parameters, matrix by matrix, row by row."""
    return [int(entry) for jet in state for entry in jet[0].entries()]
