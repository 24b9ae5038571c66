"""Laws as polynomials in the entries, and the rank of their gradients modulo a prime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.errors import InconsistentError
from workbench.invariants.exact_matrices import residues
from workbench.invariants.systems import GROWTH, System
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.networks import opaque_chain
from workbench.symbolic.polynomials import Monomial, Polynomial, collect
from workbench.symbolic.printing import unicode
from workbench.symbolic.words import Letter, matrix


@dataclass(frozen=True)
class Law:
    """A function of the coordinates that no loss can change.

    Parameters
    ----------
    name : str
        Such as `D_1[1,2]`.
    polynomial : Polynomial
        In the symbols of the entries, such as `W_1[2,1]`.
    """

    name: str
    polynomial: Polynomial

    @property
    def text(self) -> str:
        """The polynomial as Unicode text, the power of e^{tau t} in front."""
        power = self.polynomial.degree(GROWTH)
        if not power:
            return unicode(self.polynomial)
        rest = self.polynomial.substitute({GROWTH: 1})
        return f"exp({'' if power == 1 else power}τt) ({unicode(rest)})"


def balancedness_laws(widths: Sequence[int]) -> list[Law]:
    """Return the entries on and above the diagonal of each D_j = W_{j+1}^T W_{j+1} - W_j W_j^T.

    Raises
    ------
    InconsistentError
        If the matrix calculus does not prove them constant for every depth and loss.
    """
    _prove_balancedness()
    return [
        Law(f"D_{j}[{r},{s}]", _defect_entry(widths, j, r, s))
        for j in range(1, len(widths) - 1)
        for r in range(1, widths[j] + 1)
        for s in range(r, widths[j] + 1)
    ]


def momentum_laws(widths: Sequence[int]) -> list[Law]:
    """Return the entries above the diagonal of the skew matrix of each inner layer, times e^{tau t}.

    The matrix is W_{j+1}^T V_{j+1} - V_{j+1}^T W_{j+1} + W_j V_j^T - V_j W_j^T, with V the velocities.

    Raises
    ------
    InconsistentError
        If the matrix calculus does not prove them constant for every depth and loss.
    """
    _prove_momentum()
    return [
        Law(f"A_{j}[{r},{s}]", _skew_entry(widths, j, r, s))
        for j in range(1, len(widths) - 1)
        for r in range(1, widths[j] + 1)
        for s in range(r + 1, widths[j] + 1)
    ]


def gradients(laws: Sequence[Law], names: Sequence[str], point: Sequence[int], prime: int) -> list[list[int]]:
    """Return the gradient of each law at a point modulo a prime, a row for each."""
    place = {name: k for k, name in enumerate(names)}
    return [_gradient(law.polynomial, place, point, prime) for law in laws]


def independent(laws: Sequence[Law], rows: Sequence[Sequence[int]], prime: int) -> list[Law]:
    """Return the first laws whose gradients are independent, in order."""
    if not laws:
        return []
    # The pivot columns of the transposed matrix are the rows that are not combinations of earlier ones.
    columns = [entry for column in zip(*rows, strict=True) for entry in column]
    form, rank = residues(len(rows[0]), len(rows), columns, prime).rref()
    lines = form.tolist()[:rank]
    return [laws[next(k for k, entry in enumerate(line) if int(entry))] for line in lines]


def check_constant(laws: Sequence[Law], rows: Sequence[Sequence[int]], fields: Any, prime: int) -> None:
    """Check that the gradient of each law is orthogonal to every bracket evaluated.

    Raises
    ------
    InconsistentError
        If one is not: then the law or the bracket is wrong.
    """
    kept = {law.name for law in constant(laws, rows, fields, prime)}
    moved = [law for law in laws if law.name not in kept]
    if moved:
        raise InconsistentError(
            f"{moved[0].name} moves along a bracket of the gradient fields: one of the two is wrong"
        )


def constant(laws: Sequence[Law], rows: Sequence[Sequence[int]], fields: Any, prime: int) -> list[Law]:
    """Return the laws whose gradient is orthogonal to every bracket evaluated."""
    if not laws or not fields.nrows():
        return list(laws)
    flat = [entry for row in rows for entry in row]
    products = residues(len(rows), len(rows[0]), flat, prime) * fields.transpose()
    lines = zip(laws, products.tolist(), strict=True)
    return [law for law, line in lines if not any(int(entry) for entry in line)]


def point_of(system: System, seed: int) -> list[int]:
    """Return a system's random point as numbers, in the order of its names."""
    return [int(entry) for jet in system.point(seed) for entry in jet[0].entries()]


def _gradient(polynomial: Polynomial, place: Mapping[str, int], point: Sequence[int], prime: int) -> list[int]:
    row = [0] * len(place)
    for monomial, coefficient in polynomial.terms.items():
        scale = coefficient.numerator * pow(coefficient.denominator, -1, prime)
        for name, exponent in monomial:
            slope = scale * exponent * pow(point[place[name]], exponent - 1, prime) % prime
            for other, power in monomial:
                if other != name:
                    slope = slope * pow(point[place[other]], power, prime) % prime
            row[place[name]] = (row[place[name]] + slope) % prime
    return row


def _defect_entry(widths: Sequence[int], j: int, r: int, s: int) -> Polynomial:
    upper = [(f"W_{j + 1}[{a},{r}]", f"W_{j + 1}[{a},{s}]", 1) for a in range(1, widths[j + 1] + 1)]
    lower = [(f"W_{j}[{r},{a}]", f"W_{j}[{s},{a}]", -1) for a in range(1, widths[j - 1] + 1)]
    return _quadratic([*upper, *lower])


def _skew_entry(widths: Sequence[int], j: int, r: int, s: int) -> Polynomial:
    terms = []
    for a in range(1, widths[j + 1] + 1):
        first, second = f"{j + 1}[{a},{r}]", f"{j + 1}[{a},{s}]"
        terms += [(f"W_{first}", f"V_{second}", 1), (f"V_{first}", f"W_{second}", -1)]
    for a in range(1, widths[j - 1] + 1):
        first, second = f"{j}[{r},{a}]", f"{j}[{s},{a}]"
        terms += [(f"W_{first}", f"V_{second}", 1), (f"V_{first}", f"W_{second}", -1)]
    return _quadratic(terms) * Polynomial.symbol(GROWTH)


def _quadratic(terms: Sequence[tuple[str, str, int]]) -> Polynomial:
    return collect([(_monomial(a, b), Fraction(sign)) for a, b, sign in terms])


def _monomial(first: str, second: str) -> Monomial:
    return ((first, 2),) if first == second else tuple(sorted([(first, 1), (second, 1)]))


def _prove_balancedness() -> None:
    chain = opaque_chain()
    calculus = Calculus()
    flow = calculus.flow(chain.general_loss, chain.layers[1:3])
    if calculus.lie_derivative(chain.defect(2), flow):
        raise InconsistentError("the matrix calculus does not prove that balancedness is conserved")


def _prove_momentum() -> None:
    chain = opaque_chain()
    calculus = Calculus()
    lower, upper = chain.layers[1:3]
    velocity = {layer: Letter(layer.name.replace("W", "V", 1), layer.rows, layer.columns) for layer in (lower, upper)}
    w, x = matrix(lower), matrix(upper)
    v, u = matrix(velocity[lower]), matrix(velocity[upper])
    skew = x.T @ u - u.T @ x + w @ v.T - v @ w.T
    push = calculus.flow(chain.general_loss, (lower, upper))
    # With tau = 1: V' = -V - gradient, so the matrix times e^t is constant when it decays at the rate one.
    moving = {lower: v, upper: u, velocity[lower]: push[lower] - v, velocity[upper]: push[upper] - u}
    if calculus.lie_derivative(skew, moving) + skew:
        raise InconsistentError("the matrix calculus does not prove the skew law of heavy-ball flow")
