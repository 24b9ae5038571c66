"""What a reader of a report sees: formulas whole, suppositions said, groups on one line, nothing past the margin."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workbench import content
from workbench.errors import InputError, StoreError
from workbench.report import build, folder
from workbench.report.descriptions import describe
from workbench.report.document import source
from workbench.report.formulas import formula
from workbench.report.plan import Plan, read_plan
from workbench.report.proof import derivation
from workbench.report.prose import inline, prose
from workbench.report.tally import tally_words
from workbench.store import Record, Store, fingerprint

TOML = r"""
title = "A report of made-up records"
abstract = "The run takes {spd:steps_to_loss.measured} steps."

[[runs]]
key = "spd"
claim = "positive definite"
theorem = "positive_definite"
depth = 2
target = { family = "spectrum", eigenvalues = ["1/2", "2"] }
steps = 40

[[runs]]
key = "over-depth"
claim = "over the depth"
theorem = "positive_definite"
depths = [2, 3, 4]
target = { family = "spectrum", eigenvalues = ["1/2", "2"] }
steps = 40

[[runs]]
key = "proof"
claim = "a derivation"
derivation = "balancedness_flow"
depth = 2

[[sections]]
heading = "One"
statement = "spd"
figures = [
  { kind = "envelope", run = "spd", caption = "Envelope." },
  { kind = "steps", runs = ["over-depth"], over = ["depth"], caption = "Steps." },
  { kind = "saddle", runs = ["spd", "over-depth.0"], caption = "Saddle." },
]
compare = ["spd", "over-depth.0"]
derivation = "proof"
"""

LONG = (
    r"\begin{aligned} &" + r" \\ &\quad + ".join(["a_{1} b_{2}^{T} c_{3} + d_{4}^{T} e_{5}"] * 12) + r" \end{aligned}"
)


def evidence(specification: dict[str, Any], **changes: Any) -> Record:
    """Return a record of evidence with series that reach far below the floats."""
    steps = list(range(0, 2001, 20))
    loss = [f"1.5e-{k}" for k in range(len(steps))]
    bound = [f"2.5e-{k}" for k in range(len(steps))]
    series = {"steps": steps, "times": [0.1 * s for s in steps], "errors": ["1e-400"] * len(steps)}
    judged = {"verdict": "consistent", "margin": "1e-100", "error": "1e-400", "tightness": 0.6}
    envelope = {"kind": "bound", "name": "loss_envelope", "label": "envelope", "latex": r"\ell \le b", "relation": "<="}
    count = {"kind": "count", "name": "steps_to_loss", "label": "steps", "latex": "", "measured": 2424, "allowed": 3448}
    record = Record(
        kind="evidence",
        name="positive_definite",
        specification=specification,
        fingerprint=fingerprint(),
        title="A title.",
        statement=r"For every $t$, $$\ell(t) \le \sum_{i=1}^{d} C_i^2 (1 - \eta L)^{2t},$$ where $\|W\|_F \le 1$.",
        standing="explicit (proof below)",
        hypotheses=[
            {"name": "step_size", "text": r"$\eta \le 1$", "margin": 0.5, "margin_decimal": "0.5", "holds": True}
            | {"dropped": False}
        ],
        source={"authors": "A. Author", "year": 2018, "title": "T", "where": "W", "locator": "Theorem 2", "url": ""},
        files=[],
        verdict="consistent",
        grade="enclosure",
        margin="1e-100",
        error="1e-400",
        payload={
            "depth": 8,
            "widths": [2, 2],
            "target": {"label": "spectrum 1/2, 2", "eigenvalues": ["1/2", "2"]},
            "method": {"name": "gradient_descent", "label": "descent", "step_size": "1/8", "step_size_decimal": "0.125"}
            | {"stop": {}, "parameters": {}},
            "backend": {"name": "ball", "digits": 40, "precision_bits": 900, "device": None},
            "steps": 2000,
            "tightness": 0.6,
            "loss": {**series, "values": loss},
            "statements": [
                envelope | judged | series | {"quantity": "loss", "lhs": loss, "rhs": bound},
                count | judged | {"level": "1e-10"},
            ],
        },
        provenance={"versions": {"workbench": "0"}, "python": "3", "platform": "any", "date": "2018-02-16"},
    )
    return dataclasses.replace(record, **changes)


def proof(**changes: Any) -> Record:
    """Return a record of a derivation with a sum longer than a line."""
    identities = [
        {"name": "G_2 equals G_1", "latex": "G_{2} = G_{1}", "status": "proved", "where": ["G_{1} = A"]},
        {"name": "x <= rho for x >= 1", "latex": LONG, "status": "proved", "where": ["G_{1} = A"]}
        | {"restriction": "all layers are equal", "supposing": ["W_{1} = W_{2}", r"\eta \ge 0"]},
        {"name": "contraction", "latex": "x = 1", "status": "proved", "where": []}
        | {"restriction": "all layers are equal", "supposing": ["W_{1} = W_{2}"]},
    ]
    faults = [{"fault": "sign of the gradient of W_1", "status": "killed"}]
    faults += [{"fault": "one transpose in the gradient of W_1", "status": "equivalent"}]
    run = {"theorem": "balancedness", "without": ["gradient_flow"], "verdict": "violated", "grade": "estimate"}
    payload = {
        "depth": [2],
        "widths": None,
        "scope": "Proved at depth two.",
        "reason": "every identity is proved",
        "parts": {"prove": identities, "blindness": faults, "check": None, "control": run | {"margin": "-0.25"}},
        "steps": [
            {"number": 1, "rule": "gradient in W_1: tr(G^T dW_1) by the cyclic trace", "before": LONG, "after": "A"}
        ],
    }
    kept = {"kind": "derivation", "name": "balancedness_flow", "verdict": "proved", "grade": None, "margin": None}
    return evidence({"derivation": 1}, **kept, payload=payload, title="The flow conserves.", **changes)


@pytest.fixture
def report(tmp_path: Path) -> tuple[Plan, dict[str, Record], Path, Store]:
    """A report of made-up records in a store: its plan, its records, its folder."""
    where = tmp_path / "made"
    where.mkdir()
    (where / "report.toml").write_text(TOML)
    plan, store = read_plan(where), Store(tmp_path / "store")
    records = {run.key: evidence({"run": run.key}) for run in plan.runs} | {"proof": proof()}
    store.put_manifest("made", {run.entry: store.put(records[run.key]) for run in plan.runs})
    return plan, records, where, store


@pytest.mark.parametrize(
    ("latex", "typst"),
    [
        (r"\|W_L \cdots W_1 - \Phi\|_F^2", "norm(W_L dots.c W_1 - Phi)_F^2"),
        (r"\lVert x \rVert_F", "norm(x)_F"),
        (r"\left\lVert x \right\rVert_2", "norm(x)_2"),
        (r"|\lambda_j|", "lr(|lambda_j|)"),
        (r"\int\limits_0^1 f", "integral_0^1 f"),
        (r"\mathrm{sym}(A)", 'op("sym")(A)'),
    ],
)
def test_formula_is_prepared_for_the_converter(latex: str, typst: str) -> None:
    assert formula(latex) == typst


@pytest.mark.parametrize("latex", [r"\limit x", r"a \table b", r"\hyper", r"\operatornam{tr}"])
def test_word_that_typst_does_not_know_is_refused(latex: str) -> None:
    with pytest.raises(InputError, match="cannot be typeset"):
        formula(latex)


def test_inline_formula_has_one_line_and_its_latex_as_alternative_text() -> None:
    set_inline = inline(LONG)
    assert r"\quad" in set_inline.split("$", 1)[0]
    assert "quad" not in set_inline.split("$", 1)[1]
    assert " \\ " not in set_inline.split("$", 1)[1]


def test_words_after_a_displayed_formula_start_at_the_margin() -> None:
    assert prose("a $$x$$ b").endswith('#"b";')


def test_group_is_one_line_of_the_table_of_claims(report: tuple[Plan, dict[str, Record], Path, Store]) -> None:
    plan, records, _, _ = report
    text = source(plan, records)
    assert text.count("over the depth (3 runs)") == 1
    mixed = records | {"over-depth.1": evidence({"run": "m"}, verdict="violated", margin="-1")}
    line = next(line for line in source(plan, mixed).splitlines() if "over the depth" in line)
    assert 'verdict("violated")' in line
    assert "(1 of 3)" in line
    assert "$-1$" in line


def test_tally_counts_controls_and_faults() -> None:
    dropped = [{"name": "h", "text": "", "margin": -1, "holds": False, "dropped": True}]
    records = [evidence({"a": 1}), evidence({"a": 2}, verdict="vacuous"), proof()]
    records += [evidence({"a": 3}, verdict="violated", hypotheses=dropped), evidence({"a": 4}, verdict="violated")]
    words = tally_words(records)
    assert "Of 4 runs, 1 is consistent, 2 are violated, 0 are undecided, 1 is vacuous." in words
    assert "1 of the 2 violations is controls" not in words
    assert "1 of the 2 violations is a control" in words
    assert "1 of 1 derivations is proved; of 2 planted faults, 1 is killed, 1 is equivalent." in words


def test_identity_says_what_it_supposes() -> None:
    text = "\n".join(derivation(proof()))
    assert text.count("W_{1} = W_{2}") == 1  # what all of a setting suppose is said once
    assert r"\\eta \\ge 0" in text
    assert text.count("G_{1} = A") == 1
    assert "without `gradient_flow`" not in text
    assert 'raw("gradient_flow")' in text


def test_figure_is_described_with_its_numbers(report: tuple[Plan, dict[str, Record], Path, Store]) -> None:
    plan, records, _, _ = report
    envelope, steps, saddle = plan.sections[0].figures
    groups = {"over-depth": plan.group("over-depth")}
    assert "at most 0.6 after the start" in describe(envelope, records, {})
    assert "steps measured 2424, 2424, 2424; steps allowed 3448" in describe(steps, records, groups)
    assert "ball ends at" in describe(saddle, records, {})


def test_report_is_accessible_by_pdf_ua(report: tuple[Plan, dict[str, Record], Path, Store], tmp_path: Path) -> None:
    _, _, where, store = report
    data = build(str(where), store, tmp_path / "a.pdf").read_bytes()
    assert re.search(rb"<pdfuaid:part>1</pdfuaid:part>", data)
    assert re.search(rb"<pdfaid:part>3</pdfaid:part>", data)


def test_changed_sources_make_the_report_stale(
    report: tuple[Plan, dict[str, Record], Path, Store], tmp_path: Path
) -> None:
    _, records, where, store = report
    store.put(dataclasses.replace(records["spd"], fingerprint="of other sources"))
    with pytest.raises(StoreError, match=r"'spd' is stale.*workbench verify .*made"):
        build(str(where), store, tmp_path / "a.pdf")


def _words_on_pages(pdf: Path) -> list[tuple[float, float, str]]:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    found = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    pattern = re.compile(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>')
    return [(float(left), float(right), word) for left, right, word in pattern.findall(found)]


def test_nothing_runs_past_the_margins(report: tuple[Plan, dict[str, Record], Path, Store], tmp_path: Path) -> None:
    _, _, where, store = report
    words = _words_on_pages(build(str(where), store, tmp_path / "a.pdf"))
    assert len(words) > 100
    # A4 is 595 points wide, the margins are 85; hanging punctuation may stand out by a few.
    assert [word for left, right, word in words if left < 80 or right > 515] == []


def test_no_word_of_the_converter_is_printed(
    report: tuple[Plan, dict[str, Record], Path, Store], tmp_path: Path
) -> None:
    _, _, where, store = report
    words = " ".join(word for *_, word in _words_on_pages(build(str(where), store, tmp_path / "a.pdf")))
    assert not re.search(r"\b(limits|operatorname|lVert|rVert|frac|mathrm|quad|eta|lambda|dots)\b|\\", words)


def test_shipped_reports_have_words_for_every_figure() -> None:
    for name in content.reports():
        for section in read_plan(folder(name)).sections:
            assert all(figure.get("caption") for figure in section.figures)


def test_an_identity_that_would_fill_a_page_is_counted_and_where_it_is_printed_told() -> None:
    record = proof()
    record.payload["parts"]["prove"][0]["latex"] = " + ".join(f"x_{{{i}}} y_{{{i}}}" for i in range(200)) + " = 0"
    text = "\n".join(derivation(record))
    assert "200 terms" in text
    assert f'raw("workbench derive {record.name}")' in text
    assert "x_{199}" not in text
