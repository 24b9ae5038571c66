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

_ARORA_2019 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Wei Hu, Yuping Luo",
    year=2019,
    title="Implicit regularization in deep matrix factorization",
    where="NeurIPS 2019; arXiv:1905.13655",
    url="https://arxiv.org/abs/1905.13655",
)

_ARORA_GOLOWICH_2019 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Noah Golowich, Wei Hu",
    year=2019,
    title="A convergence analysis of gradient descent for deep linear neural networks",
    where="ICLR 2019; arXiv:1810.02281",
    url="https://arxiv.org/abs/1810.02281",
)

_MIN_2023 = Source(
    authors="Hancheng Min, Rene Vidal, Enrique Mallada",
    year=2023,
    title="On the convergence of gradient flow on multi-layer linear models",
    where="ICML 2023, PMLR 202",
)

_MARCOTTE_2024 = Source(
    authors="Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    year=2024,
    title="Keep the momentum: conservation laws beyond Euclidean gradient flows",
    where="ICML 2024; arXiv:2405.12888",
    url="https://arxiv.org/abs/2405.12888",
)

_SAXE_2014 = Source(
    authors="Andrew M. Saxe, James L. McClelland, Surya Ganguli",
    year=2014,
    title="Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    where="ICLR 2014; arXiv:1312.6120",
    url="https://arxiv.org/abs/1312.6120",
)


def bartlett_2018(locator: str) -> Source:
    """Return Bartlett, Helmbold, Long (2018) at a place."""
    return replace(_BARTLETT_2018, locator=locator)


def arora_2018(locator: str) -> Source:
    """Return Arora, Cohen, Hazan (2018) at a place."""
    return replace(_ARORA_2018, locator=locator)


def arora_2019(locator: str) -> Source:
    """Return Arora, Cohen, Hu, Luo (2019) at a place."""
    return replace(_ARORA_2019, locator=locator)


def arora_golowich_2019(locator: str) -> Source:
    """Return Arora, Cohen, Golowich, Hu (2019) at a place."""
    return replace(_ARORA_GOLOWICH_2019, locator=locator)


def min_2023(locator: str) -> Source:
    """Return Min, Vidal, Mallada (2023) at a place."""
    return replace(_MIN_2023, locator=locator)


def marcotte_2024(locator: str) -> Source:
    """Return Marcotte, Gribonval, Peyre (2024) at a place."""
    return replace(_MARCOTTE_2024, locator=locator)


def saxe_2014(locator: str) -> Source:
    """Return Saxe, McClelland, Ganguli (2014) at a place."""
    return replace(_SAXE_2014, locator=locator)


_HU_2020 = Source(
    authors="Wei Hu, Lechao Xiao, Jeffrey Pennington",
    year=2020,
    title="Provable benefit of orthogonal initialization in optimizing deep linear networks",
    where="ICLR 2020; arXiv:2001.05992",
    url="https://arxiv.org/abs/2001.05992",
)


def hu_2020(locator: str) -> Source:
    """Return Hu, Xiao, Pennington (2020) at a place."""
    return replace(_HU_2020, locator=locator)


_GHOSH_2025 = Source(
    authors="Avrajit Ghosh, Soo Min Kwon, Rongrong Wang, Saiprasad Ravishankar, Qing Qu",
    year=2025,
    title="Learning dynamics of deep matrix factorization beyond the edge of stability",
    where="ICLR 2025; arXiv:2502.20531",
    url="https://arxiv.org/abs/2502.20531",
)


def ghosh_2025(locator: str) -> Source:
    """Return Ghosh, Kwon, Wang, Ravishankar, Qu (2025) at a place."""
    return replace(_GHOSH_2025, locator=locator)
