r"""With a penalty toward the identity the modes of a definite target stop short of it: where, and how fast they get there.

Statement
    Let $\Phi$ be symmetric with eigenvalues $\lambda_i > 0$, and $W_j(0) = I$. Descent on $\ell + \frac{\kappa}{2} \sum_j \|W_j - I\|_F^2$, $\kappa \ge 0$, keeps all
    layers equal; their eigenvalue goes monotonically from 1 to $x_i$, the root between 1 and $\lambda_i^{1/L}$ of
    $$x^{L-1}(x^L - \lambda_i) + \kappa (x - 1) = 0 ,$$
    and with $m_i = \kappa + L \lambda_i^{2-2/L}$ for $\lambda_i \le 1$, $m_i = \kappa + 2L - 1 - (L-1) \lambda_i$ for $\lambda_i > 1$, after $t$ steps
    $$\frac{1}{2} \sum_i (x_i^L - \lambda_i)^2 \le \ell(t) \le \frac{1}{2} \sum_i \left( |x_i^L - \lambda_i| + L \max(1, x_i)^{L-1} |x_i - 1| (1 - \eta m_i)^t \right)^2 .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_j(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    one_root: $(L-1) \lambda_{\max} < 2L - 1$, so that there is one root; the margin is the room left
    penalised_descent: descent, plain or with a penalty toward the identity
    step_size: $\eta (\kappa + \max(2L - 1, L \lambda_{\max}^{2-2/L})) \le 1$; the margin is the room left

Presupposed
    symmetric_target: the limit is one of eigenvalues
    positive_definite: $m_i$ is a power of a positive number; `regularised_floor` tells the limit of a negative mode

Standing
    explicit (proof below), worked out for this project: the counterpart of `regularised_floor` for positive eigenvalues

Proof
    The layers stay equal and diagonal in the basis of $\Phi$ (Lemma 6; the penalty commutes with rotations). On a mode $x' = x - \eta h(x)$ from $x = 1$ with $h(x) = x^{L-1}(x^L - \lambda) + \kappa(x-1)$,
    which has opposite signs at 1 and at $\rho = \lambda^{1/L}$. Its slope is $x^{L-2}((2L-1) x^L - (L-1)\lambda) + \kappa$: between $\rho$ and 1, where $x^L \ge \lambda$, at least $L \rho^{2L-2} + \kappa$ and at most $2L - 1 + \kappa$;
    between 1 and $\rho$, where $x^L \le \lambda$, at least $2L - 1 - (L-1)\lambda + \kappa$ and at most $L \rho^{2L-2} + \kappa$. So the root is one, the distance to it keeps its sign and shrinks by at least
    $1 - \eta m$ a step, and $x^L - \lambda$ keeps its sign with $|x^L - x_i^L| \le L \max(x, x_i, 1)^{L-1} |x - x_i|$, where no $x$ is above $\max(1, x_i)$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import FLOAT, altered, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("penalty toward the identity; the limits are worked out for this project")
observes = ("loss",)
tight = True

_CLASS = ("gradient_descent", "penalised_descent")

# Bits of a root.
_BITS = 160


def _cap(run: Run) -> Real:
    """Return kappa + max(2L - 1, L lambda_max^(2 - 2/L)); the target is symmetric."""
    depth = run.depth
    top = run.reals.power(run.reals.maximum(1, run.eigenvalues()[-1]), Fraction(2) - Fraction(2, depth))
    return run.parameter("penalty") + run.reals.maximum(2 * depth - 1, depth * top)


def largest_step_size(run: Run) -> Real | None:
    """Return the inverse of the largest slope."""
    return 1 / _cap(run) if run.target.is_symmetric() else None


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    symmetric = run.symmetric_target()
    values = run.exact_eigenvalues() if symmetric.holds else None
    room = margin = None
    if values is not None:
        room = run.reals.measured(2 * run.depth - 1 - (run.depth - 1) * run.number(values[-1]))
        step = run.number(run.step_size or Fraction(0))
        margin = run.reals.measured(1 - step * _cap(run)) if run.step_size is not None else None
    return [
        run.setting(),
        run.identity_start(),
        symmetric,
        Hypothesis("positive_definite", values[0] if values else None, strict=True),
        Hypothesis("one_root", room, strict=True),
        Hypothesis.decided("penalised_descent", run.method in _CLASS),
        Hypothesis("step_size", margin),
    ]


def _root(run: Run, eigenvalue: Measured) -> Measured:
    """Return an enclosure of the root of h, by signs at rational points between 1 and max(1, lambda)."""
    depth, penalty = run.depth, run.parameter("penalty")
    bounds = eigenvalue.bounds() or (Fraction(0), Fraction(2))
    ends = []
    # h falls as lambda grows, so that the roots for both ends of its enclosure enclose the root.
    for value in bounds:
        low, high = min(Fraction(0), value), max(Fraction(1), value)
        for _ in range(_BITS):
            middle = (low + high) / 2
            positive = middle ** (depth - 1) * (middle**depth - value) + penalty * (middle - 1) > 0
            low, high = (low, middle) if positive else (middle, high)
        ends += [low, high]
    return Measured.between(min(ends), max(ends))


def predict(run: Run) -> list[Bound]:
    """Return what the loss stays above and what it stays below."""
    depth, eta = run.depth, run.number(run.step_size or Fraction(0))
    values = run.exact_eigenvalues() if run.target.is_symmetric() else ()
    floor, modes = run.number(0), []
    for value in values:
        eigenvalue, root = run.number(value), run.number(_root(run, value))
        left = root**depth - eigenvalue
        floor = floor + left**2
        modes.append((run.reals.maximum(left, -left), *_approach(run, eigenvalue, root)))
    ceilings = []
    for step in run.steps:
        terms = [(left + start * (1 - eta * slope) ** step) ** 2 for left, start, slope in modes]
        ceilings.append(run.reals.measured(sum(terms, run.number(0)) / 2))
    return [
        Bound(name, f"loss against its {words}", run.loss, series, relation, latex=latex)
        for name, words, series, relation, latex in (
            (
                "floor",
                "limit",
                [run.reals.measured(floor / 2)] * len(run.steps),
                ">=",
                r"\ell \ge \frac{1}{2} \sum_i (x_i^L - \lambda_i)^2",
            ),
            (
                "envelope",
                "envelope",
                ceilings,
                "<=",
                r"\ell(t) \le \frac{1}{2} \sum_i (|x_i^L - \lambda_i| + c_i (1 - \eta m_i)^t)^2",
            ),
        )
    ]


def _approach(run: Run, eigenvalue: Real, root: Real) -> tuple[Real, Real]:
    """Return L max(1, x)^(L-1) |x - 1| and m of a mode; for an enclosure around 1 the smaller m."""
    depth, penalty = run.depth, run.parameter("penalty")
    below = depth * run.reals.power(-run.reals.maximum(-1, -eigenvalue), Fraction(2) - Fraction(2, depth))
    above = 2 * depth - 1 - (depth - 1) * run.reals.maximum(1, eigenvalue)
    slope = penalty - run.reals.maximum(-below, -above)
    start = depth * run.reals.maximum(1, root) ** (depth - 1) * run.reals.maximum(root - 1, 1 - root)
    return start, slope


def _descent(depth: int, eigenvalues: list[str], penalty: str, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"step_size": "largest", "stop": {"steps": 60}, "dynamics": "penalised_descent"}
    return symmetric(depth, eigenvalues, **{**given, "parameters": {"penalty": penalty}, **options})


examples = [
    Example("four layers, enclosed", "consistent", _descent(4, ["1/2", "3/2"], "1/2")),
    Example("two eigenvalues near one, nearly an equality", "consistent", _descent(3, ["999/1000", "1001/1000"], "1")),
    Example("two layers and no penalty", "consistent", _descent(2, ["1/2", "2"], "0")),
    Example(
        "a rotated target, in double precision",
        "consistent",
        _descent(3, ["1/4", "1/2", "2"], "1/10", rotate=3, backend=FLOAT),
    ),
    Example("a strong penalty in six layers", "consistent", _descent(6, ["1/8", "2"], "5", step_size="1/40")),
    Example("an eigenvalue with three roots", "vacuous", _descent(6, ["100"], "1250", stop={"steps": 100})),
    Example(
        "an eigenvalue with three roots, the hypothesis dropped",
        "violated",
        _descent(6, ["100"], "1250", stop={"steps": 600}, without=["one_root"]),
    ),
]
examples += [
    altered(examples[0], "setting", "inputs of one half", loss={"inputs": {"rows": [["1/2", "0"], ["0", "1/2"]]}}),
    altered(
        examples[0], "identity_start", "a start away from the identity", start={"scheme": "identity", "scale": "1/4"}
    ),
    altered(
        examples[0],
        "penalised_descent",
        "weight decay",
        dynamics={"name": "weight_decay", "parameters": {"decay": "1"}},
    ),
    altered(examples[0], "step_size", "a long step", dynamics={"step_size": "2/5"}),
]
