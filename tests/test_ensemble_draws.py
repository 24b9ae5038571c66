"""Draws on the device are the members' own draws, bit for bit."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import pytest
import torch

from workbench import draws
from workbench.backends.float64 import nearest
from workbench.ensembles import Ensemble, device_draws, drawing
from workbench.ensembles.descent import run
from workbench.ensembles.device_hash import leading_words, padding
from workbench.initialization import weights


@pytest.mark.parametrize("length", [0, 1, 54, 55, 56, 64, 119, 120])
def test_the_hash_is_that_of_the_library(length: int) -> None:
    messages = [bytes((7 * k + j) % 256 for j in range(length)) for k in range(3)]
    padded = torch.tensor([[*message, *padding(length)] for message in messages], dtype=torch.int64)
    found = list(zip(*(word.tolist() for word in leading_words(padded, length)), strict=True))
    expected = [hashlib.sha256(message).digest() for message in messages]
    assert found == [(int.from_bytes(d[:4], "big"), int.from_bytes(d[4:8], "big")) for d in expected]


SEEDS = [0, 9, 10, 99, 100, 2**32 - 1, 2**32, 2**62 + 12345]


def test_uniform_draws_on_the_device_are_the_scalar_draws() -> None:
    found = device_draws.uniform_numerators("a stream", SEEDS, 102, "cpu")
    assert found.tolist() == draws.uniform_numerators("a stream", SEEDS, 102).tolist()
    assert Fraction(int(found[3, 101]), 2**53) == draws.uniform("a stream", 99, 101)


def test_normal_draws_on_the_device_are_the_scalar_draws() -> None:
    seeds = range(400)
    found = device_draws.gaussian_numerators("gaussian/0", seeds, 50, "cpu")
    assert found.tolist() == draws.gaussian_numerators("gaussian/0", seeds, 50).tolist()


def test_a_logarithm_that_differs_in_its_last_digits_tips_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    quantile = device_draws._quantile
    monkeypatch.setattr(device_draws, "_quantile", lambda u: quantile(u) + device_draws._DOUBT * 2.0**-33)
    found = device_draws.gaussian_numerators("gaussian/1", range(400), 50, "cpu")
    assert found.tolist() == draws.gaussian_numerators("gaussian/1", range(400), 50).tolist()


def test_the_quantile_on_the_device_is_far_closer_than_its_doubt() -> None:
    from statistics import NormalDist

    heads = [1, 3, 2**20 + 1, 2**52 - 1, 2**52 + 1, 2**53 - 1, *range(10**15 + 1, 2**53, 10**14 + 2)]
    u = torch.tensor(heads, dtype=torch.float64) * 2.0**-53
    exact = torch.tensor([NormalDist().inv_cdf(x) for x in u.tolist()], dtype=torch.float64)
    assert (device_draws._quantile(u) - exact).abs().max() * 2.0**32 < device_draws._DOUBT / 10


@pytest.mark.parametrize(
    "target",
    [
        {"family": "near_identity", "shape": [3, 3], "radius": "1/3"},
        {"family": "near_identity", "shape": [3, 3], "symmetric": 1},
        {"family": "uniform", "shape": [3, 3]},
        {"family": "singular_values", "values": ["1/2", "1", "3"]},
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        {"scheme": "identity"},
        {"scheme": "gaussian", "scale": "3/7"},
        {"scheme": "gaussian", "scale": "1000003/3000017"},
        {"scheme": "orthogonal"},
    ],
)
@pytest.mark.parametrize("seed", [1, 2**40])
def test_the_batch_on_the_device_is_the_members_rounded_once(
    target: dict[str, Any], start: dict[str, Any], seed: int
) -> None:
    ensemble = Ensemble((3, 3, 3), target, 11, (Fraction(1, 8),), start, seed)
    chosen = [0, 9, 10]
    goals, layers = drawing.targets(ensemble, chosen, "cpu"), drawing.starts(ensemble, chosen, "cpu")
    for place, index in enumerate(chosen):
        member = ensemble.member(index)
        assert goals[place].tolist() == [[nearest(x) for x in row] for row in member.loss.target.rows]
        for layer, exact in zip(layers, weights(member.network, member.start), strict=True):
            assert layer[place].tolist() == [[nearest(x) for x in row] for row in exact]


def test_a_run_that_draws_on_the_device_is_the_run_that_does_not() -> None:
    target = {"family": "uniform", "shape": [2, 3]}
    ensemble = Ensemble((3, 4, 2), target, 12, (Fraction(1, 8),), {"scheme": "gaussian", "scale": "1/2"})
    here, there = (run(ensemble, 7, path="batched", draw_on_device=choice) for choice in (False, True))
    assert all((a == b).all() for a, b in zip(here.weights[-1], there.weights[-1], strict=True))
    assert [carried.flags["drawn_on_device"] for carried in (here, there)] == [False, True]
