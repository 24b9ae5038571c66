r"""Two layers converge along the flow at a rate that the imbalance and the deficiency margins tell together.

Statement
    Let $D = W_2^T W_2 - W_1 W_1^T$ at the start, with $\lambda_k$ the $k$-th largest eigenvalue, $[x]_+ = \max(x, 0)$, zero where $k$
    exceeds the hidden width, $p = [\lambda_{d_2}(D)]_+$, $q = [\lambda_{d_0}(-D)]_+$, $D_+ = [\lambda_1(D)]_+ - p$,
    $D_- = [\lambda_1(-D)]_+ - q$, $U = p + q$, and $\nu_k = [s_k(\Phi) - \|W(0) - \Phi\|_F]_+$, zero where $k > \min(d_0, d_2)$. Along the
    gradient flow $\ell(t) \le \ell(0) e^{-2 \alpha t}$ with
    $$2 \alpha = \sqrt{(U + D_-)^2 + 4 \nu_{d_2}^2} - D_- + \sqrt{(U + D_+)^2 + 4 \nu_{d_0}^2} - D_+ .$$

Hypotheses
    setting: a linear network of two layers, any widths, whitened inputs, loss with the factor 1/2
    positive_rate: $\alpha > 0$
    gradient_flow: the dynamics is the gradient flow

Perhaps unnecessary
    positive_rate: with a rate of zero the bound says that the loss does not grow, which holds along every flow

Standing
    explicit (proof below); printed tables of it are recalled as differing from this form, and were not seen

Proof
    As $\dot \ell = -\|W_2^T E\|_F^2 - \|E W_1^T\|_F^2$ and $\sigma_k(W(t)) \ge \nu_k$, it is enough that $x = \lambda_{\min}(W_2 W_2^T)$ has
    $(x - p)(x + M) \ge \sigma^2$ with $M = [\lambda_1(-D)]_+$ and $\sigma = \sigma_{d_2}(W)$: then $2 x \ge p - M + \sqrt{(p + M)^2 + 4 \sigma^2}$, where
    $p - M = p - q - D_-$ and $p + M = U + D_-$; the same with $W_1^T$ and $-D$, and add. Let $K = W_1 W_1^T$.
    If $p = 0$: a unit eigenvector $u$ of $W_2 W_2^T$ for $x$ has $\sigma^2 \le u^T W_2 K W_2^T u = u^T W_2 (W_2^T W_2 - D) W_2^T u \le x^2 + M x$.
    If $p > 0$, then $x \ge p$. Let $v = W_2^T u / \sqrt{x}$, $\tau = v^T K v$, so that $\sigma^2 \le x \tau$, and let $N$ be the kernel of $W_2$. On
    $Z = \langle v \rangle \oplus N$, of codimension $d_2 - 1$, $D$ is $x v v^T - K$, with largest eigenvalue $\mu \ge \lambda_{d_2}(D) = p$ and
    $\mu \le x$. In a basis of $N$ that diagonalises $K$ there, with $\kappa_i$ on the diagonal and $\omega_i$ beside $v$, $0 \le \kappa_i \le M$:
    $\tau \ge \sum \omega_i^2 / \kappa_i$ from $K \ge 0$, $x - \tau + M \ge \sum \omega_i^2 / (M - \kappa_i)$ from $D \ge -M$, and
    $\tau - x + \mu = \sum \omega_i^2 / (\kappa_i + \mu)$ by eliminating $N$. By Cauchy and Schwarz, with $\kappa + \mu = a \kappa + b (M - \kappa)$,
    $a = 1 + \mu / M$, $b = \mu / M$, $\theta = (M + \mu)/(M + x)$: $1/(\kappa + \mu) \le \theta^2 / (a \kappa) + (1 - \theta)^2 / (b (M - \kappa))$. The three
    together give $x \tau \le (x - \mu)(x + M) \le (x - p)(x + M)$. With $M = 0$ all $\omega_i = 0$ and $\tau = x - \mu$.

Notes
    Numbers ($d_0 = d_2 = 1$, any imbalance, one hidden) have equality, $\alpha = \sqrt{D^2 + 4 \nu^2}$, at the start. $\alpha$ is at
    least the support gap $g = U$. With $\alpha = 0$ the bound says that
    the loss does not grow, which every flow obeys: no control drops that hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.theorems import Bound, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, MULTIPRECISION, averaged
from workbench.theorems._flow_envelope import OVERSTEP, envelope, flow_from, two_layers, two_linear_layers
from workbench.theorems._margin import descending_eigenvalues, imbalances, negated, positive_part, remaining
from workbench.theorems._sources import MIN_2023
from workbench.theorems._statement import Erratum

source = MIN_2023.at("Lemma 3 and Theorem 1, recalled; the form and its proof are worked out for this project")
observes = ("loss",)
tight = True


def alpha(run: Run) -> Real | None:
    """Return alpha, None where the start is not rational."""
    found = imbalances(run)
    if found is None:
        return None
    values = descending_eigenvalues(run, found[0])
    opposite = negated(values)
    inputs, _, outputs = run.widths
    p, q = positive_part(run, values, outputs), positive_part(run, opposite, inputs)
    plus, minus = positive_part(run, values, 1) - p, positive_part(run, opposite, 1) - q
    outer = _root(run, p + q + minus, remaining(run, outputs)) - minus
    inner = _root(run, p + q + plus, remaining(run, inputs)) - plus
    return (outer + inner) / 2


def _root(run: Run, gap: Real, margin: Real) -> Real:
    return run.reals.sqrt(gap**2 + 4 * margin**2)


def _decays_slower(numbers: Mapping[str, str]) -> bool:
    """Say whether the loss of W_1 = w, W_2 = (x, 0)^T, Phi = (x, y)^T starts to decay slower than the exchanged form says.

    D = x^2 - w^2 > 0 leaves that form alpha = nu_1 = sqrt(x^2 + y^2) - y, against the true w^2.
    """
    w, x, y = (Fraction(numbers[name]) for name in ("w", "x", "y"))
    return x**2 > w**2 and x**2 + y**2 > (w**2 + y) ** 2


errata = [
    Erratum(
        printed=r"the rate with $D_+$ and $D_-$ exchanged",
        where="a reading of the two-layer bound that agrees with it where $d_0 = d_2$",
        counterexample={"w": "1", "x": "2", "y": "1/8"},
        refutation="from W_1 = 1, W_2 = (2, 0)^T and Phi = (2, 1/8)^T the loss decays at the rate 2 at the start, not 15/4",
        refutes=_decays_slower,
    )
]


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    rate = alpha(run) if two_linear_layers(run) else None
    margin = None if rate is None else run.reals.measured(rate)
    return [two_layers(run), Hypothesis("positive_rate", margin, strict=True), run.gradient_flow()]


def predict(run: Run) -> list[Bound | Rate]:
    """Return the envelope and its rate."""
    rate = alpha(run)
    return [] if rate is None else envelope(run, 2 * rate, r"\ell(t) \le \ell(0) e^{-2 \alpha t}")


_NUMBERS = [[["2"]], [["1/2"]]]
_TWO_OUTPUTS = [[["1"]], [["2"], ["0"]]]
_UNEVEN: list[Any] = [[["1", "1/2"], ["0", "1"]], [["2", "0"], ["1/4", "1"]]]
_WIDE: list[Any] = [[["2", "1"], ["0", "1"], ["1/4", "0"]], [["1/2", "0", "1/3"], ["0", "1/4", "0"]]]
_ONE_SIDED = [[["0", "0"], ["0", "0"]], [["1", "0"], ["0", "1"]]]
_SADDLE = [[["0"]], [["0"]]]

examples = [
    Example("two unbalanced numbers that grow, enclosed", "consistent", flow_from(_NUMBERS, [["3/2"]])),
    Example("two outputs, enclosed", "consistent", flow_from(_TWO_OUTPUTS, [["2"], ["1/8"]])),
    Example(
        "uneven imbalance at 30 digits",
        "consistent",
        flow_from(_UNEVEN, [["2", "5/4"], ["1/4", "9/8"]], backend=MULTIPRECISION),
    ),
    Example(
        "three hidden numbers in double precision",
        "consistent",
        flow_from(_WIDE, [["1", "0"], ["0", "1"]], backend=FLOAT),
    ),
    Example("the saddle at the origin", "vacuous", flow_from(_SADDLE, [["1"]])),
    Example(
        "the mean over two samples, the hypothesis dropped",
        "violated",
        averaged(flow_from(_ONE_SIDED, [["1", "2"], ["-1", "1/2"]])),
    ),
    Example(
        "descent that oversteps, the hypothesis dropped",
        "violated",
        flow_from(_NUMBERS, [["3/2"]], without=["gradient_flow"], **OVERSTEP),
    ),
]
