"""Probes as a whole: kinds are files, questions are exact, answers are kept, drawn and typeset."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from conftest import Command

from workbench import probes
from workbench.errors import InputError, UnknownNameError
from workbench.exact import Measured
from workbench.probes.base import OUTCOMES, Finding, Number, TimeLimit, digits_of
from workbench.report import probes as pages
from workbench.store import Store

SMALL = {"sizes": "2,4"}


@pytest.mark.parametrize("name", probes.catalogue())
def test_every_kind_has_a_title_and_options_with_words(name: str) -> None:
    kind = probes.load(name)
    assert probes.title(kind).endswith(".")
    assert all(option.help for option in kind.OPTIONS)
    assert len({option.name for option in kind.OPTIONS}) == len(kind.OPTIONS)


def test_the_run_id_is_that_of_the_exact_question() -> None:
    written = [probes.read("perturbation", {**SMALL, "step_size": text}).run_id for text in ("1/10", "0.1", "1e-1")]
    assert len(set(written)) == 1
    assert probes.read("perturbation", {**SMALL, "step_size": "1/11"}).run_id != written[0]


def test_an_answer_is_found_again(tmp_path: Path) -> None:
    probe, store = probes.read("perturbation", SMALL), Store(tmp_path)
    record, fresh = probe.record(store)
    again, computed = probe.record(store)
    assert (fresh, computed) == (True, False)
    assert again == record
    assert record.is_current()


def test_a_search_cut_short_is_undecided_and_taken_up_with_more_time(tmp_path: Path) -> None:
    probe, store = probes.read("perturbation", SMALL), Store(tmp_path)
    cut, _ = probe.record(store, seconds=1e-9)
    assert cut.verdict == "undecided"
    assert cut.payload["cut_short"] == 1e-9
    assert probe.record(store, seconds=1e-9)[1] is False
    whole, fresh = probe.record(store)
    assert (whole.verdict, fresh) == ("found", True)


def test_options_that_do_not_mean_what_they_should_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="option of the probe perturbation"):
        probes.read("perturbation", {"step": "1/10"})
    with pytest.raises(InputError, match="give an integer"):
        probes.read("perturbation", {"depth": "two"})
    with pytest.raises(UnknownNameError, match="no probe is called"):
        probes.read("perturbations", {})
    with pytest.raises(InputError, match="time limit"):
        TimeLimit(0)


def test_an_outcome_is_one_of_the_known_words() -> None:
    assert all(Finding(word, "?", "!").grade is None for word in OUTCOMES)
    with pytest.raises(InputError, match="outcome"):
        Finding("proved", "?", "!")


def test_a_number_shows_the_digits_that_its_error_leaves() -> None:
    third = Fraction(1, 3)
    assert digits_of(Measured(third, Fraction(1, 10**20))) == 19
    data = Number("a third", Measured(third, Fraction(1, 10**5)), "enclosure", third).data()
    assert data["value"] == "3.33333e-1"
    assert data["error"] == "1e-5"
    assert Number("nothing", Measured(Fraction(0), Fraction(1, 8)), "estimate").data()["value"] == "0"


def test_the_weakest_grade_is_that_of_the_finding() -> None:
    grades = {grade: Number("x", 1, grade) for grade in ("exact", "enclosure", "estimate")}
    assert Finding("found", "?", "!", grades).grade == "estimate"
    assert Finding("found", "?", "!", {"x": grades["exact"]}).grade == "exact"


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_figures_and_pages_are_the_same_bytes_for_the_same_record(tmp_path: Path, suffix: str) -> None:
    record, _ = probes.read("perturbation", SMALL).record()
    drawn = [pages.write_figure(record, tmp_path / f"{name}{suffix}").read_bytes() for name in "ab"]
    assert drawn[0] == drawn[1]
    typeset = [pages.write_page(record, tmp_path / f"page{name}.pdf").read_bytes() for name in "ab"]
    assert typeset[0] == typeset[1]


def test_the_command_prints_draws_and_typesets(workbench_here: Command, tmp_path: Path) -> None:
    found = workbench_here("probe", "perturbation", "--sizes", "2", "--figure", "f.svg", "--page", "p.pdf", "--json")
    assert found.status == 0
    assert found.document["outcome"] == "found"
    assert found.document["question"]["sizes"] == [2]
    assert (tmp_path / "f.svg").read_text().startswith("<?xml")
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no probe is called 'nothing'"),
        (["perturbation", "--bogus", "1"], "No such option"),
        (["perturbation", "--depth", "1"], "a saddle takes at least two"),
        (["perturbation", "--target", "1"], "only a negative one"),
        (["perturbation", "--step-size", "2"], "give one between 0 and"),
        (["perturbation", "--sizes", "9..x"], "give exponents such as"),
        (["perturbation", "--offsets", "1"], "1 offsets for 2 factors"),
        (["perturbation", "--figure", "a.bmp"], "give one that ends in"),
        (["perturbation", "--time-limit", "0"], "positive number of seconds"),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", *arguments)
    assert refused.status == 2
    assert refused.out == ""
    assert len(refused.err.splitlines()) == 1
    assert words in refused.err


def test_kinds_are_listed(workbench_here: Command) -> None:
    assert "probes: " in workbench_here("list").out
    shown = workbench_here("probe", "--help").out
    assert all(name in shown for name in probes.catalogue())
