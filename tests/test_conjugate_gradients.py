"""Conjugate gradients: optimal, finite, exact; deflation; refusals; and the constants of the bound."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command

from workbench import theorems
from workbench.backends.spectrum import symmetric_eigenvalues
from workbench.errors import WorkbenchError
from workbench.evidence import run_of
from workbench.exact import Matrix
from workbench.experiment import read
from workbench.theorems import augmented_conjugate_gradients as augmented
from workbench.trajectory import Status

INPUTS, LABELS = augmented._FOUR, [*augmented._RIGHT, ["0", "1", "1", "0"]]


def solved(inputs: Any = INPUTS, labels: Any = LABELS, deflated: int = 0, **options: Any) -> Any:
    run = augmented._solve(inputs, labels, deflated=deflated, **{"backend": {"name": "exact"}, **options})
    return read({"theorem": "augmented_conjugate_gradients", **run})


def layers(found: Any) -> list[np.ndarray]:
    """Return the layer at each record, in doubles."""
    return [np.array([[float(x.value) for x in row] for row in layer]) for (layer,) in found.weights]


def matrices(inputs: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.array([[float(Fraction(e)) for e in row] for row in rows]) for rows in (inputs, labels))
    return x @ x.T, y @ x.T


@pytest.mark.parametrize("deflated", [0, 1, 3])
def test_every_iterate_is_the_best_in_its_krylov_space(deflated: int) -> None:
    found = solved(deflated=deflated).trajectory(keep_weights=True)
    a, b = matrices(INPUTS, LABELS)
    iterates = layers(found)
    first = min(deflated, 1)
    projection = np.eye(4)
    projection[:deflated] = 0
    if deflated:
        projection[deflated:, :deflated] = -(np.linalg.solve(a[:deflated, :deflated], a[:deflated, deflated:])).T
    start = iterates[first]
    basis, direction = [], (b - start @ a) @ projection
    for iterate in iterates[first + 1 :]:
        basis.append(direction.ravel())
        direction = direction @ a @ projection
        # Least squares in the norm of A over the span, by a dense solver that knows nothing of conjugacy.
        root = np.linalg.cholesky(np.kron(np.eye(2), a))
        error = (np.linalg.solve(a, b.T).T - start).ravel()
        span = np.array(basis).T / np.linalg.norm(basis, axis=1)
        best = start.ravel() + span @ np.linalg.lstsq(root.T @ span, root.T @ error, rcond=1e-13)[0]
        assert np.allclose(iterate.ravel(), best, atol=1e-6)


def test_the_exact_run_ends_at_the_solution_after_as_many_steps_as_there_are_inputs() -> None:
    for deflated, steps in ((0, 4), (2, 3), (4, 1)):
        found = solved(labels=[LABELS[0]], deflated=deflated, stop={"steps": 10}).trajectory(keep_weights=True)
        assert (found.status, found.steps[-1]) == (Status.STALLED, steps)
        a, b = matrices(INPUTS, [LABELS[0]])
        assert np.allclose(layers(found)[-1] @ a, b, atol=1e-12)
        assert found.observables["loss"][-1].value == 0


@pytest.mark.parametrize("deflated", [1, 2])
def test_the_residual_stays_zero_where_it_was_deflated(deflated: int) -> None:
    a, b = matrices(INPUTS, LABELS)
    for layer in layers(solved(deflated=deflated).trajectory(keep_weights=True))[1:]:
        assert np.allclose((layer @ a - b)[:, :deflated], 0, atol=1e-12)


def test_every_arithmetic_rounds_the_same_iterates() -> None:
    exact = solved().trajectory().observables["loss"]
    for name in ("float64", "torch", "mp", "ball"):
        found = solved(backend={"name": name}).trajectory()
        for one, two in zip(exact, found.observables["loss"], strict=True):
            assert abs(one.value - two.value) <= two.error
        assert found.grade == ("enclosure" if name == "ball" else "estimate")


def test_the_smallest_problems_are_answered() -> None:
    assert solved([["2"]], [["3"]]).evidence().verdict == "consistent"
    at_rest = solved([["2"]], [["0"]]).trajectory()
    assert (at_rest.steps, at_rest.status) == ((0,), Status.STALLED)
    level = solved(stop={"until_loss": "1/1000"}).trajectory()
    assert level.status is Status.CONVERGED


def test_deflation_never_raises_the_condition_number() -> None:
    draw = random.Random(1)
    for _ in range(20):
        inputs = [[str(Fraction(draw.randint(-5, 5), 3)) for _ in range(5)] for _ in range(3)]
        ends = []
        for deflated in (0, 1, 2):
            prepared = solved(inputs, [["1"] * 5], deflated, stop={"steps": 1})
            schur = augmented.schur_complement(run_of(prepared.trajectory()))
            spectrum = symmetric_eigenvalues(Matrix(tuple(map(tuple, schur))))
            ends.append((float(spectrum[0].value or 0), float(spectrum[-1].value or 0)))
        for (low, high), (inner_low, inner_high) in itertools.pairwise(ends):
            assert low <= inner_low * (1 + 1e-12)
            assert inner_high <= high * (1 + 1e-12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deflated": 5}, "whole number of the 4 inputs"),
        ({"parameters": {"deflated": "1/2"}}, "whole number"),
        ({"step_size": "1/4"}, "leave --step-size out"),
        ({"inputs": [["0", "0"], ["1", "1"]], "labels": [["1", "1"]], "deflated": 1}, "singular"),
    ],
)
def test_a_wrong_question_is_one_clear_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkbenchError, match=words) as caught:
        solved(**options).trajectory()
    assert "\n" not in str(caught.value)


def test_more_than_one_layer_is_refused_from_the_command_line(workbench: Command) -> None:
    found = workbench(
        "compare", "augmented_conjugate_gradients", "--target", "[[2]]", "--depth", "2",
        "--dynamics", "conjugate_gradients", "--steps", "3",
    )  # fmt: skip
    assert found.status == 2
    assert "one linear layer" in found.err
    assert found.err.count("\n") == 1


PLANTED = [
    ("(2 * power / (1 + power**2)) ** 2", "(Fraction(198, 100) * power / (1 + power**2)) ** 2"),
    ("return (root - 1) / (root + 1)", "return (root - 1) / (root + 1) * Fraction(98, 100)"),
    ("pivot, top = found[0][0], found[0][1:]", "pivot, top = 2 * found[0][0], found[0][1:]"),
]


@pytest.mark.parametrize(("before", "after"), PLANTED)
def test_a_constant_wrong_by_two_per_cent_is_caught(before: str, after: str, tmp_path: Path) -> None:
    text = theorems.load("augmented_conjugate_gradients").path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path = tmp_path / "mine.py"
    path.write_text(text.replace(before, after), encoding="utf-8")
    loaded = theorems.load(str(path))
    pairs = [(e.expect, read({"theorem": str(path), **e.experiment}).evidence().verdict) for e in loaded.examples]
    assert any(expected != found for expected, found in pairs if expected == "consistent")
