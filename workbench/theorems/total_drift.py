r"""Over a whole descent on two numbers the imbalance shrinks by a closed form, up to an explicit relative error.

Statement
    Let two layers be numbers, $p = w_2 w_1$, $D = w_2^2 - w_1^2 \ne 0$, $q = \sqrt{D^2 + 4 p^2}$, the loss $\frac{1}{2} r^2$ with
    $r = p - s$, and $F = \frac{s}{2} \ln \frac{q + 2 p}{|D|} - \frac{q}{4}$. If $e_k = \eta r_k$ has $|e_k| < 1$, gradient descent keeps
    $$\left| \ln \frac{D_0}{D_k} - \eta (F_k - F_0) \right| \le a_k \ln \frac{D_0}{D_k}, \qquad
    a_k = \max_{i < k} \left( \frac{\eta q_i}{4} + \frac{e_i^2 / 2 + \eta |s e_i| / 3}{1 - e_i^2} \right) .$$

Hypotheses
    two_numbers: two layers of width 1, loss with the factor 1/2
    unequal_start: $w_1^2 \ne w_2^2$ at the start
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    small_step: $\eta |r| < 1$ at every record

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them
    two_numbers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers
    unequal_start: of an imbalance of zero nothing is left to shrink

Standing
    explicit (proof below)

Proof
    $u = w_2 + w_1$ and $v = w_2 - w_1$ step to $u (1 - e)$ and $v (1 + e)$, so $D = u v$ is multiplied by $1 - e^2$ and, as
    $F = \frac{s}{2} \ln |u / v| - \frac{q}{4}$,
    $$\ln \frac{D'}{D} + \eta (F' - F) = \ln(1 - e^2) + e^2 - \eta s (\operatorname{artanh} e - e) - \frac{\eta e^2 q}{4} .$$
    Bound each part and sum with $e^2 \le -\ln(1 - e^2)$. `derivations/total_drift.py`.

Notes
    As the step goes to 0 and $p$ to $s$ this is $(D_\infty - D_0) / \eta \to -D_0 (F(s) - F(p_0))$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import BALL, FLOAT, MULTIPRECISION, experiment
from workbench.theorems._singular import rational_start
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("Theorem 1; the drift is worked out for this project")
observes = ("loss", "end_to_end_trace", "imbalance_trace")


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    numbers = run.setting().holds is True and tuple(run.widths) == (1, 1, 1)
    layers = rational_start(run) if numbers else []
    squares = [layer[0][0] ** 2 for layer in layers or []]
    pulls = [run.reals.sqrt(2 * (run.step_size or Fraction(0)) ** 2 * run.number(loss)) for loss in run.loss]
    largest = run.reals.measured(run.reals.maximum(*pulls))
    return [
        Hypothesis.decided("two_numbers", numbers),
        Hypothesis.unknown("unequal_start")
        if layers is None
        else Hypothesis.decided("unequal_start", len(set(squares)) == 2),
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("small_step", Measured(Fraction(1)).minus(largest), strict=True),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the bound of the departure from the closed form."""
    products = [run.number(value) for value in run.observable("end_to_end_trace")]
    sizes = [run.reals.sqrt(run.number(value) ** 2) for value in run.observable("imbalance_trace")]
    eta, target = run.number(run.step_size or Fraction(0)), run.number(Fraction(run.target.rows[0][0]))
    totals = [run.reals.sqrt(d**2 + 4 * p**2) for p, d in zip(products, sizes, strict=True)]
    forms = [
        target / 2 * run.reals.log((q + 2 * p) / d) - q / 4 for p, d, q in zip(products, sizes, totals, strict=True)
    ]
    largest, departures, bounds = run.number(0), [], []
    for k, (size, form) in enumerate(zip(sizes, forms, strict=True)):
        if k:
            error = _relative_error(run, eta, target, products[k - 1], totals[k - 1])
            largest = run.reals.maximum(largest, error)
        shrunk = run.reals.log(sizes[0] / size)
        departures.append(_size(run, shrunk - eta * (form - forms[0])))
        bounds.append(largest * shrunk)
    return [
        Bound(
            "departure_from_the_closed_form",
            "departure of the logarithm of the imbalance from its closed form",
            departures,
            bounds,
            latex=r"\left| \ln (D_0 / D_k) - \eta (F_k - F_0) \right| \le a_k \ln (D_0 / D_k)",
            quantity="departure from the closed form",
        )
    ]


def _relative_error(run: Run, eta: Real, target: Real, product: Real, total: Real) -> Real:
    pull = eta * (product - target)
    rest = pull**2 / 2 + eta * _size(run, target * pull) / 3
    return eta * total / 4 + rest / (1 - pull**2)


def _size(run: Run, x: Real) -> Real:
    return run.reals.sqrt(x**2)


def _numbers(
    first: str, second: str, step_size: str, steps: int, backend: dict[str, Any] = BALL, **options: Any
) -> dict[str, Any]:
    return experiment(
        [1, 1, 1],
        {"rows": [[options.pop("target", "2")]]},
        step_size=step_size,
        stop={"steps": steps},
        start={"scheme": "given", "weights": [[[first]], [[second]]]},
        backend=backend,
        **options,
    )


_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("two unequal numbers, enclosed", "consistent", _numbers("1/2", "3/2", "1/32", 100)),
    Example("across zero to a negative target", "consistent", _numbers("2", "1/3", "1/64", 60, target="-1")),
    Example("in double precision", "consistent", _numbers("1/2", "3/2", "1/32", 60, FLOAT)),
    Example("a small step at 30 digits", "consistent", _numbers("1", "3", "1/512", 200, MULTIPRECISION)),
    Example("with momentum", "vacuous", _numbers("1/2", "3/2", "1/32", 60, **_MOMENTUM)),
    Example(
        "with momentum, the hypothesis dropped",
        "violated",
        _numbers("1/2", "3/2", "1/32", 60, without=["plain_descent"], **_MOMENTUM),
    ),
    Example(
        "a large step, the hypothesis dropped",
        "violated",
        _numbers("1/2", "3/2", "3/2", 2, without=["small_step"]),
    ),
]
