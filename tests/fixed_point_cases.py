"""Runs of descent in fixed point, and one step of each in fractions."""

from __future__ import annotations

import math
from fractions import Fraction

from workbench import backends, targets
from workbench.dynamics._fixed_point import FixedPoint
from workbench.dynamics._fixed_point_bounds import RegionBounds
from workbench.dynamics._fixed_point_descent import rule_of
from workbench.dynamics._fixed_point_rules import Momentum
from workbench.exact import Matrix
from workbench.networks import build
from workbench.problem import LinearNetwork, Problem, SquareLoss, Start
from workbench.trajectory import Method, Stop

BITS = 96


def problem(widths, seed=1, inputs=None, normalisation="half", scale="1/2"):
    target = targets.matrix({"family": "uniform", "shape": [widths[-1], inputs or widths[0]], "seed": seed})
    given = None
    if inputs is not None:
        given = targets.matrix({"family": "uniform", "shape": [widths[0], inputs], "seed": seed + 1})
    start = Start("gaussian", {"seed": seed, "scale": scale})
    return Problem(LinearNetwork(tuple(widths)), SquareLoss(target, given, normalisation), start)


def method(name="gradient_descent", steps=30, eta="1/7", level=None, **parameters):
    exact = {k: Fraction(v) for k, v in parameters.items()}
    return Method(name, Stop(steps=steps, until_loss=level), Fraction(eta), exact)


CASES = {
    "square": (problem([2, 2, 2, 2]), method()),
    "rectangular": (problem([2, 3, 1, 4]), method()),
    "depth one": (problem([3, 2]), method(eta="3/1024")),
    "width one": (problem([1, 1, 1, 1, 1]), method(eta="1")),
    "data": (problem([2, 3, 2], inputs=5), method()),
    "one sample, mean": (problem([3, 2, 2], inputs=1, normalisation="mean"), method()),
    "no factor": (problem([2, 2, 2], normalisation="none"), method(eta="2/31")),
    "penalised": (problem([2, 2, 2]), method("penalised_descent", penalty="1/3")),
    "decay": (problem([2, 3, 2]), method("weight_decay", decay="2/7")),
    "large weights": (problem([3, 3, 3], scale="4"), method(eta="1/1000")),
    "heavy ball": (problem([2, 3, 2]), method("heavy_ball", momentum="3/7")),
    "heavy ball, long step": (problem([2, 2, 2, 2]), method("heavy_ball", eta="1/2", momentum="9/10", steps=12)),
    "no momentum": (problem([2, 2, 2]), method("heavy_ball", momentum="0")),
    "ahead": (problem([2, 3, 2], inputs=4), method("nesterov", momentum="5/9")),
    "ahead, width one": (problem([1, 1, 1]), method("nesterov", momentum="99/100", eta="1/100")),
}


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def turned(a):
    return [list(column) for column in zip(*a, strict=True)]


def exact_step(given, rule, layers, velocities):
    """Return the next weights and velocities and the residual in fractions, from the definition of the gradient."""
    loss = given.loss
    inputs = [list(r) for r in (loss.inputs or Matrix.identity(given.network.widths[0])).rows]

    def chain(part, rows):
        result = [[Fraction(i == j) for j in range(rows)] for i in range(rows)]
        for layer in part:
            result = product(layer, result)
        return result

    whole = product(chain(layers, given.network.widths[0]), inputs)
    residual = [[x - t for x, t in zip(r, s, strict=True)] for r, s in zip(whole, loss.target.rows, strict=True)]
    after, moving = [], []
    for i, (layer, velocity) in enumerate(zip(layers, velocities, strict=True)):
        above = chain(layers[i + 1 :], given.network.widths[i + 1])
        below = product(chain(layers[:i], given.network.widths[0]), inputs)
        gradient = product(product(turned(above), residual), turned(below))
        pulled, b = rule.parameter("penalty") or rule.parameter("decay"), rule.parameter("momentum")
        anchor = int(rule.name == "penalised_descent")
        places = [(i, j) for i in range(len(layer)) for j in range(len(layer[0]))]
        pull = {
            (i, j): 2 * loss.factor * gradient[i][j] + pulled * (layer[i][j] - anchor * (i == j)) for i, j in places
        }
        speed = {(i, j): b * velocity[i][j] - rule.step_size * pull[i, j] for i, j in places}
        ahead = rule.name == "nesterov"
        step = {at: b * speed[at] - rule.step_size * pull[at] if ahead else speed[at] for at in places}
        rows, columns = range(len(layer)), range(len(layer[0]))
        after.append([[layer[i][j] + step[i, j] for j in columns] for i in rows])
        moving.append([[speed[i, j] for j in columns] for i in rows])
    return after, moving, residual


def distance(first, second):
    """Return the Frobenius norm of the difference."""
    pairs = zip(first, second, strict=True)
    total = sum((x - y) ** 2 for a, b in pairs for r, s in zip(a, b, strict=True) for x, y in zip(r, s, strict=True))
    return math.sqrt(total)


def units(layers, bits=BITS):
    return [[[Fraction(x, 2**bits) for x in row] for row in layer] for layer in layers]


def machinery(given, rule):
    """Return the integers, the lemmas' constants and the rule of a run."""
    base = backends.load("ball", bits=BITS)
    with base.session():
        floats = [base.shadow(p) for p in build(given, base).parameters]
    moves, anchor = rule_of(given, rule, floats)
    return (
        FixedPoint(given, BITS, rule.step_size, moves, anchor),
        RegionBounds(given, 2.0**-BITS, rule.step_size, moves),
        moves,
    )


def carried(moves, weights, velocities):
    """Return the norm that a rule carries, of errors of weights and velocities."""
    if not isinstance(moves, Momentum):
        return distance(weights, [[[0] * len(r) for r in w] for w in weights])
    c, g = (Fraction(x) for x in moves._norm)
    squares = 0.0
    for w, v in zip(weights, velocities, strict=True):
        for r, s in zip(w, v, strict=True):
            squares += sum(float(x + c * y) ** 2 + float(g * y) ** 2 for x, y in zip(r, s, strict=True))
    return math.sqrt(squares)


def difference(first, second):
    return [
        [[x - y for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]
        for a, b in zip(first, second, strict=True)
    ]
