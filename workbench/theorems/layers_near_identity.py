r"""Along the flow from the identity no layer strays from it by more than a deep root of the target does.

Statement
    Let $\Phi$ be symmetric positive definite with eigenvalues $\lambda_i$ and $\gamma = \max_i |\ln \lambda_i|$. Then $\Phi$ is the
    product of $L$ layers $\Phi^{1/L}$ with $\|\Phi^{1/L} - I\|_2 \le e^{\gamma/L} - 1$, and along the gradient flow from
    $W_j(0) = I$ for every $t$
    $$\max_j \|W_j(t) - I\|_2 \le \max_i |\lambda_i^{1/L} - 1| \le e^{\gamma/L} - 1 .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    gradient_flow: the dynamics is the gradient flow

Presupposed
    symmetric_target: the bound is one of eigenvalues

Standing
    explicit (proof below); the closed form is that of the paper, recalled

Proof
    From the identity all layers stay equal and commute with $\Phi$; an eigenvalue has $\dot{x} = -x^{L-1} (x^L - \lambda_i)$ from
    $x = 1$ and moves monotonically towards $\lambda_i^{1/L}$, without reaching it. And $|e^y - 1| \le e^{|y|} - 1$.

Notes
    For $\gamma \le 1$ the layers stay within $2 \gamma / L$ of the identity. Equality in the limit. A general target of positive
    determinant has $2 (\sqrt{\pi} + \sqrt{3 \gamma})^2 / L$ in print, recalled.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, altered, symmetric
from workbench.theorems._statement import Source

source = Source(
    authors="Moritz Hardt, Tengyu Ma",
    year=2016,
    title="Identity matters in deep learning",
    where="ICLR 2017; arXiv:1611.04231",
    locator="Theorem 2.1, positive definite targets; the trajectory is worked out for this project",
    url="https://arxiv.org/abs/1611.04231",
)
observes = ("loss", "distance_to_identity")
tight = True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting, symmetric_target = run.setting(), run.symmetric_target()
    smallest = run.exact_eigenvalues()[0] if symmetric_target.holds else None
    return [
        setting,
        run.identity_start(),
        symmetric_target,
        Hypothesis("positive_definite", smallest, strict=True),
        run.gradient_flow(),
    ]


def predict(run: Run) -> list[Bound]:
    """Return both bounds of the largest distance; of a negative eigenvalue the size is taken."""
    sizes = [run.reals.maximum(x, -x) for x in run.eigenvalues()]
    gaps = [run.reals.power(x, Fraction(1, run.depth)) - 1 for x in sizes]
    logarithms = [run.reals.log(x) for x in sizes]
    gamma = run.reals.maximum(*logarithms, *(-y for y in logarithms))
    levels = (
        ("distance_of_the_root", run.reals.maximum(*gaps, *(-gap for gap in gaps)), r"\max_i |\lambda_i^{1/L} - 1|"),
        ("distance_in_print", run.reals.exp(gamma / run.depth) - 1, r"e^{\gamma/L} - 1"),
    )
    return [
        Bound(
            name,
            "largest distance of a layer to the identity",
            run.observable("distance_to_identity"),
            [level] * len(run.steps),
            latex=rf"\max_j \|W_j - I\|_2 \le {formula}",
            quantity="largest distance of a layer to the identity",
        )
        for name, level, formula in levels
    ]


def _flow(depth: int, eigenvalues: list[str], time: str = "1", **options: Any) -> dict[str, Any]:
    options = {"dynamics": "gradient_flow", "stop": {"time": time}, "backend": BALL, **options}
    return symmetric(depth, eigenvalues, 1, **options)


_LONG_STEP: dict[str, Any] = {"dynamics": "gradient_descent", "step_size": "1/2", "stop": {"steps": 3}}
_SCALED: dict[str, Any] = {"start": {"scheme": "identity", "scale": "2"}}

examples = [
    Example("eigenvalues on both sides of 1, enclosed", "consistent", _flow(3, ["1/2", "2"])),
    Example("nearly in the limit", "consistent", _flow(2, ["2", "3"], "3/2")),
    Example("six layers in double precision", "consistent", _flow(6, ["1/3", "1", "5/4"], backend=FLOAT)),
    Example("one layer", "consistent", _flow(1, ["1/3", "5/4"])),
    Example("a negative eigenvalue", "vacuous", _flow(2, ["-1", "2"])),
    Example(
        "a negative eigenvalue, the hypothesis dropped",
        "violated",
        _flow(2, ["-1", "9/8"], "4", without=["positive_definite"]),
    ),
    Example(
        "from twice the identity, the hypothesis dropped",
        "violated",
        _flow(3, ["1/2", "2"], without=["identity_start"], **_SCALED),
    ),
    Example(
        "descent with a long step, the hypothesis dropped",
        "violated",
        _flow(3, ["2", "3"], without=["gradient_flow"], **_LONG_STEP),
    ),
]

examples += [
    altered(examples[0], "setting", "inputs of one half", loss={"inputs": {"rows": [["1/2", "0"], ["0", "1/2"]]}}),
]
