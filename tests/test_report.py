"""Reports: from the store to a PDF that is the same bytes again, and refusals in one clear line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from workbench import content, derivation, experiment, probes, report, theorems
from workbench.errors import InputError, StoreError, UnknownNameError
from workbench.report import figures
from workbench.report.claims import claims_json
from workbench.report.document import source
from workbench.report.formulas import formula
from workbench.report.lookup import lookup
from workbench.report.plan import read_plan
from workbench.report.prose import filled, number, prose
from workbench.store import Record, Store
from workbench.sweeps import runs, specification

TOML = """
title = "A small report"
subtitle = "for a test"
abstract = "The run is {spd:verdict} after {spd:steps_to_loss.measured} steps, and $L = {spd:depth}$."

[[runs]]
key = "spd"
claim = "positive definite, $L = 2$"
theorem = "positive_definite"
depth = 2
target = { family = "spectrum", eigenvalues = ["1/2", "2"], rotate = 1 }
step_size = "largest"
until_loss = "1e-8"
backend = { name = "ball", digits = 20 }

[[runs]]
key = "over-depth"
theorem = "positive_definite"
depths = [2, 3]
target = { family = "spectrum", eigenvalues = ["1/2", "2"], rotate = 1 }
step_size = "largest"
until_loss = "1e-8"

[[runs]]
key = "silent"
claim = "a step too long"
theorem = "positive_definite"
depth = 2
target = { family = "spectrum", eigenvalues = ["1/2", "2"] }
step_size = "1/2"
steps = 5
expect = "vacuous"

[[runs]]
key = "derived"
claim = "the drift"
derivation = "balancedness_drift"
depth = 2

[[sections]]
heading = "One"
words = "The rate is {spd:observed_rate}."
statement = "spd"
figures = [
  { kind = "envelope", run = "spd", caption = "The envelope." },
  { kind = "steps", runs = ["over-depth"], over = ["depth"], caption = "Steps." },
]
compare = ["spd", "silent"]
derivation = "derived"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    """A report that was run: its folder and its store."""
    root = tmp_path_factory.mktemp("report")
    folder = root / "small"
    folder.mkdir()
    (folder / "report.toml").write_text(TOML)
    store = Store(root / "store")
    entries = {}
    for run in report.runs(str(folder)):
        if run.derivation is not None:
            claim = derivation.load(run.derivation)
            record = derivation.recorded(claim, store, run.depth, run.widths)[0]
        else:
            record = experiment.read(run.experiment).record(store)[0]
        entries[run.entry] = record.id
    store.put_manifest("small", entries)
    return folder, store


def _records(made: tuple[Path, Store]) -> dict[str, Record]:
    folder, store = made
    return report.records(read_plan(folder), store)


def test_rebuilt_from_the_same_store_it_is_byte_identical(made: tuple[Path, Store], tmp_path: Path) -> None:
    first, second = (report.build(str(made[0]), made[1], tmp_path / name) for name in ("a.pdf", "b.pdf"))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"%PDF-")


def test_it_is_pdf_a_3b_with_its_claims_attached(made: tuple[Path, Store], tmp_path: Path) -> None:
    data = report.build(str(made[0]), made[1], tmp_path / "a.pdf").read_bytes()
    assert re.search(rb"<pdfaid:part>3</pdfaid:part>", data)
    assert re.search(rb"<pdfaid:conformance>B</pdfaid:conformance>", data)
    assert b"claims.json" in data


def test_claims_list_every_run_with_verdict_and_id(made: tuple[Path, Store]) -> None:
    records = _records(made)
    claims = json.loads(claims_json(read_plan(made[0]), records))["claims"]
    assert {c["key"]: c["run_id"] for c in claims} == {k: r.id for k, r in records.items()}
    assert {c["key"]: c["verdict"] for c in claims}["silent"] == "vacuous"


def test_missing_result_is_refused_with_the_command_that_computes_it(made: tuple[Path, Store], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"workbench verify .*small"):
        report.build(str(made[0]), Store(tmp_path / "empty"), tmp_path / "a.pdf")


def test_edited_run_of_the_plan_is_a_missing_result(made: tuple[Path, Store], tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "report.toml").write_text(
        TOML.replace('eigenvalues = ["1/2", "2"], rotate = 1', 'eigenvalues = ["2"]', 1)
    )
    with pytest.raises(StoreError, match="no result for 'spd'"):
        report.build(str(folder), made[1], tmp_path / "a.pdf")


def test_stale_result_is_refused(made: tuple[Path, Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Record, "is_current", lambda self: False)
    with pytest.raises(StoreError, match=r"stale.*workbench verify .*small"):
        report.build(str(made[0]), made[1], tmp_path / "a.pdf")


def test_changed_bytes_of_a_record_are_refused(made: tuple[Path, Store], tmp_path: Path) -> None:
    copy = tmp_path / "store"
    shutil.copytree(made[1].root, copy)
    record = next((copy / "records").glob("*.json"))
    record.write_text(record.read_text().replace("consistent", "consistenT", 1).replace("vacuous", "vacuouS", 1))
    changed = [p for p in (copy / "records").glob("*.json") if p.name == record.name]
    assert changed
    with pytest.raises(StoreError, match="does not match its hash"):
        Store(copy).get(record.stem)


def test_place_that_the_records_do_not_have_is_an_error(made: tuple[Path, Store]) -> None:
    records = _records(made)
    for place in ("nobody:verdict", "spd:nothing", "spd:steps_to_loss.none", "count.odd", "silent:margin"):
        with pytest.raises(InputError, match="words of the report"):
            lookup(records, place)


def test_numbers_come_from_the_records(made: tuple[Path, Store]) -> None:
    records = _records(made)
    measured = records["spd"].payload["statements"][1]["measured"]
    words = filled("{spd:steps_to_loss.measured} and $t = {spd:steps_to_loss.measured}$", lambda p: lookup(records, p))
    assert words == f"${measured}$ and $t = {measured}$"


def test_vacuous_run_never_has_its_bound_drawn(made: tuple[Path, Store]) -> None:
    with pytest.raises(InputError, match="vacuous"):
        figures.draw({"kind": "envelope", "run": "silent"}, _records(made), {})


def test_figure_is_the_same_bytes_again(made: tuple[Path, Store]) -> None:
    records = _records(made)
    first, second = (figures.draw({"kind": "envelope", "run": "spd"}, records, {}) for _ in range(2))
    assert first == second
    assert b"<text" not in first


def test_log_of_a_decimal_below_the_floats() -> None:
    assert figures.log10("1e-5000") == -5000


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (3, "3"),
        ("9.9996e-8", r"1.00 \times 10^{-7}"),
        (0.5, "0.5"),
        ("1e-400", r"10^{-400}"),
        (-0.25, "-0.25"),
        (0.99987, r"1 - 10^{-4}"),
        ("3.6720810351043005e-8", r"3.67 \times 10^{-8}"),
    ],
)
def test_numbers_are_typeset(value: object, latex: str) -> None:
    assert number(value) == latex


def _formulas() -> list[str]:
    found = []
    for name in theorems.catalogue():
        theorem = theorems.load(name)
        known = {**theorem.presupposed, **theorem.perhaps_unnecessary}
        for text in (theorem.statement, theorem.standing, *theorem.hypothesis_texts.values(), *known.values()):
            found += [a or b for a, b in re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", text, re.DOTALL)]
    return found


def test_every_formula_of_the_catalogue_compiles() -> None:
    import typst

    formulas = sorted(set(_formulas()))
    assert len(formulas) > 20
    document = "\n\n".join(f"$ {formula(latex)} $" for latex in formulas)
    assert typst.compile(document.encode(), ignore_system_fonts=True)


@pytest.mark.parametrize("latex", [r"\frac{1}", r"\nosuchcommand{x}", r"\hyper x", r"a \limit b"])
def test_formula_that_the_converter_does_not_know_is_an_error(latex: str) -> None:
    with pytest.raises(InputError, match="cannot be typeset"):
        formula(latex)


def test_words_are_never_typst_commands() -> None:
    assert prose('#read("x") *bold* $x$') == (r'#"#read(\"x\") ";#emph("bold")#" ";' + '#math.equation(alt: "x", $x$)')


@pytest.mark.parametrize(
    ("change", "error", "word"),
    [
        ('title = "A small report"', InputError, "title"),
        ('theorem = "positive_definite"', InputError, "theorem"),
        ('key = "silent"', InputError, "key"),
    ],
)
def test_bad_plan_is_one_clear_error(tmp_path: Path, change: str, error: type[Exception], word: str) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "report.toml").write_text(TOML.replace(change, ""))
    with pytest.raises(error, match=word):
        read_plan(folder)


def test_unknown_run_and_unknown_figure_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "report.toml").write_text(TOML.replace('statement = "spd"', 'statement = "spdd"'))
    with pytest.raises(UnknownNameError, match="spd"):
        read_plan(folder)
    (folder / "report.toml").write_text(TOML.replace('kind = "envelope"', 'kind = "envelop"'))
    with pytest.raises(UnknownNameError, match="envelope"):
        read_plan(folder)


def test_no_raw_latex_reaches_the_page(made: tuple[Path, Store], tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    pdf = report.build(str(made[0]), made[1], tmp_path / "a.pdf")
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert "A small report" in text
    assert not re.search(r"\\[a-z]+|\blimits\b|operatorname|\{[a-z-]+:", text)


def test_the_shipped_report_names_only_what_there_is() -> None:
    for name in content.reports():
        plan = read_plan(report.folder(name))
        for run in plan.runs:
            if run.key not in plan.group(run.group)[:12]:
                continue
            if run.measured or run.sweep:
                assert Path(run.measured).is_file() if run.measured else run.sweep["theorem"] in theorems.catalogue()
            elif run.probe is not None:
                assert probes.read(run.probe, run.options).specification()["kind"] == "probe"
            elif run.derivation is None:
                kind = "ensemble" if "ensemble" in run.experiment else "evidence"
                assert runs.read(run.experiment).specification()["kind"] == kind
            else:
                assert derivation.load(run.derivation).name == run.derivation


def test_source_has_no_number_typed_in_for_a_run(made: tuple[Path, Store]) -> None:
    # Another store with other numbers gives another text: the numbers are not in the template.
    plan, records = read_plan(made[0]), _records(made)
    other = dict(records) | {"spd": records["over-depth.1"]}
    assert source(plan, records) != source(plan, other)


def map_plan(tmp_path: Path, **changes: str) -> Path:
    """Return the folder of a small map."""
    folder = tmp_path / "reports" / "small_map"
    folder.mkdir(parents=True)
    text = (report.folder("positive_definite_map") / "report.toml").read_text(encoding="utf-8")
    grid = "grid = { depth = [2, 3], width = [2, 3], condition = [1, 4, 1000] }"
    text = re.sub(r"^grid = .*$", grid, text, flags=re.MULTILINE)
    for old, new in {"members = 10000, check = 100": "members = 9, check = 2", "100000": "200", **changes}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "report.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_map_is_typeset_with_its_blanks(tmp_path: Path) -> None:
    folder, store = map_plan(tmp_path), Store(tmp_path / "store")
    plan = read_plan(folder)
    found = {run.key: runs.read(run.experiment).record(store)[0] for run in plan.runs}
    assert Counter(record.verdict for record in found.values()) == {"consistent": 8, "blank": 4}
    text = source(plan, found)
    assert "Of 12 cells" in re.sub(r"[$#\"();]", "", text) or "12" in text
    assert "4 of 12 cells are blank" in text
    for name, drawn in (("tightness", "tightness"), ("steps_ratio", "steps taken / allowed")):
        figure = {"kind": "map", "runs": ["map"], "of": name, "label": drawn}
        svg = figures.draw(figure, found, {"map": plan.group("map")})
        assert svg == figures.draw(figure, found, {"map": plan.group("map")})
    with pytest.raises(InputError, match="no 'tightnes'"):
        figures.draw({"kind": "map", "runs": ["map"], "of": "tightnes"}, found, {"map": plan.group("map")})


def test_figures_over_a_group_leave_blanks_out(tmp_path: Path) -> None:
    plan = read_plan(map_plan(tmp_path))
    found = {run.key: runs.read(run.experiment).record()[0] for run in plan.runs}
    steps = [record.payload["steps"] for record in found.values() if record.verdict != "blank"]
    assert lookup(found, "largest.map:steps") == number(max(steps))
    assert lookup(found, "smallest.map:steps") == number(min(steps))
    assert lookup(found, "total.map:steps") == number(sum(steps))
    assert lookup(found, "runs.map:blank") == number(4)
    assert lookup(found, "largest.map:check.off_by") == number(0)
    for wrong in ("largest.mop:steps", "total.map:stops"):
        with pytest.raises(InputError):
            lookup(found, wrong)


def test_the_map_is_of_the_runs_of_its_sweep() -> None:
    folder = report.folder("positive_definite_map")
    swept = specification.cells(specification.read(folder / "sweep.toml"))
    cells = {runs.read(cell.specification).run_id for cell in swept if cell.values["depth"] <= 8}
    planned = [run.experiment for run in read_plan(folder).runs]
    assert cells == {runs.read(asked).run_id for asked in planned if len(asked["problem"]["network"]["widths"]) <= 9}
