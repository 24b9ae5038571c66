r"""How far the Hessian of a deep linear network dips below zero, from the products of layers as they are.

`_hessian_bound` takes products of norms. Along a saddle they are far too large: the layers below and above keep little
of the residual, which is why the path is slow there.

Lemma (twist). Let P_j = W_j ... W_1 X, S_i = W_L ... W_(i+1), B_i = S_i^T E,
M_ij = W_(i-1) ... W_(j+1) and K_ij = ||B_i P_(j-1)^T||_2 ||M_ij||_2 for i > j, K symmetric with zero diagonal. The
Hessian of c ||E||_F^2, E = P_L - Y, has no eigenvalue below -2c ||K||_2 and none above
2c (sum_i ||S_i||_2^2 ||P_(i-1)||_2^2 + ||K||_2).
Proof.
    Along W_i + s V_i, E'' = 2 sum_(i > j) S_i V_i M_ij V_j P_(j-1), so that
    <E, E''> = 2 sum <B_i P_(j-1)^T, V_i M_ij V_j> is at most 2 sum_(i > j) K_ij v_i v_j = v^T K v in size, v_i =
    ||V_i||_F: the nuclear norm of a product with two factors V is at most the product of their Frobenius norms. And
    ||E'||_F <= sum_i ||S_i|| v_i ||P_(i-1)||. The second derivative is 2c (||E'||_F^2 + <E, E''>).

Lemma (the region). Where sum_k ||W_k - C_k||_F^2 <= R^2 and ||W_k||_2 <= w_k, a product Q of layers k in I obeys
||Q - Q(C)||_2 <= R q h, q = prod_I w_k and h^2 = sum_I 1/w_k^2; ||E - E(C)||_F <= R xi q h over all layers; and with
d for such a distance, norms of S, P and E on the region, and T = E P^T
    ||B P^T|| <= ||(B P^T)(C)|| + dS |T| + |S| dE |P| + |B(C)| dP,  |T| <= |T(C)| + dE |P| + |E(C)| dP.
Proof. Replace one layer at a time, then Cauchy and Schwarz; S^T E P^T - (S^T E P^T)(C) is (S - S(C))^T E P^T +
S(C)^T (E - E(C)) P^T + S(C)^T E(C) (P - P(C))^T.

Products of matrices in floating point: with D the largest dimension, one errs by at most D (D + 2) 2^-53 of the product
of the spectral norms, and the errors of L + 2 in a row add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.dynamics._error_bounds import norm
from workbench.dynamics._hessian_bound import INFLATE, TINY, spectral_norm_bounds

# Deeper, what is looked at costs more than it saves.
MOST_LAYERS = 48


def _norms(matrices: list[np.ndarray]) -> np.ndarray:
    """Return upper bounds of the spectral norms, those of one shape in one batch."""
    found = np.empty(len(matrices))
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, matrix in enumerate(matrices):
        shapes.setdefault(matrix.shape, []).append(place)
    for places in shapes.values():
        found[places] = spectral_norm_bounds([matrices[k] for k in places])
    return found


@dataclass(frozen=True)
class Products:
    """Norms of products of layers at a centre, and what bounds them around it.

    Parameters
    ----------
    prefixes, suffixes : Array, shape (L,)
        Of P_(i-1) and S_i.
    ahead, behind : Array, shape (L,)
        Of E P_(i-1)^T and B_i.
    middles, images : Array, shape (L, L)
        Of M_ij and B_i P_(j-1)^T, zero but for i > j.
    residual : float
        Of E, the Frobenius norm.
    target : float
        Of Y, the Frobenius norm.
    inputs : float
        xi.
    rounding : float
        Relative error of a product of floats.
    """

    prefixes: np.ndarray
    suffixes: np.ndarray
    ahead: np.ndarray
    behind: np.ndarray
    middles: np.ndarray
    images: np.ndarray
    residual: float
    target: float
    inputs: float
    rounding: float

    @classmethod
    def at(cls, layers: list[np.ndarray], target: np.ndarray, inputs: np.ndarray | None, input_norm: float) -> Products:
        """Return the norms at layers that are floats."""
        depth = len(layers)
        start = np.eye(layers[0].shape[1]) if inputs is None else inputs
        below = [start]
        for layer in layers:
            below.append(layer @ below[-1])
        error = below[-1] - target
        above = [np.eye(layers[-1].shape[0])]
        for layer in reversed(layers[1:]):
            above.insert(0, above[0] @ layer)
        pairs = [(i, j) for i in range(depth) for j in range(i)]
        back = [s.T @ error for s in above]
        middles, images = np.zeros((depth, depth)), np.zeros((depth, depth))
        places = tuple(np.array(pairs, dtype=int).reshape(-1, 2).T)
        middles[places] = _norms(_middles(layers))
        images[places] = _norms([back[i] @ below[j].T for i, j in pairs])
        size = max(max(a.shape) for a in (*layers, target, start))
        return cls(
            _norms(below[:-1]),
            _norms(above),
            _norms([error @ p.T for p in below[:-1]]),
            _norms(back),
            middles,
            images,
            norm([error]) * INFLATE + TINY,
            norm([target]) * INFLATE + TINY,
            input_norm,
            4 * (depth + 2) * size * (size + 2) * 2.0**-53,
        )

    def around(self, wide: np.ndarray, reach: float) -> tuple[float, float]:
        """Return bounds of ||K||_2 and of sum_i ||S_i||^2 ||P_(i-1)||^2 on a region.

        Parameters
        ----------
        wide : Array, shape (L,)
            w_i on the region.
        reach : float
            R.
        """
        depth, places = len(wide), np.arange(len(wide))
        inner = (places[:, None, None] > places) & (places > places[:, None])
        inverse, logarithm = wide**-2.0, np.log(wide)
        below = places[:, None] > places
        prefix = self._product(self.prefixes, below, inverse, logarithm, reach, self.inputs)
        suffix = self._product(self.suffixes, below.T, inverse, logarithm, reach, 1.0)
        middle = self._product(self.middles, inner, inverse, logarithm, reach, 1.0)[0]
        whole = float(np.exp(logarithm.sum())) * self.inputs * INFLATE
        rounding = self.rounding * (whole + self.target)
        moved = (reach * whole * float(np.sqrt(inverse.sum())) + rounding) * INFLATE
        (below_norm, below_moved), (above_norm, above_moved) = prefix, (suffix[0][:, None], suffix[1][:, None])
        # What a product of computed factors errs by beside the errors of these.
        own = self.rounding * (self.residual + moved)
        turned = self.ahead + moved * below_norm + self.residual * below_moved + own * below_norm
        behind = (self.behind + own * suffix[0])[:, None]
        image = self.images + above_moved * turned + above_norm * moved * below_norm + behind * below_moved
        image = (image + own * above_norm * below_norm) * INFLATE + TINY
        twist = np.where(below, image * middle, 0.0) * INFLATE
        bound = float(spectral_norm_bounds([twist + twist.T])[0]) if depth > 1 else 0.0
        return bound * INFLATE, float((suffix[0] ** 2 * prefix[0] ** 2).sum()) * INFLATE

    def _product(
        self,
        centre: np.ndarray,
        factors: np.ndarray,
        inverse: np.ndarray,
        logarithm: np.ndarray,
        reach: float,
        ends: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of a product's norm on the region and of its distance from that computed at the centre."""
        sizes = np.exp(factors @ logarithm) * ends * (1 + self.rounding) * INFLATE
        moved = (reach * sizes * np.sqrt(factors @ inverse) + self.rounding * sizes) * INFLATE
        return np.minimum(sizes, (centre + moved) * INFLATE), moved


def _middles(layers: list[np.ndarray]) -> list[np.ndarray]:
    """Return W_(i-1) ... W_(j+1) for i > j, i first."""
    found = []
    for i in range(len(layers)):
        product, row = np.eye(layers[i].shape[1]), []
        for j in range(i - 1, -1, -1):
            row.append(product)
            product = product @ layers[j]
        found += row[::-1]
    return found
