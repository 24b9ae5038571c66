"""Product of the spectral norms of the layers, prod_j ||W_j||_2, at least the norm of the end-to-end matrix."""

from __future__ import annotations

from functools import partial

from workbench.backends.ball_algebra import spectral_norm
from workbench.exact import Measured
from workbench.observables._balls import of_linear_layers, product_of
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the product, enclosed within the error that the weights carry."""
    return of_linear_layers(snapshot, partial(product_of, spectral_norm), "the product of the layers' norms")
