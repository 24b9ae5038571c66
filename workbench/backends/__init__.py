"""Number systems: one protocol, several arithmetics, chosen by name.

A backend is loaded when it is asked for; none imports a framework before that.
"""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from typing import Any, cast

from workbench.backends.base import Array, Backend
from workbench.errors import InputError, UnknownNameError

# Name: (module, class, whether the number of digits is the user's choice).
_BACKENDS = {
    "float64": ("workbench.backends.float64", "Float64", False),
    "mp": ("workbench.backends.multiprecision", "Multiprecision", True),
    "ball": ("workbench.backends.ball", "Ball", True),
    "exact": ("workbench.backends.exact", "Exact", False),
    "torch": ("workbench.backends.torch", "Torch", False),
}

DEFAULT_DIGITS = 50


def catalogue() -> list[str]:
    """Return the names of the backends."""
    return list(_BACKENDS)


def takes_digits(name: str) -> bool:
    """Say whether the number of digits of this backend is the user's choice."""
    if name not in _BACKENDS:
        raise UnknownNameError("backend", name, _BACKENDS)
    return _BACKENDS[name][2]


def load(name: str, *, bits: int | None = None, device: str | None = None) -> Backend:
    """Return a backend.

    Parameters
    ----------
    name : str
        One of `catalogue()`.
    bits : int, optional
        Binary working precision of `mp` and `ball`.
    device : str, optional
        For torch: "cpu", "cuda", "cuda:1".
    """
    if name not in _BACKENDS:
        raise UnknownNameError("backend", name, _BACKENDS)
    module, attribute, adjustable = _BACKENDS[name]
    options: dict[str, Any] = {}
    if adjustable:
        options["bits"] = bits if bits is not None else bits_of(DEFAULT_DIGITS)
    if device is not None:
        if name != "torch" and device != "cpu":
            raise InputError(f"the backend {name} runs on the cpu only, not on {device!r}; use --backend torch")
        if name == "torch":
            options["device"] = device
    return cast(Backend, getattr(import_module(module), attribute)(**options))


def bits_of(digits: int) -> int:
    """Return how many bits hold this many decimal digits."""
    # log2(10) = 3.3219... < 3.322
    return -(-digits * 3322 // 1000) + 1


def dyadic(value: Fraction, bits: int) -> Fraction:
    """Return the largest multiple of 2^-bits that is at most `value`."""
    scale = 1 << bits
    return Fraction((value.numerator * scale) // value.denominator, scale)


__all__ = ["Array", "Backend", "bits_of", "catalogue", "dyadic", "load", "takes_digits"]
