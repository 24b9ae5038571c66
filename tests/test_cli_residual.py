"""`workbench compare --residual`: a residual network on inputs and labels, from the command line."""

from __future__ import annotations

import json

import pytest
from conftest import Command

PAIR = '[["1","3/5"],["0","4/5"]]'
LABELS = '[["1001/1000","3/5"],["2/1000","4/5"]]'
DESCENT = "residual_descent_convergence"


def test_descent_is_certified_from_the_command_line(workbench: Command) -> None:
    network = ["--residual", "tanh;branch_scale=power(4,-1/2)", "--depth", "4", "--inputs", PAIR, "--target", LABELS]
    found = workbench("compare", DESCENT, *network, "--steps", "3", "--backend", "ball", "--digits", "40", "--json")
    assert found.status == 0
    assert found.document["verdict"] == "consistent"
    assert found.document["grade"] == "enclosure"


@pytest.mark.parametrize(
    ("activation", "inputs", "named"),
    [
        ("tanh", [["1", "1"], ["0", "0"]], "gram_positive"),
        ("tanh", [["1", "3/5"], ["0", "3/5"]], "unit_inputs"),
        ("relu", [["1", "3/5"], ["0", "4/5"]], "activation"),
        ("tanh;scales=layer", [["1", "3/5"], ["0", "4/5"]], "setting"),
        ("tanh;branch_scale=1/9", [["1", "3/5"], ["0", "4/5"]], "branch_scale"),
    ],
)
def test_what_breaks_a_hypothesis_is_vacuous_and_named(
    workbench: Command, activation: str, inputs: list[list[str]], named: str
) -> None:
    rows = json.dumps(inputs)
    data = ["--depth", "2", "--inputs", rows, "--target", rows, "--steps", "1", "--step-size", "1/10", "--json"]
    found = workbench("compare", DESCENT, "--residual", activation, *data)
    assert found.status == 3
    assert found.document["verdict"] == "vacuous"
    assert [h["name"] for h in found.document["hypotheses"] if h["holds"] is False] == [named]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--residual", "sigmoid", "--depth", "1"], "no activation is called 'sigmoid'"),
        (["--residual", "tanh"], "give --depth 16"),
        (["--residual", "tanh", "--depth", "0"], "the depth is 0"),
        (["--residual", "tanh", "--widths", "1,1"], "leave --widths out"),
        (["--residual", "tanh;bias=true", "--depth", "1"], "it takes branch_scale, scales, biases, trained"),
        (["--residual", "tanh;biases=yes", "--depth", "1"], "give true or false"),
        (["--residual", "tanh", "--depth", "1", "--inputs", "[[1,2]]"], "2 inputs but 1 labels"),
    ],
)
def test_a_network_that_is_none_is_one_clear_line(workbench: Command, arguments: list[str], words: str) -> None:
    found = workbench("compare", DESCENT, "--target", "[[1]]", "--steps", "1", *arguments)
    assert found.status == 2
    assert words in found.err
    assert found.err.strip().count("\n") == 0


def test_a_linear_network_takes_inputs_too(workbench: Command) -> None:
    data = ["--target", '[["1","2"]]', "--inputs", '[["1","0"],["0","1"]]', "--widths", "2,1"]
    run = ["--init", "gaussian", "--steps", "2", "--step-size", "1/32", "--backend", "exact", "--json"]
    found = workbench("compare", "balancedness_drift", *data, *run)
    assert (found.status, found.document["verdict"]) == (0, "consistent")
