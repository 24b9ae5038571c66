"""Gradient flow and its laws entry by entry, inside the polynomial ring.

Nothing leaves the ring between the loss and the last derivative: turning elements into the workbench's own
polynomials costs more than the algebra. The loss is taken twice over, so that FLINT works with integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.symbolic.entrywise import Entries, Rows, entry_names, multiply_rows
from workbench.symbolic.networks import NetworkWords


def doubled_gradient_flow(entries: Entries, network: NetworkWords) -> dict[str, Any]:
    """Return minus the derivative of ||W - Phi||^2 in every entry of every layer, by the entry's symbol."""
    loss = entries.doubled_square_loss(network)
    names = [name for layer in network.layers for row in entry_names(layer) for name in row]
    return {name: -entries.derivative(loss, name) for name in names}


def defect_entries(entries: Entries, network: NetworkWords, j: int) -> Rows:
    """Return every entry of D_j = W_{j+1}^T W_{j+1} - W_j W_j^T as ring elements."""
    upper, lower = entries.matrix(network.layers[j]), entries.matrix(network.layers[j - 1])
    inner, outer = multiply_rows(_transposed(upper), upper), multiply_rows(lower, _transposed(lower))
    return [[a - b for a, b in zip(u, v, strict=True)] for u, v in zip(inner, outer, strict=True)]


def lie_derivative(entries: Entries, element: Any, velocities: Mapping[str, Any]) -> Any:
    """Return the derivative of a ring element when entries move with their velocities, by the chain rule."""
    total = entries.zero
    for name in entries.used(element):
        if name in velocities:
            total = total + entries.derivative(element, name) * velocities[name]
    return total


def defect_derivatives(entries: Entries, network: NetworkWords) -> list[Any]:
    """Return the derivative of every entry of every D_j along the flow of ||W - Phi||^2: all zero.

    The loss is differentiated, never a formula for its gradient: this is a witness against the words.
    """
    velocities = doubled_gradient_flow(entries, network)
    laws = [defect_entries(entries, network, j) for j in range(1, network.depth)]
    return [lie_derivative(entries, entry, velocities) for law in laws for row in law for entry in row]


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]
