r"""A residual network needs weights of a size that its labels' distance from its inputs and its depth tell, however it is trained.

Statement
    Let $h_{k+1} = h_k + \delta \sigma(A_k h_k)$, $k = 0, \dots, L-1$, $h_0 = x$, $\ell = c \|h_L(X) - Y\|_F^2$ and
    $r = \max_i \frac{\|y_i - x_i\| - \sqrt{\ell / c}}{\|x_i\|}$. For any weights at which $r \ge 0$,
    $$\delta \max_k \|A_k\|_2 \ge (1 + r)^{1/L} - 1 \ge \frac{1}{L} \ln(1 + r) .$$
    Equality holds on the left for equal layers $A_k = a I$ with $\sigma$ the identity. So at every global minimum $\delta L \max_k \|A_k\|_2$ is at least $\ln(1 + \max_i \|y_i - x_i\| / \|x_i\|)$:
    where $\delta = L^{-\alpha}$ the largest norm decays no faster than $L^{-\beta}$, $\beta = 1 - \alpha$.

Hypotheses
    setting: a residual network of constant width with $|\sigma(z)| \le |z|$: identity, tanh, arctan, softplus shifted to zero, ReLU
    no_biases: its blocks have no biases, and its branch scale is not trained
    nonzero_inputs: no input is zero; the margin is the smallest squared norm

Presupposed
    setting: a network of another kind has no branch scale; labels of another dimension than the inputs have no distance to them
    nonzero_inputs: the bound divides by the norms of the inputs

Standing
    explicit (proof below), worked out for this project. Nothing is asked of the start, the loss, the step size or the dynamics.

Proof
    With $a = \delta \max_k \|A_k\|_2$, $\|h_{k+1}\| \le (1 + a) \|h_k\|$, as $\|\sigma(z)\| \le \|z\|$, and $\|h_{k+1} - h_k\| \le a \|h_k\| \le a (1 + a)^k \|x\|$. So $\|h_L - x\| \le ((1 + a)^L - 1) \|x\|$, while
    $\|h_L(x_i) - x_i\| \ge \|y_i - x_i\| - \|h_L(x_i) - y_i\|$ and the last norm is at most $\sqrt{\ell / c}$. The second inequality is $e^u - 1 \ge u$. For equal layers $a I$ and labels $y = (1 + \delta a)^L x$ every step is an equality.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.problem import ResidualNetwork
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._residual_convergence import branch_scale, inputs
from workbench.theorems._residual_runs import PAIR, residual_run
from workbench.theorems._sources import CONT_2022

source = CONT_2022.at("lower bound of the trained weights, worked out for this project")
observes = ("loss", "branch_spectral_norm")
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    network = run.trajectory.problem.network
    residual = isinstance(network, ResidualNetwork)
    smallest = min(_squared(x) for x in _columns(inputs(run).rows))
    return [
        Hypothesis.decided("setting", residual and inputs(run).shape == run.target.shape),
        Hypothesis.decided("no_biases", isinstance(network, ResidualNetwork) and network.plain),
        Hypothesis("nonzero_inputs", Measured(smallest), strict=True),
    ]


def _columns(rows: Sequence[Sequence[Fraction]]) -> list[tuple[Fraction, ...]]:
    return list(zip(*rows, strict=True))


def _squared(vector: Sequence[Fraction]) -> Fraction:
    return sum((x * x for x in vector), Fraction(0))


def predict(run: Run) -> list[Bound]:
    """Return the least norm of the largest branch at each record."""
    reals = run.reals
    pairs = list(zip(_columns(run.target.rows), _columns(inputs(run).rows), strict=True))
    moves = [reals.sqrt(run.number(_squared([a - b for a, b in zip(y, x, strict=True)]))) for y, x in pairs]
    sizes = [reals.sqrt(run.number(_squared(x))) for _, x in pairs]
    scale = reals.number(branch_scale(run))
    needed = [_needed(run, moves, sizes, loss) / scale for loss in run.loss]
    return [
        Bound(
            "weights_needed",
            "largest norm of a branch against what the labels ask for",
            run.observable("branch_spectral_norm"),
            [reals.measured(x) for x in needed],
            relation=">=",
            latex=r"\delta \max_k \|A_k\|_2 \ge (1 + r)^{1/L} - 1",
            quantity="norm of a branch",
        )
    ]


def _needed(run: Run, moves: Sequence[Real], sizes: Sequence[Real], loss: Measured) -> Real:
    """Return (1 + r)^(1/L) - 1, zero where r is negative."""
    reals = run.reals
    left = reals.sqrt(run.number(loss) / run.trajectory.problem.loss.factor)
    shares = [(move - left) / size for move, size in zip(moves, sizes, strict=True)]
    farthest = reals.maximum(run.number(0), *shares)
    return reals.power(1 + farthest, Fraction(1, run.depth)) - 1


def _descent(steps: int, size: str) -> dict[str, Any]:
    return {"name": "gradient_descent", "step_size": size, "stop": {"steps": steps}}


_FAR = [["2", "-1"], ["1/2", "3/2"]]


def _biased() -> dict[str, Any]:
    """Return a network whose bias takes half of the way to its label."""
    run = residual_run([["1"]], [["3/2"]], 1, "1", activation="identity", dynamics=_descent(40, "1/4"))
    network = {**run["problem"]["network"], "biases": True}
    return {**run, "problem": {**run["problem"], "network": network}}


examples = [
    Example(
        "labels far away at depth 8, enclosed",
        "consistent",
        residual_run(PAIR, _FAR, 8, "power(8,-1/2)", dynamics=_descent(60, "1/4")),
    ),
    Example(
        "linear layers that are nearly equal, which nearly attain it",
        "consistent",
        residual_run(
            [["1"]],
            [["3"]],
            4,
            "1/4",
            activation="identity",
            start={"scheme": "given", "weights": [[["1/100"]], [["0"]], [["0"]], [["0"]]]},
            dynamics=_descent(60, "1/4"),
        ),
    ),
    Example(
        "inputs of other lengths along the flow, in double precision",
        "consistent",
        residual_run([["2", "0"], ["1", "1/2"]], [["1", "1"], ["1", "0"]], 2, "1", backend={"name": "float64"}),
    ),
    Example("biases", "vacuous", _biased()),
    Example("biases, the hypothesis dropped", "violated", {**_biased(), "without": ["no_biases"]}),
]
