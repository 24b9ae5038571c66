"""Certified flows against a Taylor series of its own in mpmath, at twice the digits: nothing of the package judges."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from workbench import dynamics, targets
from workbench.dynamics import _taylor
from workbench.initialization import weights
from workbench.problem import LinearNetwork, Problem, ResidualNetwork, SquareLoss, Start
from workbench.trajectory import Arithmetic, Method, Stop, Watch

pytestmark = pytest.mark.long

DIGITS, ORDER = 40, 40
NORMALISATIONS = ("half", "mean", "none")


def number(value):
    return mpmath.mpf(value.numerator) / value.denominator


def array(rows):
    return np.array([[number(Fraction(x)) for x in row] for row in rows], dtype=object)


def product(left, right, k):
    """Return the coefficient k of a product of matrix series."""
    return np.concatenate(left[: k + 1], axis=1) @ np.concatenate(right[k::-1], axis=0)


def entrywise(left, right, k):
    return sum(left[j] * right[k - j] for j in range(k + 1))


class Reference:
    """The flow as pieces of Taylor series; the residual branch is tanh, u' = (1 - u^2) z'."""

    def __init__(self, problem):
        loss, network = problem.loss, problem.network
        self.scale = number(network.branch_scale) if isinstance(network, ResidualNetwork) else None
        inputs = np.eye(network.widths[0], dtype=int).tolist() if loss.inputs is None else loss.inputs.rows
        self.inputs, self.target, self.factor = array(inputs), array(loss.target.rows), number(loss.factor)
        self.pieces = [(Fraction(0), *self.step([array(w) for w in weights(network, problem.start)]))]

    def at(self, time):
        """Return the weights at a flow time, stepping there first."""
        start, length, layers = self.pieces[-1]
        while start + length < time:
            end = [self.value(layer, number(length)) for layer in layers]
            self.pieces.append((start + length, *self.step(end)))
            start, length, layers = self.pieces[-1]
        start, length, layers = next(p for p in reversed(self.pieces) if p[0] <= time)
        return [self.value(layer, number(time - start)) for layer in layers]

    def value(self, layer, time):
        total = layer[-1]
        for coefficient in reversed(layer[:-1]):
            total = total * time + coefficient
        return total

    def step(self, begin):
        layers = self.series(begin)
        last = max(abs(x) for layer in layers for k in (ORDER - 1, ORDER) for x in layer[k].ravel())
        length = (
            1.0 if last == 0 else min(1.0, float((mpmath.mpf(10) ** (3 - DIGITS) / last) ** (mpmath.mpf(1) / ORDER)))
        )
        return Fraction(int(length * 2**20), 2**20), layers

    def series(self, begin):
        depth = len(begin)
        layers, states = [[w] for w in begin], [[] for _ in range(depth + 1)]
        transposed, flipped = [[] for _ in begin], [[] for _ in begin]
        arguments, branches, slopes, slopes_out, adjoints = ([[] for _ in begin] for _ in range(5))
        for k in range(ORDER):
            states[0].append(self.inputs if k == 0 else self.inputs * 0)
            for i in range(depth):
                transposed[i].append(layers[i][k].T)
                flipped[i].append(states[i][k].T)
                arguments[i].append(product(layers[i], states[i], k))
                branches[i].append(self.branch(arguments[i], branches[i], slopes[i], k))
                before = 0 if self.scale is None else states[i][k]
                states[i + 1].append(before + branches[i][k] * (self.scale or 1))
            adjoint = 2 * self.factor * (states[depth][k] - (self.target if k == 0 else 0))
            for i in reversed(range(depth)):
                adjoints[i].append(adjoint)
                inner = adjoint if self.scale is None else self.scale * entrywise(slopes[i], adjoints[i], k)
                slopes_out[i].append(inner)
                layers[i].append(-product(slopes_out[i], flipped[i], k) / (k + 1))
                back = product(transposed[i], slopes_out[i], k)
                adjoint = back if self.scale is None else adjoint + back
        return layers

    def branch(self, arguments, branches, slopes, k):
        if self.scale is None:
            return arguments[k]
        if k == 0:
            now = np.vectorize(mpmath.tanh, otypes=[object])(arguments[0])
        else:
            now = sum((j * arguments[j] * slopes[k - j] for j in range(1, k + 1)), start=arguments[0] * 0) / k
        slopes.append((1 if k == 0 else 0) - entrywise([*branches, now], [*branches, now], k))
        return now

    def loss(self, time):
        state = self.inputs
        for layer in self.at(time):
            inner = layer @ state
            state = inner if self.scale is None else state + self.scale * np.vectorize(mpmath.tanh)(inner)
        return self.factor * ((state - self.target) ** 2).sum()


@dataclass
class Count:
    compared: int = 0
    missed: int = 0

    def inside(self, value, measured):
        low, high = measured.bounds()
        # Ten digits of the reference's are left to its own error.
        slack = mpmath.mpf(10) ** (10 - DIGITS)
        self.compared += 1
        self.missed += not number(low) - slack <= value <= number(high) + slack


def entry(generator):
    return str(Fraction(generator.randint(-10, 10), generator.choice([5, 7, 8])))


def rows(generator, height, width):
    return [[entry(generator) for _ in range(width)] for _ in range(height)]


def posed(seed):
    """Return a random small problem: every third one residual, starts, inputs and normalisations by turns."""
    generator = random.Random(seed)
    depth, samples = 1 + seed % 4, generator.randint(1, 3)
    if seed % 3 == 2:
        width = generator.randint(1, 2)
        network = ResidualNetwork(width, depth, "tanh", Fraction(1, generator.randint(1, 3)))
        start = Start("gaussian", {"seed": seed, "scale": "1/2"})
    else:
        network = LinearNetwork(tuple(generator.randint(1, 3) for _ in range(depth + 1)))
        layers = [rows(generator, *shape) for shape in network.shapes]
        starts = (Start("gaussian", {"seed": seed}), Start("identity"), Start("given", {"weights": layers}))
        start = starts[2] if len(set(network.widths)) > 1 and seed % 2 else starts[seed % 2]
    inputs = rows(generator, network.widths[0], samples) if seed % 2 or seed % 3 == 2 else None
    target = rows(generator, network.widths[-1], samples if inputs else network.widths[0])
    matrices = targets.matrix(target), None if inputs is None else targets.matrix(inputs)
    return Problem(network, SquareLoss(*matrices, NORMALISATIONS[seed // 2 % 3]), start)


def compare(problem, *, time="1", structured=False):
    """Return how many recorded numbers and crossings were compared with the reference, and how many missed it."""
    with mpmath.workdps(DIGITS + 10):
        reference, count = Reference(problem), Count()
        halfway = reference.loss(Fraction(time) / 2)
        level = Fraction(int(halfway * 10**6), 10**6)
        watch = () if structured else (Watch("loss", level),)
        method = Method("gradient_flow", Stop(time=Fraction(time), watch=watch))
        run = dynamics.run(problem, method, Arithmetic("ball", 18, structured=structured), keep_weights=True)
        for k in range(1, len(run.times), 3):
            count.inside(reference.loss(run.times[k]), run.observables["loss"][k])
            for mine, theirs in zip(reference.at(run.times[k]), run.weights[k], strict=True):
                for value, measured in zip(mine.ravel(), (x for row in theirs for x in row), strict=True):
                    count.inside(value, measured)
        for event in (e for e in run.events if e.outcome == "crossed"):
            count.compared += 1
            ends = reference.loss(event.low), reference.loss(event.high)
            count.missed += not ends[0] >= number(level) >= ends[1]
        return count


@pytest.mark.parametrize("seed", range(10))
def test_every_weight_loss_and_crossing_of_a_random_flow_is_enclosed(seed):
    count = compare(posed(seed))
    assert count.compared >= 28
    assert count.missed == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_closed_forms_mode_by_mode_are_enclosed(depth):
    target = targets.matrix([["2", 0], [0, "-1/3"]])
    count = compare(Problem(LinearNetwork((2,) * (depth + 1)), SquareLoss(target)), time="2", structured=True)
    assert count.compared > 50
    assert count.missed == 0


@pytest.mark.parametrize("seed", [2, 6, 9])
def test_radii_that_are_too_small_are_caught(monkeypatch, seed):
    right = _taylor.enclosed_error

    def shrunk(*given):
        found = right(*given)
        return None if found is None else found / 2**20

    monkeypatch.setattr(_taylor, "enclosed_error", shrunk)
    assert compare(posed(seed)).missed > 0
