"""The samples that a network is trained on: exact families or rows, the dynamical system, the digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench import targets
from workbench.errors import InputError, ShapeError, UnknownNameError
from workbench.training import digits

SETS = {
    "exact": ("inputs", "labels"),
    "dynamical_system": ("train", "test", "seed"),
    "digits": ("train", "test", "seed"),
}


@dataclass(frozen=True)
class Data:
    """Samples in double precision, one a column.

    Parameters
    ----------
    inputs, labels : numpy.ndarray, shape (d, N)
    test_inputs, test_labels : numpy.ndarray, shape (d, M)
        M may be zero.
    classes, test_classes : numpy.ndarray or None
        Of a classification.
    """

    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    classes: np.ndarray | None = None
    test_classes: np.ndarray | None = None


def canonical(given: Any) -> dict[str, Any]:
    """Return the JSON of a data set with its defaults filled in and every matrix in its exact form."""
    if not isinstance(given, Mapping):
        raise InputError(f'the data are {given!r}; give a table such as {{set = "digits", train = 1024, test = 256}}')
    name = str(given.get("set", "exact"))
    if name not in SETS:
        raise UnknownNameError("data set", name, SETS)
    for key in given:
        if key not in ("set", *SETS[name]):
            raise UnknownNameError(f"entry of the data set {name}", str(key), SETS[name])
    if name == "exact":
        if "labels" not in given or "inputs" not in given:
            raise InputError("the exact data need inputs and labels: rows, or a family such as unit_columns")
        parts = {part: targets.matrix(given[part]) for part in SETS[name]}
        if parts["inputs"].shape != parts["labels"].shape:
            shapes = " and ".join(str(list(part.shape)) for part in parts.values())
            raise ShapeError(f"inputs and labels have the shapes {shapes}; a residual network needs equal ones")
        return {"set": name, **{part: matrix.specification() for part, matrix in parts.items()}}
    numbers = {"train": given.get("train", 1024), "test": given.get("test", 256), "seed": given.get("seed", 0)}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < (key == "train"):
            raise InputError(f"the {key} of the data is {value!r}; give a nonnegative integer, of train a positive one")
    return {"set": name, **numbers}


def load(given: Mapping[str, Any], width: int) -> Data:
    """Return the samples of a canonical data set for a network of a width."""
    if given["set"] == "exact":
        inputs, labels = (np.array(targets.matrix(given[part]).rows, dtype=float) for part in SETS["exact"])
        if inputs.shape[0] != width:
            raise ShapeError(f"the inputs have {inputs.shape[0]} rows but the network has the width {width}")
        return Data(inputs, labels, inputs[:, :0], labels[:, :0])
    train, test = given["train"], given["test"]
    if given["set"] == "digits":
        return Data(*digits.load(width, train, test, given["seed"]))
    from workbench.targets.dynamical_system import floats

    inputs, labels = floats(width, train + test, given["seed"])
    return Data(inputs[:, :train], labels[:, :train], inputs[:, train:], labels[:, train:])


def batches(samples: int, size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the samples of each minibatch of an epoch: a permutation by seed, cut; the last may be smaller."""
    from workbench.draws import uniform_numerators

    order = np.argsort(uniform_numerators(f"batches/{epoch}", [seed], samples)[0], kind="stable")
    return [order[first : first + size] for first in range(0, samples, size)]
