"""What the statements on the linear convergence of residual networks share: hypotheses and bounds.

Only delta L^-beta = 1/L and L^-beta <= 1 are used of delta = L^-alpha, alpha + beta = 1, alpha <= 1. So the statements
are read with 1/(delta L) for L^-beta, and hold for every branch scale delta >= 1/L, a named power or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.exact import Exact, Matrix, Measured
from workbench.problem import ResidualNetwork
from workbench.theorems._run import Run
from workbench.theorems._statement import Bound, Hypothesis, Prediction, Rate

# sigma in C^2 with sigma(0) = 0, sigma'(0) = 1, |sigma'| <= 1 and |sigma''| <= 1; softplus has sigma'(0) = 1/2.
ACTIVATIONS = ("identity", "tanh", "arctan")

ONE = Measured(Fraction(1))

OBSERVES = ("loss", "branch_norm", "branch_spectral_norm", "rescaled_increment")


@dataclass(frozen=True)
class Constants:
    """The constants of a statement.

    Parameters
    ----------
    squared_size : callable
        c^2, of lambda_0 / N, a rational or an enclosure.
    threshold : callable
        The largest loss at the start, of the same.
    spread : callable
        The factor of the increments' bound, of the run and c.
    """

    squared_size: Callable[[Any], Any]
    threshold: Callable[[Any], Any]
    spread: Callable[[Run, Real], Real]


def inputs(run: Run) -> Matrix:
    """Return X, the identity for whitened inputs."""
    problem = run.trajectory.problem
    return problem.loss.inputs or Matrix.identity(problem.network.widths[0])


def least_eigenvalue(run: Run) -> Measured:
    """Return lambda_0 = lambda_min(X^T X), enclosed, exact where it is rational and found."""
    return gram_spectrum(run)[0]


def gram_spectrum(run: Run) -> tuple[Measured, ...]:
    """Return the eigenvalues of X^T X, ascending, each enclosed, exact where it is rational and found."""
    columns = list(zip(*inputs(run).rows, strict=True))
    return tuple(run.spectrum(Matrix(_gram(columns))))


def _gram(columns: Sequence[Sequence[Fraction]]) -> tuple[tuple[Fraction, ...], ...]:
    """Return the inner products of columns."""
    return tuple(tuple(sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0)) for b in columns) for a in columns)


def branch_scale(run: Run) -> Exact:
    """Return delta, one for a network without branches."""
    network = run.trajectory.problem.network
    return network.branch_scale if isinstance(network, ResidualNetwork) else Fraction(1)


def reach(run: Run) -> Real:
    """Return delta L, which is L^beta for delta = L^-alpha."""
    return run.reals.number(branch_scale(run)) * run.depth


def hypotheses(run: Run, constants: Constants) -> list[Hypothesis]:
    """Audit the hypotheses of the flow."""
    return [*at_the_start(run, constants), run.gradient_flow()]


def at_the_start(run: Run, constants: Constants, room: Measured = ONE) -> list[Hypothesis]:
    """Audit the hypotheses on the network, the data and the start; `room` multiplies the threshold of the loss."""
    least = least_eigenvalue(run)
    return [
        _setting(run),
        Hypothesis.decided("activation", _activation(run) in ACTIVATIONS),
        Hypothesis("branch_scale", _branch_margin(run)),
        Hypothesis("unit_inputs", Measured(-_norm_defect(run))),
        Hypothesis("gram_positive", least, strict=True),
        Hypothesis("initial_weights", _weights_margin(run, constants, least)),
        Hypothesis("initial_loss", _loss_margin(run, constants, least, room)),
    ]


def samples(run: Run) -> int:
    """Return N."""
    return run.target.shape[1]


def _setting(run: Run) -> Hypothesis:
    problem = run.trajectory.problem
    averaged = problem.loss.factor == Fraction(1, 2 * samples(run))
    network = problem.network
    return Hypothesis.decided("setting", isinstance(network, ResidualNetwork) and network.plain and averaged)


def _activation(run: Run) -> str:
    network = run.trajectory.problem.network
    return network.activation if isinstance(network, ResidualNetwork) else "identity"


def _branch_margin(run: Run) -> Measured:
    scale = branch_scale(run)
    if isinstance(scale, Fraction):
        return Measured(scale * run.depth - 1)
    # L^-1 by its name is at the cap, exactly.
    if scale.base == run.depth and scale.exponent == -1:
        return Measured(Fraction(0))
    return run.reals.measured(reach(run) - 1)


def _weights_margin(run: Run, constants: Constants, least: Measured) -> Measured:
    """Return c / (2 delta L) - max_k ||A_k(0)||_2, exactly zero at equality where all numbers are rational."""
    share, norm = run.number(least) / samples(run), run.observable("branch_spectral_norm")[0]
    size = run.reals.sqrt(constants.squared_size(share))
    margin = run.reals.measured(size / (2 * reach(run)) - run.number(norm))
    bounds, scale = margin.bounds(), branch_scale(run)
    if bounds is None or not bounds[0] <= 0 <= bounds[1] or least.error or not isinstance(scale, Fraction):
        return margin
    allowed = constants.squared_size((least.value or Fraction(0)) / samples(run)) / (2 * scale * run.depth) ** 2
    squares = [_squared_norm(layer) for layer in run.initial_weights()]
    at_most = all(x is not None and x <= allowed for x in squares)
    return Measured(Fraction(0)) if at_most and allowed in squares else margin


def _squared_norm(layer: Any) -> Fraction | None:
    """Return ||A||_2^2 where it is rational and found."""
    if not all(isinstance(x, Fraction) for row in layer for x in row):
        return None
    columns = list(zip(*layer, strict=True))
    largest = symmetric_eigenvalues(Matrix(_gram(columns)))[-1]
    return None if largest.error else largest.value


def _loss_margin(run: Run, constants: Constants, least: Measured, room: Measured) -> Measured:
    """Return the threshold less J(0), which is rational where the weights are zero."""
    exact = not least.error and not room.error
    if exact and run.observable("branch_norm")[0] == Measured(Fraction(0)) and _setting(run).holds:
        rows = zip(inputs(run).rows, run.target.rows, strict=True)
        squares = sum(((x - y) ** 2 for a, b in rows for x, y in zip(a, b, strict=True)), Fraction(0))
        allowed = constants.threshold((least.value or Fraction(0)) / samples(run)) * (room.value or 0)
        return Measured(allowed - run.trajectory.problem.loss.factor * squares)
    threshold = constants.threshold(run.number(least) / samples(run)) * run.number(room)
    return run.reals.measured(threshold - run.number(run.loss[0]))


def _norm_defect(run: Run) -> Fraction:
    """Return max_i | ||x_i||^2 - 1 |, exactly."""
    columns = zip(*inputs(run).rows, strict=True)
    squares: list[Fraction] = [sum((x * x for x in column), Fraction(0)) for column in columns]
    return max(abs(square - 1) for square in squares)


def predict(run: Run, constants: Constants) -> list[Prediction]:
    """Return the loss envelope of the flow, the bounds of the weights from both sides, and that of their increments."""
    least = run.number(least_eigenvalue(run))
    scale, size = run.reals.number(branch_scale(run)), run.reals.sqrt(constants.squared_size(least / samples(run)))
    rate = scale * scale * run.depth * least / samples(run)
    start = run.number(run.loss[0])
    envelope = [run.reals.measured(start * run.reals.exp(-(rate * run.number(t)))) for t in run.times]
    increments = constants.spread(run, size) * (largest_increment(run) + size * size / run.depth)
    return [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            envelope,
            latex=r"J(t) \le J(0) e^{-\delta^2 L \lambda_0 t / N}",
        ),
        *weights_in_depth(
            run,
            size,
            increments,
            r"C \left( \delta L \max_k \|A_{k+1}(0) - A_k(0)\|_F + \frac{c^2}{L} \right)",
        ),
        Rate(rate, "rate of the bound"),
    ]


def largest_increment(run: Run) -> Real:
    """Return delta L max_k ||A_{k+1}(0) - A_k(0)||_F."""
    return run.number(run.observable("rescaled_increment")[0])


def weights_in_depth(run: Run, size: Real, increments: Real, latex: str) -> list[Bound]:
    """Return the bound of the weights by c / (delta L), that of their increments, and what the labels ask for."""
    count, measured = len(run.steps), run.reals.measured
    return [
        Bound(
            "weight_norm",
            "largest norm of a branch",
            run.observable("branch_spectral_norm"),
            [measured(size / reach(run))] * count,
            latex=r"\max_k \|A_k(t)\|_2 \le \frac{c}{\delta L}",
            quantity="norm of a branch",
        ),
        Bound(
            "increments",
            "largest rescaled increment in depth",
            run.observable("rescaled_increment"),
            [measured(increments)] * count,
            latex=rf"\delta L \max_k \|A_{{k+1}}(t) - A_k(t)\|_F \le {latex}",
            quantity="rescaled increment",
        ),
        *_from_below(run),
    ]


def _from_below(run: Run) -> list[Bound]:
    """Return that the weights cannot be smaller than what the labels ask for; no hypothesis on the start is used."""
    given = inputs(run)
    if given.shape != run.target.shape:
        return []
    moves = zip(zip(*run.target.rows, strict=True), zip(*given.rows, strict=True), strict=True)
    farthest = max(sum(((a - b) ** 2 for a, b in zip(y, x, strict=True)), Fraction(0)) for y, x in moves)
    distance, zero = run.reals.sqrt(run.number(farthest)), run.number(0)
    left = [run.reals.sqrt(run.number(loss) * 2 * samples(run)) for loss in run.loss]
    needed = [run.reals.log(1 + run.reals.maximum(zero, distance - error)) / reach(run) for error in left]
    return [
        Bound(
            "weights_needed",
            "largest norm of a branch against what the labels ask for",
            run.observable("branch_norm"),
            [run.reals.measured(x) for x in needed],
            relation=">=",
            latex=r"\delta L \max_k \|A_k(t)\|_F \ge \ln(1 + \max(0, \max_i \|y_i - x_i\| - \sqrt{2 N J(t)}))",
            quantity="norm of a branch",
        )
    ]
