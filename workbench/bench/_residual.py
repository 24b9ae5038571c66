"""The training of residual networks beside what a user would write: `nn.Module` and autograd, and `torchdiffeq`.

All take the same step of descent: width 10, 32 samples, tanh, in double precision. With the branch scale 1/L the
network is Euler's method for h' = tanh(A(t) h), so that `torchdiffeq.odeint` with the method "euler" on L steps is the
same function, and its gradient through the solver the same gradient. `odeint_adjoint` solves the adjoint equation
instead: going back it looks at A at the later end of each step, so that each block has the share of the one before, the
last has two and the first has none. Its gradient is wrong by a part of about (2 / L)^(1/2). Seconds are per network and
step.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch

from workbench.bench.measure import Measurement
from workbench.problem import ResidualNetwork
from workbench.training.batched import ResidualBatch
from workbench.training.optimisers import Descent

Task = Callable[[], None]
Medians = Callable[[dict[str, tuple[Task, float]], int, str], dict[str, float]]

_WIDTH, _SAMPLES, _RATE = 10, 32, 1 / 16
_CASES = ((64, 16), (512, 4))

# Promises: to the loop over modules, and to autograd on all members at once.
_LOOP, _BATCHED = 5.0, 1.2


class Case:
    """Members, samples, and their weights at the start.

    Parameters
    ----------
    depth, members : int
    device : str
    """

    def __init__(self, depth: int, members: int, device: str = "cpu") -> None:
        options: dict[str, Any] = {"dtype": torch.float64, "generator": torch.Generator().manual_seed(depth)}
        self.depth, self.members, self.device = depth, members, device
        drawn = torch.randn(depth, members, _WIDTH, _WIDTH, **options) / _WIDTH
        self.weights, self.inputs, self.labels = (
            part.to(device) for part in (drawn, *torch.randn(2, _WIDTH, _SAMPLES, **options))
        )

    def closed(self) -> ResidualBatch:
        """Return the members at their start."""
        constant = torch.full((1, 1, 1, 1), 1 / self.depth, dtype=torch.float64, device=self.device)
        network = ResidualNetwork(_WIDTH, self.depth, "tanh", Fraction(1, self.depth))
        return ResidualBatch(network, self.weights.clone(), constant[:0], constant)


def measure(medians: Medians, runs: int, device: str, quick: bool) -> list[Measurement]:
    """Measure the cases; where torchdiffeq is not installed its row says so."""
    return [row for case in _CASES[: 1 if quick else None] for row in _measure(Case(*case, device), medians, runs)]


def _measure(case: Case, medians: Medians, runs: int) -> list[Measurement]:
    peers = [
        ("loop", "residual nn.Module, one network at a time", loop, 1, _LOOP),
        ("batched", "autograd on batched products", batched_autograd, case.members, _BATCHED),
        ("odeint", "torchdiffeq.odeint, euler, one network at a time", odeint, 1, None),
        ("odeint_adjoint", "torchdiffeq.odeint_adjoint, euler", odeint_adjoint, 1, None),
    ]
    installed = find_spec("torchdiffeq") is not None
    steps = max(1, 256 // case.depth)
    tasks: dict[str, tuple[Task, float]] = {"closed": (closed(case, steps), case.members * steps)}
    for name, _, make, members, _ in peers:
        if installed or not name.startswith("odeint"):
            tasks[name] = make(case, steps), members * steps
    typical = medians(tasks, runs, case.device)
    sizes = f"d={_WIDTH}, L={case.depth}, n={_SAMPLES}, B={case.members}, float64"
    return [
        Measurement(
            f"residual: a step, {sizes}",
            typical["closed"],
            runs,
            words if name in typical else f"{words.partition(',')[0]}: skipped, torchdiffeq is not installed",
            typical.get(name),
            floor=floor if case.device == "cpu" else None,
        )
        for name, words, _, _, floor in peers
    ]


def closed(case: Case, steps: int) -> Task:
    """Return some steps of all members by the closed form."""
    state, mover = case.closed(), Descent(torch.full((case.members,), _RATE, dtype=torch.float64, device=case.device))

    def train() -> None:
        with torch.no_grad():
            for _ in range(steps):
                state.losses_and_gradients(case.inputs, case.labels)
                mover.move(state)

    return train


class _Blocks(torch.nn.Module):  # type: ignore[misc]
    """h <- h + tanh(A_k h) / L, samples in rows."""

    def __init__(self, weights: Any) -> None:
        super().__init__()
        self.blocks = torch.nn.ModuleList()
        for weight in weights:
            block = torch.nn.Linear(_WIDTH, _WIDTH, bias=False, dtype=torch.float64, device=weight.device)
            block.weight.data.copy_(weight)
            self.blocks.append(block)

    def forward(self, state: Any) -> Any:
        """Return h_L."""
        for block in self.blocks:
            state = state + torch.tanh(block(state)) / len(self.blocks)
        return state


def loop(case: Case, steps: int) -> Task:
    """Return some steps of one network as a user would train it."""
    network = _Blocks(case.weights[:, 0])
    return _trained(network, list(network.parameters()), case.inputs.T, case.labels.T, steps, _SAMPLES)


def batched_autograd(case: Case, steps: int) -> Task:
    """Return some steps of all members through autograd on batched products."""
    weights = case.weights.clone().requires_grad_()

    def network(state: Any) -> Any:
        for weight in weights:
            state = state + torch.tanh(weight @ state) / case.depth
        return state

    inputs = case.inputs.expand(case.members, *case.inputs.shape)
    return _trained(network, [weights], inputs, case.labels, steps, _SAMPLES)


def odeint(case: Case, steps: int) -> Task:
    """Return some steps of one network as an equation, its gradient through the solver."""
    return _equation(case, steps, "odeint")


def odeint_adjoint(case: Case, steps: int) -> Task:
    """Return some steps of one network as an equation, its gradient by the adjoint equation."""
    return _equation(case, steps, "odeint_adjoint")


class _Field(torch.nn.Module):  # type: ignore[misc]
    """The right-hand side tanh(A(t) h), A constant on each L-th of the time."""

    def __init__(self, weights: Any) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(weights)

    def forward(self, time: Any, state: Any) -> Any:
        """Return h'."""
        # Times are the beginnings of steps, j / L up to rounding.
        depth = len(self.weights)
        return torch.tanh(self.weights[min(int(float(time.detach()) * depth + 0.5), depth - 1)] @ state)


def _equation(case: Case, steps: int, solver: str) -> Task:
    solve = getattr(import_module("torchdiffeq"), solver)
    field = _Field(case.weights[:, 0].clone())
    times = torch.linspace(0, 1, case.depth + 1, dtype=torch.float64, device=case.device)
    ends, step = times[[0, -1]], 1 / case.depth

    def network(state: Any) -> Any:
        return solve(field, state, ends, method="euler", options={"step_size": step})[-1]

    return _trained(network, [field.weights], case.inputs, case.labels, steps, _SAMPLES)


def _trained(network: Any, parameters: list[Any], inputs: Any, labels: Any, steps: int, samples: int) -> Task:
    optimizer = torch.optim.SGD(parameters, lr=_RATE)

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = ((network(inputs) - labels) ** 2).sum() / (2 * samples)
            loss.backward()
            optimizer.step()

    return train
