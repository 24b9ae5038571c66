r"""The asymptotics of the escape from a saddle, with their constants.

Two numbers: beside the symmetric path $x_t$ the gap grows by $1 + \eta(x_t^2 + \lambda)$, then alone by
$d \mapsto d(1 + \eta(\lambda - d^2/4))$, which near 0 is linear in the coordinate
$\varphi(d) = \lim d_{-n}(1 + \eta\lambda)^n$. So the escape takes the first integer that is at least
$\ln(\varphi(d_\alpha) / (\varepsilon d_0 C)) / \ln(1 + \eta\lambda)$,
$C = \prod_t (1 + \eta(x_t^2 + \lambda))/(1 + \eta\lambda)$.

More numbers: the steps times $\eta \lambda \varepsilon^{(L-2)/2}$ tend to $C^{-(L-2)/2} I$,
$I = \int_0^\infty y^{-1/2} \prod_{i \ne m} (y + 2(\xi_i - \xi_m))^{-1/2} dy$ and
$C = \prod_t (1 - \eta^2 (x_t^L + \lambda)^2 x_t^{2L-4})$.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from workbench.probes._escape import Chain

# Digits of the constants: they enter through a logarithm that is a few thousand at most.
_DIGITS = 40

# Steps of the symmetric path that are multiplied out; what is left of the product is 1 + O(1/steps^2).
_PATH = 20_000


def constant(chain: Chain) -> Any:
    """Return the constant of the law of a chain: the O(1) in steps for two numbers, else the limit of the product."""
    import mpmath

    with mpmath.workdps(_DIGITS):
        return _of_two(chain, mpmath.mp) if chain.depth == 2 else _of_more(chain, mpmath.mp)


def predicted(chain: Chain, size: Fraction, known: Any) -> float:
    """Return the steps that the law says for a size of the perturbation."""
    import mpmath

    with mpmath.workdps(_DIGITS):
        eta, weak, eps = (_mp(x, mpmath.mp) for x in (chain.step_size, chain.weakness, size))
        if chain.depth == 2:
            return float(known - mpmath.log(eps) / mpmath.log(1 + eta * weak))
        return float(known / (eta * weak * eps ** (mpmath.mpf(chain.depth - 2) / 2)))


def _mp(value: Fraction, mp: Any) -> Any:
    return mp.mpf(value.numerator) / value.denominator


def _of_two(chain: Chain, mp: Any) -> Any:
    eta, weak, share = (_mp(x, mp) for x in (chain.step_size, chain.weakness, chain.level))
    growth, x, product = 1 + eta * weak, mp.mpf(1), mp.mpf(1)
    while eta * x * x > mp.eps:
        product *= (1 + eta * (x * x + weak)) / growth
        x *= 1 - eta * (x * x + weak)
    gap = _mp(max(chain.offsets) - min(chain.offsets), mp)
    end = 2 * mp.sqrt(weak * (1 - mp.sqrt(share)))
    return mp.log(_linearised(end, eta, weak, mp) / (gap * product)) / mp.log(growth)


def _linearised(gap: Any, eta: Any, weak: Any, mp: Any) -> Any:
    """Return the coordinate in which the gap alone is multiplied by 1 + eta lambda a step."""
    growth, steps = 1 + eta * weak, 0
    while eta * gap * gap > mp.eps:
        # The branch of the cubic's inverse that goes to 0.
        end = gap
        gap = mp.findroot(lambda d, end=end: d * (1 + eta * (weak - d * d / 4)) - end, gap / growth)
        steps += 1
    return gap * growth**steps


def _of_more(chain: Chain, mp: Any) -> Any:
    eta, weak, depth = _mp(chain.step_size, mp), _mp(chain.weakness, mp), chain.depth
    least = min(chain.offsets)
    others = list(chain.offsets)
    others.remove(least)
    gaps = [_mp(2 * (x - least), mp) for x in others]

    def slowness(z: Any) -> Any:
        # y = z^2 takes the singularity at 0 away.
        return 2 / mp.sqrt(mp.fprod(z * z + gap for gap in gaps))

    integral = mp.quad(slowness, [0, *sorted(mp.sqrt(gap) for gap in gaps), mp.inf])
    return integral * _contraction(float(eta), float(weak), depth) ** (-mp.mpf(depth - 2) / 2)


def _contraction(eta: float, weak: float, depth: int) -> float:
    """Return C: the product along the path, its tail by the integral of eta x^(L-3) / (L-2) under the path."""
    x, product = 1.0, 1.0
    for _ in range(_PATH):
        residual = x**depth + weak
        product *= 1 - (eta * residual) ** 2 * x ** (2 * depth - 4)
        x -= eta * residual * x ** (depth - 1)
    return product * (1 - eta * weak * x ** (depth - 2) / (depth - 2))
