"""The residual network of many members at once: forward, adjoint and gradients, written over one set of buffers.

Layout: A of shape (L, B, d, d), b (L, B, d, 1), delta (L or 1, B, 1, 1), states (B, d, n). On the way back the values
sigma(z_k) are overwritten by g_k, so that all gradients in A are one batched product at the end of a segment. Past
`CHECKPOINT_DEPTH` blocks only every m-th state is kept, m = ceil(sqrt(L)), and a segment is run again on the way back.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import torch

from workbench.networks.residual import CHECKPOINT_DEPTH
from workbench.problem import ResidualNetwork
from workbench.training.activations import PAIRS

Tensor = Any


class ResidualBatch:
    """Parameters of many members, and the gradient of their losses on a batch of samples.

    Parameters
    ----------
    network : ResidualNetwork
    branches, biases, scales : Tensor
        As above; a network without biases has an empty tensor, constant scales the shape (1, 1, 1, 1).
    factor : float
        c of the loss c ||h_L - Y||_F^2 / n over n samples.
    checkpoint_depth : int
        Depth past which states are computed again.
    """

    def __init__(
        self,
        network: ResidualNetwork,
        branches: Tensor,
        biases: Tensor,
        scales: Tensor,
        factor: float = 0.5,
        checkpoint_depth: int = CHECKPOINT_DEPTH,
    ) -> None:
        self.network, self.factor = network, factor
        self.branches, self.biases, self.scales = branches, biases, scales
        self._forward_of, self._backward_of = PAIRS[network.activation]
        depth = network.depth
        self._length = depth if depth <= checkpoint_depth else isqrt(depth - 1) + 1
        self._buffers: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self.gradients = tuple(torch.zeros_like(p) for p in self.trained)

    @property
    def trained(self) -> tuple[Tensor, ...]:
        """The tensors that the dynamics move."""
        if self.network.trained == "inner":
            return (self.branches,)
        biases = (self.biases,) if self.network.biases else ()
        return (self.branches, *biases, *((self.scales,) if self.network.scales != "fixed" else ()))

    @property
    def members(self) -> int:
        """B."""
        return int(self.branches.shape[1])

    def chosen(self, keep: Tensor) -> ResidualBatch:
        """Return the same for some members, with the gradients found last."""
        scales = self.scales if self.scales.shape[1] == 1 < self.members else self.scales[:, keep]
        biases = self.biases[:, keep] if self.network.biases else self.biases
        other = ResidualBatch(self.network, self.branches[:, keep], biases, scales, self.factor)
        other._length = self._length
        other.gradients = tuple(gradient[:, keep] for gradient in self.gradients)
        return other

    def output(self, inputs: Tensor) -> Tensor:
        """Return h_L, keeping nothing on the way."""
        state = inputs.expand(self.members, *inputs.shape[-2:])
        for k in range(self.network.depth):
            state = torch.addcmul(state, self._scale(k), self._forward_of(self._argument(k, state)))
        return state

    def losses(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each member."""
        return self._loss(self.output(inputs) - labels)

    def _loss(self, residual: Tensor) -> Tensor:
        return self.factor / residual.shape[-1] * residual.square().sum((-1, -2))

    def _scale(self, k: int) -> Tensor:
        return self.scales[k if self.scales.shape[0] > 1 else 0]

    def _argument(self, k: int, state: Tensor, out: Tensor | None = None) -> Tensor:
        if self.network.biases:
            return torch.baddbmm(self.biases[k], self.branches[k], state, out=out)
        return torch.bmm(self.branches[k], state, out=out)

    def losses_and_gradients(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each member; its gradients are in `gradients`, those of before written over."""
        depth, length = self.network.depth, self._length
        starts = list(range(0, depth, length))
        marks, states, values = self._room(inputs.shape[-1], len(starts))
        marks[0].copy_(inputs.expand_as(marks[0]))
        for number, first in enumerate(starts):
            if number:
                marks[number].copy_(states[length])
            last = self._run(first, marks[number], states, values)
        residual = last - labels
        loss = self._loss(residual)
        adjoint = residual.mul_(2 * self.factor / residual.shape[-1])
        for number in range(len(starts) - 1, -1, -1):
            if number < len(starts) - 1:
                self._run(starts[number], marks[number], states, values)
            adjoint = self._back(starts[number], states, values, adjoint)
        return loss

    def _room(self, samples: int, marks: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return buffers for the marks, and for the states and values of one segment."""
        if samples not in self._buffers:
            shape, new = (self.members, self.network.width, samples), self.branches.new_empty
            self._buffers[samples] = new((marks, *shape)), new((self._length + 1, *shape)), new((self._length, *shape))
        return self._buffers[samples]

    def _run(self, first: int, state: Tensor, states: Tensor, values: Tensor) -> Tensor:
        """Run a segment from its mark and return its last state."""
        states[0].copy_(state)
        count = min(self._length, self.network.depth - first)
        for at in range(count):
            self._forward_of(self._argument(first + at, states[at], values[at]))
            torch.addcmul(states[at], self._scale(first + at), values[at], out=states[at + 1])
        return states[count]

    def _back(self, first: int, states: Tensor, values: Tensor, adjoint: Tensor) -> Tensor:
        """Carry the adjoint through a segment; collect its gradients."""
        count = min(self._length, self.network.depth - first)
        scaled = self.network.scales != "fixed" and self.network.trained == "all"
        for at in range(count - 1, -1, -1):
            k = first + at
            if scaled:
                self._add_scale(k, (adjoint * values[at]).sum((-1, -2), keepdim=True), last=k == self.network.depth - 1)
            inner = self._backward_of(adjoint, values[at])
            inner.mul_(self._scale(k))
            adjoint = adjoint.baddbmm_(self.branches[k].mT, inner)
        shape = (count * self.members, self.network.width, states.shape[-1])
        stop = first + count
        inner, before = values[:count].view(shape), states[:count].view(shape)
        torch.bmm(inner, before.mT, out=self.gradients[0][first:stop].view(-1, *self.branches.shape[-2:]))
        if self.network.biases and self.network.trained == "all":
            torch.sum(values[:count], -1, keepdim=True, out=self.gradients[1][first:stop])
        return adjoint

    def _add_scale(self, k: int, share: Tensor, *, last: bool) -> None:
        """Take <M_{k+1}, sigma(z_k)>, the first of them for the last block."""
        if self.network.scales == "layer":
            self.gradients[-1][k].copy_(share)
        elif last:
            self.gradients[-1][0].copy_(share)
        else:
            self.gradients[-1][0].add_(share)
