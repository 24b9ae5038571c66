"""Letters with symbolic widths, and the words that are products of them and their transposes."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import ShapeError

Width = int | str


@dataclass(frozen=True)
class Letter:
    """A matrix symbol, shape (rows, columns), each a number or the name of a width."""

    name: str
    rows: Width
    columns: Width
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.symmetric and self.rows != self.columns:
            raise ShapeError(f"{self.name} is {self.rows} x {self.columns}, and a symmetric matrix is square")


@dataclass(frozen=True)
class Factor:
    """A letter or its transpose."""

    letter: Letter
    transposed: bool = False

    @property
    def rows(self) -> Width:
        """Rows of the factor as it stands."""
        return self.letter.columns if self.transposed else self.letter.rows

    @property
    def columns(self) -> Width:
        """Columns of the factor as it stands."""
        return self.letter.rows if self.transposed else self.letter.columns

    @property
    def T(self) -> Factor:
        """The transposed factor; a symmetric letter is its own."""
        return self if self.letter.symmetric else Factor(self.letter, not self.transposed)

    @property
    def key(self) -> tuple[str, bool]:
        """What factors are sorted by."""
        return self.letter.name, self.transposed


Word = tuple[Factor, ...]


def word_key(word: Word) -> tuple[int, tuple[tuple[str, bool], ...]]:
    """Return what words are sorted by: long words first, then by name."""
    return -len(word), tuple(factor.key for factor in word)


def transpose(word: Word) -> Word:
    """Return the transposed word."""
    return tuple(factor.T for factor in reversed(word))


def canonical_cycle(word: Word) -> Word:
    """Return the one representative of a trace word under cyclic shifts and transposition."""
    turned = transpose(word)
    shifts = range(max(len(word), 1))
    return min((w[s:] + w[:s] for s in shifts for w in (word, turned)), key=word_key)
