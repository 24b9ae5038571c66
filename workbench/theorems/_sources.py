"""The papers that several statements come from."""

from __future__ import annotations

from dataclasses import replace

from workbench.theorems._statement import Source

_BARTLETT_2018 = Source(
    authors="Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    year=2018,
    title="Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    where="ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    url="https://arxiv.org/abs/1802.06093",
)

_ARORA_2018 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Elad Hazan",
    year=2018,
    title="On the optimization of deep networks: implicit acceleration by overparameterization",
    where="ICML 2018; arXiv:1802.06509",
    url="https://arxiv.org/abs/1802.06509",
)


def bartlett_2018(locator: str) -> Source:
    """Return Bartlett, Helmbold, Long (2018) at a place."""
    return replace(_BARTLETT_2018, locator=locator)


def arora_2018(locator: str) -> Source:
    """Return Arora, Cohen, Hazan (2018) at a place."""
    return replace(_ARORA_2018, locator=locator)
