"""Two numbers under label noise: what the draws of a run were, from its seed alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.backends.reals import Real
from workbench.draws import signs
from workbench.theorems._examples import BALL, experiment
from workbench.theorems._run import Run

# The stream that the dynamics draws its labels of.
STREAM = "label_noise"


def two_numbers(run: Run) -> bool:
    """Say whether the network is two layers of width one, whitened, loss with the factor 1/2."""
    return run.setting().holds is True and tuple(run.widths) == (1, 1, 1)


def initial_imbalance(run: Run) -> Fraction | None:
    """Return w_L^2 - w_1^2 at the start, None where these are no rational numbers."""
    entries = [layer[0][0] for layer in run.initial_weights()]
    if set(run.widths) != {1} or not all(isinstance(x, Fraction) for x in entries):
        return None
    return Fraction(entries[-1]) ** 2 - Fraction(entries[0]) ** 2  # type: ignore[arg-type]


def slopes(run: Run) -> list[Real]:
    """Return g_k = w_2 w_1 - s - nu xi_k at each record, of a run that records every step."""
    target, noise = Fraction(run.target.rows[0][0]), run.parameter("noise")
    seed = int(run.parameter("seed"))
    return [
        run.number(product) - (target + noise * signs(STREAM, seed, step, (1, 1))[0][0])
        for step, product in zip(run.steps, run.observable("end_to_end_trace"), strict=True)
    ]


def every_step(run: Run) -> bool:
    """Say whether every step is recorded."""
    return tuple(run.steps) == tuple(range(len(run.steps)))


def noisy(weights: list[str], target: str, noise: str = "1/2", **options: Any) -> dict[str, Any]:
    """Return stochastic descent on numbers, the labels with signs of seed 1."""
    given: dict[str, Any] = {
        "dynamics": "stochastic_descent",
        "parameters": {"noise": noise, "seed": "1"},
        "step_size": "1/8",
        "stop": {"steps": 60},
        "backend": BALL,
    }
    return experiment(
        [1] * (len(weights) + 1),
        {"rows": [[target]]},
        **{**given, "start": {"scheme": "given", "weights": [[[w]] for w in weights]}, **options},
    )
