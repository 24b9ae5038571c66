r"""Plain descent from the identity to targets with a positive quadratic form: how singular does its path become.

Of one layer the path is the segment from I to Phi, and |((1-s) I + s Phi) u|^2 >= (1-s)^2 + s^2 sigma^2 >=
min(1, sigma)^2 / 2, with equality for a quarter turn: there 1/sqrt 2 is proved. For a multiple w of a rotation the flow
of L layers is w' = L |w|^(2-2/L) (phi - w), on the same segment; descent with a step cuts the corner below it. For
other targets of more layers the constant is searched for, at a step and extrapolated from two to the flow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np

from workbench import experiment
from workbench.exact import Measured
from workbench.probes.base import (
    NONE_FOUND,
    UNDECIDED,
    Axis,
    Figure,
    Finding,
    Mark,
    Number,
    Panel,
    Series,
    Table,
    TimeLimit,
    Witness,
)

Rows = list[list[Fraction]]

# The step of the search in units of the inverse sharpness; the path of descent is then near the flow's.
_SHARE, _STEPS = 0.05, 1200
_DEPTHS = (1, 2, 3, 8)
_EVALUATIONS = 60

# A run that is left with this share of its loss has not arrived.
_ARRIVED = 1e-6


@dataclass(frozen=True)
class Path:
    """A run in double precision: the least sigma_min(W)/min(1, sigma_min(Phi)) on its way, and the loss left over."""

    least: float
    left: float


def walk(target: Any, depth: int, share: float = _SHARE) -> Path:
    """Return the path of descent from the identity."""
    size = len(target)
    singular = np.linalg.svd(target, compute_uv=False)
    step = share / (depth * max(1.0, float(singular[0])) ** (2 - 2 / depth))
    layers = np.array([np.eye(size)] * depth)
    scale, least = min(1.0, float(singular[-1])), np.inf
    first = float(np.sum((np.eye(size) - target) ** 2))
    left = 1.0
    for count in range(round(_STEPS * _SHARE / share)):
        before = [np.eye(size)]
        for layer in layers:
            before.append(layer @ before[-1])
        error = before[-1] - target
        left = float(np.sum(error**2)) / first if first else 0.0
        if count % 4 == 0:
            least = min(least, float(np.linalg.svd(before[-1], compute_uv=False)[-1]) / scale)
        if left < _ARRIVED or not np.isfinite(left):
            break
        above, gradients = np.eye(size), []
        for j in reversed(range(depth)):
            gradients.append(above.T @ error @ before[j].T)
            above = above @ layers[j]
        layers = layers - step * np.array(gradients[::-1])
    return Path(least, left)


def shaped(point: Sequence[float], size: int) -> Any:
    """Return the target of a point: a symmetric part with a positive spectrum and a skew part."""
    values = np.exp(np.clip(np.asarray(point[:size], dtype=float), -5, 3))
    skew = np.zeros((size, size))
    places = np.triu_indices(size, 1)
    skew[places] = np.asarray(point[size : size + len(places[0])], dtype=float)
    generator = np.zeros((size, size))
    generator[places] = np.asarray(point[size + len(places[0]) :], dtype=float)
    generator = generator - generator.T
    turn: Any = np.linalg.solve(np.eye(size) + generator, np.eye(size) - generator)
    return turn @ np.diag(values) @ turn.T + skew - skew.T


def find(question: Mapping[str, Any], limit: TimeLimit) -> Finding:
    """Search for the most singular path, at several depths, and for one that does not arrive."""
    random = Random(int(question["seed"]))
    turn = np.array([[1e-3, -1.0], [1.0, 1e-3]])
    found: dict[int, tuple[Path, Any]] = {}
    stuck: list[tuple[int, Any]] = []
    tried = 0
    for depth in _DEPTHS:
        if limit.over:
            break
        met = [(walk(turn, depth), turn)]
        for size in (2, 3):
            tried += _hill(size, depth, random, limit, met, stuck)
        found[depth] = min(met, key=lambda item: item[0].least)
    return _finding(question, limit, found, stuck, tried)


def _hill(
    size: int, depth: int, random: Random, limit: TimeLimit, found: list[tuple[Path, Any]], stuck: list[tuple[int, Any]]
) -> int:
    """Lower the least singular value on the way by CMA-ES, and keep what it met."""
    from cma import CMAEvolutionStrategy

    pairs = size * (size - 1) // 2
    start = [-3.0] * size + [1.0] * pairs + [0.0] * pairs
    options = {"verbose": -9, "seed": random.randrange(1, 2**31), "maxfevals": _EVALUATIONS}
    strategy = CMAEvolutionStrategy(start, 0.7, options)
    tried = 0
    while not strategy.stop() and not limit.over:
        points = strategy.ask()
        costs = []
        for point in points:
            target = shaped(list(point), size)
            path = walk(target, depth)
            tried += 1
            costs.append(path.least)
            found.append((path, target))
            if path.left > 0.9:
                stuck.append((depth, target))
        strategy.tell(points, costs)
    return tried


def _finding(
    question: Mapping[str, Any],
    limit: TimeLimit,
    found: dict[int, tuple[Path, Any]],
    stuck: list[tuple[int, Any]],
    tried: int,
) -> Finding:
    rows = [
        (str(depth), f"{path.least:.5f}", f"{_of_the_flow(target, depth, path):.5f}", _rows_text(target))
        for depth, (path, target) in found.items()
    ]
    least = min((path.least for path, _ in found.values()), default=float("nan"))
    one, two = _quarter_turn(1, "1/2"), _quarter_turn(2, "1/20")
    answer = (
        f"No target kept descent from its loss, and none took the least singular value below {least:.5f} min(1, "
        "sigma_min). The constant 1/sqrt 2 = 0.70711 is proved for one layer; of two layers descent with a step goes "
        "below it at the quarter turn, certified, where the flow does not."
    )
    half = Measured(Fraction(1, 2))
    return Finding(
        UNDECIDED if limit.was_over or stuck else NONE_FOUND,
        "Does plain descent from the identity reach every target with a positive quadratic form, and how singular "
        "does it become on the way?",
        answer if not stuck else f"{len(stuck)} paths were far from their target at the end of the search's steps.",
        {
            "quarter_turn": Number(
                "least squared singular value on the way to a quarter turn, one layer",
                one,
                "enclosure",
                half,
                "1/2, the segment's squared distance to zero",
            ),
            "quarter_turn_two_layers": Number("the same of two layers at the step size 1/20", two, "enclosure"),
            "least": Number("least ratio that the search met", Fraction(f"{least:.6g}") if found else 0, "estimate"),
        },
        witness=Witness("the extremal target: a quarter turn", {"rows": [["0", "-1"], ["1", "0"]], "L": "1"}),
        searched=[f"{tried} targets of sizes 2 and 3 at depths {', '.join(map(str, found))}, seed {question['seed']}"],
        not_found=[
            "a target with a positive quadratic form that descent does not reach",
            "a proof for two layers or more",
        ],
        figure=_figure(found),
        tables=[Table("The most singular path at each depth", ("L", "descent", "flow, extrapolated", "target"), rows)],
    )


def _of_the_flow(target: Any, depth: int, path: Path) -> float:
    """Return the ratio of the flow, extrapolated from the step and half of it."""
    return 2 * walk(target, depth, _SHARE / 2).least - path.least


def _quarter_turn(depth: int, step_size: str) -> Measured:
    """Return an enclosure of the least det W = sigma_min(W)^2 along descent to the quarter turn."""
    run = experiment.read(
        {
            "theorem": "determinant_floor",
            "problem": {
                "network": {"kind": "linear", "widths": [2] * (depth + 1)},
                "loss": {"kind": "square", "target": {"rows": [["0", "-1"], ["1", "0"]]}, "normalisation": "half"},
                "start": {"scheme": "identity"},
            },
            "dynamics": {"name": "gradient_descent", "step_size": step_size, "stop": {"steps": 40}},
            "backend": {"name": "ball", "digits": 30},
        }
    ).trajectory()
    series = run.observables["end_to_end_determinant"]
    return min(series, key=lambda value: value.value or Fraction(0))


def _rows_text(target: Any) -> str:
    return "[" + "; ".join(" ".join(f"{x:.3g}" for x in row) for row in target) + "]"


def _figure(found: dict[int, tuple[Path, Any]]) -> Figure | None:
    if not found:
        return None
    depths = [float(depth) for depth in found]
    series = Series("most singular path met", depths, [path.least for path, _ in found.values()], "joined")
    mark = Mark("y", 2**-0.5, r"$1/\sqrt{2}$")
    panel = Panel(Axis("depth"), Axis(r"$\sigma_{\min}(W_t) / \min(1, \sigma_{\min}(\Phi))$"), (series,), (mark,))
    return Figure((panel,), "The most singular path of descent to a target with a positive quadratic form.")
