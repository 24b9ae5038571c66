r"""Certified descent mode by mode, where every layer stays one function of a symmetric target.

Lemma (structure).
    Let all layers be square, W_i(0) = I, no inputs, Phi = U diag(lambda) U^T with U orthogonal. Under
    W_i <- W_i - eta (G_i + kappa (W_i - a I)), G_i the gradient of c ||W_L ... W_1 - Phi||_F^2, all layers are equal to
    U diag(x) U^T at every step, x(0) = 1 and, for each mode,
    x <- f(x) = x - eta (2c x^(L-1) (x^L - lambda) + kappa (x - a)).
Proof.
    If W_i = U D U^T for all i, E = U (D^L - Lambda) U^T and G_i = 2c U D^(L-1) (D^L - Lambda) U^T for every i.

The hypotheses are decided from exact data: the start and the symmetry of the target by their rows, the spectrum by the
target's family (a spectrum, rotated by a rational rotation) or by its being diagonal. Where a symmetric target tells
nothing of its spectrum, its eigenvalues are certified in balls, whose radii join the error of a step; the loss asks for
no basis, so that clusters cost nothing, and a run that keeps weights goes on with matrices. Only runs that read nothing
but the loss (and weights) come here: a statement about the layers themselves, such as their equality, would find what
the lemma supposes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from workbench.backends import Backend
from workbench.dynamics._mode_descent import ModeDescent
from workbench.initialization import weights
from workbench.problem import LinearNetwork, Problem
from workbench.rotation import rotation
from workbench.trajectory import Method, Trajectory


@dataclass(frozen=True)
class Modes:
    """An exact orthogonal eigenbasis of the target, None for the standard one, and its eigenvalues in that order.

    Where the eigenvalues are None the target is symmetric, and no more is known.
    """

    eigenvalues: tuple[Fraction, ...] | None
    basis: list[list[Fraction]] | None


def modes(problem: Problem, method: Method) -> Modes | None:
    """Return the modes of a problem that has the lemma's structure, None where a hypothesis fails."""
    network = problem.network
    if method.name not in ("gradient_descent", "penalised_descent", "gradient_flow") or not isinstance(
        network, LinearNetwork
    ):
        return None
    if not problem.whitened or len(set(network.widths)) != 1 or not _starts_at_the_identity(problem):
        return None
    target, family = problem.loss.target, problem.loss.target.family or {}
    size = network.widths[0]
    if all(x == 0 for i, row in enumerate(target.rows) for j, x in enumerate(row) if i != j):
        return Modes(tuple(target.rows[i][i] for i in range(size)), None)
    if family.get("family") == "spectrum" and "rotate" in family:
        return Modes(tuple(Fraction(x) for x in family["eigenvalues"]), rotation(size, family["rotate"]))
    return Modes(None, None) if target.is_symmetric() else None


def _starts_at_the_identity(problem: Problem) -> bool:
    return all(
        x == (i == j)
        for layer in weights(problem.network, problem.start)
        for i, row in enumerate(layer)
        for j, x in enumerate(row)
    )


def runner(problem: Problem, method: Method, keep_weights: bool = False) -> Callable[..., Trajectory] | None:
    """Return how a structured problem is run in balls, in the manner of a dynamics; None where it has no structure."""
    found = None if method.name == "gradient_flow" else modes(problem, method)
    if found is None or (keep_weights and found.eigenvalues is None):
        return None
    eigenvalues, basis = found.eigenvalues, found.basis

    def run(
        problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep: bool, digits: int | None
    ) -> Trajectory:
        with base.session():
            return ModeDescent(eigenvalues, basis, problem, base, method, observes, keep, digits).run()

    return run
