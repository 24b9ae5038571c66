r"""A gradient flow in mpmath alone: Taylor's method, its coefficients found entry by entry.

Every entry of every matrix is a list of coefficients, a product a sum of dot products; tanh is the solution of
u' = (1 - u^2) x'. Steps are so short that the last two coefficients are below the digits asked for. Nothing is
enclosed here: it is a second opinion, at more digits.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.trajectory import Trajectory
from workbench.witness._networks import Residual, network

# Where the order is 1.15 a digit, e^-2 of the radius of convergence is a step: there the cost is least.
_ORDER = 1.15

# Where a residual is within this many units of the last digit, or all coefficients vanish, the flow is at rest.
_FITTED, _AT_REST = 100, 10**12

_STEP_BITS = 100

Block = list[list[list[Any]]]


class Flow:
    """A flow, recomputed.

    Parameters
    ----------
    trajectory : Trajectory
    digits : int
    """

    def __init__(self, trajectory: Trajectory, digits: int) -> None:
        self.network = network(trajectory.problem, digits)
        self._mp = self.network.mp
        self._digits, self._order = digits, int(_ORDER * digits) + 4
        self._layers = list(self.network.start)
        self._begin, self._length = Fraction(0), Fraction(0)
        self._blocks: list[Block] = []

    def at(self, step: int, time: Fraction) -> list[Any]:
        """Return the layers at a flow time no earlier than the step before."""
        if time and not self._begin and all(x == 0 for g in self.network.gradients(self._layers) for x in g):
            return self._layers
        while not self._blocks or time > self._begin + self._length:
            if self._blocks:
                self._layers = self._values(self._length)
                self._begin += self._length
            self._blocks = self._expanded()
            self._length = self._step_length()
        return self._values(time - self._begin)

    def _values(self, time: Fraction) -> list[Any]:
        moment = self.network.number(time)
        return [
            self._mp.matrix([[self._mp.polyval(entry[::-1], moment) for entry in row] for row in block])
            for block in self._blocks
        ]

    def _step_length(self) -> Fraction:
        """Return a time at which the last two coefficients of every entry are below the digits."""
        mp, shortest = self._mp, self._mp.mpf(_AT_REST)
        size = mp.mpf(10) ** -self._digits
        if self.network.loss(self._layers) < (_FITTED * size) ** 2:
            self._blocks = [[[[x] for x in row] for row in layer.tolist()] for layer in self._layers]
            return Fraction(_AT_REST)
        for block in self._blocks:
            for row in block:
                for entry in row:
                    for k in (self._order, self._order - 1):
                        if entry[k]:
                            shortest = min(shortest, mp.root(size / abs(entry[k]), k))
        return Fraction(max(1, int(shortest * 2**_STEP_BITS)), 2**_STEP_BITS)

    def _expanded(self) -> list[Block]:
        """Return the coefficients of the layers around the point."""
        layers = [[[[x] for x in row] for row in layer.tolist()] for layer in self._layers]
        curved = isinstance(self.network, Residual)
        recursion = _ResidualGradient(self.network) if curved else _LinearGradient(self.network)
        for k in range(self._order):
            for block, gradient in zip(layers, recursion.next(layers), strict=True):
                for row, slopes in zip(block, gradient, strict=True):
                    for entry, slope in zip(row, slopes, strict=True):
                        entry.append(-slope / (k + 1))
        return layers


class _Products:
    """Products of blocks of series, remembered so that each gives one more coefficient at a call."""

    def __init__(self, given: Any) -> None:
        self._network, self._mp = given, given.mp
        self._inputs = [[[x] for x in row] for row in given.inputs.tolist()]
        self._found: dict[str, Block] = {}
        self._k = -1

    def _extend(self, name: str, values: list[list[Any]]) -> Block:
        """Append one coefficient to every entry of a named block, and return it."""
        block = self._found.setdefault(name, [[[] for _ in row] for row in values])
        for row, new in zip(block, values, strict=True):
            for entry, value in zip(row, new, strict=True):
                entry.append(value)
        return block

    def _dot(self, a: list[Any], b: list[Any]) -> Any:
        """Return coefficient k of a product of two series; a constant has but one."""
        k = self._k
        if len(a) == 1 or len(b) == 1:
            return (a[0] if len(a) == 1 else a[k]) * (b[0] if len(b) == 1 else b[k])
        return self._mp.fdot(a[: k + 1], b[k::-1])

    def _product(self, name: str, a: Block, b: Block) -> Block:
        columns = list(zip(*b, strict=True))
        return self._extend(
            name,
            [[sum((self._dot(x, y) for x, y in zip(r, c, strict=True)), self._mp.zero) for c in columns] for r in a],
        )

    def _pull(self, name: str, outputs: Block) -> Block:
        """Return 2c (F(X) - Y)."""
        target = self._network.target
        twice = 2 * self._network.factor
        values = [[entry[self._k] for entry in row] for row in outputs]
        if self._k == 0:
            values = [[x - target[i, j] for j, x in enumerate(row)] for i, row in enumerate(values)]
        return self._extend(name, [[twice * x for x in row] for row in values])


class _LinearGradient(_Products):
    def next(self, layers: list[Block]) -> list[list[list[Any]]]:
        """Return the next coefficient of every gradient: with S_L = 2c E, S_(i-1) = W_i^T S_i, it is S_i P_(i-1)^T."""
        self._k += 1
        prefixes = [self._inputs]
        for i, layer in enumerate(layers):
            prefixes.append(self._product(f"P{i}", layer, prefixes[-1]))
        pull = self._pull("S", prefixes[-1])
        found = []
        for i in range(len(layers) - 1, -1, -1):
            gradient = self._product(f"G{i}", pull, _transposed(prefixes[i]))
            found.append([[entry[self._k] for entry in row] for row in gradient])
            if i:
                pull = self._product(f"S{i}", _transposed(layers[i]), pull)
        return found[::-1]


class _ResidualGradient(_Products):
    def next(self, layers: list[Block]) -> list[list[list[Any]]]:
        """Return the next coefficient of every gradient, through the chain of states."""
        self._k += 1
        k, scale = self._k, self._network.scale
        state, states, slopes = self._inputs, [], []
        for i, layer in enumerate(layers):
            argument = self._product(f"z{i}", layer, state)
            value, slope = self._activated(str(i), argument)
            states.append(state)
            slopes.append(slope)
            rows = zip(state, value, strict=True)
            step = [[self._coefficient(h) + scale * u[k] for h, u in zip(*r, strict=True)] for r in rows]
            state = self._extend(f"h{i}", step)
        pull = self._pull("M", state)
        found = []
        for i in range(len(layers) - 1, -1, -1):
            pairs = zip(slopes[i], pull, strict=True)
            inner = self._extend(
                f"g{i}", [[scale * self._dot(w, m) for w, m in zip(*rows, strict=True)] for rows in pairs]
            )
            gradient = self._product(f"G{i}", inner, _transposed(states[i]))
            found.append([[entry[k] for entry in row] for row in gradient])
            if i:
                back = self._product(f"b{i}", _transposed(layers[i]), inner)
                summed = [[m[k] + b[k] for m, b in zip(*rows, strict=True)] for rows in zip(pull, back, strict=True)]
                pull = self._extend(f"M{i}", summed)
        return found[::-1]

    def _coefficient(self, entry: list[Any]) -> Any:
        """Return coefficient k of a state; the inputs are constant."""
        return entry[self._k] if self._k < len(entry) else self._mp.zero

    def _activated(self, name: str, argument: Block) -> tuple[Block, Block]:
        """Return sigma and sigma' of a block."""
        k, mp = self._k, self._mp
        if not self._network.curved:
            one = mp.one if k == 0 else mp.zero
            return argument, self._extend(f"w{name}", [[one for _ in row] for row in argument])
        if k == 0:
            value = self._extend(f"u{name}", [[mp.tanh(x[0]) for x in row] for row in argument])
            return value, self._extend(f"w{name}", [[1 - u[0] ** 2 for u in row] for row in value])
        slope = self._found[f"w{name}"]
        rates = [
            [mp.fdot([j * x[j] for j in range(1, k + 1)], w[k - 1 :: -1]) / k for x, w in zip(*rows, strict=True)]
            for rows in zip(argument, slope, strict=True)
        ]
        value = self._extend(f"u{name}", rates)
        return value, self._extend(f"w{name}", [[-mp.fdot(u, u[::-1]) for u in row] for row in value])


def _transposed(block: Block) -> Block:
    return [list(column) for column in zip(*block, strict=True)]
