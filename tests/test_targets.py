"""Targets: exact families by seed, and files that are what their ending says or are refused."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import targets
from workbench.backends.spectrum import _characteristic_polynomial
from workbench.draws import gaussian, integer, uniform
from workbench.errors import InputError, ShapeError, UnknownNameError, WorkbenchError
from workbench.exact import Matrix
from workbench.initialization import weights
from workbench.problem import LinearNetwork, Start
from workbench.rotation import _eliminate, product, rotation, solve


def from_roots(roots: list[Fraction]) -> list[Fraction]:
    """Return the coefficients of the monic polynomial with these roots, from the constant upward."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [a - root * b for a, b in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
    return coefficients


@pytest.mark.parametrize("values", [["1/2"], ["1/5", "3/5", "5/3", "5"], ["-1", "-1", "0"], ["2", "2"]])
@pytest.mark.parametrize("seed", [None, 0, 7])
def test_a_spectrum_is_exact(values: list[str], seed: int | None) -> None:
    family: dict[str, Any] = {"family": "spectrum", "eigenvalues": values}
    built = targets.matrix(family if seed is None else family | {"rotate": seed})
    assert built.is_symmetric()
    assert _characteristic_polynomial(built.rows) == from_roots([Fraction(v) for v in values])
    assert built.eigenvalues == tuple(sorted(Fraction(v) for v in values))
    diagonal = all(x == 0 for i, row in enumerate(built.rows) for j, x in enumerate(row) if i != j)
    assert diagonal == (seed is None or len(set(values)) == 1)


@pytest.mark.parametrize("values", [["3"], ["1/2", "3", "-1"]])
def test_singular_values_are_exact(values: list[str]) -> None:
    built = targets.matrix({"family": "singular_values", "values": values, "rotate": 4})
    gram = product(list(zip(*built.rows, strict=True)), built.rows)
    polynomial = _characteristic_polynomial(tuple(map(tuple, gram)))
    assert polynomial == from_roots([Fraction(v) ** 2 for v in values])


@pytest.mark.parametrize("size", [1, 2, 3, 6])
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_a_rotation_is_exactly_orthogonal(size: int, seed: int) -> None:
    turned = rotation(size, seed)
    identity = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    assert product(turned, list(zip(*turned, strict=True))) == identity
    assert round(np.linalg.det(np.array(turned, dtype=float))) == 1
    assert rotation(size, seed) == turned
    assert size == 1 or rotation(size, seed + 1) != turned


def test_elimination_is_what_flint_solves() -> None:
    a = [
        [Fraction(0), Fraction(2), Fraction(1)],
        [Fraction(1), Fraction(0), Fraction(3)],
        [Fraction(1, 7), Fraction(1), Fraction(0)],
    ]
    b = [[Fraction(1), Fraction(0)], [Fraction(2, 3), Fraction(1)], [Fraction(0), Fraction(5)]]
    assert _eliminate(a, b) == solve(a, b)
    assert product(a, solve(a, b)) == b


def test_draws_are_pinned() -> None:
    assert uniform("uniform", 1, 0) == Fraction(7125833480747577, 2**53)
    assert gaussian("gaussian/0", 1, 0) == Fraction(1463101063, 2**31)
    assert [integer("rotation", 7, k, -8, 8) for k in range(6)] == [-2, 7, -2, -8, 2, -4]
    assert targets.target("spectrum:1/2,2;rotate=7").rows[0] == (Fraction(481, 578), Fraction(-180, 289))


def test_draws_have_the_moments_they_should() -> None:
    draws = np.array([float(uniform("moments", 0, k)) for k in range(4000)])
    normals = np.array([float(gaussian("moments", 0, k)) for k in range(4000)])
    assert 0 < draws.min() < draws.max() < 1
    assert abs(draws.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 4000)
    assert abs(normals.mean()) < 4 / np.sqrt(4000)
    assert abs(normals.var() - 1) < 4 * np.sqrt(2 / 4000)
    assert {integer("moments", 0, k, -1, 1) for k in range(100)} == {-1, 0, 1}


@pytest.mark.parametrize(("scheme", "parameters"), [("gaussian", {"seed": 3}), ("orthogonal", {"seed": 3})])
def test_a_start_is_a_function_of_its_seed(scheme: str, parameters: dict[str, Any]) -> None:
    network = LinearNetwork((2, 2, 2))
    first, again = (weights(network, Start(scheme, parameters)) for _ in range(2))
    assert first == again
    assert first[0] != first[1]
    assert weights(network, Start(scheme, {"seed": 4})) != first


def test_uniform_entries_lie_between_minus_one_and_one() -> None:
    built = targets.target("uniform:3,2;seed=1")
    assert built.shape == (3, 2)
    assert all(-1 < x < 1 for row in built.rows for x in row)
    assert built.rows != targets.target("uniform:3,2;seed=2").rows


@pytest.mark.parametrize(
    "text", ['[["1/2", 0], [0, 2]]', ' {"rows": [["1/2", 0], [0, "2"]]} ', "spectrum:1/2,2", "spectrum: 1/2 , 2 "]
)
def test_a_target_is_read_from_a_text(text: str) -> None:
    assert targets.target(text).rows == ((Fraction(1, 2), 0), (0, 2))


def test_a_target_is_read_from_files(tmp_path: Path) -> None:
    wanted = ((Fraction(1, 2), Fraction(0)), (Fraction(-3), Fraction(2)))
    (tmp_path / "rows.json").write_text('[["1/2", 0], [-3, 2.0]]')
    (tmp_path / "family.json").write_text('{"family": "spectrum", "eigenvalues": ["1/2", "2"]}')
    (tmp_path / "rows.csv").write_text(' 1/2, 0\n\n"-3",2\n')
    (tmp_path / "mark.csv").write_bytes(b"\xef\xbb\xbf1/2,0\r\n-3,2\r\n")
    (tmp_path / "mark.json").write_bytes(b'\xef\xbb\xbf[["1/2", 0], [-3, 2]]')
    np.save(tmp_path / "rows.npy", np.array([[0.5, 0], [-3, 2]]))
    np.save(tmp_path / "narrow.npy", np.array([[0.5, 0], [-3, 2]], dtype=np.float16))
    for name in ("rows.json", "rows.csv", "mark.csv", "mark.json", "rows.npy", "narrow.npy"):
        assert targets.target(str(tmp_path / name)).rows == wanted, name
    assert targets.target(str(tmp_path / "family.json")).eigenvalues == (Fraction(1, 2), Fraction(2))
    assert targets.target(str(tmp_path / "rows.npy")).from_float
    assert not targets.target(str(tmp_path / "rows.csv")).from_float
    np.save(tmp_path / "whole.npy", np.array([[1, 2]]))
    assert not targets.target(str(tmp_path / "whole.npy")).from_float


class Trap:
    """An object whose unpickling would be seen."""

    sprung = False

    def __reduce__(self) -> Any:
        return (setattr, (Trap, "sprung", True))


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1j]]),
        np.array([1.0, 2.0]),
        np.zeros((2, 2, 2)),
        np.array(3.0),
        np.zeros((0, 2)),
        np.zeros((2, 0)),
        np.array([[np.nan]]),
        np.array([[np.inf, 1]]),
        np.array([["1/2"]]),
        np.array([[True]]),
        np.array([[1, 2]], dtype=np.longdouble),
        np.array([[Trap()]], dtype=object),
        np.array([[1, 2]], dtype="datetime64[s]"),
        np.zeros((2,), dtype=[("a", "f8")]),
    ],
    ids=lambda a: f"{a.dtype.kind}{a.ndim}",
)
def test_an_array_that_is_no_matrix_is_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError) as caught:
        targets.target(str(tmp_path / "a.npy"))
    assert "\n" not in str(caught.value)
    assert not Trap.sprung


def _files() -> dict[str, bytes]:
    return {
        "empty.json": b"",
        "empty.csv": b"",
        "empty.npy": b"",
        "words.json": b"hello",
        "words.csv": b"hello,world\n1,2\n",
        "words.npy": b"hello",
        "nan.json": b"[[NaN]]",
        "infinite.json": b"[[1e999]]",
        "ragged.json": b"[[1,2],[3]]",
        "ragged.csv": b"1,2\n3\n",
        "nan.csv": b"nan,1\n1,1\n",
        "binary.json": b"\xff\xfe\x00",
        "binary.csv": b"\xff\xfe\x00",
        "quote.csv": b'"1\n2',
        "deep.json": b"[" * 100_000 + b"]" * 100_000,
        "long.json": b"[[" + b"9" * 5000 + b"]]",
        "text.json": b'"spectrum:1"',
        "number.json": b"3",
        "null.json": b"[[null]]",
        "family.json": b'{"family": "spectrun", "eigenvalues": ["1"]}',
        "list.json": b'{"family": ["spectrum"]}',
        "extra.json": b'{"family": "spectrum", "eigenvalues": ["1"], "colour": 3}',
        "scalar.json": b'{"family": "spectrum", "eigenvalues": 5}',
        "code.csv": b"__import__('os').getcwd()\n",
        "truncated.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }",
    }


@pytest.mark.parametrize("name", list(_files()))
def test_a_file_that_is_not_what_its_ending_says_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(_files()[name])
    with pytest.raises(WorkbenchError) as caught:
        targets.target(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_an_archive_named_as_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.eye(2))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(InputError):
        targets.target(str(tmp_path / "a.npy"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[[1,2],[3]]",
        "[[",
        "[]",
        "[[]]",
        "[1,2]",
        "[[NaN]]",
        "spectrun:1,2",
        "spectrum:",
        "spectrum:1,,2",
        "spectrum:1,nan",
        "spectrum:1,2;rotate",
        "spectrum:1,2;rotate=-1",
        "spectrum:1,2;rotate=1/2",
        "spectrum:1,2;colour=3",
        "uniform:3",
        "uniform:3,0",
        "uniform:3,1/2",
        "uniform:a,b",
        "missing.json",
        "missing.npy",
        "folder/missing.csv",
        "exec:print(1)",
        "[" * 5000,
    ],
)
def test_a_text_that_is_no_target_is_one_clear_line(text: str) -> None:
    with pytest.raises(WorkbenchError) as caught:
        targets.target(text)
    assert "\n" not in str(caught.value)


def test_a_near_name_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="spectrum"):
        targets.target("spectrun:1,2")


def test_the_specification_of_a_family_builds_it_again() -> None:
    for text in ("spectrum:1/2,2;rotate=7", "spectrum:1,3", "singular_values:1,2;rotate=3", "uniform:2,3;seed=5"):
        built = targets.target(text)
        again = targets.matrix(json.loads(json.dumps(built.specification())))
        assert again == built


def test_starts_that_mean_nothing_are_refused() -> None:
    network = LinearNetwork((2, 3))
    for scheme, parameters in [
        ("identical", {}),
        ("identity", {"scale": "nan"}),
        ("identity", {"size": 3}),
        ("given", {}),
        ("given", {"weights": [[["1", "2"], ["3"]]]}),
        ("orthogonal", {"seed": 1}),
    ]:
        with pytest.raises(WorkbenchError):
            weights(network, Start(scheme, parameters))
    with pytest.raises(ShapeError):
        weights(network, Start("given", {"weights": [Matrix.identity(2).rows]}))
