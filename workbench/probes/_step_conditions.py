r"""Which step-size condition of the negative eigenvalue theorem is sharp, in exact rationals.

On a mode of the eigenvalue -lambda every layer is x, and one step is f(x) = x + eta kappa (1 - x) - eta x^(L-1) (x^L +
lambda), from x = 1. At odd depth the floor lambda^2/2 breaks once -2 lambda < x^L < 0. Beyond eta kappa = 1 the floor
still holds where f keeps [0, eta kappa]: with B = eta kappa >= 1, f is concave and at most B on x >= 0, so that
f(1) >= 0 and f(B) >= 0 suffice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from workbench.probes.base import FOUND, Axis, Figure, Finding, Number, Panel, Series, Table, TimeLimit, Witness

# How far beyond a condition a witness is asked for, and where the penalty is bisected to.
_BEYOND, _WIDTH = Fraction(1, 1000), Fraction(1, 10**6)
_SHARES = tuple(Fraction(k, 10) for k in range(1, 11))
_MOST_STEPS = 60

# Fractions of more bits than this are rounded: exact iterates grow by the factor 2L - 1 a step.
_MOST_BITS = 20_000


@dataclass(frozen=True)
class Mode:
    """One mode of a run: depth, eigenvalue -weakness, step size, penalty, radius of the projection or none."""

    depth: int
    weakness: Fraction
    step: Fraction
    penalty: Fraction = Fraction(0)
    radius: Fraction | None = None

    def after(self, x: Fraction) -> Fraction:
        """Return the layer after a step."""
        pull = self.step * self.penalty * (1 - x)
        found = x + pull - self.step * x ** (self.depth - 1) * (x**self.depth + self.weakness)
        if self.radius is not None:
            found = max(1 - self.radius, min(1 + self.radius, found))
        return found

    def breaks_at(self) -> int | None:
        """Return the first step with a loss below the floor, exactly, None within what was tried."""
        x = Fraction(1)
        for step in range(1, _MOST_STEPS + 1):
            x = self.after(x)
            if -2 * self.weakness < x**self.depth < 0:
                return step
            if x.denominator.bit_length() > _MOST_BITS:
                return None
        return None

    def kept(self) -> bool:
        """Say whether the floor is proved by the interval [0, max(1, eta kappa)]."""
        top = max(Fraction(1), self.step * self.penalty)
        return self.depth % 2 == 1 and self.after(Fraction(1)) >= 0 and self.after(top) >= 0


def find(question: Mapping[str, str], limit: TimeLimit) -> Finding:
    """Ask each condition for a witness just beyond it, and bisect how far the penalty may go."""
    depth, weakness = int(question["depth"]), Fraction(question["eigenvalue"])
    whole = 1 / (1 + weakness)
    beyond = 1 + _BEYOND
    cases = {
        "eta (1 + lambda) <= 1": Mode(depth, weakness, beyond * whole),
        "eta kappa <= 1, at eta (1 + lambda) = 1": Mode(depth, weakness, whole, beyond / whole),
        "r <= 1 under the projection": Mode(depth, weakness, 4 * whole, radius=beyond),
    }
    rows = [(name, *_told(mode)) for name, mode in cases.items()]
    curve = [_edge(depth, weakness, share * whole) for share in _SHARES if not limit.over]
    first = cases["eta (1 + lambda) <= 1"]
    inner = curve[len(curve) // 2] if curve else (Fraction(0),) * 2
    middle = f"eta (1 + lambda) = {_SHARES[len(curve) // 2 if curve else 0]}"
    return Finding(
        FOUND,
        f"Which step-size condition of negative_eigenvalue is sharp at depth {depth} for the eigenvalue {-weakness}?",
        "Those on eta (1 + lambda) and on the radius are sharp: a thousandth beyond them the floor breaks, exactly. "
        "That on eta kappa is sharp where eta (1 + lambda) = 1 alone: below, a longer one is proved to keep the floor.",
        {
            "penalty_kept": Number(f"eta kappa proved to keep the floor at {middle}", inner[0], "exact"),
        },
        witness=Witness(
            f"one mode, {first.breaks_at()} step(s), in exact rationals",
            {"L": str(depth), "lambda": str(weakness), "eta": str(first.step), "x_1": str(first.after(Fraction(1)))},
        ),
        searched=[f"eta kappa bisected to {_WIDTH} at {len(curve)} values of eta (1 + lambda)"],
        not_found=["a proof between the two curves: there the floor neither broke nor was proved to hold"],
        figure=_figure(curve),
        tables=[Table("A thousandth beyond each condition", ("condition", "verdict", "witness"), rows)],
    )


def _told(mode: Mode) -> tuple[str, str]:
    step = mode.breaks_at()
    numbers = f"eta {mode.step}, kappa {mode.penalty}" + ("" if mode.radius is None else f", r {mode.radius}")
    return ("open" if step is None else "sharp", f"{numbers}: {'kept' if step is None else f'broken at step {step}'}")


def _edge(depth: int, weakness: Fraction, step: Fraction) -> tuple[Fraction, Fraction]:
    """Return the largest eta kappa that is proved to keep the floor, and the least that was seen to break it."""
    low, high = Fraction(1), Fraction(4)
    while high - low > _WIDTH:
        middle = (low + high) / 2
        low, high = (middle, high) if Mode(depth, weakness, step, middle / step).kept() else (low, middle)
    broken = Fraction(4)
    for k in range(301):
        share = low + (broken - low) * Fraction(k, 300)
        if Mode(depth, weakness, step, share / step).breaks_at() is not None:
            return low, share
    return low, broken


def _figure(curve: list[tuple[Fraction, Fraction]]) -> Figure | None:
    if not curve:
        return None
    shares = [float(x) for x in _SHARES[: len(curve)]]
    kept, broken = ([float(pair[i]) for pair in curve] for i in (0, 1))
    series = (
        Series("proved to hold below", shares, kept, "joined"),
        Series("seen to break above", shares, broken, "joined"),
        Series("condition of the theorem", shares, [1.0] * len(shares), "dashed", colour="grey"),
    )
    panel = Panel(Axis(r"$\eta (1 + \lambda)$"), Axis(r"$\eta \kappa$"), series)
    return Figure((panel,), "How large a penalty keeps the floor of a negative eigenvalue at odd depth.")
