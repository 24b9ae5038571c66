"""Losses and gradients: against SymPy's derivative, entry by entry, and against autograd."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch

from workbench import backends
from workbench.backends.running_error import RunningError
from workbench.draws import integer
from workbench.errors import ShapeError, UnsupportedError
from workbench.exact import Matrix, Power
from workbench.networks import build
from workbench.problem import LinearNetwork, Network, Problem, ResidualNetwork, SquareLoss, Start

Rows = list[list[Fraction]]


def draw(rows: int, columns: int, seed: int) -> Rows:
    """Return small integers and halves, by seed."""
    return [[Fraction(integer("net", seed, i * columns + j, -6, 6), 2) for j in range(columns)] for i in range(rows)]


def given(network: Network, seed: int) -> Start:
    return Start("given", {"weights": [draw(*shape, seed + k) for k, shape in enumerate(network.shapes)]})


def problem_of(network: Network, samples: int | None, normalisation: str = "half", seed: int = 0) -> Problem:
    """Return a problem with weights, target and data that no symmetry hides anything in."""
    outputs, inputs = network.widths[-1], network.widths[0]
    data = None if samples is None else Matrix.from_rows(draw(inputs, samples, seed + 50))
    target = Matrix.from_rows(draw(outputs, inputs if samples is None else samples, seed + 60))
    return Problem(network, SquareLoss(target, data, normalisation), given(network, seed + 1))


def symbolic_gradients(problem: Problem) -> tuple[Fraction, list[Rows]]:
    """Return the loss and SymPy's derivative of it with respect to every entry, at the problem's weights."""
    network, loss = problem.network, problem.loss
    layers = [
        sympy.Matrix(rows, columns, lambda i, j, k=k: sympy.Symbol(f"w{k}_{i}_{j}"))
        for k, (rows, columns) in enumerate(network.shapes)
    ]
    inputs = sympy.eye(network.widths[0]) if loss.inputs is None else sympy.Matrix(loss.inputs.rows)
    state = inputs
    for layer in layers:
        state = layer * state if isinstance(network, LinearNetwork) else state + network.branch_scale * layer * state
    residual = state - sympy.Matrix(loss.target.rows)
    value = loss.factor * sum(x**2 for x in residual)
    at = {
        symbol: sympy.Rational(x.numerator, x.denominator)
        for layer, rows in zip(layers, problem.start.parameters["weights"], strict=True)
        for symbol, x in zip(layer, [x for row in rows for x in row], strict=True)
    }

    def number(expression: Any) -> Fraction:
        found = sympy.Rational(sympy.expand(expression).xreplace(at))
        return Fraction(int(found.p), int(found.q))

    gradients = [
        [[number(sympy.diff(value, layer[i, j])) for j in range(layer.cols)] for i in range(layer.rows)]
        for layer in layers
    ]
    return number(value), gradients


def exact_gradients(problem: Problem) -> tuple[Fraction | None, list[list[list[Fraction | None]]]]:
    backend = backends.load("exact")
    network = build(problem, backend)
    loss, gradients = network.loss_and_gradients(network.parameters)
    entries = [[[m.value for m in row] for row in backend.entries(g)] for g in gradients]
    return backend.measure(loss).value, entries


LINEAR = [
    ((1, 1), None, "half"),
    ((2, 1), 3, "none"),
    ((2, 2), None, "none"),
    ((2, 2, 2), None, "half"),
    ((2, 3, 2), None, "half"),
    ((1, 2, 3), 2, "mean"),
    ((3, 1, 2), 1, "half"),
    ((2, 3, 2, 1), 3, "mean"),
    ((1, 1, 1, 1, 1), None, "half"),
]


@pytest.mark.parametrize(("widths", "samples", "normalisation"), LINEAR)
def test_linear_gradients_are_the_derivatives_of_the_loss(
    widths: tuple[int, ...], samples: int | None, normalisation: str
) -> None:
    problem = problem_of(LinearNetwork(widths), samples, normalisation)
    assert exact_gradients(problem) == symbolic_gradients(problem)


@pytest.mark.parametrize(("width", "depth", "samples"), [(1, 1, None), (1, 3, 2), (2, 2, None), (2, 2, 3)])
def test_residual_gradients_are_the_derivatives_of_the_loss(width: int, depth: int, samples: int | None) -> None:
    network = ResidualNetwork(width, depth, "identity", Fraction(1, 3))
    problem = problem_of(network, samples, "mean")
    assert exact_gradients(problem) == symbolic_gradients(problem)


def test_gradient_transpose_is_caught() -> None:
    problem = problem_of(LinearNetwork((2, 2, 2)), None)
    loss, gradients = exact_gradients(problem)
    turned = [[list(column) for column in zip(*gradients[0], strict=True)], *gradients[1:]]
    assert (loss, turned) != symbolic_gradients(problem)


def test_gradient_sign_is_caught() -> None:
    problem = problem_of(LinearNetwork((2, 3, 2)), None)
    loss, gradients = exact_gradients(problem)
    flipped = [*gradients[:-1], [[-(x or 0) for x in row] for row in gradients[-1]]]
    assert (loss, flipped) != symbolic_gradients(problem)


def test_a_transposed_suffix_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.backends.exact import Exact

    problem = problem_of(LinearNetwork((2, 2, 2)), None)
    monkeypatch.setattr(Exact, "transpose", lambda self, a: a)
    assert exact_gradients(problem) != symbolic_gradients(problem)


def torch_gradients(problem: Problem, weights: list[Rows]) -> tuple[float, list[np.ndarray]]:
    """Return autograd's loss and gradients of the network written out anew."""
    tensors = [torch.tensor([[float(x) for x in row] for row in w], dtype=torch.float64) for w in weights]
    for tensor in tensors:
        tensor.requires_grad_(True)
    network, loss = problem.network, problem.loss
    rows = Matrix.identity(network.widths[0]).rows if loss.inputs is None else loss.inputs.rows
    state = torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64)
    for tensor in tensors:
        if isinstance(network, LinearNetwork):
            state = tensor @ state
        else:
            inner = tensor @ state
            state = state + float(network.branch_scale) * (torch.tanh(inner) if network.activation == "tanh" else inner)
    target = torch.tensor([[float(x) for x in row] for row in loss.target.rows], dtype=torch.float64)
    value = float(loss.factor) * ((state - target) ** 2).sum()
    value.backward()
    return float(value.detach()), [np.asarray(t.grad) for t in tensors]


@pytest.mark.parametrize("name", ["float64", "torch", "mp", "ball"])
@pytest.mark.parametrize(
    ("network", "samples"),
    [
        (LinearNetwork((3, 4, 2, 5)), 6),
        (LinearNetwork((2,) * 7), None),
        (ResidualNetwork(3, 4, "tanh", Fraction(1, 4)), 5),
        (ResidualNetwork(1, 1, "tanh", Fraction(2)), None),
        (ResidualNetwork(2, 3, "tanh", Power(Fraction(1, 3), Fraction(1, 2))), 2),
        (ResidualNetwork(3, 3, "identity", Fraction(1, 3)), None),
    ],
    ids=["rectangular", "deep", "tanh", "tanh1", "root", "residual"],
)
def test_gradients_agree_with_autograd(name: str, network: Network, samples: int | None) -> None:
    problem = problem_of(network, samples, "mean")
    backend = backends.load(name)
    with backend.session():
        built = build(problem, backend)
        loss, gradients = built.loss_and_gradients(built.parameters)
        found = float(backend.shadow(loss)[0, 0]), [backend.shadow(g) for g in gradients]
        alone = float(backend.shadow(built.loss(built.parameters))[0, 0])
    value, wanted = torch_gradients(problem, problem.start.parameters["weights"])
    assert found[0] == pytest.approx(value, rel=1e-12)
    assert alone == pytest.approx(value, rel=1e-12)
    for mine, theirs in zip(found[1], wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11 * abs(theirs).max())


@pytest.mark.parametrize("name", backends.catalogue())
@pytest.mark.parametrize("samples", [None, 3])
def test_a_residual_identity_network_is_linear_with_identity_plus_branches(name: str, samples: int | None) -> None:
    width, depth, delta = 2, 3, Fraction(1, 4)
    residual = problem_of(ResidualNetwork(width, depth, "identity", delta), samples)
    shifted = [
        [[delta * x + (i == j) for j, x in enumerate(row)] for i, row in enumerate(layer)]
        for layer in residual.start.parameters["weights"]
    ]
    linear = Problem(LinearNetwork((width,) * (depth + 1)), residual.loss, Start("given", {"weights": shifted}))
    backend = backends.load(name)
    carrying = backend if backend.encloses else RunningError(backend)
    with carrying.session():
        left, right = build(residual, carrying), build(linear, carrying)
        a, b = left.loss_and_gradients(left.parameters), right.loss_and_gradients(right.parameters)
        pairs = [(carrying.measure(a[0]), carrying.measure(b[0]))]
        ends = [n.end_to_end(n.parameters) for n in (left, right)]
        matrices = [(ends[0], ends[1])]
        # The chain rule: dl/dA_k = delta dl/dW_k.
        matrices += [(mine, carrying.scale(delta, other)) for mine, other in zip(a[1], b[1], strict=True)]
        for mine, other in matrices:
            rows = zip(carrying.entries(mine), carrying.entries(other), strict=True)
            pairs += [pair for p, q in rows for pair in zip(p, q, strict=True)]
    assert len(pairs) == 1 + 4 * (depth + 1)
    for one, two in pairs:
        gap = one.minus(two)
        assert gap.value is not None
        assert gap.error is not None
        assert abs(gap.value) <= gap.error < Fraction(1, 10**9)
    assert any(one.value != 0 for one, _ in pairs)


def test_a_tanh_network_has_no_end_to_end_matrix() -> None:
    built = build(problem_of(ResidualNetwork(2, 2, "tanh"), None), backends.load("float64"))
    with pytest.raises(UnsupportedError):
        built.end_to_end(built.parameters)


class Counting:
    """A backend that counts its matrix products."""

    def __init__(self, base: Any) -> None:
        self._base = base
        self.products = 0

    def matmul(self, a: Any, b: Any) -> Any:
        self.products += 1
        return self._base.matmul(a, b)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
@pytest.mark.parametrize("kind", ["linear", "residual"])
def test_a_gradient_costs_about_three_products_a_layer(depth: int, kind: str) -> None:
    network: Network = LinearNetwork((2,) * (depth + 1)) if kind == "linear" else ResidualNetwork(2, depth)
    counting: Any = Counting(backends.load("float64"))
    built = build(problem_of(network, None), counting)
    built.loss_and_gradients(built.parameters)
    assert counting.products <= 3 * depth
    assert counting.products >= 3 * depth - 3


def test_a_batch_of_networks_gives_each_its_own_gradient() -> None:
    problem = problem_of(LinearNetwork((2, 3, 2)), 4)
    random = np.random.default_rng(0)
    stacked = tuple(random.standard_normal((5, *shape)) for shape in problem.network.shapes)
    built = build(problem, backends.load("float64"))
    on_torch = build(problem, backends.load("torch"))
    loss, gradients = built.loss_and_gradients(stacked)
    torch_loss, torch_grads = on_torch.loss_and_gradients(tuple(torch.tensor(s) for s in stacked))
    for member in range(5):
        alone, own = built.loss_and_gradients(tuple(s[member] for s in stacked))
        np.testing.assert_allclose(loss[member], alone, rtol=1e-13)
        np.testing.assert_allclose(torch_loss[member].numpy(), alone, rtol=1e-13)
        for batch, torch_batch, single in zip(gradients, torch_grads, own, strict=True):
            np.testing.assert_allclose(batch[member], single, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(torch_batch[member].numpy(), single, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("network", "target", "inputs"),
    [
        (LinearNetwork((2, 3)), (2, 2), None),
        (LinearNetwork((3, 2)), (2, 2), None),
        (LinearNetwork((2, 2)), (2, 4), (3, 4)),
        (LinearNetwork((2, 2)), (2, 4), (2, 3)),
        (ResidualNetwork(2, 1), (3, 2), None),
    ],
)
def test_shapes_that_do_not_chain_are_refused(network: Network, target: Any, inputs: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        Problem(
            network,
            SquareLoss(Matrix.from_rows(draw(*target, 1)), inputs and Matrix.from_rows(draw(*inputs, 2))),
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("widths", [(), (2,), (2, 0), (2, -1), (2, True), (2, 1.5), ("2", "2")])
def test_widths_that_make_no_network_are_refused(widths: Any) -> None:
    with pytest.raises(ShapeError):
        LinearNetwork(widths)


def test_a_start_of_the_wrong_shape_is_refused() -> None:
    problem = Problem(
        LinearNetwork((2, 2, 2)),
        SquareLoss(Matrix.identity(2)),
        Start("given", {"weights": [draw(2, 2, 1), draw(2, 3, 1)]}),
    )
    with pytest.raises(ShapeError, match="layer 2"):
        build(problem, backends.load("float64"))
    few = Problem(
        LinearNetwork((2, 2, 2)), SquareLoss(Matrix.identity(2)), Start("given", {"weights": [draw(2, 2, 1)]})
    )
    with pytest.raises(ShapeError, match="1 layers"):
        build(few, backends.load("float64"))


def test_a_rectangular_identity_has_ones_on_its_diagonal() -> None:
    problem = Problem(LinearNetwork((2, 3, 1)), SquareLoss(Matrix.from_rows([[1, 0]])))
    built = build(problem, backends.load("exact"))
    loss, gradients = built.loss_and_gradients(built.parameters)
    backend = backends.load("exact")
    assert backend.measure(loss).value == 0
    assert all(m.value == 0 for g in gradients for row in backend.entries(g) for m in row)


def test_the_zero_asymmetric_start_moves_its_last_layer_only() -> None:
    problem = Problem(LinearNetwork((2, 2, 2)), SquareLoss(Matrix.identity(2)), Start("zero_asymmetric"))
    built = build(problem, backends.load("float64"))
    gradients = built.loss_and_gradients(built.parameters)[1]
    np.testing.assert_array_equal(gradients[0], np.zeros((2, 2)))
    np.testing.assert_array_equal(gradients[1], -np.eye(2))
