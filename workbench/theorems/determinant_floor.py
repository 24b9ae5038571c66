r"""The flow from the identity keeps its determinant positive, so that a target with a negative one stays out of reach.

Statement
    Let $L \ge 2$ and let the layers start balanced with $\det W(0) > 0$. Along the gradient flow, with $b = \|\Phi\|_F + \sqrt{2\ell(0)}$,
    $$\det W(t) \ge \det W(0)\, e^{-Kt} , \qquad K = L \sqrt{d}\, b^{1 - 2/L} \sqrt{2\ell(0)} ,$$
    and if $\det \Phi < 0$, symmetric or not,
    $$\ell(t) > \frac{1}{2} \sigma_{\min}(\Phi)^2 \quad \text{for every } t .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    deep: $L \ge 2$
    gradient_flow: the dynamics is the gradient flow
    balanced_start: $W_{j+1}^T W_{j+1} = W_j W_j^T$ at the start, exactly or by name; the margin is the negated defect
    positive_start: $\det W(0) > 0$
    negative_determinant: $\det \Phi < 0$; the margin is $-\det \Phi$

Standing
    explicit (proof below), worked out for this project. Descent does not have this floor: for a target that is not normal its first step unbalances the layers by $\eta^2 (E_0^T E_0 - E_0 E_0^T)$, so that it lingers there and then crosses $\det W = 0$, unless a symmetry forbids it (`transposition_floor`: every $2 \times 2$ target at even depth).

Proof
    Balancedness is conserved, so that $A_i A_i^T = (WW^T)^{(L-i)/L}$ and $B_i^T B_i = (W^T W)^{(i-1)/L}$ (`end_to_end_flow`). The loss does not increase: $\|W\|_F \le b$, the layers are bounded and the flow exists for all $t$.
    While $W = U S V^T$ is invertible, $\frac{d}{dt} \ln \det W = \operatorname{tr}(W^{-1} \dot W) = -L \operatorname{tr}(S^{1-2/L} U^T E V)$, at most $L \sqrt{d}\, b^{1-2/L} \|E\|_F \le K$ in size because $1 - 2/L \ge 0$.
    So $\det W(t) \ge \det W(0) e^{-Kt} > 0$. If $\det \Phi < 0$ the segment from $W$ to $\Phi$ meets a singular matrix $P \ne W$, and $\|W - \Phi\|_F > \|P - \Phi\|_F \ge \sigma_{\min}(\Phi)$.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from workbench.exact import Matrix, Measured
from workbench.rotation import determinant, product
from workbench.theorems import Bound, Erratum, Example, Hypothesis, Run
from workbench.theorems._balanced_start import balanced_start
from workbench.theorems._examples import BALL, FLOAT, averaged, experiment
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("determinant floor, worked out for this project")
observes = ("loss", "end_to_end_determinant")
tight = True


def _square(run: Run) -> bool:
    size = run.widths[0]
    return set(run.widths) == {size} and run.target.shape == (size, size)


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    square = _square(run)
    start = run.initial_product() if square else None
    sign = None if start is None else determinant(start)
    return [
        run.setting(),
        Hypothesis.decided("deep", run.depth >= 2),
        run.gradient_flow(),
        balanced_start(run),
        Hypothesis("positive_start", None if sign is None else Measured(sign), strict=True),
        Hypothesis("negative_determinant", Measured(-determinant(run.target.rows)) if square else None, strict=True),
    ]


def _distance_squared(start: Sequence[Sequence[Fraction]], target: Sequence[Sequence[Fraction]]) -> Fraction:
    pairs = zip(start, target, strict=True)
    return sum(((x - y) ** 2 for a, b in pairs for x, y in zip(a, b, strict=True)), Fraction(0))


def predict(run: Run) -> list[Bound]:
    """Return the floor of the loss and that of the determinant."""
    rows = run.target.rows
    start = run.initial_product() or rows
    gram = product(list(zip(*rows, strict=True)), rows)
    smallest = run.spectrum(Matrix(tuple(map(tuple, gram))))[0]
    error = run.reals.sqrt(run.number(_distance_squared(start, rows)))
    size = run.reals.sqrt(run.number(sum((x * x for row in rows for x in row), Fraction(0)))) + error
    speed = run.depth * run.reals.sqrt(run.number(len(rows))) * error
    speed = speed * run.reals.power(size, 1 - Fraction(2, run.depth))
    first = run.number(determinant(start))
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(run.number(smallest) / 2)] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sigma_{\min}(\Phi)^2",
        ),
        Bound(
            "determinant_floor",
            "determinant above its floor",
            run.observable("end_to_end_determinant"),
            [run.reals.measured(first * run.reals.exp(-(speed * run.number(t)))) for t in run.times],
            relation=">=",
            latex=r"\det W(t) \ge \det W(0) e^{-Kt}",
            quantity="determinant of the end-to-end matrix",
        ),
    ]


def _one_layer_escapes(numbers: Mapping[str, str]) -> bool:
    """Say whether W = Phi + e^(-t) (1 - Phi), the flow of one layer of width one, gets below Phi^2 / 2."""
    target, decay = Fraction(numbers["Phi"]), Fraction(numbers["e^(-t)"])
    return 0 < decay < 1 and (decay * (1 - target)) ** 2 < target**2


errata = [
    Erratum(
        printed=r"at every depth $L$ the flow from the identity keeps $\ell(t) > \sigma_{\min}(\Phi)^2 / 2$ where $\det \Phi < 0$",
        where="a first form in working notes",
        counterexample={"L": "1", "Phi": "-1", "e^(-t)": "1/4"},
        refutation="one layer goes straight to its target: at this time W = -1/2 and the loss is 1/8, below 1/2",
        refutes=_one_layer_escapes,
    )
]

TURNED = {"rows": [["1", "1"], ["1/2", "-1/2"]]}
# No signs s make Phi_ij = s_i s_j Phi_ji, so that nothing but the flow protects it (`transposition_floor`).
_UNPROTECTED = {"rows": [["-2", "-2", "2"], ["-1", "2", "2"], ["2", "-2", "2"]]}
_FLOW: dict[str, Any] = {"dynamics": "gradient_flow", "stop": {"time": "2"}}

examples = [
    Example(
        "two layers, a target that is not normal, enclosed",
        "consistent",
        experiment([2] * 3, TURNED, dynamics="gradient_flow", stop={"time": "5"}),
    ),
    Example(
        "three layers from a balanced start kept by name",
        "consistent",
        experiment(
            [2] * 4,
            TURNED,
            **_FLOW,
            start={"scheme": "balanced", "matrix": [["2", "1"], ["-1", "1"]]},
            backend=BALL,
        ),
    ),
    Example("width one", "consistent", experiment([1] * 4, {"rows": [["-1/2"]]}, **_FLOW, backend=BALL)),
    Example("in double precision", "consistent", experiment([2] * 3, TURNED, **_FLOW, backend=FLOAT)),
    Example("a positive determinant", "vacuous", experiment([2] * 3, {"rows": [["2", "1"], ["0", "1"]]}, **_FLOW)),
    Example(
        "a positive determinant, the hypothesis dropped",
        "violated",
        experiment([2] * 3, {"rows": [["2", "1"], ["0", "1"]]}, **_FLOW, without=["negative_determinant"]),
    ),
    Example(
        "a loss divided by the width, the hypothesis dropped",
        "violated",
        averaged(experiment([2] * 3, TURNED, **_FLOW)),
    ),
    Example(
        "one layer, the hypothesis dropped",
        "violated",
        experiment([2] * 2, TURNED, **_FLOW, without=["deep"]),
    ),
    Example(
        "descent, which lingers and then leaves, the hypothesis dropped",
        "violated",
        experiment([3] * 3, _UNPROTECTED, step_size="1/10", stop={"steps": 45}, without=["gradient_flow"]),
    ),
    Example(
        "a start on the other side, the hypothesis dropped",
        "violated",
        experiment(
            [2] * 3,
            TURNED,
            **_FLOW,
            start={"scheme": "given", "weights": [[["1", "0"], ["0", "-1"]], [["1", "0"], ["0", "1"]]]},
            without=["positive_start"],
        ),
    ),
    Example(
        "an unbalanced start, the hypothesis dropped",
        "violated",
        experiment(
            [1] * 3,
            {"rows": [["-1"]]},
            **_FLOW,
            start={"scheme": "given", "weights": [[["1/4"]], [["2"]]]},
            without=["balanced_start"],
        ),
    ),
]
