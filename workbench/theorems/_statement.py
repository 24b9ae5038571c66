"""What a theorem module is made of: source, hypotheses with margins, predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from workbench.errors import InputError, TheoremFileError
from workbench.exact import Measured

# What a theorem may give for a number: exact, with an error, or an enclosure of `workbench.backends.reals`.
Number = Any


@dataclass(frozen=True)
class Source:
    """Where a statement stands in print.

    Parameters
    ----------
    authors : str
    year : int
    title : str
    where : str
        Journal, proceedings or preprint number.
    locator : str
        "Theorem 2", "Lemma 6".
    url : str
    """

    authors: str
    year: int
    title: str
    where: str
    locator: str = ""
    url: str = ""

    def bibtex(self) -> str:
        """Return a BibTeX entry."""
        first = self.authors.split(",")[0].split()[-1].lower()
        key = f"{first}{self.year}{self.title.split()[0].lower()}"
        authors = " and ".join(a.strip() for a in self.authors.split(","))
        lines = {"author": authors, "title": self.title, "year": str(self.year), "howpublished": self.where}
        if self.url:
            lines["url"] = self.url
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in lines.items())
        return f"@misc{{{key},\n{body}\n}}"

    def at(self, locator: str) -> Source:
        """Return the source with the place in it."""
        return replace(self, locator=locator)


@dataclass(frozen=True)
class Hypothesis:
    """A named hypothesis and its margin: positive holds, negative fails, None unknown.

    Parameters
    ----------
    name : str
        As in the docstring, and as `--without` takes it.
    margin : Measured or None
        Distance to failing. A hypothesis that is a yes or no has margin 1 or -1; one that is an equality has the
        negated defect, so that zero holds.
    strict : bool
        Whether a margin of exactly zero fails.
    """

    name: str
    margin: Measured | None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.margin is not None and not isinstance(self.margin, Measured):
            raise TheoremFileError(f"the margin of {self.name} is {self.margin!r}; give a Measured, or None if unknown")
        if self.margin is not None and self.margin.error is not None and self.margin.error < 0:
            raise TheoremFileError(f"the margin of {self.name} has the error {self.margin.error}; it is not negative")

    @property
    def holds(self) -> bool | None:
        """True, False, or None where the margin's error does not decide."""
        bounds = None if self.margin is None else self.margin.bounds()
        if bounds is None:
            return None
        lower, upper = bounds
        if lower > 0 or (lower == 0 and not self.strict):
            return True
        if upper < 0 or (upper == 0 and self.strict):
            return False
        return None

    @classmethod
    def decided(cls, name: str, holds: bool) -> Hypothesis:
        """Return a hypothesis that is a yes or no."""
        return cls(name, Measured(Fraction(1 if holds else -1)))

    @classmethod
    def unknown(cls, name: str) -> Hypothesis:
        """Return a hypothesis that could not be decided."""
        return cls(name, None)


@dataclass(frozen=True)
class Bound:
    """An inequality along time, judged at every record from the first step on.

    Parameters
    ----------
    name, label : str
        Identifier, and words for a reader.
    lhs, rhs : sequence of numbers
        One for each record of the run.
    relation : {"<=", ">="}
    latex : str
        The inequality as a formula.
    quantity : str
        What the left side is ("loss").
    """

    name: str
    label: str
    lhs: Sequence[Number]
    rhs: Sequence[Number]
    relation: str = "<="
    latex: str = ""
    quantity: str = "loss"

    def __post_init__(self) -> None:
        if self.relation not in ("<=", ">="):
            raise InputError(f"the relation of the bound {self.name!r} is {self.relation!r}; write <= or >=")


@dataclass(frozen=True)
class Identity:
    """An equality along time.

    Parameters
    ----------
    name, label, latex, quantity : str
    lhs, rhs : sequence of numbers
    resolution : Fraction
        An error above this decides nothing: the equality is then undecided, not consistent.
    """

    name: str
    label: str
    lhs: Sequence[Number]
    rhs: Sequence[Number]
    resolution: Fraction
    latex: str = ""
    quantity: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.resolution, Fraction | int):
            raise TheoremFileError(f"the resolution of {self.name} is {self.resolution!r}; give a rational")


@dataclass(frozen=True)
class Count:
    """A number of steps by which a quantity is at most a level for the first time.

    Parameters
    ----------
    name, label : str
    values : sequence of numbers
        The quantity at each record.
    level : Fraction
    at_most : number
        The steps that the statement allows, an integer or an enclosure of one.
    latex : str
    """

    name: str
    label: str
    values: Sequence[Number]
    level: Fraction
    at_most: Number
    latex: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.level, Fraction | int):
            raise TheoremFileError(f"the level of {self.name} is {self.level!r}; give a rational")


@dataclass(frozen=True)
class Rate:
    """An exponential rate -d ln(loss)/dt, natural logarithm, per unit of flow time: shown, not judged."""

    value: Number
    label: str = "asymptotic rate of the bound"


Prediction = Bound | Identity | Count | Rate


@dataclass(frozen=True)
class Example:
    """A problem that a theorem is tried on, as data.

    Parameters
    ----------
    name : str
    expect : {"consistent", "vacuous", "violated", "undecided"}
        "violated" is a control: it is allowed only with hypotheses dropped.
    experiment : mapping
        A specification without the theorem.
    """

    name: str
    expect: str
    experiment: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limit:
    """A quantity of the runs of a family that tends to a number along it; a slope is one of pairs of neighbours.

    Parameters
    ----------
    name, label : str
    values : sequence of numbers
        In the order of the family; for a slope one fewer than its runs.
    limit : number
    resolution : Fraction
        How near the last value must be.
    latex : str
    """

    name: str
    label: str
    values: Sequence[Number]
    limit: Number
    resolution: Fraction
    latex: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.resolution, Fraction | int) or self.resolution <= 0:
            raise TheoremFileError(f"the resolution of {self.name} is {self.resolution!r}; give a positive rational")


@dataclass(frozen=True)
class FamilyExample:
    """A family of runs that a statement about a limit is tried on, as the data of a sweep.

    Parameters
    ----------
    name : str
    expect : {"consistent", "vacuous", "violated", "undecided"}
    sweep : mapping
        A sweep without the theorem; its grid, in order, is the family.
    """

    name: str
    expect: str
    sweep: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Erratum:
    """A form of the statement that stands somewhere and is false, with an exact counterexample.

    Parameters
    ----------
    printed : str
        The false form, LaTeX between dollars.
    where : str
        Where it stands.
    counterexample : mapping of str to str
        Exact rationals by name.
    refutation : str
        What the counterexample does, in words.
    refutes : callable
        Recompute the counterexample from those texts in exact rationals; True where the printed form fails.
    """

    printed: str
    where: str
    counterexample: Mapping[str, str]
    refutation: str
    refutes: Callable[[Mapping[str, str]], bool]
