r"""With one matrix shared by all layers, descent on the mean gradient has a rate that depth multiplies.

Statement
    Let $L$ layers share one matrix, from the identity, $W \leftarrow W - \frac{\eta}{L} \nabla \ell$ with
    $\ell = \frac{1}{2} \|W^L - \Phi\|_F^2$, $\Phi$ symmetric positive definite, and let $\mu = \min(1, \lambda_{\min}^2)$ and
    $$0 < \eta \le \frac{\mu}{4 L \max(1, \lambda_{\max}^4)} .$$
    Then
    $$\ell(t) \le (1 - \eta L \mu)^{2t}\, \ell(0) \le e^{-(2L - 2) \mu \eta t}\, \ell(0) .$$

Hypotheses
    setting: whitened inputs, square layers, loss with the factor 1/2
    identity_start: all layers start at the identity
    symmetric_target: the target is symmetric
    positive_definite: the target's smallest eigenvalue is positive
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $\eta$ is at most its cap; the margin is the distance to it

Presupposed
    symmetric_target: the bound is one of eigenvalues

Standing
    explicit (proof below); the second bound is the one in print, there for steps shorter by $\sqrt{d}$ and more

Proof
    From the identity and towards a symmetric target the layers of their own stay equal and their gradients are the mean, so
    that sharing changes nothing; an eigenvalue has $x' = x - \eta x^{L-1} (x^L - \lambda)$ and $\eta L \max(1, \lambda)^{2-2/L}
    \le 1$ keeps it between 1 and $\lambda^{1/L}$. If $\lambda \ge 1$, $e = \lambda - x^L \ge 0$ has $e' \le e\, (1 - \eta L
    x^{2L-2}) \le e\, (1 - \eta L)$ by convexity. If $\lambda < 1$, $e = x^L - \lambda \ge 0$ has
    $e' \le e\, (1 - \eta L x^{2L-2} (1 - \frac{L-1}{2} \eta x^{L-2} e))$ by Taylor, where $x \le 1$, so $x^{2L-2} \ge (\lambda +
    e)^2$ and the bracket is at least $1 - \lambda^2 e / 8$: their product is at least $\lambda^2 + 2 \lambda e - \lambda^2 e/8 \ge \lambda^2$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, altered, symmetric
from workbench.theorems._statement import Source

source = Source(
    authors="Anonymous",
    year=2021,
    title="Speeding up deep learning training by sharing weights and then unsharing",
    where="submission to ICLR 2021",
    locator="theorem on descent with the mean gradient",
)
observes = ("loss",)
tight = False


def slowness(run: Run) -> Real:
    """Return mu = min(1, lambda_min^2)."""
    return -run.reals.maximum(-1, -(run.eigenvalues()[0] ** 2))


def largest_step_size(run: Run) -> Real | None:
    """Return mu / (4 L max(1, lambda_max^4))."""
    if not run.target.is_symmetric():
        return None
    top = run.reals.maximum(run.number(1), run.eigenvalues()[-1] ** 4)
    return slowness(run) / (4 * run.depth * top)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    symmetric_target = run.symmetric_target()
    smallest = run.exact_eigenvalues()[0] if symmetric_target.holds else None
    cap = largest_step_size(run)
    known = cap is not None and run.step_size is not None
    room = run.reals.measured(cap - run.number(run.step_size or Fraction(0))) if known and cap is not None else None
    return [
        run.setting(),
        run.identity_start(),
        symmetric_target,
        Hypothesis("positive_definite", smallest, strict=True),
        run.plain_descent(),
        Hypothesis("step_size", room),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return both bounds of the loss, and the rate of the sharper one."""
    mu, eta, start = slowness(run), run.number(run.step_size or Fraction(0)), run.number(run.loss[0])
    factor = 1 - eta * run.depth * mu
    printed = run.reals.exp(-(2 * run.depth - 2) * mu * eta)
    names = (
        ("envelope", factor**2, r"(1 - \eta L \mu)^{2t}"),
        ("printed_envelope", printed, r"e^{-(2L-2) \mu \eta t}"),
    )
    bounds: list[Bound | Rate] = [
        Bound(
            name,
            "loss against its envelope",
            run.loss,
            [start * power**step for step in run.steps],
            latex=rf"\ell(t) \le {formula}\, \ell(0)",
        )
        for name, power, formula in names
    ]
    return [*bounds, Rate(-2 * run.reals.log(factor) / eta)] if run.step_size else bounds


def _descent(depth: int, eigenvalues: list[str], **options: Any) -> dict[str, Any]:
    return symmetric(depth, eigenvalues, 1, **{"step_size": "largest", "stop": {"steps": 60}, **options})


_SADDLE: dict[str, Any] = {"start": {"scheme": "identity", "scale": "1/8"}}
_DECAY: dict[str, Any] = {"dynamics": "weight_decay", "parameters": {"decay": "2"}}

examples = [
    Example("eigenvalues on both sides of 1, enclosed", "consistent", _descent(3, ["1/2", "5/4"])),
    Example("many layers", "consistent", _descent(12, ["3/4", "1"])),
    Example("in double precision", "consistent", _descent(4, ["4/5", "9/10"], backend=FLOAT)),
    Example("one layer", "consistent", _descent(1, ["1/2"])),
    Example("a step above the cap", "vacuous", _descent(3, ["1/2", "2"], step_size="1/8")),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        _descent(3, ["1/2", "2"], step_size="1/4", without=["step_size"]),
    ),
    Example(
        "a negative eigenvalue, the hypothesis dropped",
        "violated",
        _descent(2, ["-1", "1"], without=["positive_definite"], stop={"steps": 200}),
    ),
    Example(
        "from near zero, the hypothesis dropped",
        "violated",
        _descent(3, ["4/5", "9/10"], without=["identity_start"], **_SADDLE),
    ),
    Example(
        "weight decay, the hypothesis dropped",
        "violated",
        _descent(3, ["4/5", "9/10"], without=["plain_descent"], **_DECAY),
    ),
]

examples += [
    altered(examples[1], "setting", "another factor of the loss", loss={"normalisation": "mean"}),
]
