r"""The gradient flow of a deep linear network, in matrices and entry by entry.

Claim
    For $\ell = \frac{1}{2} \operatorname{tr}(E^{T} E)$, $E = W_{L} \cdots W_{1} - \Phi$, the flow is
    $\dot{W}_{j} = -A_{j}^{T} E B_{j}^{T}$ with $A_{j} = W_{L} \cdots W_{j+1}$ and $B_{j} = W_{j-1} \cdots W_{1}$, and
    its entries are minus the partial derivatives of the loss as a polynomial in the entries.

Source
    The chain rule; the notation is that of Bartlett, Helmbold and Long (2018).

Scope
    Proved for the depth and the numerical widths asked for. The entries of the right side are found without the
    calculus of words: the loss is multiplied out and each entry differentiated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workbench.derivation.runs import conserved_run, drifting_run
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.entrywise import Entries, entry_names
from workbench.symbolic.identities import Definitions, Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, Width, matrix

source = {
    "authors": "Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    "year": 2018,
    "title": "Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    "where": "ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    "locator": "setting",
    "url": "https://arxiv.org/abs/1802.06093",
}
depths = (2,)
least_depth = 2
shape = "numeric"


_BACKEND = {"name": "mp", "digits": 30}


def prove(calculus: Calculus, depth: int, widths: Sequence[Width]) -> Iterator[Identity]:
    """Yield the flow of each layer as a matrix, then of each entry."""
    network = linear_network(depth, widths)
    error = Letter("E", network.target.rows, network.target.columns)
    flow = calculus.flow(network.loss, network.layers)
    entries = Entries((*network.layers, network.target))
    loss = entries.square_loss(network)
    for j, layer in enumerate(network.layers, start=1):
        velocity = Letter(f"dot {layer.name}", layer.rows, layer.columns)
        factored = -(network.above(j).T @ matrix(error) @ network.below(j).T)
        where: Definitions = ((velocity, flow[layer]), (error, network.error))
        yield Identity(f"flow of {layer.name}", matrix(velocity), factored, where)
    for layer in network.layers:
        derived, partial = entries.expand(flow[layer]), entries.gradient(loss, layer)
        for names, row, slopes in zip(entry_names(layer), derived, partial, strict=True):
            for name, entry, slope in zip(names, row, slopes, strict=True):
                velocity_entry = f"dot {name}"
                where_entry = ((velocity_entry, entry),)
                yield Identity(f"flow of {name}", Polynomial.symbol(velocity_entry), -slope, where_entry)


def check(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return a flow of this network, which must conserve what its law implies."""
    return conserved_run(widths, _BACKEND)


def control(depth: int, widths: Sequence[int]) -> dict[str, Any]:
    """Return descent in place of the flow."""
    return drifting_run(widths, _BACKEND)
