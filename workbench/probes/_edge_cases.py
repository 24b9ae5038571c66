"""The problems at the edges: smallest sizes, targets and starts where statements break first, every dynamics.

A search starts from them. Each is a part of a specification; what fits together is found by asking the hypotheses.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from workbench.probes._leaves import Specification
from workbench.problem import ACTIVATIONS

Rows = list[list[str]]

WIDTHS: tuple[tuple[int, ...], ...] = (
    *((1,) * (depth + 1) for depth in (1, 2, 3, 4, 5, 8)),
    *((2,) * (depth + 1) for depth in (1, 2, 3, 4, 6)),
    *((3,) * (depth + 1) for depth in (1, 2, 3)),
    *((1, 2), (2, 1), (1, 2, 1), (2, 1, 2), (2, 3, 2), (3, 2, 3), (1, 3, 2), (3, 1), (2, 2, 1), (1, 2, 2)),
    *((2, 4, 2), (2, 3, 3, 2), (2, 2, 2, 1), (3, 3, 2), (2, 3, 3)),
)

# A target far on the other side of zero is never neared from the identity: the loss is told late from what is left.
_SCALARS = ("2", "1/2", "1", "0", "-1", "-1/2", "9/10", "11/10", "10", "1/10", "-2", "3", "-10")
_SPECTRA = (
    *(("1/2", "2"), ("9/10", "1"), ("21/20", "1"), ("-1/2", "2"), ("0", "1"), ("1/10", "3"), ("-1", "-2")),
    *(("0", "0"), ("1", "1"), ("-1", "1"), ("3", "2"), ("1/2", "1/3"), ("1", "-1/10"), ("1", "10")),
    *(("-10", "-10"), ("-10", "1")),
)
_MATRICES: tuple[Rows, ...] = (
    [["0", "-1"], ["1", "0"]],
    [["3/5", "-4/5"], ["4/5", "3/5"]],
    [["1", "3"], ["0", "1/2"]],
    [["1", "10"], ["0", "1"]],
    [["1", "1/16"], ["-1/20", "1"]],
    [["1", "2"], ["0", "-1"]],
    [["2", "1"], ["1", "1"]],
    [["0", "1"], ["1", "0"]],
    [["0", "1"], ["0", "0"]],
)

_STEPS = ("largest", "1/10", "1/2", "1/4", "1", "1/100", "1/32", "3/2", "1/1000")
_LENGTHS = (40, 8, 200, 1, 3, 600)
_TIMES = ("2", "1/2", "6", "1/10", "20")
_METHODS: tuple[dict[str, Any], ...] = (
    {"name": "gradient_descent"},
    {"name": "gradient_flow"},
    {"name": "gradient_descent"},
    {"name": "gradient_flow"},
    {"name": "heavy_ball", "parameters": {"momentum": "1/2"}},
    {"name": "heavy_ball", "parameters": {"momentum": "9/10"}},
    {"name": "heavy_ball", "parameters": {"momentum": "1/10"}},
    {"name": "nesterov", "parameters": {"momentum": "1/2"}},
    {"name": "penalised_descent", "parameters": {"penalty": "1/10"}},
    {"name": "projected_descent", "parameters": {"radius": "1/2"}},
    {"name": "weight_decay", "parameters": {"decay": "1/10"}},
    {"name": "power_projection", "parameters": {"floor": "1/2"}},
)


def eye(rows: int, columns: int, values: Sequence[str] = ("1",)) -> Rows:
    """Return a matrix with the values in turn on its main diagonal."""
    return [[values[i % len(values)] if i == j else "0" for j in range(columns)] for i in range(rows)]


def random_target(rows: int, columns: int, random: Random) -> Any:
    """Return a target of a shape, from the list or drawn."""
    kind = random.randrange(4)
    if min(rows, columns) == 1 and max(rows, columns) == 1:
        return {"rows": [[random.choice(_SCALARS)]]}
    if kind == 0 and rows == columns == 2:
        return {"rows": copy.deepcopy(random.choice(_MATRICES))}
    if kind == 1 and rows == columns:
        values = list(random.choice(_SPECTRA)) + [random.choice(_SCALARS) for _ in range(rows - 2)]
        return {"family": "spectrum", "eigenvalues": values[:rows], "rotate": random.randrange(1, 9)}
    if kind == 2:
        return {"rows": [[str(random.randrange(-4, 5)) + "/4" for _ in range(columns)] for _ in range(rows)]}
    return {"rows": eye(rows, columns, random.choice(_SPECTRA))}


def _given(widths: Sequence[int], random: Random) -> dict[str, Any]:
    """Return layers with ones and a scale of their own each on the diagonal: balanced where the scales agree."""
    shapes = list(zip(widths[1:], widths, strict=False))
    one = random.choice(("1", "1/2", "2", "1/10", "3/2"))
    scales = [random.choice((one, random.choice(_SCALARS))) for _ in shapes]
    return {"scheme": "given", "weights": [eye(r, c, (s,)) for (r, c), s in zip(shapes, scales, strict=True)]}


def _drawn(widths: Sequence[int], random: Random) -> dict[str, Any]:
    """Return small integer layers over two."""
    shapes = zip(widths[1:], widths, strict=False)
    return {
        "scheme": "given",
        "weights": [[[f"{random.randrange(-3, 4)}/2" for _ in range(c)] for _ in range(r)] for r, c in shapes],
    }


def _balanced(widths: Sequence[int], random: Random) -> dict[str, Any]:
    """Return a balanced start by name where the layers are square, else equal diagonal layers."""
    size = widths[0]
    if len(set(widths)) > 1:
        return {"scheme": "given", "weights": [eye(r, c) for r, c in zip(widths[1:], widths, strict=False)]}
    return {"scheme": "balanced", "matrix": eye(size, size, (random.choice(("1/2", "2", "1/10")), "1"))}


_STARTS: tuple[Callable[[Sequence[int], Random], dict[str, Any]], ...] = (
    lambda widths, random: {"scheme": "identity"},
    lambda widths, random: {"scheme": "identity"},
    lambda widths, random: {"scheme": "identity", "scale": random.choice(("1/2", "2", "-1", "1/10", "3/2"))},
    lambda widths, random: {"scheme": "zero_asymmetric"},
    lambda widths, random: {"scheme": "gaussian", "seed": random.randrange(1, 5), "scale": random.choice(("1/2", "1"))},
    lambda widths, random: {"scheme": "orthogonal", "seed": random.randrange(1, 5)},
    _given,
    _drawn,
    _balanced,
)


def random_start(widths: Sequence[int], random: Random) -> dict[str, Any]:
    """Return a start for a linear network."""
    return random.choice(_STARTS)(widths, random)


def random_dynamics(random: Random) -> dict[str, Any]:
    """Return a dynamics with its step and its end."""
    method = copy.deepcopy(random.choice(_METHODS))
    if method["name"] == "gradient_flow":
        return {**method, "stop": {"time": random.choice(_TIMES)}}
    return {**method, "step_size": random.choice(_STEPS), "stop": {"steps": random.choice(_LENGTHS)}}


def random_network(random: Random) -> dict[str, Any]:
    """Return a network; one in eight is residual."""
    if random.randrange(8):
        return {"kind": "linear", "widths": list(random.choice(WIDTHS))}
    depth = random.choice((1, 2, 4, 8))
    scale = random.choice(("1", f"1/{depth}", f"power({depth},-1/2)"))
    activation = random.choice((*ACTIVATIONS, "identity", "tanh"))
    return {
        "kind": "residual",
        "width": random.choice((1, 2)),
        "depth": depth,
        "activation": activation,
        "branch_scale": scale,
    }


def random_problem(network: dict[str, Any], random: Random) -> dict[str, Any]:
    """Return a problem for a network: a target, inputs now and then, a start."""
    linear = network["kind"] == "linear"
    widths = network["widths"] if linear else [network["width"]] * 2
    target = random_target(widths[-1], widths[0], random)
    normalisation = "half" if linear and random.randrange(8) else random.choice(("half", "mean", "none"))
    loss: dict[str, Any] = {"kind": "square", "target": target, "normalisation": normalisation}
    if not random.randrange(6) or not linear:
        loss["inputs"] = {"rows": eye(widths[0], widths[0], random.choice((("1",), ("2", "1"), ("1/2", "3"))))}
    return {
        "network": network,
        "loss": loss,
        "start": random_start(widths, random) if linear else {"scheme": "identity"},
    }


def simplest(random: Random) -> Iterator[Specification]:
    """Yield descent and flow from the identity on targets of each size, in an order drawn anew."""
    cases = list(itertools.product(WIDTHS, range(4), (None, "largest", "1/10", "1/50", "1/2"), _LENGTHS[:3]))
    random.shuffle(cases)
    for widths, _, step, steps in cases:
        flow: dict[str, Any] = {"name": "gradient_flow", "stop": {"time": random.choice(_TIMES)}}
        method = flow if step is None else {"name": "gradient_descent", "step_size": step, "stop": {"steps": steps}}
        loss = {"kind": "square", "target": random_target(widths[-1], widths[0], random), "normalisation": "half"}
        network = {"kind": "linear", "widths": list(widths)}
        yield {"problem": {"network": network, "loss": loss, "start": {"scheme": "identity"}}, "dynamics": method}


def random_specification(random: Random) -> Specification:
    """Return a problem from the lists, its parts drawn apart."""
    return {"problem": random_problem(random_network(random), random), "dynamics": random_dynamics(random)}
