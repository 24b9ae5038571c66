"""Networks over a backend: parameters, loss, gradients, and the end-to-end matrix where there is one.

The calculus is written once for every number system. A network is built by `build(problem, backend)`, linear or
residual, and every dynamics and observable sees only the contract `Built`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from workbench.backends import Array, Backend
from workbench.initialization import BalancedLayer, weights
from workbench.networks.linear import Linear
from workbench.networks.residual import Residual
from workbench.problem import LinearNetwork, Problem, SquareLoss

Parameters = tuple[Array, ...]


class Built(Protocol):
    """A network with its loss over a backend."""

    problem: Problem
    backend: Backend
    parameters: Parameters

    def layers(self, parameters: Parameters) -> Parameters:
        """Return the weight matrices among the parameters, layer by layer."""

    def end_to_end(self, parameters: Parameters) -> Array:
        """Return the end-to-end matrix; raises `UnsupportedError` where the network is not linear."""

    def residual(self, parameters: Parameters) -> Array:
        """Return F(X) - Y."""

    def loss(self, parameters: Parameters) -> Array:
        """Return the loss, 1 x 1."""

    def loss_and_gradients(self, parameters: Parameters) -> tuple[Array, Parameters]:
        """Return the loss and its gradient with respect to each parameter."""


def build(problem: Problem, backend: Backend) -> Built:
    """Return the network of a problem over a backend, with its initial weights as parameters."""
    layers = weights(problem.network, problem.start)
    start = tuple(x.over(backend) if isinstance(x, BalancedLayer) else backend.matrix(x) for x in layers)
    if isinstance(problem.network, LinearNetwork):
        return Linear(problem, backend, start)
    return Residual(problem, backend, start)


def with_loss(network: Built, loss: SquareLoss) -> Built:
    """Return the same network with the same initial weights and another loss."""
    problem = replace(network.problem, loss=loss)
    if isinstance(problem.network, LinearNetwork):
        return Linear(problem, network.backend, network.parameters)
    return Residual(problem, network.backend, network.parameters)


__all__ = ["Built", "Parameters", "build", "with_loss"]
