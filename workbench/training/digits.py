"""The 8 x 8 digits that scikit-learn carries in its wheel: 1797 images, no download.

Inputs are scaled to unit norm: the 64 pixels themselves, or their coordinates along the leading principal directions of
the training part. Labels are one-hot in the first ten coordinates, so that a network needs a width of ten at least.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.draws import uniform_numerators
from workbench.errors import InputError, MissingPackageError

CLASSES, PIXELS, IMAGES = 10, 64, 1797


def images() -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels, shape (64, 1797), and the classes."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingPackageError("scikit-learn", "the digits") from error
    found: Any = load_digits()
    return np.asarray(found.data, dtype=float).T, np.asarray(found.target)


def load(width: int, train: int, test: int, seed: int) -> tuple[np.ndarray, ...]:
    """Return inputs and labels to train on, those to test on, each (width, number), and the classes of both.

    Parameters
    ----------
    width : int
        Of the network, 10 to 64; below 64 the pixels are projected.
    train, test : int
        Images of each part.
    seed : int
        Of the split.
    """
    if not CLASSES <= width <= PIXELS:
        raise InputError(f"the width is {width}; the digits need between {CLASSES} and {PIXELS}")
    if train < 1 or test < 0 or train + test > IMAGES:
        raise InputError(f"{train} and {test} digits are asked for, but there are {IMAGES}")
    pixels, classes = images()
    order = np.argsort(uniform_numerators("digits/split", [seed], IMAGES)[0], kind="stable")
    parts = [order[:train], order[train : train + test]]
    mean, directions = projection(pixels[:, parts[0]], width)
    found = [directions @ (pixels[:, part] - mean) for part in parts]
    inputs = [x / np.maximum(np.linalg.norm(x, axis=0), np.finfo(float).tiny) for x in found]
    labels = [np.eye(width)[:, classes[part]] for part in parts]
    return inputs[0], labels[0], inputs[1], labels[1], classes[parts[0]], classes[parts[1]]


def projection(pixels: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is subtracted and the rows onto which images are projected: nothing and all 64 at full width."""
    if width == PIXELS:
        return np.zeros((PIXELS, 1)), np.eye(PIXELS)
    mean = pixels.mean(axis=1, keepdims=True)
    directions = np.linalg.svd(pixels - mean, full_matrices=False)[0].T[:width]
    # The sign of a principal direction is a convention: its largest entry is positive.
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return mean, directions * np.sign(largest)
