r"""Towards a positive definite target the rate of descent tends to that of its slowest mode, at the exact multiplier of its limit.

Statement
    Let $\Phi$ be symmetric positive definite, $\Phi \ne I$, and $0 < \eta \le 1/(L M^2)$ as in `positive_definite`. From $W_i(0) = I$
    $$\frac{\ell(t+1)}{\ell(t)} \to \left( 1 - \eta L \mu^{2-2/L} \right)^2 \quad \text{as } t \to \infty ,$$
    where $\mu$ is the smallest eigenvalue of $\Phi$ other than 1.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap
    linear_rate: some eigenvalue is not 1 and $\eta L \mu^{2-2/L} < 1$; the margin is $1 - \eta L \mu^{2-2/L}$

Presupposed
    symmetric_target: $\mu$ is an eigenvalue
    positive_definite: $\mu^{2-2/L}$ is a power of a positive number
    linear_rate: a multiplier of zero or less is no rate

Standing
    explicit (proof below). The multiplier 0, where all eigenvalues but 1 are $\lambda_{\max} \ge 1$ and the step is the largest, means quadratic convergence. With an eigenvalue $\mu \le 0$ the formula has no meaning; `singular_target` and `saddle_approach` say what happens. A factor of the loss (`setting`) rescales the rate as a longer step would, and no violation is known without symmetry, where no $\mu$ is defined.

Proof
    Every eigenvalue of a layer goes to $\rho = \lambda^{1/L}$ (`positive_definite`); one that starts there, $\lambda = 1$, adds nothing. With $f(x) = x - \eta x^{L-1}(x^L - \lambda)$, $f(\rho) = \rho$ and
    $f'(\rho) = 1 - \eta L \lambda^{2-2/L} \ge 0$, so that $(x_{t+1} - \rho)/(x_t - \rho) \to f'(\rho)$, which is largest at the smallest $\lambda$; $x^L - \lambda$ is $L \rho^{L-1} (x - \rho)$ to first order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Erratum, FamilyExample, Hypothesis, Limit, Run, positive_definite
from workbench.theorems._examples import FLOAT, averaged, family, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Theorem 2, sharp asymptotics")
observes = ("loss",)
tight = True

RESOLUTION = Fraction(1, 1000)

largest_step_size = positive_definite.largest_step_size


def _multiplier(run: Run) -> Real | None:
    """Return 1 - eta L mu^(2-2/L), None where there is no mu."""
    values = run.exact_eigenvalues() if run.target.is_symmetric() else ()
    excited = [x for x in values if x != Measured(Fraction(1))]
    if not excited or run.step_size is None:
        return None
    slowness = run.reals.power(run.number(excited[0]), Fraction(2) - Fraction(2, run.depth))
    return 1 - run.number(run.step_size * run.depth) * slowness


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    multiplier = _multiplier(run)
    margin = Measured(Fraction(-1)) if multiplier is None else run.reals.measured(multiplier)
    return [*positive_definite.hypotheses(run), Hypothesis("linear_rate", margin, strict=True)]


def _observed(run: Run) -> Real:
    """Return -ln of what a step multiplied the loss by, over the last two records."""
    (before, last), (first, second) = run.loss[-2:], run.steps[-2:]
    return run.reals.log(run.number(before) / run.number(last)) / (second - first)


def predict_family(runs: Sequence[Run]) -> list[Limit]:
    """Return that the last rate of a run, over that of the slowest mode, tends to one in the length of the run."""
    ratios: list[Any] = []
    for run in runs:
        multiplier = _multiplier(run)
        known = multiplier is not None and len(run.steps) > 1
        ratios.append(_observed(run) / (-2 * run.reals.log(multiplier)) if known else None)
    latex = r"\ell(t+1)/\ell(t) \to (1 - \eta L \mu^{2-2/L})^2"
    return [Limit("slowest_mode", "last rate over that of the slowest mode", ratios, Fraction(1), RESOLUTION, latex)]


def _slower_than_printed(numbers: Mapping[str, str]) -> bool:
    """Say whether 2 L lambda^(2-2/L) < 2 L min(1, lambda): both to the power L are rational."""
    depth, eigenvalue = int(numbers["L"]), Fraction(numbers["lambda"])
    return eigenvalue ** (2 * depth - 2) < min(Fraction(1), eigenvalue) ** depth


errata = [
    Erratum(
        printed=r"from the identity, equal layers converge at the rate $2 L \min(1, \lambda_{\min})$ per unit of time",
        where="a submission on weight sharing in deep linear networks to ICLR 2021, section 3.1 (recalled; its theorem, with the square, is right)",
        counterexample={"L": "10", "lambda": "1/10"},
        refutation="the rate tends to 2 L lambda^(2-2/L) = 0.317, not 2: (1/10)^18 < (1/10)^10",
        refutes=_slower_than_printed,
    )
]


def _descent(depth: int, eigenvalues: list[str], rotate: int | None = None, **options: Any) -> dict[str, Any]:
    return symmetric(depth, eigenvalues, rotate, **{"step_size": "largest", "stop": {"steps": 1}, **options})


_LEVELS = ["1e-2", "1e-5", "1e-10", "1e-20"]

families = [
    FamilyExample(
        "a rotated spectrum", "consistent", family(_descent(4, ["1/2", "3/2", "2"], 3), "until_loss", _LEVELS)
    ),
    FamilyExample("one layer", "consistent", family(_descent(1, ["1/2", "2"], step_size="1/2"), "until_loss", _LEVELS)),
    FamilyExample(
        "an eigenvalue that is there",
        "consistent",
        family(_descent(3, ["1", "3"], step_size="1/32"), "until_loss", _LEVELS),
    ),
    FamilyExample(
        "in double precision",
        "consistent",
        family(_descent(2, ["1/2", "2"], backend=FLOAT), "until_loss", ["1e-2", "1e-5", "1e-10"]),
    ),
    FamilyExample(
        "the identity, which is there", "vacuous", family(_descent(2, ["1", "1"], step_size="1/4"), "steps", [2, 4])
    ),
    FamilyExample(
        "a start at the slowest mode's target, the hypothesis dropped",
        "violated",
        family(
            _descent(
                2,
                ["1/4", "4"],
                step_size="1/16",
                start={"scheme": "given", "weights": [[["1/2", "0"], ["0", "1"]]] * 2},
                without=["identity_start"],
            ),
            "steps",
            [4, 8, 16],
        ),
    ),
    FamilyExample(
        "a penalty, the hypothesis dropped",
        "violated",
        family(
            _descent(
                2,
                ["1/2", "2"],
                step_size="1/8",
                dynamics="penalised_descent",
                parameters={"penalty": "1"},
                without=["plain_descent"],
            ),
            "steps",
            [50, 100, 200],
        ),
    ),
    FamilyExample(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        family(averaged(_descent(2, ["1/2", "2"], step_size="1/8")), "steps", [50, 100, 200]),
    ),
    FamilyExample(
        "a step beyond the edge, the hypothesis dropped",
        "violated",
        family(_descent(2, ["1/2", "2"], step_size="11/20", without=["step_size"]), "steps", [50, 100, 200]),
    ),
]
