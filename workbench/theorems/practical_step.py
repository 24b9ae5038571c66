r"""With an explicit step of practical size the loss falls at every step, and at a known rate where there is a margin.

Statement
    Let $\delta_0 = \max_j \|W_{j+1}^T W_{j+1} - W_j W_j^T\|_F$ at the start, $M = \|\Phi\|_2 + \sqrt{2 \ell_0}$,
    $\rho^2 = M^{2/L} + \frac{3}{2} (L-1)(\delta_0 + 2 \eta \ell_0)$, $R = \rho + \eta \rho^{L-1} \sqrt{2 \ell_0}$ and
    $$\eta \left( L R^{2L-2} + (L-1) R^{L-2} \sqrt{2 \ell_0} \right) \le 1 .$$
    Then for every $k$ the layers have $\|W_j(k)\|_2 \le \rho$,
    $$\ell_{k+1} \le \ell_k - \frac{\eta}{2} \|\nabla \ell_k\|^2, \qquad \|D_j(k) - D_j(0)\|_F \le 2 \eta (\ell_0 - \ell_k) .$$
    If the layers are square, $c = s_{\min}(\Phi) - \|W(0) - \Phi\|_F > 0$ and $L \ge 2$, then
    $\ell_k \le \ell_0 (1 - \eta m)^k$ with $m = 2 c^2 / \rho^2 + (L-2) c^4 / \rho^{2L+2}$; if $L = 1$, with $m = 1$.

Hypotheses
    setting: a linear network of any widths, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    plain_descent: gradient descent with a constant step, all layers at once
    every_step: every step is recorded
    step_size: $\eta (L R^{2L-2} + (L-1) R^{L-2} \sqrt{2 \ell_0}) \le 1$; the margin is the room left

Presupposed
    every_step: neighbouring records must be neighbouring steps for the statement to be read off them

Standing
    explicit (proof below), worked out for this project

Proof
    By induction on $k$: let $\ell_k \le \ell_0$ and $\|D_j(k)\|_F \le \delta = \delta_0 + 2 \eta \ell_0$. *Norms.* Let $w_j = \|W_j\|_2$. If $x_1$ is the top
    right singular vector of $W_1$ and $x_{j+1} = W_j x_j / r_j$, $r_j = |W_j x_j|$, then $r_{j+1}^2 = |W_j^T x_{j+1}|^2 + x_{j+1}^T D_j x_{j+1} \ge r_j^2 - \delta$,
    as $|W_j^T x_{j+1}| \ge x_j^T W_j^T x_{j+1} = r_j$. So $\|W\|_2^2 \ge \prod_j (w_1^2 - (j-1) \delta)$, and from the other end with $w_L$. As
    $|w_{j+1}^2 - w_j^2| \le \delta$, the end nearer to the largest $w$ is within $\frac{1}{2} (L-1) \delta$ of it: $w^2 - \frac{3}{2} (L-1) \delta \le \|W\|_2^{2/L} \le
    M^{2/L}$. *Step.* Between $W_j$ and $W_j - \eta G_j$ the norms are at most $\rho + \eta \rho^{L-1} \sqrt{2 \ell_0} = R$, so that the Hessian is at most
    $S = L R^{2L-2} + (L-1) R^{L-2} \|E\|_F$ there, and as long as $\|E\|_F^2 \le 2 \ell_0$ the loss falls along the step: it never leaves
    that set, and $\eta S \le 1$ gives the decrease. *Drift.* $\|D_j(k+1) - D_j(k)\|_F \le \eta^2 \|\nabla \ell_k\|^2 \le 2 \eta (\ell_k - \ell_{k+1})$; sum.
    *Rate.* $\sigma_{\min}(W(k)) \ge c$. With $A_j = W_L \cdots W_{j+1}$, $B_j = W_{j-1} \cdots W_1$ square: $\sigma_{\min}(A_j) \ge c / \rho^j$ and
    $\sigma_{\min}(B_j) \ge c / \rho^{L-j+1}$, where an empty product has 1. So $\|\nabla \ell\|^2 = \sum_j \|A_j^T E B_j^T\|_F^2 \ge 2 m \ell$.

Notes
    From a balanced start close to a target with equal singular values the rate is that of the Hessian, and the step within a few
    parts of the longest stable one. Catalogued without $\delta$, as an experiment, the step of the balanced start is not a theorem:
    descent drifts off balance. The step of `deficiency_margin` is millions of times shorter.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._balanced_start import defect_squared
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment
from workbench.theorems._margin import deficiency_margin, initial_error, initial_loss, linear, target_singular_values
from workbench.theorems._sources import ARORA_GOLOWICH_2019

source = ARORA_GOLOWICH_2019.at("Theorem 1, setting; the step is worked out for this project")
observes = ("loss", "gradient_squared_norm", "balancedness_change")
tight = False

# Halvings of the interval in which the longest step is looked for.
_HALVINGS = 40

# A problem at rest at the origin allows any step; one is as good as the other beyond this.
_LONGEST = 2**20


def layer_bound(run: Run, eta: Fraction) -> Real:
    """Return rho; the start is rational."""
    depth = run.depth
    size = run.reals.power(target_singular_values(run)[0] + initial_error(run), Fraction(2, depth))
    imbalance = run.reals.sqrt(run.number(defect_squared(run) or Fraction(0))) + 2 * eta * initial_loss(run)
    return run.reals.sqrt(size + Fraction(3 * (depth - 1), 2) * imbalance)


def room(run: Run, eta: Fraction) -> Measured:
    """Return 1 - eta (L R^(2L-2) + (L-1) R^(L-2) sqrt(2 l_0))."""
    depth, error, rho = run.depth, initial_error(run), layer_bound(run, eta)
    if depth == 1:
        return Measured(1 - eta)
    reach = rho + eta * rho ** (depth - 1) * error
    return run.reals.measured(1 - eta * (depth * reach ** (2 * depth - 2) + (depth - 1) * reach ** (depth - 2) * error))


def largest_step_size(run: Run) -> Real | None:
    """Return a step within 2^-40 of the longest, relative to an upper bound of it, None where the start is not rational."""
    if defect_squared(run) is None or not linear(run):
        return None
    low, high = Fraction(0), Fraction(1)
    while high < _LONGEST and _allowed(run, high):
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _allowed(run, middle) else (low, middle)
    return run.number(low)


def _allowed(run: Run, eta: Fraction) -> bool:
    bounds = room(run, eta).bounds()
    return bounds is not None and bounds[0] >= 0


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    setting = run.setting(square=False)
    known = linear(run) and run.step_size is not None and defect_squared(run) is not None
    return [
        setting,
        run.plain_descent(),
        Hypothesis.decided("every_step", tuple(run.steps) == tuple(range(len(run.steps)))),
        Hypothesis("step_size", room(run, run.step_size) if known and run.step_size is not None else None),
    ]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the decrease at every step, the drift, and the rate where there is a margin."""
    eta, losses = run.number(run.step_size or Fraction(0)), [run.number(loss) for loss in run.loss]
    slopes = [run.number(value) for value in run.observable("gradient_squared_norm")]
    steps = [loss - eta / 2 * slope for loss, slope in zip(losses, slopes, strict=True)]
    found: list[Bound | Rate] = [
        Bound(
            "decrease",
            "loss against the decrease by its slope",
            run.loss,
            [losses[0], *steps[:-1]],
            latex=r"\ell_{k+1} \le \ell_k - \frac{\eta}{2} \|\nabla \ell_k\|^2",
        ),
        Bound(
            "drift",
            "change of the balancedness defects since the start",
            run.observable("balancedness_change"),
            [2 * eta * (losses[0] - loss) for loss in losses],
            latex=r"\|D_j(k) - D_j(0)\|_F \le 2 \eta (\ell_0 - \ell_k)",
            quantity="change of the balancedness defects",
        ),
    ]
    return found + _contraction(run)


def _contraction(run: Run) -> list[Bound | Rate]:
    """Return the bound of the loss by its rate, nothing where the layers are not square or there may be no margin."""
    margin = run.reals.measured(deficiency_margin(run)).bounds()
    if len(set(run.widths)) > 1 or margin is None or margin[0] <= 0:
        return []
    eta = run.step_size or Fraction(0)
    factor, start = 1 - eta * gradient_bound(run, eta), initial_loss(run)
    latex = r"\ell_k \le \ell_0 (1 - \eta m)^k"
    envelope = [start * factor**step for step in run.steps]
    bound = Bound("loss_envelope", "loss against its envelope", run.loss, envelope, latex=latex)
    return [bound, Rate(-run.reals.log(factor) / eta)] if eta else [bound]


def gradient_bound(run: Run, eta: Fraction) -> Real:
    """Return m."""
    if run.depth == 1:
        return run.number(1)
    ratio = deficiency_margin(run) ** 2 / layer_bound(run, eta) ** 2
    return 2 * ratio + (run.depth - 2) * ratio**2 / layer_bound(run, eta) ** (2 * run.depth - 2)


def _descent(
    weights: list[list[list[str]]], target: list[list[str]], step_size: str = "largest", **options: Any
) -> dict[str, Any]:
    widths = [len(weights[0][0]), *(len(layer) for layer in weights)]
    return experiment(
        widths,
        {"rows": target},
        step_size=step_size,
        start={"scheme": "given", "weights": weights},
        **{"stop": {"steps": 20}, "backend": BALL, **options},
    )


_ONE = [["1", "0"], ["0", "1"]]
_FOUR = [["1" if i == j else "0" for j in range(4)] for i in range(4)]
_TURN = [["3/5", "4/5"], ["-4/5", "3/5"]]
_SKEW = [["1", "1/16"], ["0", "1"]]
_WIDE = [[["1", "0", "1/2"], ["0", "1", "0"]], [["1/2", "-1"]]]

examples = [
    Example(
        "three layers, one of them skew, enclosed",
        "consistent",
        _descent([_ONE, _TURN, _SKEW], [["3/5", "1"], ["-3/4", "1/2"]]),
    ),
    Example("two layers of three inputs and one output", "consistent", _descent(_WIDE, [["1", "2", "0"]])),
    Example(
        "a short step close to the target, enclosed",
        "consistent",
        _descent([_ONE] * 2, [["17/16", "0"], ["0", "1"]], "1/64"),
    ),
    Example("one layer", "consistent", _descent([_ONE], [["2", "0"], ["1", "1"]], "3/4")),
    Example(
        "a symmetric target far away, in double precision",
        "consistent",
        _descent([_ONE] * 4, [["3", "1"], ["1", "2"]], backend=FLOAT),
    ),
    Example("a step too long", "vacuous", _descent([_ONE] * 3, [["3", "1"], ["1", "2"]], "1/2", stop={"steps": 3})),
    Example(
        "a step too long, the hypothesis dropped",
        "violated",
        _descent([_ONE] * 3, [["3", "1"], ["1", "2"]], "1/2", stop={"steps": 3}, without=["step_size"]),
    ),
    Example(
        "the mean over four samples, the hypothesis dropped",
        "violated",
        averaged(_descent([_FOUR], [["3/2", "0", "0", "0"], *_FOUR[1:]], "3/4")),
    ),
    Example(
        "weight decay leaves the target, the hypothesis dropped",
        "violated",
        _descent(
            [_ONE] * 2,
            _ONE,
            "1/16",
            dynamics="weight_decay",
            parameters={"decay": "1"},
            without=["plain_descent"],
        ),
    ),
]
