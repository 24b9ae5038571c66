r"""From the identity, no algorithm of a class fits the negative eigenvalues of a symmetric target.

Statement
    Let $\Phi$ be symmetric with a negative eigenvalue, $\lambda$ the largest $|\lambda_j|$ over the negative ones, and
    $W_i \leftarrow F(W_i - \eta (G_i + \kappa (W_i - I)))$ with the same $\eta, \kappa, F$ in each layer, $F$ the identity
    or the projection onto $\|W - I\|_2 \le r$. From $W_i(0) = I$, for every $t$,
    $$\ell(t) \ge \frac{1}{2} \sum_{\lambda_j < 0} \lambda_j^2 .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    negative_eigenvalue: some eigenvalue is negative; the margin is $\lambda$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum
    step_size: $L$ is even; or $L \ge 3$ is odd, $0 \le \eta (1 + \lambda) \le 1$ and $0 \le \eta \kappa \le 1$; or $F$ is the projection with $r \le 1$

Standing
    explicit (proof below); the paper states it for even $L$ and for regularised algorithms (Theorem 4, recalled). Corrected from a wider statement that is false for odd $L$.

Proof
    Every layer stays equal and diagonal in the basis of $\Phi$: $F$ commutes with $U s U^T$ for every diagonal sign
    matrix $s$ (Lemma 6). So $\ell \ge \frac{1}{2} \sum_{\lambda_j < 0} (x_j^L + |\lambda_j|)^2$ and the floor holds as soon
    as $x_j^L \ge 0$. For even $L$ it always is. Projected with $r \le 1$, $x_j \ge 1 - r \ge 0$. For odd $L \ge 3$ the map
    $y(x) = x + \eta \kappa (1 - x) - \eta x^{L-1}(x^L + \mu)$, $0 < \mu \le \lambda$, is concave on $[0, 1]$, is $\eta \kappa
    \ge 0$ at 0, $1 - \eta(1 + \mu) \ge 0$ at 1, and at most 1: it preserves $[0, 1]$, as clipping does.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run
from workbench.theorems._examples import FLOAT, symmetric
from workbench.theorems._sources import bartlett_2018

source = bartlett_2018("Theorem 4")
observes = ("loss",)
tight = True

_CLASS = ("gradient_descent", "penalised_descent", "projected_descent", "heavy_ball")


def _negative(run: Run) -> list[Measured]:
    """Return the eigenvalues that are negative for certain."""
    values = run.exact_eigenvalues() if run.target.is_symmetric() else ()
    return [v for v in values if v.bounds() is not None and v.bounds()[1] < 0]  # type: ignore[index]


def _smallest(run: Run) -> Measured | None:
    return run.exact_eigenvalues()[0] if run.target.is_symmetric() else None


def _step_margin(run: Run) -> Measured | None:
    """Return the margin of the case that holds with the most room."""
    one, zero = Fraction(1), Fraction(0)
    if run.depth % 2 == 0:
        return Measured(one)
    margins = [Measured(-one)]
    if run.method == "projected_descent":
        margins.append(Measured(one - run.parameter("radius")))
    smallest = _smallest(run)
    eta, pull = run.step_size or zero, (run.step_size or zero) * run.parameter("penalty")
    if run.depth >= 3 and run.method != "heavy_ball" and smallest is not None and smallest.finite:
        size = Measured(-(smallest.value or zero), smallest.error)
        room = Measured(one - eta * (1 + (size.value or zero)), eta * (size.error or zero))
        others = min(eta, pull, one - pull) if run.parameter("penalty") else eta
        low, high = room.bounds() or (-one, -one)
        margins.append(Measured.between(min(low, others), min(high, others)))
    return Measured.largest(margins)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    smallest = _smallest(run)
    size = None if smallest is None or smallest.value is None else Measured(-smallest.value, smallest.error)
    even_or_plain = run.depth % 2 == 0 or run.method != "heavy_ball"
    return [
        run.setting(),
        run.identity_start(),
        run.symmetric_target(),
        Hypothesis("negative_eigenvalue", size, strict=True),
        Hypothesis.decided("equivariant_update", run.method in _CLASS and even_or_plain),
        Hypothesis("step_size", _step_margin(run)),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the floor."""
    floor = sum((run.number(v) ** 2 for v in _negative(run)), run.number(0)) / 2
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(floor)] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sum_{\lambda_j < 0} \lambda_j^2",
        )
    ]


_SADDLE = ["-1/3", "1/2", "2"]

examples = [
    Example("even depth, enclosed", "consistent", symmetric(4, _SADDLE, 5, step_size="1/32", stop={"steps": 300})),
    Example(
        "odd depth, a small step",
        "consistent",
        symmetric(3, ["-1/2", "2"], 2, step_size="1/10", stop={"steps": 300}),
    ),
    Example(
        "odd depth, a large step, projected",
        "consistent",
        symmetric(
            3,
            ["-1/2"],
            step_size="1",
            stop={"steps": 60},
            dynamics="projected_descent",
            parameters={"radius": "1/2"},
            backend=FLOAT,
        ),
    ),
    Example(
        "even depth with a penalty",
        "consistent",
        symmetric(
            4,
            ["-1/2"],
            step_size="1/10",
            stop={"steps": 200},
            dynamics="penalised_descent",
            parameters={"penalty": "1/10"},
        ),
    ),
    Example(
        "even depth with momentum",
        "consistent",
        symmetric(
            2,
            ["-1/2", "3/2"],
            step_size="1/20",
            stop={"steps": 100},
            dynamics="heavy_ball",
            parameters={"momentum": "1/2"},
        ),
    ),
    Example("odd depth, a large step", "vacuous", symmetric(3, ["-1/2"], step_size="1", stop={"steps": 40})),
    Example(
        "odd depth, a large step, the hypothesis dropped",
        "violated",
        symmetric(3, ["-1/2"], step_size="1", stop={"steps": 40}, without=["step_size"]),
    ),
    Example(
        "one layer, the hypothesis dropped",
        "violated",
        symmetric(1, ["-1/2"], step_size="1/2", stop={"steps": 5}, without=["step_size"]),
    ),
    Example(
        "a start beyond the saddle, the hypothesis dropped",
        "violated",
        symmetric(
            3,
            ["-1/2"],
            step_size="1/10",
            stop={"steps": 100},
            start={"scheme": "identity", "scale": "-1"},
            without=["identity_start"],
        ),
    ),
]
