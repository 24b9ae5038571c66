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

Presupposed
    symmetric_target: the floor is one of eigenvalues

Perhaps unnecessary
    negative_eigenvalue: without a negative eigenvalue the floor is zero

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

from collections.abc import Mapping
from fractions import Fraction

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Erratum, Example, Hypothesis, Run
from workbench.theorems._examples import FLOAT, altered, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Theorem 4")
observes = ("loss",)
tight = True

_CLASS = ("gradient_descent", "penalised_descent", "projected_descent", "heavy_ball")


def _floor(run: Run) -> Real:
    """Return half the sum of the squared negative parts of the eigenvalues, whichever sign an enclosure leaves open."""
    values = run.eigenvalues() if run.target.is_symmetric() else []
    return sum((run.reals.maximum(0, -v) ** 2 for v in values), run.number(0)) / 2


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
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(_floor(run))] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sum_{\lambda_j < 0} \lambda_j^2",
        )
    ]


def _breaks_the_floor(numbers: Mapping[str, str]) -> bool:
    """Say whether descent on one mode of the eigenvalue -lambda gets below lambda^2/2, in exact rationals."""
    depth, steps = int(numbers["L"]), int(numbers["steps"])
    size, eta, x = Fraction(numbers["lambda"]), Fraction(numbers["eta"]), Fraction(1)
    for _ in range(steps):
        x -= eta * x ** (depth - 1) * (x**depth + size)
    return (x**depth + size) ** 2 < size**2


_WIDE = "a first form of Theorem 4 in working notes, for every depth"

errata = [
    Erratum(
        printed=r"from the identity, at any step size and any depth $L$, $\ell(t) \ge \lambda^2 / 2$",
        where=_WIDE,
        counterexample={"L": "3", "lambda": "1/2", "eta": "1", "steps": "1"},
        refutation="one step takes the layer from 1 to -1/2, and the loss to 9/128, below 1/8",
        refutes=_breaks_the_floor,
    ),
    Erratum(
        printed=r"for odd $L$ and $\eta (1 + \lambda) \le 1$, $\ell(t) \ge \lambda^2 / 2$",
        where=_WIDE,
        counterexample={"L": "1", "lambda": "1/2", "eta": "1/2", "steps": "2"},
        refutation="one layer converges: two steps take it from 1 to -1/8, and the loss to 9/128, below 1/8",
        refutes=_breaks_the_floor,
    ),
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

examples += [
    altered(
        examples[1], "setting", "inputs that are not white", loss={"inputs": {"rows": [["2", "1/2"], ["1/2", "1"]]}}
    ),
    altered(
        examples[1],
        "equivariant_update",
        "Nesterov's momentum",
        dynamics={"name": "nesterov", "parameters": {"momentum": "9/10"}},
    ),
]
