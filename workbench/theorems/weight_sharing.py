r"""With one matrix shared by all layers and a positive definite target, the mean-gradient flow has a rate that depth multiplies.

Statement
    Let $L$ layers share one matrix, from the identity, and let it move against the mean of the layers' gradients:
    $\dot{W} = -\frac{1}{L} \nabla l$, $l = \frac{1}{2} \|W^L - \Phi\|_F^2$ with $\Phi$ symmetric positive definite and
    $\lambda$ its smallest eigenvalue. Then
    $$l(t) \le \exp \left( -2 L \min(1, \lambda^{2 - 2/L})\, t \right) l(0)
      \le \exp \left( -2 L \min(1, \lambda^2)\, t \right) l(0) .$$

Hypotheses
    setting: whitened inputs, square layers, loss with the factor 1/2
    identity_start: all layers start at the identity
    symmetric_target: the target is symmetric
    positive_definite: the target's smallest eigenvalue is positive
    gradient_flow: the dynamics is the gradient flow

Presupposed
    symmetric_target: the bound is one of eigenvalues

Standing
    explicit (proof below)

Proof
    From the identity and towards a symmetric target the layers of their own stay equal and their gradients are the mean,
    so that sharing changes nothing. An eigenvalue of $W$ has $\dot{x} = -x^{L-1} (x^L - \lambda_i)$ and stays between 1
    and $\lambda_i^{1/L}$, where the error $x^L - \lambda_i$ shrinks at the rate
    $L x^{2L-2} \ge L \min(1, \lambda_i^{2 - 2/L})$: `derivations/tied_weights.py`.

Notes
    The second bound is the one in print. With $\min(1, \lambda)$ in its place, as the text of the submission has it, the
    statement is false for $L \ge 3$ and $\lambda < 1$: the error shrinks in the end at $L \lambda^{2-2/L}$ per unit of time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import BALL, FLOAT, altered, symmetric
from workbench.theorems._statement import Source

source = Source(
    authors="Anonymous",
    year=2021,
    title="Speeding up deep learning training by sharing weights and then unsharing",
    where="submission to ICLR 2021",
    locator="theorem on the mean-gradient flow",
)
observes = ("loss",)
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting, symmetric_target = run.setting(), run.symmetric_target()
    smallest = run.exact_eigenvalues()[0] if symmetric_target.holds is True else None
    return [
        setting,
        run.identity_start(),
        symmetric_target,
        Hypothesis("positive_definite", smallest, strict=True),
        run.gradient_flow(),
    ]


def rates(run: Run) -> tuple[Real, Real]:
    """Return L min(1, lambda^(2 - 2/L)) and L min(1, lambda^2); of a negative eigenvalue the size is taken."""
    smallest = run.eigenvalues()[0]
    size = run.reals.maximum(smallest, -smallest)
    powers = (run.reals.power(size, Fraction(2) - Fraction(2, run.depth)), size**2)
    sharp, printed = (-run.reals.maximum(-1, -power) * run.depth for power in powers)
    return sharp, printed


def predict(run: Run) -> list[Bound | Rate]:
    """Return both bounds of the loss, and the rate of the sharper one."""
    sharp, printed = rates(run)
    start = run.number(run.loss[0])
    times = [run.number(time) for time in run.times]
    bounds: list[Bound | Rate] = [
        Bound(
            name,
            label,
            run.loss,
            [start * run.reals.exp(-2 * rate * time) for time in times],
            latex=rf"l(t) \le \exp(-2 L \min(1, {power})\, t)\, l(0)",
        )
        for name, label, rate, power in (
            ("sharp_envelope", "loss against its envelope", sharp, r"\lambda^{2 - 2/L}"),
            ("printed_envelope", "loss against the envelope in print", printed, r"\lambda^2"),
        )
    ]
    return [*bounds, Rate(2 * sharp)]


def _flow(
    depth: int, eigenvalues: list[str], backend: dict[str, Any], time: str = "1", **options: Any
) -> dict[str, Any]:
    return symmetric(depth, eigenvalues, 1, dynamics="gradient_flow", stop={"time": time}, backend=backend, **options)


examples = [
    Example("eigenvalues on both sides of 1, enclosed", "consistent", _flow(3, ["1/2", "2"], BALL)),
    Example("eigenvalues below 1, in double precision", "consistent", _flow(4, ["3/5", "4/5"], FLOAT)),
    # Late enough that the rate of the submission's text, 2 L lambda, would be violated.
    Example("a slow mode, for a long time", "consistent", _flow(4, ["1/10"], BALL, "12")),
    Example("two layers, three eigenvalues", "consistent", _flow(2, ["1/3", "1/2", "2"], BALL)),
    # Nearly an equality: a rate wrong by 2 % would be violated.
    Example("an eigenvalue near 1", "consistent", _flow(3, ["99/100"], BALL, "3")),
    Example("a negative eigenvalue", "vacuous", _flow(2, ["-1", "2"], BALL)),
    Example(
        "a negative eigenvalue, the hypothesis dropped",
        "violated",
        _flow(2, ["-1", "2"], BALL, without=["positive_definite"]),
    ),
]

examples += [
    altered(
        examples[0],
        "gradient_flow",
        "descent",
        dynamics={"name": "gradient_descent", "step_size": "1/2", "stop": {"steps": 20}},
    ),
    altered(
        examples[0], "identity_start", "a start away from the identity", start={"scheme": "identity", "scale": "1/10"}
    ),
    altered(examples[0], "setting", "inputs of one half", loss={"inputs": {"rows": [["1/2", "0"], ["0", "1/2"]]}}),
]
