"""False identities of the kinds that slip into papers: each is refuted, beside the true one that is proved.

Signs, transposes, exponents, missing terms and factors, and wrong hypotheses. The witness is evaluated here once more,
with NumPy and rationals, and the true identity beside each shows that it is the one change that is refuted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.identities import Identity, Inequality, Region, written_out
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import balanced, eigenvalues, equal_layers
from workbench.symbolic.words import (
    Letter,
    MatrixPolynomial,
    TracePolynomial,
    frobenius_inner,
    identity,
    matrix,
    squared_frobenius_norm,
    trace,
    trace_constant,
    zero,
)

HALF = Fraction(1, 2)
ONE = Polynomial.constant(1)
X, A, B, ETA, R, LAMBDA, BETA, DELTA = (
    Polynomial.symbol(name) for name in ("x", "a", "b", "eta", "r", "lambda", "beta", "delta")
)


WIDTH = Polynomial.symbol("d")


@dataclass(frozen=True)
class Pair:
    """A true identity and what becomes of it by one mistake."""

    true: Identity
    false: Identity

    @property
    def name(self):
        return self.false.name


def pair(mistake, left, right, wrong, under=None):
    return Pair(Identity(f"true: {mistake}", left, right, under=under), Identity(mistake, left, wrong, under=under))


def square(name, symmetric=False):
    return Letter(name, "d", "d", symmetric=symmetric)


def gradients():
    two, three = linear_network(2, ("d",) * 3), linear_network(3, ("d",) * 4)
    w1, w2, e, w = two.layer(1), two.layer(2), two.error, two.end_to_end
    first, second = (Calculus().gradient(two.loss, layer) for layer in two.layers)
    yield pair("gradient with the wrong sign", first, w2.T @ e, -(w2.T @ e))
    yield pair("gradient without the transpose above", first, w2.T @ e, w2 @ e)
    yield pair("gradient without the transpose below", second, e @ w1.T, e @ w1)
    yield pair("gradient on the wrong side", first, w2.T @ e, e @ w2.T)
    yield pair("gradient of the other layer", first, w2.T @ e, e @ w1.T)
    yield pair("gradient twice too large", first, w2.T @ e, 2 * (w2.T @ e))
    yield pair("gradient without the target", first, w2.T @ e, w2.T @ w)
    yield pair("gradient with the target added", first, w2.T @ e, w2.T @ (w + matrix(two.target)))
    yield pair("gradient with the error transposed", first, w2.T @ e, w2.T @ e.T)
    u1, u3, f = three.layer(1), three.layer(3), three.error
    middle = Calculus().gradient(three.loss, three.layers[1])
    true = u3.T @ f @ u1.T
    yield pair("middle gradient without the transpose above", middle, true, u3 @ f @ u1.T)
    yield pair("middle gradient without the transpose below", middle, true, u3.T @ f @ u1)
    yield pair("middle gradient with the outer layers swapped", middle, true, u1.T @ f @ u3.T)
    yield pair("middle gradient without the layer below", middle, true, u3.T @ f)
    x = matrix(Letter("X", "d", "d"))
    residual = w @ x - matrix(Letter("Y", "d", "d"))
    data = Calculus().gradient(two.data_loss("d"), two.layers[0])
    yield pair("data gradient without the transposed data", data, w2.T @ residual @ x.T, w2.T @ residual @ x)
    yield pair("data gradient without the data", data, w2.T @ residual @ x.T, w2.T @ residual)
    slope = matrix(three.general_loss.gradient)
    general = Calculus().gradient(three.general_loss, three.layers[1])
    yield pair("general gradient with the slope transposed", general, u3.T @ slope @ u1.T, u3.T @ slope.T @ u1.T)


def traces():
    a, b, c = (matrix(square(name)) for name in "PQR")
    symmetric, u = matrix(square("S", symmetric=True)), Letter("U", "d", "d")
    quadratic = Calculus().gradient(trace(matrix(u) @ a @ matrix(u).T), u)
    yield pair("traces of all orders", trace(a @ b @ c), trace(c @ a @ b), trace(a @ c @ b))
    yield pair("trace of a product with one transpose", trace(a @ b.T), trace(a.T @ b), trace(a @ b))
    yield pair("squared norm as the trace of a square", squared_frobenius_norm(a), trace(a @ a.T), trace(a @ a))
    yield pair("trace of the identity as one", trace(identity("d")), trace_constant(WIDTH), trace_constant(1))
    yield pair("norm of a product in the other order", trace(a @ b @ b.T @ a.T), trace(b @ b.T @ a.T @ a), norm(b @ a))
    cross = norm(a) + norm(b) + 2 * frobenius_inner(a, b)
    yield pair("norm of a sum without its cross term", norm(a + b), cross, norm(a) + norm(b))
    yield pair("norm of a sum with half its cross term", norm(a + b), cross, cross - frobenius_inner(a, b))
    yield pair("gradient of a linear trace", Calculus().gradient(trace(a @ matrix(u)), u), a.T, a)
    yield pair("gradient of a cubic trace", Calculus().gradient(trace(matrix(u) ** 3), u), 3 * cube(u).T, 3 * cube(u))
    yield pair("gradient of a quadratic trace", quadratic, matrix(u) @ (a + a.T), 2 * (matrix(u) @ a))
    yield pair("transpose of a product in the same order", (a @ b).T, b.T @ a.T, a.T @ b.T)
    yield pair("binomial formula for matrices", (a + b) ** 2, a @ a + a @ b + b @ a + b @ b, a**2 + 2 * (a @ b) + b**2)
    mixed = a @ a + a @ b - b @ a - b @ b
    yield pair("difference of squares for matrices", (a - b) @ (a + b), mixed, a @ a - b @ b)
    true = Identity("true: only one factor symmetric", (symmetric @ symmetric).T, symmetric @ symmetric)
    yield Pair(true, Identity("product of symmetric matrices is symmetric", (symmetric @ a).T, symmetric @ a))


def norm(expression):
    return squared_frobenius_norm(expression)


def cube(letter):
    return matrix(letter) @ matrix(letter)


def balancedness():
    two, three = linear_network(2, ("d",) * 3), linear_network(3, ("d",) * 4)
    w1, w2 = two.layer(1), two.layer(2)
    calculus, none = Calculus(), zero("d", "d")
    flow = calculus.flow(two.loss, two.layers)
    longer = calculus.flow(three.loss, three.layers)

    defect = two.defect(1)

    def moved(expression, along=flow):
        return calculus.lie_derivative(expression, along)

    def conserved(mistake, expression, along=flow, right=defect):
        true = Identity(f"true: {mistake}", moved(right, along), none)
        return Pair(true, Identity(mistake, moved(expression, along), none))

    inner, outer = w2.T @ w2, w1 @ w1.T
    yield conserved("balancedness with a plus", inner + outer)
    yield conserved("balancedness with the upper transpose wrong", w2 @ w2.T - outer)
    yield conserved("balancedness with the lower transpose wrong", inner - w1.T @ w1)
    yield conserved("balancedness with a factor two", inner - 2 * outer)
    yield conserved("balancedness of the squares", inner @ inner - outer @ outer)
    apart = three.layer(3).T @ three.layer(3) - three.layer(1) @ three.layer(1).T
    yield conserved("balancedness of layers that are not neighbours", apart, longer, three.defect(2))
    product = two.end_to_end @ two.end_to_end.T
    yield conserved("a conserved end-to-end matrix", product)
    square_of_defect = trace(two.defect(1) @ two.defect(1)).derivative(flow)
    squares = (trace(inner @ inner) - trace(outer @ outer)).derivative(flow)
    nothing = trace_constant(0)
    name = "power sums of the two Gram matrices"
    yield Pair(Identity(f"true: {name}", square_of_defect, nothing), Identity(name, squares, nothing))
    decaying = {layer: velocity - LAMBDA * matrix(layer) for layer, velocity in flow.items()}
    change, d = moved(two.defect(1), decaying), two.defect(1)
    yield pair("weight decay at half the rate", change, -2 * LAMBDA * d, -LAMBDA * d)
    yield pair("weight decay that grows", change, -2 * LAMBDA * d, 2 * LAMBDA * d)
    yield pair("weight decay without effect on balancedness", change, -2 * LAMBDA * d, zero("d", "d"))


def descent():
    two = linear_network(2, ("d",) * 3)
    calculus, d = Calculus(), two.defect(1)
    step = calculus.descent_step(two.loss, two.layers)
    g1, g2 = (calculus.gradient(two.loss, layer) for layer in two.layers)
    after, drift = d.substitute(step), g2.T @ g2 - g1 @ g1.T
    yield pair("descent conserves balancedness", after, d + ETA**2 * drift, d)
    yield pair("drift of first order in the step", after, d + ETA**2 * drift, d + ETA * drift)
    yield pair("drift with the wrong sign", after, d + ETA**2 * drift, d - ETA**2 * drift)
    yield pair("drift with a plus inside", after, d + ETA**2 * drift, d + ETA**2 * (g2.T @ g2 + g1 @ g1.T))
    shrunk = {m: (ONE - ETA * LAMBDA) * matrix(m) - ETA * g for m, g in zip(two.layers, (g1, g2), strict=True)}
    decay, true = d.substitute(shrunk), (ONE - ETA * LAMBDA) ** 2 * d + ETA**2 * drift
    yield pair("decayed drift with the first power", decay, true, (ONE - ETA * LAMBDA) * d + ETA**2 * drift)
    imbalance = (A - ETA * R * B) ** 2 - (B - ETA * R * A) ** 2
    factor, difference = ONE - ETA**2 * R**2, A**2 - B**2
    yield pair("scalar imbalance with a plus", imbalance, difference * factor, difference * (2 - factor))
    yield pair("scalar imbalance of first order", imbalance, difference * factor, difference * (1 - ETA * R**2))
    yield pair("scalar imbalance squared", imbalance, difference * factor, difference * (ONE - ETA * R) ** 2)


def end_to_end():
    two, three = linear_network(2, ("d",) * 3), linear_network(3, ("d",) * 4)
    calculus = Calculus()
    w1, w2, e = two.layer(1), two.layer(2), two.error
    speed = calculus.lie_derivative(two.end_to_end, calculus.flow(two.loss, two.layers))
    true = -(w2 @ w2.T @ e) - e @ w1.T @ w1
    yield pair("end-to-end flow with the upper Gram matrix wrong", speed, true, -(w2.T @ w2 @ e) - e @ w1.T @ w1)
    yield pair("end-to-end flow with the lower Gram matrix wrong", speed, true, -(w2 @ w2.T @ e) - e @ w1 @ w1.T)
    yield pair("end-to-end flow without its last term", speed, true, -(w2 @ w2.T @ e))
    yield pair("end-to-end flow uphill", speed, true, -true)
    terms = [three.above(j) @ three.above(j).T @ three.error @ three.below(j).T @ three.below(j) for j in (1, 2, 3)]
    longer = calculus.lie_derivative(three.end_to_end, calculus.flow(three.loss, three.layers))
    right = -terms[0] - terms[1] - terms[2]
    yield pair("end-to-end flow without its middle term", longer, right, -terms[0] - terms[2])
    fall = two.loss.derivative(calculus.flow(two.loss, two.layers))
    squares = norm(w2.T @ e) + norm(e @ w1.T)
    yield pair("loss that falls by its own size", fall, -squares, -norm(e))
    yield pair("loss that falls half as fast", fall, -squares, -squares * HALF)
    yield pair("loss that rises", fall, -squares, squares)


def momentum():
    two = linear_network(2, ("d",) * 3)
    calculus = Calculus()
    w1, w2 = two.layer(1), two.layer(2)
    v1, v2 = (Letter(f"V_{j}", "d", "d") for j in (1, 2))
    push = calculus.flow(two.loss, two.layers)
    velocities = {two.layers[0]: matrix(v1), two.layers[1]: matrix(v2)}
    velocities |= {v1: push[two.layers[0]] - BETA * matrix(v1), v2: push[two.layers[1]] - BETA * matrix(v2)}
    upper, lower = w2.T @ matrix(v2), w1 @ matrix(v1).T
    skew, mixed = upper - upper.T + lower - lower.T, upper - upper.T - lower + lower.T
    change = calculus.lie_derivative(skew, velocities)
    yield pair("skew law without friction", change, -BETA * skew, zero("d", "d"))
    yield pair("skew law that grows", change, -BETA * skew, BETA * skew)
    yield pair("skew law at twice the rate", change, -BETA * skew, -2 * BETA * skew)
    name = "skew law with a minus between the layers"
    yield replace(
        pair(name, change, -BETA * skew, skew),
        false=Identity(name, calculus.lie_derivative(mixed, velocities), -BETA * mixed),
    )
    name = "symmetric law of heavy ball"
    symmetric = upper + upper.T - lower - lower.T
    yield replace(
        pair(name, change, -BETA * skew, skew),
        false=Identity(name, calculus.lie_derivative(symmetric, velocities), -BETA * symmetric),
    )
    g1, g2 = (-push[layer] for layer in two.layers)
    b1, b2 = BETA * matrix(v1) - ETA * g1, BETA * matrix(v2) - ETA * g2
    # After a step W + B with the new velocity B; the velocity before it led from W - V to W.
    new = (w2 + b2).T @ w2 - w2.T @ (w2 + b2) + (w1 + b1) @ w1.T - w1 @ (w1 + b1).T
    old = w2.T @ (w2 - matrix(v2)) - (w2 - matrix(v2)).T @ w2 + w1 @ (w1 - matrix(v1)).T - (w1 - matrix(v1)) @ w1.T
    yield pair("discrete skew law without damping", new, BETA * old, old)
    yield pair("discrete skew law with the wrong sign", new, BETA * old, -BETA * old)
    yield pair("discrete skew law damped twice", new, BETA * old, BETA**2 * old)


def residual_layers():
    a1, a2, one = matrix(square("A_1")), matrix(square("A_2")), identity("d")
    first, second = one + DELTA * a1, one + DELTA * a2
    defect = second.T @ second - first @ first.T
    linear, quadratic = a2 + a2.T - a1 - a1.T, a2.T @ a2 - a1 @ a1.T
    true = DELTA * linear + DELTA**2 * quadratic
    yield pair("residual balancedness without its linear part", defect, true, DELTA**2 * quadratic)
    yield pair("residual balancedness with a skew linear part", defect, true, true - 2 * DELTA * (a2.T - a1.T))
    yield pair("residual balancedness of first order only", defect, true, DELTA * (linear + quadratic))


def hypotheses():
    network = linear_network(3, ("d",) * 4)
    w, first, last = network.end_to_end, network.layer(1), network.layer(3)
    high, low = balanced(network.layers, "last"), balanced(network.layers, "first")
    above, below = w @ w.T, w.T @ w
    yield pair("power of balanced layers one too low", above, (last @ last.T) ** 3, (last @ last.T) ** 2, high)
    yield pair("power of balanced layers one too high", above, (last @ last.T) ** 3, (last @ last.T) ** 4, high)
    yield pair("balanced layers with the Gram matrix wrong", below, (first.T @ first) ** 3, (first @ first.T) ** 3, low)
    yield unsupposed("power of layers that are not balanced", above, (last @ last.T) ** 3, high)
    yield unsupposed("lower power of layers that are not balanced", below, (first.T @ first) ** 3, low)
    layers, target = network.layers, network.target
    alike = equal_layers(layers, target)
    target_word = matrix(target)
    yield unsupposed("layers that commute with any target", first @ target_word, target_word @ first, alike)
    yield unsupposed("equal gradients of unequal layers", *both_gradients(network), alike)
    read = eigenvalues(layers, target, LAMBDA)
    step = network.layer(1) - ETA * Calculus().gradient(network.loss, layers[0])
    true = X - ETA * X**2 * (X**3 - LAMBDA)
    yield pair("recursion with the exponent of the depth", step, true, X - ETA * X**3 * (X**3 - LAMBDA), read)
    yield pair("recursion uphill", step, true, X + ETA * X**2 * (X**3 - LAMBDA), read)
    yield pair("recursion of a loss without its half", step, true, X - 2 * ETA * X**2 * (X**3 - LAMBDA), read)
    yield pair("recursion towards the root of the target", step, true, X - ETA * X**2 * (X - LAMBDA), read)


def both_gradients(network):
    calculus = Calculus()
    return calculus.gradient(network.loss, network.layers[0]), calculus.gradient(network.loss, network.layers[2])


def unsupposed(mistake, left, right, under):
    """Drop the hypothesis that makes an identity true."""
    return Pair(Identity(f"true: {mistake}", left, right, under=under), Identity(mistake, left, right))


FAMILIES = (gradients, traces, balancedness, descent, end_to_end, momentum, residual_layers, hypotheses)
PAIRS = [each for family in FAMILIES for each in family()]
by_name = pytest.mark.parametrize("case", PAIRS, ids=lambda case: case.name.replace(" ", "-"))


def test_a_width_in_a_witness_is_the_size_of_its_matrices():
    letter = Letter("P", "d", "d")
    gram = trace(matrix(letter) @ matrix(letter).T)
    witness = decide(Identity("widths", gram + trace(identity("d")), gram + trace_constant(1))).witness
    assert witness["d"] == str(len(witness["P"]))


def test_there_are_at_least_forty_false_identities_and_no_two_share_a_name():
    names = [case.name for case in PAIRS]
    assert len(set(names)) == len(names) >= 40


@by_name
def test_a_false_identity_is_refuted_with_its_witness(case, record_property):
    decision = decide(case.false)
    assert decision.status == "refuted"
    witness = dict(decision.witness)
    record_property("witness", witness)
    print(f"{case.name}: {witness}")
    assert witness["left"] != witness["right"]
    assert all(Fraction(witness[width]) >= 1 and "/" not in witness[width] for width in {"d"} & set(witness))
    if case.false.under is None or not case.false.under.letters:
        assert at(case.false.left, witness) == witness["left"]
        assert at(case.false.right, witness) == witness["right"]


@by_name
def test_the_true_identity_beside_it_is_proved(case):
    decision = decide(case.true)
    assert (decision.status, decision.witness) == ("proved", None)


def at(side, witness):
    """Return the value of a side at a witness as text, by NumPy's products of rationals."""
    side = written_out(side, ())
    if isinstance(side, Polynomial):
        return str(side.evaluate({name: Fraction(witness[name]) for name in side.symbols}))
    scalars = {name: Fraction(value) for name, value in witness.items() if isinstance(value, str)}
    size = next((len(rows) for name, rows in witness.items() if name[0].isupper()), 0)
    total = np.array([[Fraction(0)] * size for _ in range(size)], dtype=object)
    constant = Fraction(0)
    for word, coefficient in side.terms.items():
        value = coefficient.evaluate(scalars)
        if isinstance(side, TracePolynomial) and not word:
            constant += value
        else:
            total = total + value * word_at(word, witness, size)
    if isinstance(side, MatrixPolynomial):
        return [[str(entry) for entry in row] for row in total]
    return str(constant + sum(total[k][k] for k in range(size)))


def word_at(word, witness, size):
    product = np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)
    for factor in word:
        rows = np.array([[Fraction(entry) for entry in row] for row in witness[factor.letter.name]], dtype=object)
        product = product @ (rows.T if factor.transposed else rows)
    return product


@pytest.mark.parametrize(
    ("name", "smaller", "larger"),
    [
        ("Bernoulli the wrong way", X**3 - 1, 3 * (X - 1)),
        ("Bernoulli with a factor too many", 4 * (X - 1), X**3 - 1),
        ("a square below its root", X**2, X),
        ("a sum of squares below the product", X**2 + 1, 2 * X),
    ],
)
def test_a_false_inequality_is_refuted_at_a_point_of_its_region(name, smaller, larger):
    decision = decide(Inequality(name, smaller, larger, Region({"x": (ONE + A, ONE)})))
    assert decision.status == "refuted"
    point = Fraction(decision.witness["x"])
    assert point >= 1
    assert smaller.evaluate({"x": point}) > larger.evaluate({"x": point})
