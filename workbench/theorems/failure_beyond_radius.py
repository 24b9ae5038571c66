r"""Beyond distance one from the identity some targets are out of reach: for plain descent and for both regularisations.

Statement
    For every $r > 1$ the target $\Phi = I - r\, u u^T$, $\|u\| = 1$, lies at the distance $\|\Phi - I\|_F = r$, and from $W_i(0) = I$ gradient descent, plain, with a penalty toward the identity
    in each layer, projected onto a ball around it, or (for even $L$) with momentum, keeps
    $$\ell(t) \ge \frac{1}{2} (r - 1)^2 \quad \text{for every } t .$$

Hypotheses
    setting: a linear network with square layers, whitened inputs, loss $\frac{1}{2}\|W_L \cdots W_1 - \Phi\|_F^2$
    identity_start: $W_i(0) = I$ for every layer
    rank_one_target: $\Phi = I - r\, u u^T$ with a unit vector $u$, exactly
    beyond_radius: $r > 1$; the margin is $r - 1$
    equivariant_update: descent, plain, with a penalty, projected, or (for even $L$) with momentum
    step_size: $L$ is even; or $L \ge 3$ is odd, $0 \le \eta r \le 1$ and $0 \le \eta \kappa \le 1$; or the projection has a radius of at most 1

Standing
    explicit: the eigenvalue $1 - r$ is negative, so this is `negative_eigenvalue`; the paper has a larger constant distance (recalled). Convergence is proved within 0.1 (`near_identity`); for the distances between, see `singular_target` at $r = 1$.

Proof
    $\Phi$ is symmetric with the eigenvalues $1 - r < 0$ and 1. Every layer stays equal and diagonal in the basis of $\Phi$, and on the mode of $1 - r$ the eigenvalue $x$ of a layer keeps $x^L \ge 0$
    (`negative_eigenvalue`, with $\lambda = r - 1$), so that $\ell \ge \frac{1}{2} (x^L + r - 1)^2 \ge \frac{1}{2} (r-1)^2$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.exact import Measured
from workbench.theorems import Bound, Example, Hypothesis, Run, negative_eigenvalue
from workbench.theorems._examples import FLOAT, averaged, symmetric
from workbench.theorems._sources import BARTLETT_2018

source = BARTLETT_2018.at("failure beyond the radius")
observes = ("loss",)
tight = True


def _distance(run: Run) -> Fraction | None:
    """Return r where Phi = I - r u u^T, exactly; None where the target has another form."""
    rows = run.target.rows
    if len(rows) != len(rows[0]):
        return None
    gap = [[(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(rows)]
    trace = sum((gap[i][i] for i in range(len(gap))), Fraction(0))
    # Symmetric of rank one: every two by two minor vanishes.
    pairs = [(i, j) for i in range(len(gap)) for j in range(len(gap))]
    flat = all(gap[i][j] == gap[j][i] and gap[i][j] * gap[j][i] == gap[i][i] * gap[j][j] for i, j in pairs)
    minors = all(gap[i][j] * gap[k][m] == gap[i][m] * gap[k][j] for i, j in pairs for k, m in pairs)
    return trace if flat and minors and trace > 0 else None


def hypotheses(run: Run) -> list[Hypothesis]:
    """Audit the hypotheses."""
    general = {h.name: h for h in negative_eigenvalue.hypotheses(run)}
    distance = _distance(run)
    # Where the target has another form, what is left of the statement is its negative eigenvalue.
    size = Measured(distance - 1) if distance is not None else general["negative_eigenvalue"].margin
    return [
        general["setting"],
        general["identity_start"],
        Hypothesis.decided("rank_one_target", distance is not None),
        Hypothesis("beyond_radius", size, strict=True),
        general["equivariant_update"],
        general["step_size"],
    ]


def predict(run: Run) -> list[Bound]:
    """Return the floor."""
    distance = _distance(run)
    reach = run.number(run.identity_distance_squared())
    floor = (run.reals.sqrt(reach) - 1 if distance is None else run.number(distance - 1)) ** 2 / 2
    return [
        Bound(
            "loss_floor",
            "loss above its floor",
            run.loss,
            [run.reals.measured(floor)] * len(run.steps),
            relation=">=",
            latex=r"\ell(t) \ge \frac{1}{2} (r - 1)^2",
        )
    ]


def _beyond(depth: int, distance: str, rotate: int | None = None, **options: Any) -> dict[str, Any]:
    return symmetric(depth, [str(1 - Fraction(distance)), "1"], rotate, **options)


examples = [
    Example("plain descent", "consistent", _beyond(2, "3/2", 1, step_size="1/8", stop={"steps": 60})),
    Example("plain descent, odd depth", "consistent", _beyond(3, "11/10", step_size="1/8", stop={"steps": 100})),
    Example(
        "with a penalty",
        "consistent",
        _beyond(
            4,
            "3/2",
            1,
            step_size="1/16",
            stop={"steps": 60},
            dynamics="penalised_descent",
            parameters={"penalty": "1/10"},
        ),
    ),
    Example(
        "projected",
        "consistent",
        _beyond(
            3,
            "3/2",
            step_size="1",
            stop={"steps": 40},
            dynamics="projected_descent",
            parameters={"radius": "1/2"},
            backend=FLOAT,
        ),
    ),
    Example(
        "with momentum",
        "consistent",
        _beyond(2, "3/2", step_size="1/20", stop={"steps": 60}, dynamics="heavy_ball", parameters={"momentum": "1/2"}),
    ),
    Example("within the radius", "vacuous", _beyond(2, "9/10", step_size="1/8", stop={"steps": 20})),
    Example(
        "within the radius, the hypothesis dropped",
        "violated",
        _beyond(2, "1/2", step_size="1/4", stop={"steps": 60}, without=["beyond_radius"]),
    ),
    Example(
        "another target at the same distance, the hypothesis dropped",
        "violated",
        symmetric(2, ["-1/2", "3"], step_size="1/16", stop={"steps": 100}, without=["rank_one_target"]),
    ),
    Example(
        "a loss divided by the width, the hypothesis dropped",
        "violated",
        averaged(_beyond(2, "3/2", 1, step_size="1/8", stop={"steps": 60})),
    ),
    Example(
        "one layer, the hypothesis dropped",
        "violated",
        _beyond(1, "3/2", step_size="1/2", stop={"steps": 10}, without=["step_size"]),
    ),
    Example(
        "momentum at odd depth, the hypotheses dropped",
        "violated",
        _beyond(
            3,
            "3/2",
            step_size="1/2",
            stop={"steps": 60},
            dynamics="heavy_ball",
            parameters={"momentum": "9/10"},
            without=["equivariant_update", "step_size"],
        ),
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
