"""The search for a violation of a statement, and for the largest and the smallest ratio of its two sides.

Edge cases first, since most false statements fail there; then changes of structure, moves of single numbers to the edge
of the hypotheses, and CMA-ES (Hansen and Ostermeier 2001) over all numbers at once. What breaks the statement in the
cheap pass is run again in balls. A search never proves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from workbench.errors import TheoremFileError
from workbench.evidence import CONSISTENT, VIOLATED
from workbench.probes._leaves import Coordinate, Specification, coordinates, placed
from workbench.probes._moves import extremes, moved
from workbench.probes._seeds import assembled, known
from workbench.probes._trial import Trial, attempt, audit, certified, certify
from workbench.store import digest
from workbench.theorems import Theorem

# A relative excess that is worth a run in balls; below it doubles cannot tell a violation from rounding.
_SUSPICIOUS = 1e-7

# Seconds that one cheap run and one certified run may take.
_CHEAP, _CERTIFIED = 0.8, 8.0

# Share of the time for the known problems and for putting others together, before anything is varied.
_KNOWN_SHARE, _ASSEMBLED_SHARE = 0.35, 0.15

# Trials kept as parents, the best of each kind and a sample of all; evaluations of one run of CMA-ES.
_POOL, _OTHERS, _EVOLUTION = 40, 40, 60

# Problems that a file fails on before the search gives it up.
_FAILURES = 100

# Kinds whose best is taken to the extremes.
_EXTREMES = 12

# Factors by which a single number is moved; a sign, a little, and far.
_FACTORS = tuple(Fraction(x) for x in ("-1", "9/10", "11/10", "1/2", "2", "1/10", "10", "99/100", "1/1000", "100"))
_VALUES = tuple(Fraction(x) for x in ("0", "1", "-1", "1/2", "2", "1/20", "-1/20", "1/100"))


@dataclass
class Search:
    """A search under way.

    Parameters
    ----------
    theorem : Theorem
    without : tuple of str
        Hypotheses set aside.
    seconds : float
        When it ends.
    seed : int
        Of every choice that it makes.
    tries : int
        The most problems that are run.
    clock : callable
        What the seconds are of.
    broken : str or None
        A hypothesis that is set aside and that every problem is to fail.
    """

    theorem: Theorem
    without: tuple[str, ...] = ()
    seconds: float = 60.0
    seed: int = 0
    tries: int = 100_000
    broken: str | None = None
    clock: Callable[[], float] = time.monotonic
    tried: int = 0
    inside: int = 0
    decided: int = 0
    took: float = 0.0
    certifications: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    found: Trial | None = None
    largest: Trial | None = None
    smallest: Trial | None = None
    failure: TheoremFileError | None = None
    ratios: list[float | None] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _pool: dict[str, Trial] = field(default_factory=dict)
    _others: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._start = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the search began."""
        return self.clock() - self._start

    @property
    def over(self) -> bool:
        """Whether a violation was found, or the time is up, or all tries were taken."""
        return self.found is not None or self.elapsed > self.seconds or self.tried >= self.tries

    def run(self) -> None:
        """Search until a violation is certified or the time is up."""
        self._search()
        self.took = self.elapsed

    def _search(self) -> None:
        for specification in known(self.theorem):
            if self.over or self.elapsed > _KNOWN_SHARE * self.seconds:
                break
            self.consider(specification)
        self._assemble()
        while not self.over and not self._pool and not self._hopeless:
            self._assemble()
        self._go_to_extremes()
        rounds: tuple[Callable[[], None], ...] = (self._restructure, self._move_one, self._to_the_edge) * 4
        while not self.over and self._pool:
            for step in (*rounds, self._evolve):
                step()
                if self.over:
                    return

    @property
    def _hopeless(self) -> bool:
        """Whether the file itself fails on whatever it is given."""
        return self.failure is not None and self.inside == 0 and self.tried > _FAILURES

    def _assemble(self) -> None:
        share, left = _ASSEMBLED_SHARE * self.seconds, self.seconds - self.elapsed
        if not self.over:
            for specification in assembled(self._distance, self._random, share, left):
                self.consider(specification)
                if self.over:
                    break

    def _go_to_extremes(self) -> None:
        """Try the best of each kind on the far side of zero, deeper, longer, both, at the largest step, and at rest."""
        best = sorted(self._pool.values(), key=_promise, reverse=True)[:_EXTREMES]
        for trial in best:
            for specification in extremes(trial.specification, self._random):
                if self.over:
                    return
                self.consider(specification)

    def consider(self, specification: Specification) -> Trial | None:
        """Try a problem that meets the hypotheses, once; certify it where it breaks the statement."""
        key = digest(specification)
        if key in self._seen or self._distance(specification) != 0:
            return None
        self._seen.add(key)
        trial = attempt(self.theorem, specification, self.without, min(_CHEAP, self.seconds - self.elapsed))
        self.tried += 1
        if self._holds_after_all(trial):
            return None
        if trial.verdict in ("failed", "outside"):
            self.failure = self.failure or trial.error
            return trial
        self._keep(trial)
        if certified(trial):
            self.found = trial
        elif trial.severity > _SUSPICIOUS or trial.verdict == VIOLATED:
            self.certifications += 1
            self.found = certify(self.theorem, specification, self.without, _CERTIFIED)
        return trial

    def _distance(self, specification: Specification) -> float | None:
        return audit(self.theorem, specification, self.without, self.broken)

    def _holds_after_all(self, trial: Trial) -> bool:
        """Say whether a hypothesis that was to fail, and that the run decides, does not."""
        if self.broken is None or trial.evidence is None:
            return False
        return any(h.name == self.broken and h.holds is not False for h in trial.evidence.hypotheses)

    def _keep(self, trial: Trial) -> None:
        self.inside += 1
        self.decided += trial.verdict in (CONSISTENT, VIOLATED)
        kind = _kind(trial.specification)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        # A sample of all that was met, evenly: the best alone may all lie on the wrong side of a valley.
        if len(self._others) < _OTHERS:
            self._others.append(trial)
        elif self._random.randrange(self.inside) < _OTHERS:
            self._others[self._random.randrange(_OTHERS)] = trial
        if kind not in self._pool or _promise(trial) > _promise(self._pool[kind]):
            self._pool[kind] = trial
        if len(self._pool) > _POOL:
            del self._pool[min(self._pool, key=lambda k: _promise(self._pool[k]))]
        self.ratios.append(trial.ratio)
        if trial.ratio is not None:
            if self.largest is None or trial.ratio > (self.largest.ratio or 0):
                self.largest = trial
            if self.smallest is None or trial.ratio < (self.smallest.ratio or 0):
                self.smallest = trial

    def _parent(self) -> Specification:
        """Return the better of two of those that were best of their kind, or now and then any problem met."""
        if self._random.randrange(4) == 0:
            return self._random.choice(self._others).specification
        pool = list(self._pool.values())
        pair = [self._random.choice(pool) for _ in range(2)]
        return max(pair, key=_promise).specification

    def _restructure(self) -> None:
        specification = moved(self._parent(), self._random)
        if not self._random.randrange(3):
            specification = moved(specification, self._random)
        self.consider(specification)

    def _coordinates(self, specification: Specification) -> tuple[list[Coordinate], bool]:
        free = not self._random.randrange(3)
        return coordinates(specification, free=free), free

    def _move_one(self) -> None:
        parent = self._parent()
        found, _ = self._coordinates(parent)
        if found:
            chosen = self._random.choice(found)
            scale = Fraction(f"{10 ** self._random.uniform(-2, 2):.2g}") * self._random.choice((1, -1))
            far = self._random.choice((self._random.choice(_FACTORS), scale)) * (chosen.value or 1)
            value = self._random.choice((far, far, self._random.choice(_VALUES)))
            self.consider(placed(parent, [(chosen, value)]))

    def _to_the_edge(self) -> None:
        """Move one number as far as the hypotheses allow, by bisecting its factor between 1 and where they fail."""
        parent = self._parent()
        found, _ = self._coordinates(parent)
        movable = [c for c in found if c.value]
        if not movable:
            return
        chosen = self._random.choice(movable)
        inside, outside = Fraction(1), self._random.choice((Fraction(64), Fraction(1, 64)))
        if self._meets(placed(parent, [(chosen, outside * chosen.value)])):
            return
        for _ in range(12):
            middle = Fraction(float(inside * outside) ** 0.5).limit_denominator(10_000)
            if middle in (inside, outside):
                break
            if self._meets(placed(parent, [(chosen, middle * chosen.value)])):
                inside = middle
            else:
                outside = middle
        self.consider(placed(parent, [(chosen, inside * chosen.value)]))

    def _meets(self, specification: Specification) -> bool:
        return self._distance(specification) == 0

    def _evolve(self) -> None:
        """Raise the severity of one problem over all of its numbers by CMA-ES."""
        from cma import CMAEvolutionStrategy

        parent = self._parent()
        chosen, free = self._coordinates(parent)
        if not chosen:
            return
        late = bool(self._random.randrange(2))
        # CMA-ES wants two dimensions at least; a second one that nothing reads does no harm.
        size, spread = max(2, len(chosen)), self._random.choice((0.05, 0.3))
        options = {"verbose": -9, "seed": self._random.randrange(1, 2**31), "maxfevals": _EVOLUTION}
        strategy = CMAEvolutionStrategy([0.0] * size, spread, options)
        while not strategy.stop() and not self.over:
            points = strategy.ask()
            strategy.tell(points, [self._cost(parent, chosen, point, free, late) for point in points])

    def _cost(
        self, parent: Specification, chosen: Sequence[Coordinate], point: Sequence[float], free: bool, late: bool
    ) -> float:
        if self.over:
            return 0.0
        values = [(c, c.moved(float(x), free=free)) for c, x in zip(chosen, point, strict=False)]
        specification = placed(parent, values)
        trial = self.consider(specification)
        if trial is None:
            distance = self._distance(specification)
            return 10.0 + (100.0 if distance is None else distance)
        return -(trial.late if late else trial.severity)


def _promise(trial: Trial) -> float:
    """Return how near a trial came to a violation, at its worst record and at its last."""
    return trial.severity + 0.5 * trial.late


def _kind(specification: Specification) -> str:
    """Return what a problem is of: network, dynamics, start and the signs in its target, in words."""
    problem, method = specification["problem"], specification["dynamics"]
    network = problem["network"]
    size = network.get("widths") or [network.get("width"), network.get("depth")]
    shape = network.get("kind", "linear") + " " + ",".join(str(w) for w in size)
    signs = {c.value > 0 for c in coordinates(specification, free=True) if "target" in c.part and c.value}
    told = "".join("+" if sign else "-" for sign in sorted(signs))
    return f"{shape}; {method['name']}; {problem.get('start', {}).get('scheme', 'identity')}; {told}"
