"""The papers that several statements come from."""

from __future__ import annotations

from workbench.theorems._statement import Source

BARTLETT_2018 = Source(
    authors="Peter L. Bartlett, David P. Helmbold, Philip M. Long",
    year=2018,
    title="Gradient descent with identity initialization efficiently learns positive definite linear "
    "transformations by deep residual networks",
    where="ICML 2018; Neural Computation 31(3), 2019; arXiv:1802.06093",
    url="https://arxiv.org/abs/1802.06093",
)

ARORA_2018 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Elad Hazan",
    year=2018,
    title="On the optimization of deep networks: implicit acceleration by overparameterization",
    where="ICML 2018; arXiv:1802.06509",
    url="https://arxiv.org/abs/1802.06509",
)

ARORA_2019 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Wei Hu, Yuping Luo",
    year=2019,
    title="Implicit regularization in deep matrix factorization",
    where="NeurIPS 2019; arXiv:1905.13655",
    url="https://arxiv.org/abs/1905.13655",
)

ARORA_GOLOWICH_2019 = Source(
    authors="Sanjeev Arora, Nadav Cohen, Noah Golowich, Wei Hu",
    year=2019,
    title="A convergence analysis of gradient descent for deep linear neural networks",
    where="ICLR 2019; arXiv:1810.02281",
    url="https://arxiv.org/abs/1810.02281",
)

MIN_2023 = Source(
    authors="Hancheng Min, Rene Vidal, Enrique Mallada",
    year=2023,
    title="On the convergence of gradient flow on multi-layer linear models",
    where="ICML 2023, PMLR 202",
)

MARCOTTE_2024 = Source(
    authors="Sibylle Marcotte, Remi Gribonval, Gabriel Peyre",
    year=2024,
    title="Keep the momentum: conservation laws beyond Euclidean gradient flows",
    where="ICML 2024; arXiv:2405.12888",
    url="https://arxiv.org/abs/2405.12888",
)

SAXE_2014 = Source(
    authors="Andrew M. Saxe, James L. McClelland, Surya Ganguli",
    year=2014,
    title="Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    where="ICLR 2014; arXiv:1312.6120",
    url="https://arxiv.org/abs/1312.6120",
)

CONT_2022 = Source(
    authors="Rama Cont, Alain Rossier, Renyuan Xu",
    year=2022,
    title="Convergence and implicit regularization properties of gradient descent for deep residual networks",
    where="arXiv:2204.07261",
    url="https://arxiv.org/abs/2204.07261",
)


HU_2020 = Source(
    authors="Wei Hu, Lechao Xiao, Jeffrey Pennington",
    year=2020,
    title="Provable benefit of orthogonal initialization in optimizing deep linear networks",
    where="ICLR 2020; arXiv:2001.05992",
    url="https://arxiv.org/abs/2001.05992",
)


GHOSH_2025 = Source(
    authors="Avrajit Ghosh, Soo Min Kwon, Rongrong Wang, Saiprasad Ravishankar, Qing Qu",
    year=2025,
    title="Learning dynamics of deep matrix factorization beyond the edge of stability",
    where="ICLR 2025; arXiv:2502.20531",
    url="https://arxiv.org/abs/2502.20531",
)


ZIYIN_2023 = Source(
    authors="Liu Ziyin, Hongchao Li, Masahito Ueda",
    year=2023,
    title="Law of balance and stationary distribution of stochastic gradient descent",
    where="arXiv:2308.06671",
    url="https://arxiv.org/abs/2308.06671",
)
