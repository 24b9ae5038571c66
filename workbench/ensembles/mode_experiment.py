"""One specification -> one record of Theorem 2 on many targets, carried by the recursion of their eigenvalues.

Some of the members are carried again by full matrices. An ensemble whose slowest member would be allowed more steps
than `most` is left blank: its record says so, and has no verdict on anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from workbench import content, targets, theorems
from workbench.ensembles import matrix_check, modes
from workbench.ensembles.envelopes import Envelopes, Judged
from workbench.ensembles.members import Ensemble
from workbench.ensembles.verdicts import VERDICTS
from workbench.errors import UnsupportedError
from workbench.evidence import UNDECIDED
from workbench.exact import decimal_text, rational
from workbench.store import Record, Store, digest, fingerprint
from workbench.theorems import Theorem

BLANK = "blank"
THEOREM = "positive_definite"


@dataclass(frozen=True)
class ModeExperiment:
    """Theorem 2 and an ensemble of positive definite targets.

    Parameters
    ----------
    ensemble : Ensemble
        From the identity, square; its step sizes stand for nothing: each member takes the largest.
    level : Fraction
        Of the loss.
    most : int
        Steps that the theorem may allow the slowest member.
    checked : int
        Members to carry again by full matrices.
    """

    ensemble: Ensemble
    level: Fraction
    most: int
    checked: int

    def __post_init__(self) -> None:
        ensemble, widths = self.ensemble, set(self.ensemble.widths)
        if not hasattr(_family(ensemble), "spectra") or len(widths) > 1:
            raise UnsupportedError("modes carry square targets of a family of known spectra: give 'conditioned'")
        if dict(ensemble.start) not in ({"scheme": "identity"}, {}) or ensemble.normalisation != "half":
            raise UnsupportedError("modes start from the identity, with the loss 1/2 ||W - Phi||^2")

    @property
    def theorem(self) -> Theorem:
        """Theorem 2."""
        return theorems.load(THEOREM)

    @property
    def without(self) -> tuple[str, ...]:
        """No hypothesis can be set aside: the recursion supposes them."""
        return ()

    def specification(self) -> dict[str, Any]:
        """Return the canonical JSON that the run id is taken of."""
        return {
            "kind": "ensemble",
            "by": "modes",
            "theorem": {"name": THEOREM},
            "ensemble": {**self.ensemble.specification(), "step_sizes": "largest"},
            "dynamics": {"name": "gradient_descent", "stop": {"until_loss": str(self.level), "most": self.most}},
            "backend": {"precision": "float64", "device": "cpu"},
            "checked": self.checked,
            "without": [],
        }

    @property
    def run_id(self) -> str:
        """SHA-256 of the specification."""
        return digest(self.specification())

    def record(self, store: Store | None = None) -> tuple[Record, bool]:
        """Return the record, and whether it was computed now rather than found in the store."""
        found = None if store is None else store.current(self.specification())
        if found is not None:
            return found, False
        record = self._computed()
        if store is not None:
            store.put(record)
        return record, True

    def values(self, members: range) -> np.ndarray:
        """Return the eigenvalues of some members, shape (B, d)."""
        own = {k: v for k, v in self.ensemble.target.items() if k in ("shape", "condition")}
        seeds = [self.ensemble.seed_of(index) for index in members]
        return np.asarray(_family(self.ensemble).spectra(seeds, **own))

    def _computed(self) -> Record:
        level = float(self.level)
        values = self.values(range(self.ensemble.count))
        envelopes = Envelopes(values, self.ensemble.network.depth)
        allowed = np.ceil(envelopes.allowed(level)[1])
        if allowed.max() > self.most:
            return self._kept(BLANK, None, self._blank(int(allowed.max())))
        depth = self.ensemble.network.depth
        most = int(allowed.max()) + 2
        path = modes.fastest(values.size * most)
        # Compiled before the clock runs.
        modes.run(values[:1], envelopes.step_sizes[:1], depth, level, 1, path)
        begun = time.perf_counter()
        run = modes.run(values, envelopes.step_sizes, depth, level, most, path)
        judged = envelopes.judge(run, level)
        seconds = time.perf_counter() - begun
        part = slice(0, self.checked)
        check = matrix_check.check(values[part], envelopes.step_sizes[part], depth, level, run)
        verdict = next(v for v in VERDICTS if (judged.verdicts == v).any())
        payload = self._payload(judged, run, allowed, seconds, values.shape[1])
        payload |= {"check": asdict(check) | {"resolution": matrix_check.RESOLUTION, "agrees": check.agrees}}
        payload["check"]["seconds"] = round(time.perf_counter() - begun - seconds, 3)
        if not check.agrees:
            verdict = UNDECIDED
            payload["notes"].append("full matrices disagree with the recursion of modes by more than the resolution")
        worst = payload["worst_member"]
        payload["worst_step_size"] = str(Fraction(float(envelopes.step_sizes[worst])))
        return self._kept(verdict, (float(judged.margins[worst]), float(judged.errors[worst])), payload)

    def _payload(
        self, judged: Judged, run: modes.ModeRun, allowed: np.ndarray, seconds: float, size: int
    ) -> dict[str, Any]:
        order = [VERDICTS.index(v) for v in judged.verdicts.tolist()]
        worst = min(range(len(order)), key=lambda i: (order[i], judged.margins[i], i))
        ratio = run.reached / np.maximum(allowed, 1)
        late = int((run.reached < 0).sum())
        return self._common() | {
            "counts": {verdict: int((judged.verdicts == verdict).sum()) for verdict in VERDICTS},
            "statuses": {"converged": self.ensemble.count - late} | ({"finished": late} if late else {}),
            "status": "finished" if late else "converged",
            "steps": int(run.reached.max()),
            "allowed": int(allowed.max()),
            "tightness": float(judged.tightness.max()),
            "tightness_median": float(np.median(judged.tightness)),
            "steps_ratio": float(ratio.max()),
            "steps_ratio_median": float(np.median(ratio)),
            "worst_member": worst,
            "worst_seed": self.ensemble.seed_of(worst),
            "seconds": round(seconds, 3),
            "mode_steps": run.steps * size,
            "path": run.path,
            "notes": [f"{self.ensemble.count} targets by the recursion of their eigenvalues ({run.path})"],
        }

    def _common(self) -> dict[str, Any]:
        ensemble = self.ensemble
        condition = ensemble.target.get("condition", 1)
        return {
            "depth": ensemble.network.depth,
            "widths": list(ensemble.widths),
            "condition": float(Fraction(str(condition))),
            "target": {"label": f"{ensemble.count} targets, width {ensemble.widths[0]}, condition number {condition}"},
            "method": {"step_size_decimal": None, "parameters": {}},
            "backend": {"name": "float64", "digits": None, "precision_bits": 53, "device": "cpu"},
            "loss": {"values": [], "errors": []},
            "level": str(self.level),
            "members": ensemble.count,
            "statements": [],
        }

    def _blank(self, allowed: int) -> dict[str, Any]:
        why = f"left blank: the theorem allows the slowest member {allowed:,} steps, above the limit of {self.most:,}"
        return self._common() | {
            "counts": dict.fromkeys(VERDICTS, 0),
            "statuses": {},
            "status": BLANK,
            "steps": None,
            "allowed": allowed,
            "tightness": None,
            "worst_member": None,
            "notes": [why],
        }

    def _kept(self, verdict: str, margin: tuple[float, float] | None, payload: dict[str, Any]) -> Record:
        theorem = self.theorem
        files = [content.reference(theorem.path)]
        slack, error = margin if margin is not None else (math.nan, math.nan)
        return Record(
            kind="ensemble",
            name=theorem.name,
            specification=self.specification(),
            fingerprint=fingerprint([content.resolve(name) for name in files]),
            title=theorem.title,
            statement=theorem.statement,
            standing=theorem.standing,
            hypotheses=[
                {"name": n, "text": t, "margin": None, "margin_decimal": None, "holds": True, "dropped": False}
                for n, t in theorem.hypothesis_texts.items()
            ],
            source=asdict(theorem.source),
            files=files,
            verdict=verdict,
            grade="estimate",
            margin=None if math.isnan(slack) else decimal_text(Fraction(slack)),
            error=None if math.isnan(error) else decimal_text(Fraction(error), 3),
            payload=payload,
        )


def _family(ensemble: Ensemble) -> ModuleType:
    if ensemble.target.get("family") not in targets.catalogue():
        raise UnsupportedError("modes carry a family of targets; give one, without its seed")
    return import_module(f"workbench.targets.{ensemble.target['family']}")


def read(specification: Mapping[str, Any], ensemble: Ensemble, stop: Mapping[str, Any], checked: int) -> ModeExperiment:
    """Return the experiment of a specification whose ensemble was read already.

    Parameters
    ----------
    specification : mapping
    ensemble : Ensemble
    stop : mapping
        `until_loss` and, where it is not 100,000, `most`.
    checked : int
    """
    if specification["theorem"] != THEOREM or specification.get("without"):
        raise UnsupportedError(f"modes carry the theorem {THEOREM}, with all its hypotheses")
    level = rational(stop.get("until_loss", "1e-10"), "the loss to reach")
    if level <= 0:
        raise UnsupportedError(f"the loss to reach is {level}; it must be positive")
    return ModeExperiment(ensemble, level, int(stop.get("most", 100_000)), checked)
