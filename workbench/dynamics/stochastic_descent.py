r"""Stochastic gradient descent: W_i <- W_i - eta g_i, g_i an unbiased estimate of dl/dW_i drawn anew at every step.

The labels of a step are Y + nu S with S a matrix of independent fair signs (label noise of standard deviation nu), and
of its N samples `batch` are drawn with replacement, all where it is 0; whitened inputs are the columns of the
identity. Every draw is a function of the seed, the step and the place alone, so that a run is the same on every
backend and can be enclosed. Recorded is the loss itself, without noise.

A sign is exact and bounded, which a Gaussian rounded to a dyadic is not: statements about a path need no tail.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from workbench.backends import Backend
from workbench.backends.float64 import nearest
from workbench.backends.running_error import RunningError
from workbench.draws import sample, signs
from workbench.dynamics._error_bounds import CarriedError, Errors, EstimatedBound, Growth
from workbench.dynamics._iteration import descend
from workbench.dynamics.gradient_descent import Step
from workbench.exact import Matrix
from workbench.networks import Built, Parameters, with_loss
from workbench.problem import Problem, SquareLoss
from workbench.trajectory import Method, Trajectory

LABEL = "stochastic gradient descent"
FLOW = False
PARAMETERS: Mapping[str, Fraction | None] = {"noise": Fraction(0), "batch": Fraction(0), "seed": Fraction(0)}
INTEGERS = ("batch", "seed")

NOISE, BATCH = "label_noise", "batch"


class Draws:
    """The loss that each step sees.

    Parameters
    ----------
    problem : Problem
    noise : Fraction
        Standard deviation of a label.
    batch : int
        Samples a step, 0 for all.
    seed : int
    """

    def __init__(self, problem: Problem, noise: Fraction, batch: int, seed: int) -> None:
        self._loss = problem.loss
        self._noise, self._batch, self._seed = noise, batch, seed

    def loss(self, step: int) -> SquareLoss:
        """Return the loss of a step."""
        target, inputs = self._loss.target.rows, self._loss.inputs
        if self._noise:
            drawn = signs(NOISE, self._seed, step, self._loss.target.shape)
            target = tuple(
                tuple(y + self._noise * sign for y, sign in zip(row, line, strict=True))
                for row, line in zip(target, drawn, strict=True)
            )
        if not self._batch:
            return SquareLoss(Matrix(target), inputs, self._loss.normalisation)
        samples = self._loss.target.shape[1]
        columns = sample(BATCH, self._seed, step, self._batch, samples)
        whole = _identity(samples) if inputs is None else inputs.rows
        return SquareLoss(Matrix(_taken(target, columns)), Matrix(_taken(whole, columns)), self._loss.normalisation)

    def weight(self, loss: SquareLoss) -> Fraction:
        """Return what makes the gradient of a step's loss unbiased: N/b, less what a mean over the batch holds."""
        scale = self._loss.factor / loss.factor
        return scale * Fraction(self._loss.target.shape[1], self._batch) if self._batch else scale

    def gradients(self, network: Built, parameters: Parameters, step: int) -> Parameters:
        """Return the gradients that a step takes."""
        loss = self.loss(step)
        found = with_loss(network, loss).loss_and_gradients(parameters)[1]
        weight = self.weight(loss)
        return found if weight == 1 else tuple(network.backend.scale(weight, g) for g in found)

    def error_bound(self, problem: Problem, backend: Backend, growth: Growth) -> Errors:
        """Return the errors that balls and rationals carry themselves, and an estimate for floats."""
        return _DrawnBound(problem, backend, growth, self) if isinstance(backend, RunningError) else CarriedError()


def _identity(size: int) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(Fraction(i == j) for j in range(size)) for i in range(size))


def _taken(rows: tuple[tuple[Fraction, ...], ...], columns: list[int]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(row[k] for k in columns) for row in rows)


class _DrawnBound(EstimatedBound):
    """The propagated error where every step has a Hessian of its own."""

    def __init__(self, problem: Problem, backend: RunningError, growth: Growth, draws: Draws) -> None:
        super().__init__(problem, backend, growth)
        self._draws, self._step = draws, 0

    def jacobian_norm(self, layers: list[np.ndarray]) -> float:
        """Return the growth of the step that comes next, at the weights before it."""
        loss = self._draws.loss(self._step)
        self._step += 1
        weight = nearest(self._draws.weight(loss))
        low, high = self._curvature.of(loss).extremes(layers)
        return self._growth(weight * low, weight * high)


def run(
    problem: Problem, base: Backend, method: Method, observes: tuple[str, ...], keep_weights: bool, digits: int | None
) -> Trajectory:
    """Run stochastic gradient descent."""
    noise, batch, seed = (method.parameter(name) for name in PARAMETERS)
    oracle = Draws(problem, noise, int(batch), int(seed))
    rule = Step(method.step_size or Fraction(0))
    return descend(problem, base, method, rule, observes, keep_weights, digits, oracle)
