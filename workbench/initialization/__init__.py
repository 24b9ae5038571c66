"""Initial weights: one scheme, one module, exact until a backend rounds them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from workbench.errors import InputError, ShapeError, UnknownNameError
from workbench.exact import Exact
from workbench.initialization._named import BalancedLayer
from workbench.problem import Network, ResidualNetwork, Start

Layer = Sequence[Sequence[Exact]]


def catalogue() -> list[str]:
    """Return the names of the schemes: the modules of this folder."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.name.startswith("_"))


def weights(network: Network, start: Start) -> list[Layer]:
    """Return the exact initial weights, one matrix a layer, of the network's shapes."""
    if start.scheme not in catalogue():
        raise UnknownNameError("start", start.scheme, catalogue())
    build = import_module(f"workbench.initialization.{start.scheme}").weights
    known = list(inspect.signature(build).parameters)[1:]
    for key in start.parameters:
        if key not in known:
            raise (
                UnknownNameError(f"parameter of the start {start.scheme}", key, known)
                if known
                else InputError(f"the start {start.scheme} takes no parameter; {key!r} was given")
            )
    if "weights" in known and "weights" not in start.parameters:
        raise InputError("the start `given` needs the layers; give --init FILE.json")
    if "matrix" in known and "matrix" not in start.parameters:
        raise InputError("the start `balanced` needs a matrix; give --init 'balanced([[2,1],[0,1]])'")
    plain = not isinstance(network, ResidualNetwork) or network.plain
    if not plain and start.scheme not in ("identity", "gaussian", "given"):
        raise InputError(f"the start {start.scheme} knows no biases or branch scales; use identity, gaussian or given")
    layers: list[Layer] = build(network, **start.parameters)
    for number, (layer, shape) in enumerate(zip(layers, network.shapes, strict=True), start=1):
        found = (len(layer), len(layer[0]))
        if found != shape:
            raise ShapeError(f"the start gives layer {number} the shape {found} but the network wants {shape}")
    return layers


__all__ = ["BalancedLayer", "Layer", "catalogue", "weights"]
