"""Every derivation of the catalogue is proved, killed by faults, checked and controlled."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from test_symbolic_printing import compiles

from workbench import derivation
from workbench.errors import InputError, ShapeError, UnknownNameError
from workbench.store import Store

NAMES = sorted(derivation.catalogue())

# Claims of layers that are numbers, or multiples of the identity: a transpose changes nothing there.
NUMBERS = {
    "depth_limit",
    "edge_gap",
    "flattest_minima",
    "gradient_bound_equality",
    "mode_closed_forms",
    "momentum_period_two",
    "period_doubling",
    "scalar_chain_drift",
    "total_drift",
    "two_layer_numbers",
    "weight_decay_modes",
}


def obedient(specification, store=None):
    """Stand in for the experiment runner: a check holds, a control fails."""
    return evidence("violated" if specification.get("without") else "consistent")


def evidence(verdict):
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="any", margin_decimal="0.1")


# Those that take seconds; `make test` proves them too, by `workbench verify --derivations`.
DEAR = {
    "flattest_minima",
    "heavy_ball_drift",
    "law_count",
    "scalar_chain_drift",
    "two_layer_numbers",
    "weight_decay_drift",
}
EACH = [pytest.param(name, marks=pytest.mark.long) if name in DEAR else name for name in NAMES]


class Outcomes(dict):
    """The outcome of each derivation, once it is asked for."""

    def __missing__(self, name):
        self[name] = derivation.run(name, run_experiment=obedient)
        return self[name]


@pytest.fixture(scope="module")
def outcomes():
    return Outcomes()


def test_the_catalogue_holds_the_claims():
    assert {
        "balancedness_drift",
        "balancedness_flow",
        "end_to_end_flow",
        "equal_layers",
        "gradient_flow",
        "positive_definite_envelope",
    } <= set(NAMES)


@pytest.mark.parametrize("name", EACH)
def test_every_derivation_is_proved(name, outcomes):
    outcome = outcomes[name]
    assert outcome.verdict == "proved", outcome.text()
    assert {part["status"] for part in outcome.parts["prove"]} == {"proved"}


@pytest.mark.parametrize("name", EACH)
def test_every_sign_fault_is_killed_and_no_transpose_survives(name, outcomes):
    faults = outcomes[name].parts["blindness"]
    signs = [fault["status"] for fault in faults if "sign" in fault["fault"]]
    assert set(signs) == {"killed"}
    assert {fault["status"] for fault in faults} <= {"killed", "equivalent"}


@pytest.mark.parametrize("name", EACH)
def test_every_claim_that_reads_a_gradient_notices_a_fault_in_it(name, outcomes):
    parts = outcomes[name].parts["prove"]
    assert not [part["name"] for part in parts if part["unnoticed"] and not part["any_gradient"]]
    assert any(part["reads"] for part in parts)
    assert all(part["notices_faults"] for part in parts if part["reads"] and not part["any_gradient"])


@pytest.mark.parametrize("name", EACH)
def test_the_log_says_which_claims_read_no_gradient(name, outcomes):
    text = outcomes[name].text()
    for part in outcomes[name].parts["prove"]:
        wanted = f"reads the gradient of {', '.join(part['reads'])}" if part["reads"] else "reads no gradient"
        if part["any_gradient"]:
            seen = f" of {', '.join(part['unnoticed'])}" if part["unnoticed"] else ", but a fault refutes it"
            wanted += f"; declared to hold for any gradient{seen}"
        assert f"{part['name']} ({wanted})" in text


@pytest.mark.long
def test_only_symmetric_claims_have_equivalent_faults(outcomes):
    found = {
        name for name in NAMES if any(fault["status"] == "equivalent" for fault in outcomes[name].parts["blindness"])
    }
    # At zero weights every factor of a gradient but the error and the inputs is the identity.
    assert found == {"equal_layers", "positive_definite_envelope", "residual_kernel", *NUMBERS}


@pytest.mark.long
@pytest.mark.parametrize("name", EACH)
def test_every_printed_formula_becomes_typst_that_compiles(name, outcomes):
    outcome = outcomes[name]
    formulas = []
    for part in outcome.parts["prove"]:
        formulas += [part["latex"], *part["where"], *part["supposing"]]
        formulas += [part["certificate"]] if part["certificate"] else []
    for step in outcome.steps:
        formulas += [step["before"], step["after"]]
    # The conversion's time grows faster than a formula, which nobody reads at this length.
    assert compiles([formula for formula in dict.fromkeys(formulas) if len(formula) < 3000])


@pytest.mark.parametrize("name", NAMES)
def test_the_formulas_of_claim_and_scope_become_typst_that_compiles(name):
    file = derivation.load(name)
    formulas = re.findall(r"\$([^$]+)\$", file.claim + file.scope)
    assert formulas
    assert compiles(formulas)


@pytest.mark.parametrize("name", EACH)
def test_the_steps_are_numbered_from_one(name, outcomes):
    numbers = [step["number"] for step in outcomes[name].steps]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


@pytest.mark.parametrize("name", EACH)
def test_text_and_latex_carry_every_claim(name, outcomes):
    outcome = outcomes[name]
    for part in outcome.parts["prove"]:
        assert part["text"] in outcome.text()
        assert part["latex"] in outcome.latex()
    for step in outcome.steps:
        assert step["after_text"] in outcome.text()
        assert step["after"] in outcome.latex()
    assert outcome.text().splitlines()[-1].startswith(f"{name}: proved")


@pytest.mark.parametrize("name", NAMES)
def test_check_and_control_differ_in_one_hypothesis(name):
    file = derivation.load(name)
    depth = file.depths[-1]
    widths = [2] * (depth + 1)
    check, control = file.experiments(depth, widths)
    assert not check.get("without")
    assert len(control["without"]) == 1
    assert check["theorem"] == control["theorem"]


@pytest.mark.parametrize("name", [name for name in NAMES if derivation.load(name).least_depth == 1])
def test_depth_one_and_width_one_are_included(name):
    assert derivation.run(name, depth=1, widths=(1, 1), run_experiment=obedient).verdict == "proved"


RECTANGULAR = [
    "balancedness_flow",
    "balancedness_drift",
    "biased_balancedness",
    "end_to_end_flow",
    "gradient_flow",
    "preconditioner_spectrum",
    "skew_momentum",
    "weight_decay_drift",
]


@pytest.mark.parametrize("name", RECTANGULAR)
@pytest.mark.parametrize("widths", [(1, 1, 1), (3, 1, 2), (2, 3, 1, 2)])
def test_rectangular_and_scalar_widths_are_included(name, widths):
    outcome = derivation.run(name, widths=widths, run_experiment=obedient)
    assert outcome.verdict == "proved", outcome.text()
    assert outcome.record().payload["depth"] == [len(widths) - 1]


def test_depth_five_is_proved_when_asked():
    assert derivation.run("balancedness_flow", depth=5, run_experiment=obedient).verdict == "proved"


def test_gradient_flow_is_printed_entry_by_entry(outcomes):
    outcome = derivation.run("gradient_flow", widths=(1, 2, 1), run_experiment=obedient)
    texts = [part["text"] for part in outcome.parts["prove"]]
    assert texts[:2] == ["\u1e86₁ = −W₂ᵀ E", "\u1e86₂ = −E W₁ᵀ"]
    assert texts[2] == "\u1e86₁[1,1] = Φ[1,1] W₂[1,1] − W₁[1,1] W₂[1,1]² − W₁[2,1] W₂[1,1] W₂[1,2]"


@pytest.mark.parametrize(
    ("check", "control", "verdict"),
    [
        ("consistent", "violated", "proved"),
        ("violated", "violated", "refuted"),
        ("undecided", "violated", "undecided"),
        ("vacuous", "violated", "undecided"),
        ("consistent", "consistent", "undecided"),
        ("consistent", "vacuous", "undecided"),
    ],
)
def test_the_verdict_needs_a_check_that_holds_and_a_control_that_fails(check, control, verdict):
    def runner(specification, store=None):
        return evidence(control if specification.get("without") else check)

    outcome = derivation.run("balancedness_flow", depth=2, run_experiment=runner)
    assert outcome.verdict == verdict


def test_a_kept_outcome_is_read_back_and_says_the_same(tmp_path):
    store = Store(tmp_path / "store")
    first = derivation.run("balancedness_flow", depth=2, store=store, run_experiment=obedient)

    def unused(specification, store=None):
        raise AssertionError("a current outcome is not computed again")

    second = derivation.run("balancedness_flow", depth=2, store=store, run_experiment=unused)
    assert second.text() == first.text()
    assert second.record().id == first.record().id
    assert [record.kind for record in store] == ["derivation"]


def test_recorded_says_whether_it_computed(tmp_path):
    store = Store(tmp_path / "store")
    file = derivation.load("balancedness_flow")
    first, computed = derivation.recorded(file, store, depth=2, run_experiment=obedient)
    second, again = derivation.recorded(file, store, depth=2, run_experiment=obedient)
    assert (computed, again) == (True, False)
    assert derivation.text(first) == derivation.text(second)
    assert derivation.latex(first) == derivation.latex(second)


@pytest.mark.parametrize("name", NAMES)
def test_a_derivation_shows_its_claim_source_and_scope(name):
    file = derivation.load(name)
    shown = file.text()
    assert file.claim in shown
    assert file.source["url"] in shown
    assert shown.count("\n\n") >= 3


def test_depth_and_widths_are_part_of_the_question():
    first = derivation.run("balancedness_flow", depth=2, run_experiment=obedient)
    second = derivation.run("balancedness_flow", depth=3, run_experiment=obedient)
    third = derivation.run("balancedness_flow", widths=(1, 2, 1), run_experiment=obedient)
    assert len({outcome.record().id for outcome in (first, second, third)}) == 3


def test_an_unknown_name_says_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean balancedness_flow"):
        derivation.run("balancednes_flow")


@pytest.mark.parametrize(
    ("name", "depth", "widths", "error", "words"),
    [
        ("balancedness_flow", 1, None, InputError, "depth 2 and more"),
        ("balancedness_flow", 0, None, InputError, "depth 2 and more"),
        ("balancedness_flow", 3, (2, 2), ShapeError, "2 widths are given but depth 3 takes 4"),
        ("equal_layers", None, (2, 3, 2), ShapeError, "equal widths"),
        ("gradient_flow", None, ("m", "n", "p"), ShapeError, "numbers"),
        ("gradient_flow", None, (2, 0, 2), ShapeError, "a width is 0"),
    ],
)
def test_an_impossible_question_is_one_clear_error(name, depth, widths, error, words):
    with pytest.raises(error, match=words):
        derivation.run(name, depth=depth, widths=widths, run_experiment=obedient)
