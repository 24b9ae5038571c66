r"""At even depth descent itself never crosses a zero determinant where a reflection turns the target into its transpose.

Statement
    Let $L$ be even and let an orthogonal $J$ with $J^2 = I$ satisfy $J \Phi^T J = \Phi$, as one does for every $2 \times 2$ matrix and, with $J = I$, for every symmetric one.
    From $W_i(0) = I$ gradient descent at any step size, plain, with a penalty toward the identity, with weight decay, with momentum or projected onto a ball around the identity, keeps
    $$\det W(t) \ge 0 ,$$
    and if $\det \Phi < 0$
    $$\ell(t) \ge \frac{1}{2} \sigma_{\min}(\Phi)^2 \quad \text{for every } t .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    even_depth: $L$ is even
    identity_start: $W_i(0) = I$ for every layer
    transpose_symmetry: width at most 2, or $\Phi_{ij} = s_i s_j \Phi_{ji}$ with signs $s_i$
    negative_determinant: $\det \Phi < 0$; the margin is $-\det \Phi$
    equivariant_update: descent, plain, with a penalty, with weight decay, with momentum, or projected

Perhaps unnecessary
    equivariant_update: Nesterov's momentum and the flow keep the symmetry too; no dynamics here is known to break it

Standing
    explicit (proof below), found and worked out for this project: runs in floating point leave this floor by rounding alone. Without the symmetry descent does leave it (`determinant_floor`). No dynamics of this tool outside `equivariant_update` is known to violate it: the flow has the floor too, and power projection keeps $W$ positive.

Proof
    A $2 \times 2$ matrix is $\Phi = S + a R$ with $S$ symmetric and $R$ the quarter turn; the reflection $J$ along an eigenvector of $S$ has $J S J = S$, $J R J = -R$, so that $J \Phi J = \Phi^T$.
    Put $\theta(A) = J A^T J$, which reverses products. If $W_{L+1-i} = \theta(W_i)$ for every $i$ then $\theta(W) = W$, $\theta(E) = E$, and the gradients $G_i = A_i^T E B_i^T$ obey $G_{L+1-i} = \theta(G_i)$;
    $\theta(I) = I$ and $\theta$ preserves Frobenius and spectral norms, so that every update of the class keeps the symmetry.
    With $L = 2m$ and $K = W_m \cdots W_1$: $W = \theta(K) K$ and $\det W = (\det K)^2 \ge 0$. If $\det \Phi < 0$ the segment from $W$ to $\Phi$ meets a singular matrix $P$, and $\|W - \Phi\|_F \ge \|P - \Phi\|_F \ge \sigma_{\min}(\Phi)$.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from workbench.exact import Matrix, Measured
from workbench.rotation import determinant, product
from workbench.theorems import Bound, Erratum, Example, Hypothesis, Run
from workbench.theorems._examples import averaged, experiment
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("determinant floor of descent, worked out for this project")
observes = ("loss",)
tight = True

_CLASS = ("gradient_descent", "penalised_descent", "weight_decay", "heavy_ball", "projected_descent")


def symmetric_up_to_signs(rows: tuple[tuple[Fraction, ...], ...]) -> bool:
    """Say whether signs s exist with Phi_ij = s_i s_j Phi_ji: a two-colouring, found by walking the nonzero entries."""
    size = len(rows)
    signs: list[int | None] = [None] * size
    for first in range(size):
        if signs[first] is None:
            signs[first] = 1
        pending = [first]
        while pending:
            i = pending.pop()
            for j in range(size):
                if abs(rows[i][j]) != abs(rows[j][i]):
                    return False
                if rows[i][j] == 0:
                    continue
                wanted = (signs[i] or 1) * (1 if rows[i][j] == rows[j][i] else -1)
                if signs[j] is None:
                    signs[j] = wanted
                    pending.append(j)
                elif signs[j] != wanted:
                    return False
    return True


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    size = run.widths[0]
    square = set(run.widths) == {size} and run.target.shape == (size, size)
    symmetric = square and (size <= 2 or symmetric_up_to_signs(run.target.rows))
    return [
        run.setting(),
        Hypothesis.decided("even_depth", run.depth % 2 == 0),
        run.identity_start(),
        Hypothesis.decided("transpose_symmetry", symmetric),
        Hypothesis("negative_determinant", Measured(-determinant(run.target.rows)) if square else None, strict=True),
        Hypothesis.decided("equivariant_update", run.method in _CLASS),
    ]


def predict(run: Run) -> list[Bound]:
    """Return the floor of the loss."""
    rows = run.target.rows
    gram = product(list(zip(*rows, strict=True)), rows)
    smallest = run.spectrum(Matrix(tuple(map(tuple, gram))))[0]
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(run.number(smallest) / 2)] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} \sigma_{\min}(\Phi)^2",
        )
    ]


def _unbalanced_squares(numbers: Mapping[str, str]) -> bool:
    """Say whether exact descent on two layers unbalances them and yet has det W = (det W_1)^2 after every step."""
    target = [[Fraction(x) for x in row.split()] for row in numbers["Phi"].split(";")]
    eta, steps = Fraction(numbers["eta"]), int(numbers["steps"])
    lower, upper = [[[Fraction(int(i == j)) for j in range(2)] for i in range(2)] for _ in range(2)]
    squares, unbalanced = [], False
    for _ in range(steps):
        error = _combined(product(upper, lower), target, Fraction(1))
        pulls = product(_transposed(upper), error), product(error, _transposed(lower))
        lower, upper = _combined(lower, pulls[0], eta), _combined(upper, pulls[1], eta)
        unbalanced = unbalanced or product(_transposed(upper), upper) != product(lower, _transposed(lower))
        squares.append(determinant(product(upper, lower)) == determinant(lower) ** 2)
    return unbalanced and all(squares) and determinant(target) < 0


def _transposed(rows: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _combined(
    a: Sequence[Sequence[Fraction]], b: Sequence[Sequence[Fraction]], factor: Fraction
) -> list[list[Fraction]]:
    """Return A - factor B."""
    return [[x - factor * y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


errata = [
    Erratum(
        printed=r"for every $\Phi$ that is not normal, $\det \Phi < 0$, descent unbalances the layers and later crosses $\det W = 0$",
        where="working notes, from runs in double precision at width two, which leave by rounding",
        counterexample={"L": "2", "Phi": "1 1; 1/2 -1/2", "eta": "1/20", "steps": "6"},
        refutation="the layers are unbalanced, and det W = (det W_1)^2 after every step, by the symmetry of the proof: exact descent never crosses",
        refutes=_unbalanced_squares,
    )
]

_PLANE = {"rows": [["1", "1"], ["1/2", "-1/2"]]}
_SIGNED = {"rows": [["-1", "1", "0"], ["-1", "2", "1/2"], ["0", "1/2", "1"]]}
_UNPROTECTED = {"rows": [["-2", "-2", "2"], ["-1", "2", "2"], ["2", "-2", "2"]]}


def _descent(depth: int, target: dict[str, Any], step_size: str = "1/20", **options: Any) -> dict[str, Any]:
    widths = [len(target["rows"])] * (depth + 1)
    return experiment(widths, target, step_size=step_size, **{"stop": {"steps": 300}, **options})


examples = [
    Example(
        "two layers in the plane, when floats have left",
        "consistent",
        _descent(2, _PLANE, stop={"steps": 560}, backend={"name": "ball", "digits": 40}),
    ),
    Example("four layers in the plane", "consistent", _descent(4, _PLANE, "1/40", stop={"steps": 100})),
    Example("width three, with signs", "consistent", _descent(2, _SIGNED)),
    Example(
        "with momentum",
        "consistent",
        _descent(2, _PLANE, "1/40", stop={"steps": 60}, dynamics="heavy_ball", parameters={"momentum": "1/2"}),
    ),
    Example("width three without the symmetry", "vacuous", _descent(2, _UNPROTECTED, "1/10", stop={"steps": 45})),
    Example(
        "width three without the symmetry, the hypothesis dropped",
        "violated",
        _descent(2, _UNPROTECTED, "1/10", stop={"steps": 45}, without=["transpose_symmetry"]),
    ),
    Example(
        "a loss divided by the width, the hypothesis dropped",
        "violated",
        averaged(_descent(2, _PLANE, stop={"steps": 60})),
    ),
    Example(
        "three layers, the hypothesis dropped",
        "violated",
        _descent(3, {"rows": [["-1/2"]]}, "1", stop={"steps": 40}, without=["even_depth"]),
    ),
    Example(
        "a start without the symmetry, the hypothesis dropped",
        "violated",
        _descent(
            2,
            {"rows": [["-1"]]},
            start={"scheme": "given", "weights": [[["1/4"]], [["2"]]]},
            without=["identity_start"],
        ),
    ),
    Example(
        "a positive determinant, the hypothesis dropped",
        "violated",
        _descent(2, {"rows": [["2", "1"], ["0", "1"]]}, without=["negative_determinant"]),
    ),
]
