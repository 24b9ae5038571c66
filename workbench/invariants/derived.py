"""Ranks of laws and brackets where the gradients are words that a derivation took, not the engine's own formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from workbench.errors import InputError
from workbench.invariants import jets
from workbench.invariants.closure import lie_closure
from workbench.invariants.counting import PRIMES
from workbench.invariants.jets import Jet, State
from workbench.invariants.laws import balancedness_laws, constant, gradients, independent, momentum_laws, point_of
from workbench.invariants.systems import GradientFlow, HeavyBallFlow, Rule, checked_widths
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.words import Letter, MatrixPolynomial, Word

# Enough for a gradient with a fault to move some law.
_FEW = 2


@dataclass(frozen=True)
class Ranks:
    """What laws and brackets span at one point modulo one prime.

    Parameters
    ----------
    dimension : int
        Number of coordinates.
    laws : int
        Rank of the gradients of the laws that no bracket moves.
    brackets : int
        Rank of the brackets of the flow's fields that were evaluated.

    Notes
    -----
    Neither rank exceeds the one at a generic point over the rationals, and those two add up to the dimension at most.
    Where the ranks found add up to it, both are exact and no law is missing.
    """

    dimension: int
    laws: int
    brackets: int


def ranks(
    widths: Sequence[int], words: Sequence[MatrixPolynomial], layers: Sequence[Letter], slope: Letter, momentum: bool
) -> Ranks:
    """Return the ranks for a network's gradients given in words.

    Parameters
    ----------
    widths : sequence of int
        d_0 ... d_L.
    words : sequence of MatrixPolynomial
        The gradient in each layer, of a loss whose gradient at the end-to-end matrix is a letter.
    layers : sequence of Letter
    slope : Letter
        That letter.
    momentum : bool
        Heavy-ball flow in place of gradient flow.

    Returns
    -------
    Ranks
        Of few brackets only where these already move a law that the network's own gradients conserve.
    """
    sizes, prime = checked_widths(widths), PRIMES[0]
    rule = rule_of(words, layers, slope, prime)
    system = HeavyBallFlow(sizes, prime, rule) if momentum else GradientFlow(sizes, prime, rule)
    known = momentum_laws(sizes) if momentum else balancedness_laws(sizes)
    rows = gradients(known, system.names, point_of(system, 0), prime)
    kept, fields = known, 0
    # Few fields first: where they move a law, the gradients are not this network's and the rest need not be known.
    for ceiling in (_FEW, len(system.names) - len(independent(known, rows, prime))):
        closure = lie_closure(system, 0, min(ceiling, len(system.names)))
        kept, fields = constant(known, rows, closure.rows, prime), closure.rank
        if len(kept) < len(known):
            break
    names = {law.name for law in kept}
    still = [row for law, row in zip(known, rows, strict=True) if law.name in names]
    return Ranks(len(system.names), len(independent(kept, still, prime)), fields)


def rule_of(words: Sequence[MatrixPolynomial], layers: Sequence[Letter], slope: Letter, prime: int) -> Rule:
    """Return how the words of the gradients are evaluated on jets modulo a prime."""

    def rule(weights: State, given: Any) -> State:
        values = {**dict(zip(layers, weights, strict=True)), slope: jets.constant(given, weights[0])}
        return [_evaluate(expression, values, prime) for expression in words]

    return rule


def _evaluate(expression: MatrixPolynomial, values: Mapping[Letter, Jet], prime: int) -> Jet:
    if not expression.terms or () in expression.terms:
        raise InputError("a gradient that is zero, or that holds the identity, is none of a linear network")
    parts = [_word(word, values, _residue(coefficient, prime)) for word, coefficient in expression.terms.items()]
    return reduce(jets.plus, parts)


def _word(word: Word, values: Mapping[Letter, Jet], coefficient: int) -> Jet:
    factors = [jets.transpose(values[f.letter]) if f.transposed else values[f.letter] for f in word]
    return jets.scale(reduce(jets.product, factors), coefficient)


def _residue(coefficient: Polynomial, prime: int) -> int:
    value = coefficient.evaluate({})
    return value.numerator * pow(value.denominator, -1, prime) % prime
