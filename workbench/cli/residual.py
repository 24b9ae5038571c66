"""A residual network as a text on the command line: `tanh`, or `tanh;branch_scale=power(16,-1/2);biases=true`."""

from __future__ import annotations

from typing import Any

from workbench.errors import InputError

_SWITCHES = {"true": True, "false": False}
_KNOWN = ("branch_scale", "scales", "biases", "trained")


def residual_network(text: str, shape: tuple[int, int], depth: int | None) -> dict[str, Any]:
    """Return the specification of a residual network.

    Parameters
    ----------
    text : str
        The activation, then options; the branch scale is the inverse of the depth where none is given.
    shape : pair of int
        Of the labels; their rows are the width.
    depth : int or None

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If the depth is missing or no option of this name is known.
    """
    if depth is None:
        raise InputError("a residual network needs its number of blocks; give --depth 16")
    if depth < 1:
        raise InputError(f"the depth is {depth}; it must be at least 1")
    activation, *options = [part.strip() for part in text.split(";") if part.strip()] or [""]
    network: dict[str, Any] = {"kind": "residual", "width": shape[0], "depth": depth, "activation": activation}
    network["branch_scale"] = f"1/{depth}"
    for option in options:
        name, equals, value = (part.strip() for part in option.partition("="))
        if name not in _KNOWN or not equals:
            raise InputError(f"--residual has {option!r}; after the activation it takes {', '.join(_KNOWN)} = VALUE")
        network[name] = _switch(name, value) if name == "biases" else value
    return network


def _switch(name: str, value: str) -> bool:
    if value not in _SWITCHES:
        raise InputError(f"{name} is {value!r}; give true or false")
    return _SWITCHES[value]
