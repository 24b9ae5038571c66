"""The search for a worst case: planted false statements fall, true ones stand, and nothing is claimed beyond that."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from pathlib import Path
from random import Random

import pytest
from conftest import Command

from workbench import experiment, probes, theorems
from workbench.evidence import VACUOUS, VIOLATED
from workbench.exact import rational
from workbench.probes import _search, worst_case
from workbench.probes._leaves import at, coordinates, placed
from workbench.probes._moves import MOVES, moved
from workbench.probes._search import Search
from workbench.probes._seeds import known
from workbench.probes._shrink import Shrinking
from workbench.probes._trial import attempt, audit
from workbench.probes.base import TimeLimit

PLANTED = sorted((Path(__file__).parent / "planted").glob("*.py"))
QUICK = (
    "zero_asymmetric_descent_rate",
    "descent_conserves",
    "two_numbers_sign",
    "kernel_power",
    "flattest_two_percent",
    "negative_eigenvalue_any_step",
    "positive_definite_count",
    "projection_measured_slack",
)

# The seconds of computing that a planted statement may stand, and those for which a true one is attacked here.
MOST_SECONDS, ATTACK = 60.0, 1.5


def planted(name: str, folder: Path) -> theorems.Theorem:
    """Return a planted statement from a folder that holds nothing else, so that no counterexample is at hand."""
    path = Path(__file__).parent / "planted" / f"{name}.py"
    return theorems.load(str(shutil.copy(path, folder)))


def refuted(name: str, folder: Path) -> None:
    """Assert that the search refutes a planted statement in time, and that its witness stands alone."""
    theorem = planted(name, folder)
    search = Search(theorem, seconds=MOST_SECONDS, clock=time.process_time)
    search.run()
    assert search.found is not None, f"{search.tried} problems in {search.elapsed:.0f} s"
    witness = Shrinking(theorem, search.found, (), 3.0).run()
    evidence = experiment.read(witness.specification, theorem).evidence()
    assert (evidence.verdict, evidence.grade) == (VIOLATED, "enclosure")
    assert all(h.holds for h in evidence.hypotheses)
    assert not any("DISAGREES" in told for told in witness.rechecked)


def test_there_are_planted_statements_of_every_part_of_the_catalogue() -> None:
    assert len(PLANTED) >= 40
    assert all(path.with_suffix(".json").exists() for path in PLANTED)


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_statement_is_refuted(name: str, tmp_path: Path) -> None:
    refuted(name, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", [path.stem for path in PLANTED if path.stem not in QUICK])
def test_every_planted_statement_is_refuted(name: str, tmp_path: Path) -> None:
    refuted(name, tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_the_counterexample_beside_a_planted_statement_breaks_it(name: str, tmp_path: Path) -> None:
    _breaks(name, tmp_path)


@pytest.mark.long
def test_every_counterexample_breaks_its_statement(tmp_path: Path) -> None:
    for path in PLANTED:
        _breaks(path.stem, tmp_path)


def _breaks(name: str, folder: Path) -> None:
    specification = json.loads((Path(__file__).parent / "planted" / f"{name}.json").read_text())
    evidence = experiment.read(specification, planted(name, folder)).evidence()
    assert (evidence.verdict, evidence.grade, evidence.dropped) == (VIOLATED, "enclosure", ()), name


@pytest.mark.long
@pytest.mark.parametrize("name", theorems.catalogue())
def test_no_true_statement_is_refuted(name: str) -> None:
    theorem = theorems.load(name)
    if not hasattr(theorem.module, "predict"):
        pytest.skip("about families of runs alone")
    search = Search(theorem, seconds=ATTACK, seed=1, clock=time.process_time)
    search.run()
    assert search.found is None or theorem.constants, search.found


@pytest.mark.parametrize("name", ["two_layer_numbers", "repelling_minimum"])
def test_a_true_statement_stands(name: str) -> None:
    search = Search(theorems.load(name), seconds=1.0, clock=time.process_time)
    search.run()
    assert search.found is None
    assert search.inside > 3


def test_what_balls_do_not_confirm_is_not_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theorem = planted("zero_asymmetric_rate", tmp_path)
    assert _found(theorem)
    monkeypatch.setattr(_search, "certify", lambda *arguments: None)
    assert not _found(theorem)


def _found(theorem: theorems.Theorem) -> bool:
    search = Search(theorem, seconds=3.0, tries=4, clock=time.process_time)
    search.run()
    return search.found is not None


def test_a_search_that_runs_out_of_time_is_undecided(tmp_path: Path) -> None:
    probe = probes.read("worst_case", {"theorem": "near_identity"})
    record, _ = probe.record(None, seconds=1.0)
    assert record.verdict == "undecided"
    assert record.payload["cut_short"] == 1.0
    assert "no proof" in record.payload["answer"]


def test_a_search_that_took_all_its_tries_found_none() -> None:
    probe = probes.read("worst_case", {"theorem": "gradient_bound", "tries": 3})
    record, _ = probe.record(None, seconds=30.0)
    assert record.verdict == "none found"
    largest = record.payload["numbers"]["largest_ratio"]
    assert largest["grade"] == "enclosure"
    assert float(largest["value"]) <= 1


def test_a_file_is_asked_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = Path(__file__).parent / "planted" / "descent_conserves.py"
    moved_to = shutil.copy(path, tmp_path / "a")
    first, second = (probes.read("worst_case", {"theorem": str(p)}).run_id for p in (path, moved_to))
    assert first == second
    Path(moved_to).write_text(Path(moved_to).read_text() + "\n")
    assert probes.read("worst_case", {"theorem": str(moved_to)}).run_id != first


def test_a_statement_with_open_constants_is_not_called_refuted(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "planted" / "descent_conserves.py").read_text()
    path = tmp_path / "assumed.py"
    path.write_text(text.replace("examples = []", 'examples = []\nconstants = {"C": Fraction(1)}'))
    finding = worst_case.find(worst_case.question({"theorem": str(path), "tries": 9, "seed": 0}), TimeLimit(20))
    assert finding.outcome == "undecided"
    assert "C = 1" in finding.answer
    assert finding.witness is not None


def test_equal_numbers_are_one_coordinate_and_keep_their_signs() -> None:
    specification = {
        "problem": {"loss": {"target": {"rows": [["1/2", "-1/2"], ["0", "3"]]}}, "start": {"scheme": "identity"}},
        "dynamics": {"name": "gradient_descent", "step_size": "1/2", "stop": {"steps": 3}},
    }
    found = coordinates(specification)
    assert [c.value for c in found] == [rational("1/2"), 3, rational("1/2")]
    after = placed(specification, [(found[0], rational("1/5"))])
    assert at(after, ("problem", "loss", "target", "rows")) == [["1/5", "-1/5"], ["0", "3"]]
    assert after["dynamics"]["step_size"] == "1/2"
    assert len(coordinates(specification, free=True)) == 5


def test_moves_leave_their_parent_alone() -> None:
    parent = next(known(theorems.load("positive_definite")))
    before = json.dumps(parent)
    for seed in range(40):
        moved(parent, Random(seed))
    assert json.dumps(parent) == before
    assert len({move.__name__ for move in MOVES}) == len(MOVES)


def test_the_audit_before_a_run_agrees_with_the_run() -> None:
    theorem = theorems.load("positive_definite")
    for specification in list(known(theorem))[:12]:
        distance = audit(theorem, specification)
        trial = attempt(theorem, specification)
        assert (trial.verdict == "outside") == (distance != 0)
        assert (trial.severity < -1) == (distance != 0)


def test_a_trial_that_is_too_slow_is_given_up() -> None:
    theorem = theorems.load("gradient_bound")
    specification = next(known(theorem))
    specification["dynamics"]["stop"] = {"steps": 90_000}
    start = time.monotonic()
    assert attempt(theorem, specification, seconds=0.3).verdict == "failed"
    assert time.monotonic() - start < 5


def test_a_step_to_a_negative_number_is_no_violation() -> None:
    specification = {
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["4/3"]]}},
            "start": {"scheme": "identity"},
        },
        "dynamics": {"name": "gradient_descent", "step_size": "2", "stop": {"steps": 2}},
        "backend": {"name": "exact"},
    }
    assert experiment.read(specification, theorems.load("repelling_minimum")).evidence().verdict == "consistent"


def test_the_command_tells_a_refutation(workbench_here: Command, tmp_path: Path) -> None:
    path = shutil.copy(Path(__file__).parent / "planted" / "negative_eigenvalue_any_step.py", tmp_path)
    found = workbench_here("probe", "worst_case", str(path), "--json", "--page", "p.pdf")
    assert found.document["outcome"] == "refuted"
    specification = found.document["witness"]["specification"]
    assert experiment.read(specification, theorems.load(str(path))).evidence().verdict == VIOLATED
    command = shlex.split(found.document["witness"]["command"])
    again = workbench_here(*command[1:], "--json")
    assert (again.status, again.document["verdict"]) == (1, VIOLATED)
    honest = experiment.read(specification, theorems.load("negative_eigenvalue")).evidence()
    assert honest.verdict == VACUOUS
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["worst_case"], "needs THEOREM"),
        (["worst_case", "nothing"], "no theorem is called"),
        (["worst_case", "nothing.py"], "nothing.py"),
        (["worst_case", "near_identity", "--tries", "0"], "positive integer"),
        (["worst_case", "slowest_mode"], "families of runs"),
        (["drop_hypothesis", "near_identity", "--hypothesis", "x"], "hypothesis of near_identity"),
        (["open_questions", "x"], "open question"),
        (["open_questions", "step_conditions", "--depth", "4"], "odd depths"),
        (["open_questions", "step_conditions", "--eigenvalue", "-1"], "positive number"),
    ],
)
def test_a_wrong_question_is_one_line(workbench_here: Command, arguments: list[str], words: str) -> None:
    refused = workbench_here("probe", *arguments)
    assert refused.status == 2
    assert len(refused.err.splitlines()) == 1
    assert words in refused.err


NAMED_STARTS = ({"scheme": "identity", "scale": "root(1/3,3)"}, {"scheme": "balanced", "matrix": [["1/2"]]})
CHAINS = {
    "mode_closed_forms": {"name": "gradient_flow", "stop": {"time": "1/8"}},
    "momentum_period_two": {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 2}},
    "period_doubling": {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 2}},
    "total_drift": {"name": "gradient_descent", "step_size": "1/8", "stop": {"steps": 2}},
    "vector_output": {"name": "gradient_flow", "stop": {"time": "1/8"}},
    "weight_decay_modes": {
        "name": "weight_decay",
        "parameters": {"decay": "1"},
        "step_size": "1/8",
        "stop": {"steps": 2},
    },
}


@pytest.mark.parametrize("start", NAMED_STARTS, ids=["root", "balanced"])
@pytest.mark.parametrize("name", CHAINS)
def test_a_start_that_is_kept_by_name_is_judged(name: str, start: dict[str, object]) -> None:
    specification = {
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}},
            "start": start,
        },
        "dynamics": CHAINS[name],
    }
    assert experiment.read(specification, theorems.load(name)).evidence().verdict in ("undecided", "vacuous")


@pytest.mark.parametrize("name", ["sharpness_edge", "residual_monotone"])
def test_the_command_of_a_witness_runs_it_again_from_anywhere(
    workbench_here: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / "claims").mkdir()
    path = tmp_path / "claims" / f"{name}.py"
    path.write_text(CLAIM.replace("OBSERVED", CLAIMS[name][0]).replace("HOLDS", CLAIMS[name][1]))
    found = workbench_here("probe", "worst_case", f"claims/{name}.py", "--json", "--time-limit", "30")
    assert found.document["outcome"] == "refuted"
    command = shlex.split(found.document["witness"]["command"])
    assert command[2] == f"claims/{name}.py"
    again = workbench_here(*command[1:], "--json")
    assert (again.status, again.document["verdict"]) == (1, VIOLATED)


CLAIM = '''"""Nothing is ever above what it was at the start.

Statement
    It is at most what it was.

Hypotheses
    plain_descent: gradient descent with a constant step
    network: of one kind

Standing
    false: steps are too long
"""

from workbench.theorems import Bound, Hypothesis, Source

source = Source(authors="You", year=2026, title="A note", where="unpublished", locator="Claim")
observes = ("loss", "OBSERVED")
examples = []


def hypotheses(run):
    return [run.plain_descent(), Hypothesis.decided("network", HOLDS)]


def predict(run):
    x = run.observable("OBSERVED")
    return [Bound("claim", "against its start", x, [x[0]] * len(x))]
'''
CLAIMS = {
    "sharpness_edge": ("sharpness", 'run.trajectory.problem.start.scheme == "given"'),
    "residual_monotone": ("loss", 'type(run.trajectory.problem.network).__name__ == "ResidualNetwork"'),
}


def test_a_problem_that_is_given_whole_is_one_line_where_it_is_wrong(workbench_here: Command) -> None:
    for given, words in (
        (["--problem", "{"], "not JSON"),
        (["--problem", "[1]"], "no JSON object"),
        (["--problem", "{}", "--target", "[[1]]"], "leave --target"),
        (["--problem", "{}"], "network"),
    ):
        refused = workbench_here("compare", "balancedness", *given, "--time", "1")
        assert (refused.status, len(refused.err.splitlines())) == (2, 1)
        assert words in refused.err
