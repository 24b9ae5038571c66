r"""From the identity, gradient descent learns a symmetric positive definite target at an explicit linear rate.

Statement
    Let $\Phi$ have eigenvalues $\lambda_1, \dots, \lambda_d > 0$, let $M = \max(1, \lambda_{\max})^{1-1/L}$ and
    $0 < \eta \le 1/(L M^2)$. From $W_i(0) = I$ the loss after $t$ steps obeys
    $$\ell(t) \le \frac{1}{2} \sum_{i=1}^{d} C_i^2 \left(1 - \eta L m_i^2\right)^{2t},$$
    where $C_i = \lambda_i \ln \lambda_i$ and $m_i = 1$ if $\lambda_i \ge 1$, and $C_i = \ln(1/\lambda_i)$ and
    $m_i = \lambda_i^{1-1/L}$ if $\lambda_i < 1$. Hence $\ell \le \varepsilon$ after at most
    $$T = \max_{\lambda_i \ne 1} \max\left(0, \left\lceil \frac{\ln\left(C_i \sqrt{d/(2\varepsilon)}\right)}{\eta L m_i^2} \right\rceil\right)$$
    steps.

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    symmetric_target: $\Phi^T = \Phi$
    positive_definite: $\lambda_{\min}(\Phi) > 0$; the margin is $\lambda_{\min}$
    plain_descent: gradient descent with a constant step, all layers at once
    step_size: $0 < \eta \le 1/(L M^2)$; the margin is the distance to the cap

Presupposed
    symmetric_target: the bound is one of eigenvalues
    positive_definite: the envelope has the logarithm of every eigenvalue

Standing
    explicit (proof below); the paper has a polynomial without constants (Theorem 2, recalled)

Proof
    By Lemma 6 every eigenvalue evolves alone, $x_{t+1} = x_t - \eta x_t^{L-1}(x_t^L - \lambda)$ from $x_0 = 1$. Let
    $\rho = \lambda^{1/L}$. For $\lambda \ge 1$ and $1 \le x \le \rho$: $L(\rho - x) \le x^{L-1}(\lambda - x^L) \le
    L \rho^{2L-2}(\rho - x)$, so $0 \le x_{t+1} - x_t \le \rho - x_t$ and $\rho - x_t \le (1-\eta L)^t (\rho - 1)$; then
    $\lambda - x^L \le L \rho^{L-1}(\rho - x)$ and $L(\rho - 1) \le \rho \ln \lambda$. For $\lambda < 1$ and $\rho \le x
    \le 1$: $L \lambda^{2-2/L}(x - \rho) \le x^{L-1}(x^L - \lambda) \le L(x - \rho)$ and $L(1-\rho) \le \ln(1/\lambda)$.
    Both inequalities are proved in `derivations/positive_definite_envelope.py`.
"""

from __future__ import annotations

from fractions import Fraction

from workbench.backends.reals import Real
from workbench.exact import Measured
from workbench.theorems import Bound, Count, Example, Hypothesis, Rate, Run
from workbench.theorems._examples import FLOAT, altered, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("Theorem 2")
observes = ("loss",)
tight = False


def largest_step_size(run: Run) -> Real | None:
    """Return 1/(L M^2)."""
    if not run.target.is_symmetric():
        return None
    top = run.reals.maximum(run.number(1), run.eigenvalues()[-1])
    return 1 / (run.depth * run.reals.power(top, Fraction(2) - Fraction(2, run.depth)))


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    symmetric = run.symmetric_target()
    smallest = run.exact_eigenvalues()[0] if symmetric.holds else None
    return [
        run.setting(),
        run.identity_start(),
        symmetric,
        Hypothesis("positive_definite", smallest, strict=True),
        run.plain_descent(),
        Hypothesis("step_size", _step_margin(run)),
    ]


def _step_margin(run: Run) -> Measured | None:
    """Return 1/(L M^2) - eta, exactly where M^2 is rational: equality is allowed, and a ball would not decide it."""
    cap = largest_step_size(run)
    if cap is None or run.step_size is None:
        return None
    largest, exponent = run.exact_eigenvalues()[-1], Fraction(2) - Fraction(2, run.depth)
    if largest.error == 0 and largest.value is not None and (largest.value <= 1 or exponent.denominator == 1):
        return Measured(1 / (run.depth * max(Fraction(1), largest.value) ** int(exponent)) - run.step_size)
    return run.reals.measured(cap - run.number(run.step_size))


def _modes(run: Run) -> list[tuple[Real, Real]]:
    """Return C_i and 1 - eta L m_i^2 of each mode; an eigenvalue 1 is there from the start and has none."""
    modes = []
    rate = run.number(run.step_size or Fraction(0)) * run.depth
    for value in run.exact_eigenvalues():
        eigenvalue = run.number(value)
        if value == Measured(Fraction(1)):
            continue
        # One formula on both sides of 1, so that an enclosure that straddles it covers both.
        logarithm = run.reals.log(eigenvalue)
        constant = run.reals.maximum(logarithm, -logarithm) * run.reals.maximum(1, eigenvalue)
        slowness = run.reals.power(-run.reals.maximum(-1, -eigenvalue), Fraction(2) - Fraction(2, run.depth))
        modes.append((constant, 1 - rate * slowness))
    return modes


def _envelope(run: Run, modes: list[tuple[Real, Real]]) -> list[Measured]:
    """Return the bound of the loss at each record."""
    envelope = []
    for step in run.steps:
        terms = [(c * q**step) ** 2 for c, q in modes]
        envelope.append(run.reals.measured(sum(terms, run.number(0)) / 2))
    return envelope


def _allowed(run: Run, modes: list[tuple[Real, Real]], level: Fraction) -> Measured:
    """Return T, as a real before rounding up; the ceiling is taken where the count is judged."""
    scale = run.reals.sqrt(run.number(Fraction(len(run.target.rows)) / (2 * level)))
    counts = [run.reals.log(c * scale) / (1 - q) for c, q in modes]
    return run.reals.measured(run.reals.maximum(run.number(0), *counts))


def predict(run: Run) -> list[Bound | Count | Rate]:
    """Return the envelope, the count where the run was to reach a level, and the slowest rate."""
    modes = _modes(run)
    found: list[Bound | Count | Rate] = [
        Bound(
            "loss_envelope",
            "loss against its envelope",
            run.loss,
            _envelope(run, modes),
            latex=r"\ell(t) \le \frac{1}{2} \sum_i C_i^2 (1 - \eta L m_i^2)^{2t}",
        )
    ]
    if run.until_loss is not None:
        allowed = _allowed(run, modes, run.until_loss)
        found.append(Count("steps_to_loss", "steps until the loss is reached", run.loss, run.until_loss, allowed, "T"))
    if modes and run.step_size:
        slowest = run.reals.maximum(*(q for _, q in modes))
        found.append(Rate(-2 * run.reals.log(slowest) / run.number(run.step_size)))
    return found


_LEVEL = {"until_loss": "1e-10"}

examples = [
    Example(
        "a rotated spectrum, enclosed",
        "consistent",
        symmetric(4, ["1/2", "3/2", "2"], 3, step_size="largest", stop=_LEVEL),
    ),
    Example("one layer", "consistent", symmetric(1, ["1/2", "2"], step_size="1/2", stop=_LEVEL)),
    Example("width one", "consistent", symmetric(3, ["3"], step_size="largest", stop=_LEVEL)),
    Example(
        "in double precision",
        "consistent",
        symmetric(4, ["1/4", "1", "4"], 1, step_size="largest", stop=_LEVEL, backend=FLOAT),
    ),
    Example("a step above the cap", "vacuous", symmetric(2, ["1/2", "2"], step_size="1/2", stop={"steps": 20})),
    Example(
        "a step above the cap, the hypothesis dropped",
        "violated",
        symmetric(2, ["1/2", "2"], step_size="9/20", stop={"steps": 40}, without=["step_size"]),
    ),
    Example(
        "a penalty, the hypothesis dropped",
        "violated",
        symmetric(
            2,
            ["1/2", "2"],
            step_size="1/16",
            stop={"steps": 200},
            dynamics="penalised_descent",
            parameters={"penalty": "1"},
            without=["plain_descent"],
        ),
    ),
    Example(
        "a start far away, the hypothesis dropped",
        "violated",
        symmetric(
            2,
            ["1/2", "2"],
            step_size="1/16",
            stop={"steps": 20},
            start={"scheme": "identity", "scale": "3"},
            without=["identity_start"],
        ),
    ),
]

examples += [
    altered(
        examples[1], "setting", "inputs that are not white", loss={"inputs": {"rows": [["2", "1/2"], ["1/2", "1"]]}}
    ),
]
