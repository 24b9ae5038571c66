"""Training at scale: gradients and steps held to autograd, torch.optim and the exact path; stopping; memory; data."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch

from workbench import dynamics, experiment, targets
from workbench.errors import DeviceError, InputError, ShapeError, UnknownNameError
from workbench.networks.residual import CHECKPOINT_DEPTH
from workbench.problem import ACTIVATIONS, ResidualNetwork
from workbench.store import Store
from workbench.targets import teacher
from workbench.targets.dynamical_system import floats
from workbench.training import batched, data, depth, digits, loop, read
from workbench.training.starting import stacked
from workbench.trajectory import Arithmetic, Method, Stop

FORMS = list(itertools.product((False, True), ("fixed", "shared", "layer")))
TORCH = {
    "identity": lambda z: z,
    "tanh": torch.tanh,
    "arctan": torch.atan,
    "softplus": lambda z: torch.nn.functional.softplus(z) - np.log(2),
    "relu": torch.relu,
}
INPUTS = {"family": "unit_columns", "shape": [3, 5], "seed": 1}
LABELS = {"family": "teacher", "shape": [3, 5], "seed": 2, "inputs_seed": 1}


def specification(network=None, **changes):
    given = {
        "network": {"width": 3, "depth": 4, "activation": "tanh", "branch_scale": "1/2", **(network or {})},
        "data": {"inputs": INPUTS, "labels": LABELS},
        "start": {"scheme": "gaussian", "scale": "1/2"},
        "optimiser": {"name": "descent", "rate": "1/4"},
        "stop": {"epochs": 5},
    }
    return given | changes


def begun(biases, scales, activation, **changes):
    start = {"scheme": "gaussian", "scale": "1/2"}
    start |= {"bias_scale": "1/4"} if biases else {}
    start |= {"branch_scales": "1/2"} if scales != "fixed" else {}
    network = {"activation": activation, "biases": biases, "scales": scales}
    return read(specification(network, start=start, **changes)).training


def losses(state, leaves, inputs, labels, activation):
    """Return the loss of each member by the forward formula alone."""
    parts = iter(leaves)
    branches = next(parts)
    biases = next(parts) if state.network.biases else torch.zeros(len(branches), 1, 1, 1, dtype=torch.float64)
    scales = next(parts, state.scales)
    hidden = inputs.expand(state.members, *inputs.shape)
    for k in range(len(branches)):
        hidden = hidden + scales[k if len(scales) > 1 else 0] * TORCH[activation](branches[k] @ hidden + biases[k])
    return ((hidden - labels) ** 2).sum((1, 2)) / (2 * inputs.shape[1])


@pytest.mark.parametrize(("biases", "scales"), FORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("checkpoint", [1, CHECKPOINT_DEPTH])
def test_the_gradients_of_all_members_are_those_of_autograd(activation, biases, scales, checkpoint):
    training = begun(biases, scales, activation, members={"seeds": 3})
    state = stacked(training)
    state._length = 4 if checkpoint > 4 else 3
    inputs, labels = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    mine = state.losses_and_gradients(inputs, labels)
    leaves = [p.clone().requires_grad_() for p in state.trained]
    theirs = losses(state, leaves, inputs, labels, activation)
    assert torch.allclose(mine, theirs, rtol=1e-13)
    assert torch.allclose(mine, state.losses(inputs, labels), rtol=1e-13)
    wanted = torch.autograd.grad(theirs.sum(), leaves)
    for a, b in zip(state.gradients, wanted, strict=True):
        assert torch.allclose(a, b, rtol=1e-11, atol=1e-14)
    # A second call must not add to the first.
    state.losses_and_gradients(inputs, labels)
    assert all(torch.allclose(a, b, rtol=1e-11, atol=1e-14) for a, b in zip(state.gradients, wanted, strict=True))


@pytest.mark.parametrize(("biases", "scales"), [(False, "fixed"), (True, "layer"), (True, "shared")])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_the_steps_are_those_of_torch_optim(name, biases, scales):
    optimiser = {"name": name, "rates": ["1/10", "1/50"], "batch": 2}
    training = begun(biases, scales, "tanh", optimiser=optimiser, stop={"epochs": 3})
    first, ended = stacked(training), loop.run(training)
    samples = data.load(training.data, 3)
    inputs, labels = torch.tensor(samples.inputs), torch.tensor(samples.labels)
    for member, rate in enumerate([0.1, 0.02]):
        leaves = [p.clone().requires_grad_() for p in first.trained]
        kind = torch.optim.SGD if name == "sgd" else torch.optim.Adam
        peer = kind(leaves, lr=rate)
        for epoch in range(3):
            for chosen in data.batches(5, 2, 0, epoch):
                peer.zero_grad()
                losses(first, leaves, inputs[:, chosen], labels[:, chosen], "tanh")[member].backward()
                peer.step()
        assert np.allclose(ended[member].branches, leaves[0][:, member].detach().numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("biases", "scales"), [(False, "fixed"), (True, "layer")])
def test_a_member_is_an_exact_problem_and_its_descent_the_certified_one(biases, scales):
    training = begun(biases, scales, "tanh", members={"seeds": 2, "seed": 3})
    ended = loop.run(training)[1]
    method = Method("gradient_descent", Stop(steps=5), Fraction(1, 4))
    run = dynamics.run(training.member(1), method, Arithmetic("ball", 15), keep_weights=True)
    for mine, end in zip(ended.losses, run.observables["loss"], strict=True):
        assert abs(Fraction(mine) - end.value) <= end.error + Fraction(1, 10**13)
    for mine, layer in zip(ended.branches, run.weights[-1], strict=False):
        assert np.allclose(mine, [[float(x.value) for x in row] for row in layer], atol=1e-13)


def test_depth_10000_needs_two_square_roots_of_it_in_states():
    network = {"width": 2, "depth": 10_000, "branch_scale": "1/10000"}
    rows = [["1", "0", "3/5"], ["0", "1", "4/5"]]
    given = specification(network, data={"inputs": rows, "labels": rows[::-1]}, start={"scheme": "identity"})
    training = read(given | {"stop": {"epochs": 1}, "optimiser": {"rate": "1", "unit": "flow"}}).training
    state = stacked(training)
    state.losses_and_gradients(torch.ones(2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64))
    numbers = sum(part.numel() for part in state._buffers[3])
    assert numbers <= 2 * 3 * 3 * 101
    ended = loop.run(training)[0]
    assert ended.losses[-1] < ended.losses[0]


def test_members_stop_one_by_one_and_each_by_its_own_rule():
    optimiser = {"name": "descent", "rates": ["1/2", "1/100000", "1000000"]}
    stop = {"epochs": 60, "loss": "1/50", "patience": 5, "gain": "1/100"}
    start = {"scheme": "gaussian", "scale": "1/2"}
    ended = loop.run(
        read(specification({"activation": "identity"}, optimiser=optimiser, stop=stop, start=start)).training
    )
    assert [end.status for end in ended] == ["converged", "stalled", "diverged"]
    assert ended[0].losses[-1] <= 1 / 50 < ended[0].losses[-2]
    # The first epoch is a gain; five without one follow.
    assert len(ended[1].losses) == 6
    alone = {**optimiser, "rates": ["1/2"]}
    again = loop.run(read(specification({"activation": "identity"}, optimiser=alone, stop=stop)).training)[0]
    assert np.allclose(again.branches, ended[0].branches, rtol=1e-12)
    assert again.losses == pytest.approx(ended[0].losses, rel=1e-12)


def test_the_mean_loss_of_an_epoch_weighs_a_short_last_batch_by_its_samples():
    optimiser = {"name": "sgd", "rate": "1/1000000000000", "batch": 2}
    training = read(specification(optimiser=optimiser, stop={"epochs": 1})).training
    state, samples = stacked(training), data.load(training.data, 3)
    whole = float(state.losses(torch.tensor(samples.inputs), torch.tensor(samples.labels))[0])
    assert loop.run(training)[0].losses == [pytest.approx(whole, rel=1e-10)]


def test_the_figures_in_depth_are_those_of_the_observables():
    training = read(specification(members={"seeds": 1})).training
    observes = ("branch_norm", "rescaled_increment", "increment_root_sum_of_squares", "two_variation")
    method = Method("gradient_descent", Stop(steps=5), Fraction(1, 4))
    run = dynamics.run(training.member(0), method, Arithmetic("ball", 15), observes)
    found = depth.statistics(*(getattr(loop.run(training)[0], part) for part in ("branches", "scales")))
    for name in observes:
        assert found[name] == pytest.approx(float(run.observables[name][-1].value), rel=1e-12)


def test_a_brownian_path_and_a_smooth_one_are_told_apart():
    draws = np.random.default_rng(0)
    rough = np.cumsum(draws.standard_normal((1024, 1, 1)), axis=0) / 32
    smooth = np.linspace(0, 1, 1024)[:, None, None]
    ones = np.full(1024, 1 / 1024)
    stable, vanishing = (depth.statistics(path, ones)["quadratic_variation"] for path in (rough, smooth))
    assert stable[3] == pytest.approx(stable[0], rel=0.3)
    assert vanishing[0] == pytest.approx(1 / 1023, rel=1e-9)
    assert depth.statistics(smooth, ones)["two_variation"] == pytest.approx(1.0)
    assert depth.statistics(rough, ones)["two_variation"] > stable[0] ** 0.5


@pytest.mark.parametrize("depth_of", [1, 2])
def test_the_shallowest_networks_have_figures(depth_of):
    found = depth.statistics(np.ones((depth_of, 1, 1)), np.ones(depth_of))
    assert found["rescaled_increment"] == found["two_variation"] == 0.0
    assert found["quadratic_variation"] == [0.0]


def test_the_synthetic_data_are_the_exact_ones_rounded():
    inputs, labels = floats(10, 6, 3)
    for part, mine in (("inputs", inputs), ("labels", labels)):
        family = {"family": "dynamical_system", "shape": [10, 6], "seed": 3, "part": part}
        assert np.abs(mine - np.array(targets.matrix(family).rows, dtype=float)).max() < 1e-14
    assert np.allclose(np.linalg.norm(labels, axis=0), 1)
    # A part of more samples begins with those of fewer.
    assert np.array_equal(floats(10, 9, 3)[1][:, :6], labels)


def test_a_teacher_of_its_own_depth_is_a_zero_of_the_loss():
    family = {"family": "teacher", "shape": [3, 5], "seed": 2, "inputs_seed": 1, "depth": 4, "branch_scale": "1/2"}
    exact = targets.matrix(family)
    assert targets.matrix(exact.specification()).rows == exact.rows
    weights = [[[str(x) for x in row] for row in teacher._weights(3, k, 2, 1)] for k in range(4)]
    given = {
        "network": {"kind": "residual", "width": 3, "depth": 4, "activation": "tanh", "branch_scale": "1/2"},
        "loss": {"target": family, "inputs": INPUTS},
        "start": {"scheme": "given", "weights": weights},
    }
    method = Method("gradient_descent", Stop(steps=1), Fraction(1))
    loss = dynamics.run(experiment.read_problem(given), method, Arithmetic("ball", 30)).observables["loss"][0]
    assert loss.value < Fraction(1, 2**120)


def test_inputs_of_unit_norm_are_exactly_so_at_every_size():
    for rows in (1, 2, 7):
        columns = zip(*targets.matrix({"family": "unit_columns", "shape": [rows, 4], "seed": 5}).rows, strict=True)
        assert [sum(x * x for x in column) for column in columns] == [1] * 4


def test_the_digits_are_split_by_seed_and_projected_along_the_training_part():
    pytest.importorskip("sklearn")
    found = data.load(data.canonical({"set": "digits", "train": 300, "test": 100, "seed": 1}), 20)
    other = data.load(data.canonical({"set": "digits", "train": 300, "test": 100, "seed": 2}), 20)
    assert found.inputs.shape == (20, 300)
    assert np.allclose(np.linalg.norm(found.test_inputs, axis=0), 1)
    assert np.array_equal(found.labels.argmax(axis=0), found.classes)
    assert not np.array_equal(found.classes, other.classes)
    pixels = digits.images()[0]
    mean, rows = digits.projection(pixels, 20)
    assert np.allclose(rows @ rows.T, np.eye(20))
    lost = ((pixels - mean) - rows.T @ (rows @ (pixels - mean))) ** 2
    assert lost.sum() / ((pixels - mean) ** 2).sum() < 0.12
    plain = data.load(data.canonical({"set": "digits", "train": 10, "test": 5, "seed": 1}), 64)
    assert plain.inputs.min() >= 0


def test_a_small_network_learns_some_digits():
    pytest.importorskip("sklearn")
    given = {
        "network": {"width": 20, "depth": 4, "activation": "tanh", "branch_scale": "1/2", "biases": True},
        "data": {"set": "digits", "train": 500, "test": 200},
        "optimiser": {"name": "adam", "rate": "1/100", "batch": 50},
        "stop": {"epochs": 20},
    }
    member = read(given).record()[0].payload["members"][0]
    assert member["test_accuracy"] > 0.85
    assert member["accuracy"] > 0.85
    assert member["test_loss"] < 0.5 * member["losses"][0]


def test_a_record_is_found_again_and_its_id_is_pinned(tmp_path):
    asked = read(specification())
    record, fresh = asked.record(Store(tmp_path))
    assert fresh
    assert not read(specification()).record(Store(tmp_path))[1]
    assert record.payload["members"][0]["loss"] < record.payload["members"][0]["losses"][0]
    assert read(specification(profile=True)).run_id != asked.run_id
    assert asked.run_id == "fb5fefcc6026b3237995a118c2b12cec90ccb292e12a7ba4bdd29613f6a66ba4"


def test_diverging_members_have_no_figures(tmp_path):
    record, _ = read(specification({"activation": "identity"}, optimiser={"rate": "1e9"}, stop={"epochs": 40})).record()
    member = record.payload["members"][0]
    assert member["status"] == "diverged"
    assert "branch_norm" not in member
    Store(tmp_path).put(record)


WRONG = [
    ({"network": {"width": 3}}, InputError, "the depth|has no 'depth'"),
    ({"network": {"kind": "linear", "widths": [2, 2]}}, InputError, "a training is of a residual network"),
    ({"data": {"set": "mnist"}}, UnknownNameError, "no data set is called 'mnist'|mnist"),
    ({"data": {"inputs": [["1"]], "labels": [["1", "2"]]}}, ShapeError, "a residual network needs equal ones"),
    ({"data": {"set": "digits", "train": -1}}, InputError, "the train of the data is -1"),
    ({"optimiser": {"name": "lion", "rate": "1"}}, InputError, "known: descent, sgd, adam"),
    ({"optimiser": {"name": "sgd", "rate": "1"}}, InputError, "sgd and adam need one"),
    ({"optimiser": {"name": "descent", "rate": "-1"}}, InputError, "positive learning rates"),
    ({"optimiser": {"name": "descent"}}, InputError, "give at least one"),
    ({"stop": {}}, InputError, "the epochs must be an integer"),
    ({"stop": {"epochs": 3, "loss": "0"}}, InputError, "the loss to reach is 0"),
    ({"start": {"scheme": "gaussian", "seed": 3}}, InputError, "members draw their own"),
    ({"members": {"seeds": 0}}, InputError, "at least 1"),
    ({"profile": 1}, InputError, "give true or false"),
]


@pytest.mark.parametrize(("changes", "kind", "message"), WRONG)
def test_a_wrong_training_is_refused_in_one_line(changes, kind, message):
    with pytest.raises(kind, match=message) as caught:
        read(specification(**changes) if "network" not in changes else {**specification(), **changes})
    assert "\n" not in str(caught.value)


def test_data_of_another_width_are_refused():
    with pytest.raises(ShapeError, match="3 rows but the network has the width 4"):
        loop.run(read(specification({"width": 4})).training)
    with pytest.raises(InputError, match="between 10 and 64"):
        loop.run(read(specification({"width": 4}, data={"set": "digits", "train": 20, "test": 0})).training)


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(DeviceError, match="no device is called 'abacus'"):
        read(specification(device="abacus")).record()


def test_a_lost_scale_in_the_way_back_is_seen(monkeypatch):
    training = begun(True, "layer", "tanh")
    state = stacked(training)
    inputs, labels = torch.eye(3, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    state.losses_and_gradients(inputs, labels)
    true = [g.clone() for g in state.gradients]
    monkeypatch.setattr(batched.ResidualBatch, "_scale", lambda self, k: self.scales[0])
    state.losses_and_gradients(inputs, labels)
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(true, state.gradients, strict=True))


def test_weights_scaled_with_depth_have_the_size_that_the_sheet_names():
    network = ResidualNetwork(8, 16, "tanh", targets.matrix([["1/4"]]).rows[0][0])
    from workbench.initialization.gaussian import deviations

    # delta = 16^-1/2: beta = 1/2, entries of the deviation 16^-1 / 8.
    assert deviations(network, "1/8", "-3/2", over_branch_scale=True) == [Fraction(1, 8 * 16)] * 16
