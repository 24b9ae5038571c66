"""The symbolic engine beside SymPy's Matrix, diff and expand, and against the times that it promises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from workbench import draws
from workbench.bench.measure import Measurement, against, within
from workbench.errors import InconsistentError
from workbench.invariants import census
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import Entries
from workbench.symbolic.entrywise_flow import defect_derivatives
from workbench.symbolic.networks import linear_network, opaque_chain

PEER = "SymPy Matrix + diff + expand"
_SHAPES = 50
_LONGEST, _WIDEST = 5, 6


def measure(quick: bool = False) -> list[Measurement]:
    """Measure the promises of the symbolic engine.

    Parameters
    ----------
    quick : bool
        A peer at depth 2 in place of 3, one run of what takes long, and no depth 4.
    """
    census((2, 2, 2))
    found = [_beside_sympy(2, 2, 20, 9, 3)] if quick else [_beside_sympy(3, 3, 500, 15, 3)]
    if not quick:
        found.append(within("flow and balancedness, d=4, L=4", lambda: entrywise(4, 4), 1.0, 5))
    found.append(within(f"count the laws of {_SHAPES} random shapes", count_shapes, 10.0, 1 if quick else 3))
    found.append(within("balancedness in words, any depth and widths", prove_in_words, 0.01, 25))
    return found


def entrywise(width: int, depth: int) -> None:
    """Differentiate the loss and every entry of every balancedness law, from nothing, and see that all are zero."""
    network = linear_network(depth, (width,) * (depth + 1))
    _expect_zero(defect_derivatives(Entries((*network.layers, network.target)), network))


def entrywise_sympy(width: int, depth: int) -> None:
    """Do the same with SymPy matrices of symbols."""
    import sympy

    def symbols(name: str) -> Any:
        return sympy.Matrix(width, width, lambda r, c: sympy.Symbol(f"{name}_{r}_{c}"))

    layers, target = [symbols(f"W{j}") for j in range(1, depth + 1)], symbols("Phi")
    product = layers[0]
    for layer in layers[1:]:
        product = layer * product
    error = product - target
    loss = (error.T * error).trace()
    flow = [layer.applyfunc(lambda entry: -loss.diff(entry)) for layer in layers]
    velocity = {w: v for layer, speed in zip(layers, flow, strict=True) for w, v in zip(layer, speed, strict=True)}
    for lower, upper in pairwise(layers):
        law = upper.T * upper - lower * lower.T
        _expect_zero([_chain_rule(entry, velocity).expand() for entry in law])


def shapes() -> list[tuple[int, ...]]:
    """Return the shapes whose laws are counted: depth 2 to 5, widths 1 to 6, drawn once and for all."""
    found = []
    for k in range(_SHAPES):
        depth = draws.integer("bench/depth", 0, k, 2, _LONGEST)
        found.append(tuple(draws.integer(f"bench/width_{j}", 0, k, 1, _WIDEST) for j in range(depth + 1)))
    return found


def count_shapes() -> list[int]:
    """Return the number of independent laws of every shape, each at two primes and points."""
    return [census(widths).count for widths in shapes()]


def prove_in_words() -> None:
    """Prove balancedness for every depth, all widths and every loss, starting from the loss."""
    chain, calculus = opaque_chain(), Calculus()
    flow = calculus.flow(chain.general_loss, chain.layers[1:3])
    _expect_zero([calculus.lie_derivative(chain.defect(2), flow)])


def _beside_sympy(width: int, depth: int, floor: float, runs: int, peer_runs: int) -> Measurement:
    from sympy.core.cache import clear_cache

    def peer() -> None:
        # SymPy keeps derivatives and expansions from one run to the next; a user's first run has none.
        clear_cache()
        entrywise_sympy(width, depth)

    name = f"flow and balancedness, d={width}, L={depth}"
    return against(name, lambda: entrywise(width, depth), PEER, peer, floor, runs, peer_runs)


def _chain_rule(entry: Any, velocity: dict[Any, Any]) -> Any:
    import sympy

    return sympy.Add(*(entry.diff(symbol) * velocity[symbol] for symbol in entry.free_symbols))


def _expect_zero(values: list[Any]) -> None:
    if any(bool(value) for value in values):
        raise InconsistentError("a balancedness law moves along the flow: the derivative does not vanish")
