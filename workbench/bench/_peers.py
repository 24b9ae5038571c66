"""What a user would write in place of an ensemble: each returns a task that takes some steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from workbench.ensembles.batched import Batch

Task = Callable[[], None]


def loop(batch: Batch, rate: float, steps: int, device: str = "cpu") -> Task:
    """Return some steps of one network as a user would train it."""
    layers = [torch.nn.Linear(w.shape[2], w.shape[1], bias=False, dtype=torch.float64) for w in batch.weights]
    network = torch.nn.Sequential(*layers).to(device)
    with torch.no_grad():
        for layer, weight in zip(layers, batch.weights, strict=True):
            layer.weight.copy_(torch.as_tensor(weight)[0])
    inputs = torch.eye(batch.weights[0].shape[2], dtype=torch.float64, device=device)
    labels = torch.as_tensor(batch.targets)[0].T.to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = 0.5 * ((network(inputs) - labels) ** 2).sum()
            loss.backward()
            optimizer.step()

    return train


def vectorised(batch: Batch, rate: float, steps: int, device: str = "cpu") -> Task:
    """Return some steps of all networks through `torch.func.vmap(grad)`."""
    layers, targets = _copies(batch, device)

    def loss(weights: list[Any], target: Any) -> Any:
        return 0.5 * ((_product(weights) - target) ** 2).sum()

    gradients = torch.func.vmap(torch.func.grad(loss))

    def train() -> None:
        for _ in range(steps):
            for layer, gradient in zip(layers, gradients(layers, targets), strict=True):
                layer.sub_(gradient, alpha=rate)

    return train


def batched_autograd(batch: Batch, rate: float, steps: int, device: str = "cpu") -> Task:
    """Return some steps of all networks through autograd on batched products."""
    layers, targets = _copies(batch, device)
    for layer in layers:
        layer.requires_grad_()

    def train() -> None:
        for _ in range(steps):
            gradients = torch.autograd.grad(0.5 * ((_product(layers) - targets) ** 2).sum(), layers)
            with torch.no_grad():
                for layer, gradient in zip(layers, gradients, strict=True):
                    layer.sub_(gradient, alpha=rate)

    return train


def large_product(device: str = "cpu", size: int = 1024) -> tuple[Task, int]:
    """Return a large matrix product, and its floating operations."""
    factor = torch.rand(size, size, dtype=torch.float64, device=device)
    result = torch.empty_like(factor)

    def multiply() -> None:
        torch.mm(factor, factor, out=result)

    return multiply, 2 * size**3


def large_copy(device: str, entries: int = 2**26) -> tuple[Task, int]:
    """Return a large copy, and the bytes that it reads and writes."""
    source = torch.rand(entries, dtype=torch.float64, device=device)
    goal = torch.empty_like(source)

    def copy() -> None:
        goal.copy_(source)

    return copy, 16 * entries


def _copies(batch: Batch, device: str) -> tuple[list[Any], Any]:
    options: dict[str, Any] = {"dtype": torch.float64, "device": device, "copy": True}
    return [torch.as_tensor(w).to(**options) for w in batch.weights], torch.as_tensor(batch.targets).to(**options)


def _product(weights: list[Any]) -> Any:
    product = weights[0]
    for weight in weights[1:]:
        product = weight @ product
    return product
