r"""From an orthogonal start the tangent kernel is depth times a power of the gain times the Gram matrix of the inputs.

Statement
    Let all hidden widths be equal, $W_j^T W_j = g I$ for $j < L$ and $W_L W_L^T = g I$ at the start. With $A_j = W_L \cdots W_{j+1}$ and
    $B_j = W_{j-1} \cdots W_1$ the neural tangent kernel is
    $$P(E) = \sum_{j=1}^{L} A_j A_j^T E\, X^T B_j^T B_j X = L\, g^{L-1}\, E\, X^T X \quad \text{for every residual} \quad E .$$

Hypotheses
    linear_network: a deep linear network with inputs or without, $X = I$
    isometric_start: hidden layers of one width, no narrower than the ends, that are isometries up to one gain, exactly

Presupposed
    linear_network: the kernel is that of a linear network

Standing
    explicit (proof below)

Proof
    $W_j$ is square for $1 < j < L$, so that $W_j W_j^T = g I$ too. Then $B_j^T B_j = g^{j-1} I$ and $A_j A_j^T = g^{L-j} I$.

Notes
    In the paper's units the network is $(m^{L-1} d_y)^{-1/2} W_L \cdots W_1$ with $W^T W = m I$, and $P(E) = (L/d_y)\, E X^T X$: layers
    scaled by the $L$-th root have $g^L = m / d_y$, and their step is the paper's times $g / m$. The kernel is that of the start.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.problem import LinearNetwork
from workbench.theorems import Example, Hypothesis, Identity, Run
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._inputs import moments, with_inputs
from workbench.theorems._isometric import gain
from workbench.theorems._sources import HU_2020

source = HU_2020.at("Lemma on the kernel at the start")
observes = ("loss", "kernel_trace", "kernel_anisotropy")
tight = True

RESOLUTION = Fraction(1, 10**8)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    linear = isinstance(run.trajectory.problem.network, LinearNetwork)
    holds = gain(run)[0] if linear else False
    isometric = Hypothesis.unknown("isometric_start") if holds is None else Hypothesis.decided("isometric_start", holds)
    return [Hypothesis.decided("linear_network", linear), isometric]


def predict(run: Run) -> list[Identity]:
    """Return that the kernel of the start has its form and its trace."""
    level = run.number(gain(run)[1] or Fraction(1)) ** (run.depth - 1)
    total = sum((run.number(x) for x in moments(run.trajectory.problem.loss, run.reals.bits).spectrum), run.number(0))
    trace = run.depth * run.widths[-1] * level * total
    sides = (
        (
            "kernel_trace",
            "trace of the kernel at the start",
            trace,
            r"\mathrm{tr}\, P = L\, g^{L-1} d_y\, \mathrm{tr}\, X^T X",
        ),
        (
            "kernel_anisotropy",
            "distance of the kernel at the start to its form",
            Fraction(0),
            r"P(E) \propto E X^T X",
        ),
    )
    count = len(run.steps)
    return [
        Identity(
            name, label, [run.observable(name)[0]] * count, [side] * count, RESOLUTION, latex=latex, quantity=label
        )
        for name, label, side, latex in sides
    ]


def _run(widths: list[int], labels: list[list[str]], start: dict[str, Any], **options: Any) -> dict[str, Any]:
    options = {"step_size": "1/64", "stop": {"steps": 1}, "backend": BALL, **options}
    return experiment(widths, {"rows": labels}, start=start, **options)


_INPUTS = [["1", "1/2", "0"], ["0", "1", "-1"]]
_ROOT = {"scheme": "identity", "scale": "root(4,4)"}
_GAUSSIAN = {"scheme": "gaussian", "seed": 1, "scale": "1/2"}

examples = [
    Example(
        "rotations, enclosed",
        "consistent",
        _run([2] * 4, [["1", "2"], ["0", "1"]], {"scheme": "orthogonal", "seed": 3}),
    ),
    Example(
        "three samples and a gain that is a root",
        "consistent",
        with_inputs(_run([2, 4, 4, 1], [["1", "0", "1/2"]], _ROOT), _INPUTS),
    ),
    Example(
        "twice the identity in double precision",
        "consistent",
        _run([2, 5, 2], [["1", "2"], ["0", "1"]], {"scheme": "identity", "scale": "2"}, backend=FLOAT),
    ),
    Example("a Gaussian start", "vacuous", _run([2, 4, 2], [["1", "2"], ["0", "1"]], _GAUSSIAN)),
    Example(
        "a Gaussian start, the hypothesis dropped",
        "violated",
        _run([2, 4, 2], [["1", "2"], ["0", "1"]], _GAUSSIAN, without=["isometric_start"]),
    ),
]
