"""Late orbits of descent at many step sizes at once, in float64, and how fast neighbouring orbits part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from workbench.backends.float64 import Float64
from workbench.networks import build
from workbench.probes._chain_map import gradients
from workbench.probes.base import TimeLimit
from workbench.problem import Problem

# An orbit beyond this, in units of the target, does not come back.
_ESCAPED = 1e3


@dataclass(frozen=True)
class Orbits:
    """What many orbits did after they settled.

    Parameters
    ----------
    late : ndarray, shape (records, orbits, modes)
        NaN from where an orbit escaped.
    exponent : ndarray, shape (orbits,)
        Mean of ln|f'| over the late steps; NaN for matrices and after an escape.
    """

    late: np.ndarray
    exponent: np.ndarray


def of_numbers(depth: int, scaled: np.ndarray, start: np.ndarray, settle: int, steps: int, limit: TimeLimit) -> Orbits:
    """Return late orbits x^L of equal numbers, one for each scaled step and start."""
    g, slope, _ = (np.array([float(Fraction(int(c.p), int(c.q))) for c in p.coeffs()][::-1]) for p in gradients(depth))
    x, total, late = start.astype(float).copy(), np.zeros(len(scaled)), []
    with np.errstate(all="ignore"):
        for step in range(settle + steps):
            if step % 256 == 0 and limit.over:
                break
            if step >= settle:
                total += np.log(np.abs(1 - scaled * np.polyval(slope, x)))
                late.append(x**depth)
            x = x - scaled * np.polyval(g, x)
            x[np.abs(x) > _ESCAPED] = np.nan
    counted = max(len(late), 1)
    shape = _kept(np.array(late).reshape(-1, len(scaled), 1), np.isfinite(x))
    return Orbits(shape, np.where(np.isfinite(x), total / counted, np.nan))


def of_matrices(problem: Problem, steps_of: np.ndarray, settle: int, steps: int, limit: TimeLimit) -> Orbits:
    """Return the late modes u_i^T W v_i, in the target's singular frames, one orbit for each step size."""
    network = build(problem, Float64())
    target = np.array([[float(v) for v in row] for row in problem.loss.target.rows])
    left, values, right = np.linalg.svd(target)
    many, late = len(steps_of), []
    layers = tuple(np.repeat(np.asarray(p, dtype=float)[None], many, axis=0) for p in network.parameters)
    eta = steps_of[:, None, None]
    with np.errstate(all="ignore"):
        for step in range(settle + steps):
            if step % 64 == 0 and limit.over:
                break
            if step >= settle:
                whole = network.end_to_end(layers)
                seen = np.einsum("ai,nab,ib->ni", left[:, : len(values)], whole, right[: len(values)])
                late.append(seen)
            _, pulls = network.loss_and_gradients(layers)
            layers = tuple(layer - eta * pull for layer, pull in zip(layers, pulls, strict=True))
            lost = ~np.isfinite(layers[0]).all(axis=(1, 2)) | (np.abs(layers[0]).max(axis=(1, 2)) > _ESCAPED)
            for layer in layers:
                layer[lost] = np.nan
    shape = _kept(np.array(late).reshape(-1, many, len(values)), np.isfinite(layers[0]).all(axis=(1, 2)))
    return Orbits(shape, np.full(many, np.nan))


def _kept(late: np.ndarray, stayed: np.ndarray) -> np.ndarray:
    """Return the late values of the orbits that stayed, NaN for the others: on the way out they would fill any axis."""
    return np.where(stayed[None, :, None], late, np.nan)


def period_of(orbit: np.ndarray, most: int) -> int | None:
    """Return the least period of a settled orbit, within a part in 10^7, None where there is none up to the most."""
    if not np.isfinite(orbit).all() or len(orbit) < 2 * most:
        return None
    size = float(np.abs(orbit).max()) or 1.0
    for period in range(1, most + 1):
        if float(np.abs(orbit[period:] - orbit[:-period]).max()) < 1e-7 * size:
            return period
    return None


def counts(values: np.ndarray, low: float, high: float, rows: int) -> list[list[int]]:
    """Return how often the orbit of each column, shape (records, columns), falls into each of some rows."""
    grid = np.zeros((rows, values.shape[1]), dtype=int)
    for column in range(values.shape[1]):
        seen = values[:, column]
        seen = seen[np.isfinite(seen) & (seen >= low) & (seen < high)]
        grid[:, column] = np.bincount(((seen - low) / (high - low) * rows).astype(int), minlength=rows)[:rows]
    found: list[list[int]] = grid.tolist()
    return found


def mean_exponent(
    depth: int, scaled: float, limit: TimeLimit, orbits: int = 400, steps: int = 20_000
) -> tuple[float, float, int]:
    """Return the Lyapunov exponent at a scaled step, twice its standard error over orbits, and how many stayed."""
    starts = np.random.default_rng(0).uniform(0.2, 0.95, orbits)
    found = of_numbers(depth, np.full(orbits, scaled), starts, 1000, steps, limit).exponent
    kept = found[np.isfinite(found)]
    if len(kept) < 2:
        return math.nan, math.nan, len(kept)
    return float(kept.mean()), 2 * float(kept.std(ddof=1)) / math.sqrt(len(kept)), len(kept)
