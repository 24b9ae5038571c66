"""Small residual networks with tanh, entry by entry: gradients as exact polynomials in entries and in tanh symbols.

The network is h_{k+1} = h_k + delta tanh(A_k h_k + b_k 1^T) on samples X with targets Y. Each value of a tanh is a
symbol of its own, known only by its differential equation T' = (1 - T^2) z' with z the argument: the loss is then a
polynomial, and so is every derivative of it. No identity between the symbols is needed and none is used, so that an
equality of two such polynomials holds for tanh, and for any other solution of that equation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from workbench.errors import InputError, ShapeError
from workbench.symbolic.entrywise import Engine, Entries, Rows, entry_names, multiply_rows
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter

# Parameters times tanh symbols times entries: what a derivation has use for, and seconds of work.
_MOST_SYMBOLS = 400

_DELTA = Letter("delta", 1, 1)


@dataclass(frozen=True)
class TanhNetwork:
    """A residual network with tanh whose entries are symbols; build it with `tanh_network`.

    Parameters
    ----------
    branches : tuple of Letter
        A_0 ... A_{L-1}, shape (d, d).
    biases : tuple of Letter
        b_0 ... b_{L-1}, shape (d, 1); empty where there are none.
    values : tuple of Letter
        T_0 ... T_{L-1}, the values of the tanh, shape (d, N).
    inputs, outputs : Letter
        X and Y, shape (d, N).
    entries : Entries
        The ring of all of them and of the branch scale delta.
    """

    branches: tuple[Letter, ...]
    biases: tuple[Letter, ...]
    values: tuple[Letter, ...]
    inputs: Letter
    outputs: Letter
    entries: Entries

    @property
    def variables(self) -> tuple[Letter, ...]:
        """All that is trained: the branches, then the biases."""
        return (*self.branches, *self.biases)

    def state(self, k: int) -> Rows:
        """Return h_k as ring elements; h_0 = X."""
        scale = self.entries.generators[entry_names(_DELTA)[0][0]]
        state = self.entries.matrix(self.inputs)
        for value in self.values[:k]:
            state = _add(state, _scaled(scale, self.entries.matrix(value)))
        return state

    def argument(self, k: int) -> Rows:
        """Return what the tanh of block k is taken of, A_k h_k + b_k 1^T."""
        product = multiply_rows(self.entries.matrix(self.branches[k]), self.state(k))
        if not self.biases:
            return product
        bias = self.entries.matrix(self.biases[k])
        return [[entry + shift[0] for entry in row] for row, shift in zip(product, bias, strict=True)]

    @cached_property
    def loss(self) -> Any:
        """Half the squared Frobenius norm of h_L - Y, a ring element."""
        total = self.entries.zero
        targets = self.entries.matrix(self.outputs)
        for row, wanted in zip(self.state(len(self.branches)), targets, strict=True):
            for entry, goal in zip(row, wanted, strict=True):
                total = total + (entry - goal) * (entry - goal)
        return total * self.entries.number(Fraction(1, 2))

    def derivative(self, element: Any, name: str) -> Any:
        """Return the total derivative of a ring element in one entry: the symbols of the tanh move with it."""
        return self._along(element, name, self._velocities(name))

    def gradient(self, variable: Letter) -> list[list[Polynomial]]:
        """Return the derivative of the loss in every entry of a variable."""
        rows = entry_names(variable)
        return [[self.entries.polynomial(self.derivative(self.loss, name)) for name in row] for row in rows]

    def point(self, matrices: Mapping[Letter, Rows], delta: Any, tanh: Callable[[Any], Any]) -> dict[str, Any]:
        """Return the value of every symbol at given matrices, in the number system that they come in.

        Parameters
        ----------
        matrices : mapping from Letter to rows
            Of the variables, X and Y.
        delta : number
        tanh : callable
            The hyperbolic tangent of that number system, such as `mpmath.tanh`.
        """
        found = {entry_names(_DELTA)[0][0]: delta}
        for letter in (*self.variables, self.inputs, self.outputs):
            if letter not in matrices:
                raise InputError(f"no matrix is given for {letter.name}; give one for each variable, X and Y")
            found |= _named(letter, matrices[letter])
        for k, letter in enumerate(self.values):
            rows = [[self.entries.polynomial(entry) for entry in row] for row in self.argument(k)]
            found |= _named(letter, [[tanh(value_at(entry, found)) for entry in row] for row in rows])
        return found

    def _velocities(self, name: str) -> dict[str, Any]:
        """Return how the symbols of the tanh move with one entry, from the first block on."""
        found: dict[str, Any] = {}
        for k, letter in enumerate(self.values):
            for names, arguments in zip(entry_names(letter), self.argument(k), strict=True):
                for value, argument in zip(names, arguments, strict=True):
                    symbol = self.entries.generators[value]
                    found[value] = (1 - symbol * symbol) * self._along(argument, name, found)
        # Symbols that stand still are left out: most, for an entry of a late block.
        return {value: velocity for value, velocity in found.items() if velocity != 0}

    def _along(self, element: Any, name: str, moving: Mapping[str, Any]) -> Any:
        total = self.entries.derivative(element, name)
        for value in self.entries.used(element):
            if value in moving:
                total = total + self.entries.derivative(element, value) * moving[value]
        return total


def tanh_network(
    depth: int, width: int, samples: int = 1, *, biases: bool = False, engine: Engine | None = None
) -> TanhNetwork:
    """Return the residual network with tanh of a depth, a width and a number of samples, in symbols.

    Raises
    ------
    InputError, ShapeError
        If a number is below 1, or there are too many symbols to write a gradient out.
    """
    if depth < 1:
        raise InputError(f"the depth is {depth}; a network has at least 1 block")
    if min(width, samples) < 1:
        raise ShapeError(f"the width is {width} and there are {samples} samples; both are at least 1")
    branches = tuple(Letter(f"A_{k}", width, width) for k in range(depth))
    shifts = tuple(Letter(f"b_{k}", width, 1) for k in range(depth if biases else 0))
    values = tuple(Letter(f"T_{k}", width, samples) for k in range(depth))
    inputs, outputs = Letter("X", width, samples), Letter("Y", width, samples)
    count = depth * width * (width + samples + biases) + 2 * width * samples + 1
    if count > _MOST_SYMBOLS:
        raise InputError(
            f"the network has {count} symbols and at most {_MOST_SYMBOLS} are written out; "
            f"give fewer blocks, a smaller width or fewer samples"
        )
    entries = Entries((_DELTA, *branches, *shifts, *values, inputs, outputs), engine)
    return TanhNetwork(branches, shifts, values, inputs, outputs, entries)


def value_at(polynomial: Polynomial, point: Mapping[str, Any]) -> Any:
    """Return the value of a polynomial at numbers of any system that adds and multiplies, such as mpmath's."""
    total: Any = 0
    for monomial, coefficient in polynomial.terms.items():
        product: Any = coefficient.numerator
        for name, exponent in monomial:
            product = product * point[name] ** exponent
        # Divided last: a float system has no rationals.
        total = total + (product / coefficient.denominator if coefficient.denominator != 1 else product)
    return total


def _named(letter: Letter, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    names = entry_names(letter)
    if [len(row) for row in rows] != [len(row) for row in names]:
        lengths = ", ".join(str(len(row)) for row in rows)
        raise ShapeError(
            f"{letter.name} is {letter.rows} x {letter.columns} but rows of the lengths {lengths} are given"
        )
    return {name: value for line, row in zip(names, rows, strict=True) for name, value in zip(line, row, strict=True)}


def _add(left: Rows, right: Rows) -> Rows:
    return [[a + b for a, b in zip(u, v, strict=True)] for u, v in zip(left, right, strict=True)]


def _scaled(scale: Any, rows: Rows) -> Rows:
    return [[scale * entry for entry in row] for row in rows]
