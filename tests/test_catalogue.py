"""What is known without each hypothesis, and the page of the whole catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Command

from workbench import content, experiment, theorems
from workbench.cli import catalogue
from workbench.errors import TheoremFileError
from workbench.report import document

ROOT = Path(__file__).parent.parent
NAMES = theorems.catalogue()


@pytest.mark.parametrize("name", NAMES)
def test_something_is_known_without_every_hypothesis(name: str) -> None:
    theorem = theorems.load(name)
    known = [theorem.refuted_without, set(theorem.presupposed), set(theorem.perhaps_unnecessary)]
    assert set().union(*known) == set(theorem.hypothesis_texts)
    # A violation refutes that a hypothesis may be unnecessary, and gives the statement a meaning without it.
    assert sum(len(names) for names in known) == len(theorem.hypothesis_texts)


def test_most_hypotheses_are_refuted_by_an_example() -> None:
    loaded = [theorems.load(name) for name in NAMES]
    stated = sum(len(theorem.hypothesis_texts) for theorem in loaded)
    refuted = sum(len(theorem.refuted_without) for theorem in loaded)
    unrefuted = sum(len(theorem.perhaps_unnecessary) for theorem in loaded)
    assert refuted > 0.7 * stated
    assert unrefuted < 0.1 * stated


@pytest.mark.parametrize("name", NAMES)
def test_every_control_drops_what_the_statement_asks(name: str) -> None:
    theorem = theorems.load(name)
    assert theorem.refuted_without
    assert theorem.refuted_without <= set(theorem.hypothesis_texts)


def test_a_note_on_a_hypothesis_that_is_not_stated_is_refused(tmp_path: Path) -> None:
    text = theorems.load("slow_start").path.read_text(encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text(text.replace("Perhaps unnecessary\n    below_target:", "Perhaps unnecessary\n    above_target:"))
    with pytest.raises(TheoremFileError, match="why above_target is asked, which is no hypothesis of it"):
        theorems.load(str(path))


def test_show_says_what_is_known_without_a_hypothesis(workbench: Command) -> None:
    shown = workbench("show", "slow_start").out
    assert "Presupposed\n    scalar_layers: " in shown
    assert "Perhaps unnecessary\n    below_target: " in shown
    document = workbench("show", "slow_start", "--json").document
    assert list(document["perhaps_unnecessary"]) == ["below_target"]
    assert list(document["presupposed"]) == ["scalar_layers"]


# The page.


@pytest.fixture(scope="module")
def page() -> str:
    return catalogue.page(ROOT)


def test_the_page_is_current(page: str) -> None:
    assert (ROOT / "reports" / "catalogue.md").read_text(encoding="utf-8") == page, "stale: run `make readme`"


def test_the_page_has_every_statement_once(page: str) -> None:
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == NAMES
    assert re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_complete(page: str, name: str) -> None:
    entry = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    theorem = theorems.load(name)
    assert theorem.statement in entry
    assert all(f"- `{hypothesis}`: " in entry for hypothesis in theorem.hypothesis_texts)
    assert "not tried" not in entry
    assert f"`workbench verify {name}`" in entry
    assert re.search(r"^Derived: (`derivations/\w+\.py`|the proof|cited)", entry, re.MULTILINE)
    assert ("*Tight.*" if theorem.tight else "*Bound.*") in entry


def test_the_files_that_the_page_names_are_there(page: str) -> None:
    assert set(re.findall(r"`derivations/(\w+)\.py`", page)) <= set(content.modules("derivations"))
    tests = {path.stem for path in (ROOT / "tests").glob("*.py")}
    assert set(re.findall(r"`tests/(\w+)\.py`", page)) <= tests


def test_what_may_be_unnecessary_is_listed(page: str) -> None:
    listed = page.partition("## Hypotheses that may be unnecessary\n")[2].partition("\n## ")[0]
    assert "- `slow_start`, `below_target`: " in listed
    assert listed.count("\n- ") == sum(len(theorems.load(name).perhaps_unnecessary) for name in NAMES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("explicit (proof below); recalled", "explicit"),
        ("published constant for the rate", "published constant"),
        ("recalled", "recalled"),
        ("corrected from print", "corrected from print"),
    ],
)
def test_the_first_words_of_a_standing_say_what_it_is(text: str, words: str) -> None:
    assert catalogue.standing(text) == words


def test_a_report_says_which_hypothesis_may_be_unnecessary() -> None:
    examples = theorems.load("slow_start").examples
    record, _ = experiment.read({"theorem": "slow_start", **examples[0].experiment}).record()
    assert list(record.payload["perhaps_unnecessary"]) == ["below_target"]
    parts = document._statement(record)
    assert "No violation is known without" in parts[-1]
    assert "below_target" in parts[-1]
