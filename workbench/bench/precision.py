"""Certified runs against mpmath, as ratios within one run: a step of descent, and a flow.

Here is the peer: `mpmath.matrix` with the same formulas (3L - 3 products, the loss at every step) at the same digits,
rounding to nearest and certifying nothing, and `mpmath.odefun` for the flow.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath

from workbench import targets
from workbench.bench.measure import Measurement
from workbench.exact import Matrix
from workbench.problem import LinearNetwork, Problem, SquareLoss


def measure(quick: bool = False) -> list[Measurement]:
    """Return each run beside its peer, with the ratio that was promised for it."""
    # Imported here: both take their peer from this file.
    from workbench.bench import precision_descent, precision_flow

    return precision_descent.measure(quick) + precision_flow.measure(quick)


def random_problem(width: int, depth: int, *, structured: bool) -> Problem:
    """Return a problem from the identity: a random target, or one whose eigenvalues are known where structured."""
    family: dict[str, Any] = {"family": "uniform", "shape": [width, width], "seed": 1}
    if structured:
        eigenvalues = [str(Fraction(k + 1, 4)) for k in range(width)]
        family = {"family": "spectrum", "eigenvalues": eigenvalues, "rotate": 1}
    return Problem(LinearNetwork((width,) * (depth + 1)), SquareLoss(targets.matrix(family)))


class Peer:
    """The same dynamics in plain mpmath, from the identity.

    Parameters
    ----------
    target : Matrix, shape (d, d)
    depth : int
    digits : int
    """

    def __init__(self, target: Matrix, depth: int, digits: int) -> None:
        self._mp: Any = mpmath.MPContext()
        self._mp.dps = digits
        self._depth, self._size = depth, target.shape[0]
        rows = [[self._mp.mpf(x.numerator) / x.denominator for x in row] for row in target.rows]
        self._target = self._mp.matrix(rows)
        self._layers = [self._mp.eye(self._size) for _ in range(depth)]

    def _gradients(self, layers: list[Any]) -> tuple[Any, list[Any]]:
        prefixes = [layers[0]]
        for layer in layers[1:]:
            prefixes.append(layer * prefixes[-1])
        suffix = prefixes[-1] - self._target
        loss = sum((x * x for x in suffix), self._mp.zero) / 2
        gradients = []
        for index in range(self._depth - 1, 0, -1):
            gradients.append(suffix * prefixes[index - 1].T)
            suffix = layers[index].T * suffix
        return loss, [suffix, *reversed(gradients)]

    def descend(self, step_size: Fraction, steps: int) -> Any:
        """Go on for some steps, and return the loss before the last."""
        eta = self._mp.mpf(step_size.numerator) / step_size.denominator
        loss = self._mp.zero
        for _ in range(steps):
            loss, gradients = self._gradients(self._layers)
            self._layers = [w - eta * g for w, g in zip(self._layers, gradients, strict=True)]
        return loss

    def flow(self, end: Fraction) -> Any:
        """Return the weights at a time, a flat list."""
        size = self._size

        def field(_: Any, flat: list[Any]) -> list[Any]:
            blocks = [flat[k * size * size : (k + 1) * size * size] for k in range(self._depth)]
            layers = [self._mp.matrix(size, size) for _ in blocks]
            for layer, block in zip(layers, blocks, strict=True):
                for place, value in enumerate(block):
                    layer[place // size, place % size] = value
            return [-x for g in self._gradients(layers)[1] for x in g]

        start = [x for _ in range(self._depth) for x in self._mp.eye(size)]
        return self._mp.odefun(field, 0, start)(self._mp.mpf(end.numerator) / end.denominator)
