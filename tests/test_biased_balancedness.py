"""The law of a layer with a bias, on a run: the bias has its part in it, and without it nothing is conserved."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from workbench import derivation, experiment


def layers_of(name):
    """Return the layers at the start and at the end of a run that the derivation names."""
    file = derivation.load("biased_balancedness")
    specification = dict(zip(("check", "control"), file.experiments(2, (2, 3, 2)), strict=True))[name]
    run = experiment.read(specification).trajectory(keep_weights=True)
    ends = (run.weights[0], run.weights[-1])
    return [[np.array([[float(x.value) for x in row] for row in layer]) for layer in record] for record in ends]


def law(layers, share):
    """Return W_2^T W_2 - W_1 W_1^T - share b b^T, the bias being the first layer's last column."""
    first, second = layers
    matrix, bias = first[:, :-1], first[:, -1:]
    return second.T @ second - matrix @ matrix.T - share * bias @ bias.T


def test_the_law_holds_with_the_whole_bias_and_with_no_part_of_it_less():
    start, end = layers_of("check")
    assert start[0].shape == (3, 3)
    assert np.abs(law(end, 1) - law(start, 1)).max() < 1e-13
    moved = np.abs(end[0] - start[0]).max()
    assert moved > 1e-2
    for share in (0, Fraction(1, 2), 2, -1):
        assert np.abs(law(end, float(share)) - law(start, float(share))).max() > 1e-3


def test_descent_changes_the_law():
    start, end = layers_of("control")
    assert np.abs(law(end, 1) - law(start, 1)).max() > 1e-3
