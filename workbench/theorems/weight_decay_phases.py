r"""Weight decay lets a mode of a deep network live up to an exact level, and drives it to zero beyond.

Statement
    Let $L \ge 2$ layers be equal numbers $x_0 > 0$, $s > 0$, $\sigma_c = \frac{L-2}{2L-2} s$, $\lambda_c = \frac{L s}{2L-2} \sigma_c^{1 - 2/L}$ ($\lambda_c = s$ for $L = 2$) and
    $\eta (\lambda + (2L-1) M^{2L-2}) \le 1$ with $M = \max(x_0, s^{1/L})$. Under descent with weight decay, for all $k$, with $\sigma_k = x_k^L$,
    $$\lambda > \lambda_c : \quad \sigma_k \le \sigma_0 \left( 1 - \eta (\lambda - \lambda_c) \right)^{L k} ;$$
    $$\lambda \le \lambda_c , \ \sigma_0 \ge \sigma_c : \quad \sigma_k \ge \sigma_c , \qquad \pm \left( \lambda - \sigma_k^{1 - 2/L} (s - \sigma_k) \right) \ge 0 ,$$
    with the sign that it has at $k = 0$; then $\sigma_k$ tends to the larger solution of $s - \sigma = \lambda \sigma^{2/L - 1}$, for $L = 2$ to $s - \lambda$.

Hypotheses
    scalar_layers: a linear network of width 1 throughout, depth at least 2, loss with the factor 1/2, positive target
    equal_start: all layers start at one positive number
    weight_decay: gradient descent with weight decay, all layers at once
    decided_phase: $\lambda > \lambda_c$, or $\lambda \le \lambda_c$ and $\sigma_0 \ge \sigma_c$
    step_size: $\eta (\lambda + (2L-1) M^{2L-2}) \le 1$; the margin is the room left

Presupposed
    scalar_layers: the statement is one about numbers: what is audited and predicted is read off layers that are numbers

Standing
    explicit (proof below), worked out for this project

Proof
    A step is $h(x) = x (1 - \eta (\lambda - \varphi(x)))$, $\varphi(x) = x^{L-2} (s - x^L)$ (`weight_decay_modes`); $\varphi$ grows up to $x_c^L = \sigma_c$, where it is $\lambda_c$, and falls beyond
    (`derivations/weight_decay_modes.py`). By the step size $h' \ge 1 - \eta (\lambda + (2L-1) x^{2L-2}) \ge 0$ on $[0, M]$, and $h(M) \le M$ as $\varphi(M) \le 0$: orbits are monotone and stay in $[0, M]$.
    Beyond $\lambda_c$ every step multiplies by $1 - \eta(\lambda - \varphi) \le 1 - \eta (\lambda - \lambda_c)$. Below it $h(x_c) \ge x_c$, and the larger fixed point $x_+ \ge x_c$ attracts $[x_c, M]$ from the side on which the
    orbit starts; on $[x_c, M]$ $\varphi$ falls, so that the side is the sign of $\lambda - \varphi$.

Notes
    At $\lambda = \lambda_c$ the two solutions meet. Which of zero and $x_+$ is the better minimum is decided at the smaller level of `weight_decay_zero`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._decay_levels import level_of_existence, smallest_mode
from workbench.theorems._examples import BALL, FLOAT, experiment
from workbench.theorems._sources import ARORA_2018

source = ARORA_2018.at("setting; the levels are worked out for this project")
observes = ("loss", "end_to_end_trace")
tight = True


def _start(run: Run) -> Fraction | None:
    """Return x_0 of layers that are one rational positive number, None elsewhere."""
    entries = {layer[0][0] for layer in run.initial_weights()}
    first = next(iter(entries))
    return first if len(entries) == 1 and isinstance(first, Fraction) and first > 0 else None


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    target = Fraction(run.target.rows[0][0])
    scalar = run.setting().holds is True and set(run.widths) == {1} and run.depth >= 2 and target > 0
    x = _start(run) if scalar else None
    phase, room = None, None
    if scalar:
        above = run.reals.measured(_excess(run)).bounds()
        beyond = above is not None and above[0] > 0
        start = run.number(run.observable("end_to_end_trace")[0]) if x is None else run.number(x**run.depth)
        phase = Measured(Fraction(1)) if beyond else run.reals.measured(start - smallest_mode(run, run.number(target)))
        top = run.reals.maximum(run.reals.power(start, Fraction(1, run.depth)), _root(run))
        pull = run.parameter("decay") + (2 * run.depth - 1) * top ** (2 * run.depth - 2)
        room = run.reals.measured(1 - (run.step_size or Fraction(0)) * pull)
    return [
        Hypothesis.decided("scalar_layers", scalar),
        Hypothesis.decided("equal_start", x is not None),
        Hypothesis.decided("weight_decay", run.method == "weight_decay"),
        Hypothesis("decided_phase", phase),
        Hypothesis("step_size", room),
    ]


def _root(run: Run) -> Real:
    return run.reals.power(run.number(Fraction(run.target.rows[0][0])), Fraction(1, run.depth))


def _excess(run: Run) -> Real:
    """Return lambda - lambda_c."""
    return run.parameter("decay") - level_of_existence(run, run.number(Fraction(run.target.rows[0][0])))


def _level(run: Run, product: Real) -> Real:
    """Return sigma^(1 - 2/L) (s - sigma)."""
    factor = run.reals.power(product, 1 - Fraction(2, run.depth)) if run.depth > 2 else run.number(1)
    return factor * (Fraction(run.target.rows[0][0]) - product)


def predict(run: Run) -> list[Bound]:
    """Return the collapse beyond the level, what stays below it."""
    products = [run.number(value) for value in run.observable("end_to_end_trace")]
    excess, eta, label = _excess(run), run.number(run.step_size or Fraction(0)), "product of the layers"
    ends = run.reals.measured(excess).bounds()
    if ends is not None and ends[0] > 0:
        envelope = [products[0] * (1 - eta * excess) ** (run.depth * step) for step in run.steps]
        latex = r"\sigma_k \le \sigma_0 (1 - \eta (\lambda - \lambda_c))^{L k}"
        return [Bound("collapse", label, products, envelope, latex=latex, quantity=label)]
    least = smallest_mode(run, run.number(Fraction(run.target.rows[0][0])))
    decay, levels = run.parameter("decay"), [_level(run, product) for product in products]
    side = run.reals.measured(decay - levels[0]).bounds()
    relation, sign = (">=", r"\ge") if side is not None and side[1] < 0 else ("<=", r"\le")
    latex = rf"\sigma_k^{{1 - 2/L}} (s - \sigma_k) {sign} \lambda"
    level = "level at which the product would stay"
    return [
        Bound("survival", label, products, [least] * len(products), ">=", r"\sigma_k \ge \sigma_c", label),
        Bound("side", level, levels, [decay] * len(products), relation, latex, level),
    ]


def _decayed(depth: int, number: str, decay: str, target: str = "2", **options: Any) -> dict[str, Any]:
    options = {
        "dynamics": "weight_decay",
        "parameters": {"decay": decay},
        "step_size": "1/100",
        "stop": {"steps": 120},
        "backend": BALL,
        "start": {"scheme": "identity", "scale": number},
        **options,
    }
    return experiment([1] * (depth + 1), {"rows": [[target]]}, **options)


# At L = 3, s = 2 the levels are lambda_c = (3/2) 2^(-1/3) = 1.1906 and sigma_c = 1/2.
_MOMENTUM: dict[str, Any] = {"dynamics": "heavy_ball", "parameters": {"momentum": "1/2"}}

examples = [
    Example("three layers beyond the level, enclosed", "consistent", _decayed(3, "4/5", "5/4")),
    Example("three layers below it, from above", "consistent", _decayed(3, "5/4", "9/8")),
    Example("three layers below it, from the smallest mode up", "consistent", _decayed(3, "4/5", "1")),
    Example(
        "three layers far below it, to the solution", "consistent", _decayed(3, "13/10", "1/2", stop={"steps": 150})
    ),
    Example(
        "two layers at a soft threshold, in double precision", "consistent", _decayed(2, "1", "3/2", backend=FLOAT)
    ),
    Example("three layers from too small a start", "vacuous", _decayed(3, "1/2", "1")),
    Example(
        "three layers from too small a start, the hypothesis dropped",
        "violated",
        _decayed(3, "1/2", "1", without=["decided_phase"]),
    ),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        _decayed(3, "5/4", "9/8", step_size="1/2", without=["step_size"]),
    ),
    Example(
        "one smaller layer, the hypothesis dropped",
        "violated",
        _decayed(
            3,
            "1",
            "5/4",
            start={"scheme": "given", "weights": [[["1/4"]], [["2"]], [["2"]]]},
            step_size="1/400",
            without=["equal_start"],
        ),
    ),
    Example(
        "without decay, the hypothesis dropped",
        "violated",
        _decayed(2, "1/2", "0", step_size="1/40", without=["weight_decay"], **_MOMENTUM),
    ),
]
