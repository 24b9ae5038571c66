"""Product of the Frobenius norms of the layers, prod_j ||W_j||_F."""

from __future__ import annotations

from functools import partial

from workbench.backends.ball_algebra import frobenius_norm
from workbench.exact import Measured
from workbench.observables._balls import of_linear_layers, product_of
from workbench.observables._snapshot import Snapshot


def measure(snapshot: Snapshot) -> Measured:
    """Return the product, enclosed within the error that the weights carry."""
    return of_linear_layers(snapshot, partial(product_of, frobenius_norm), "the product of the layers' norms")
