"""The derivations of laws, frames and bounds: false versions are refuted, limits and small cases come out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import mpmath
import pytest

from workbench import derivation
from workbench.errors import InputError, ShapeError
from workbench.experiment import read
from workbench.invariants.counting import PRIMES, census
from workbench.invariants.derived import ranks
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.decisions import decide
from workbench.symbolic.frames import rank_one_frames, singular_frames
from workbench.symbolic.networks import linear_network

FALSE_VERSIONS = [
    ("total_drift", "(U**2 + V**2) * Fraction(1, 2), U * V", "(U**2 + V**2) * Fraction(1, 4), U * V"),
    ("total_drift", "* S * HALF - TOTAL", "* S - TOTAL"),
    ("total_drift", '"v": V * (1 + E)}', '"v": V * (1 - E)}'),
    ("total_drift", "(y**2 / (2 * (1 - y)))", "(y**2 / (3 * (1 - y)))"),
    ("total_drift", "(E**3 / (3 * (1 - E**2)))", "(E**3 / (4 * (1 - E**2)))"),
    ("total_drift", "ETA * (E * P - E * S)", "ETA * (E * P + E * S)"),
    ("vector_output", "S * C - length)", "S * C + length)"),
    ("vector_output", "(depth - 1) * (overlap - A_SQUARED)", "depth * (overlap - A_SQUARED)"),
    ("vector_output", "S * Y ** (depth - 2) * (1 - C**2)", "S * Y ** (depth - 1) * (1 - C**2)"),
    ("vector_output", "offset + time + sinh", "offset + 2 * time + sinh"),
    ("vector_output", "/ start - term", "/ start + term"),
    ("singular_value_flow", "1 / (x[c] ** 2 - x[r] ** 2)", "1 / (x[r] ** 2 - x[c] ** 2)"),
    ("singular_value_flow", "-depth * x[r] ** (2 * depth - 2)", "-depth * x[r] ** (2 * depth - 1)"),
    ("singular_value_flow", "sigma[r] * m[c][r])", "sigma[c] * m[c][r])"),
    ("singular_value_flow", "+ matrix(moved) - matrix(s) @ right", "+ matrix(moved) + matrix(s) @ right"),
    ("preconditioner_spectrum", "right ** (2 * (j - 1))\n    return", "right ** (2 * j)\n    return"),
    ("preconditioner_spectrum", "power = x ** (2 * depth - 2)", "power = x ** (2 * depth)"),
    ("gradient_bound", "(depth * square ** (depth - 1))", "(2 * depth * square ** (depth - 1))"),
    ("gradient_bound", "least + more)", "least - more)"),
    ("descent_inequality", "(-1) ** size * ETA**size", "(-1) ** size * ETA"),
    ("drift_bound", "+ ETA**2 * claimed", "- ETA**2 * claimed"),
    ("drift_bound", "- 2 * overlap", "- overlap"),
    ("scalar_chain_drift", "(identity(1) - pull**2)", "(identity(1) + pull**2)"),
    ("scalar_chain_drift", '{"z": (2 * a, a + b)}', '{"z": (3 * a, a + b)}'),
    ("equal_layers", "+ kappa * (x - 1))", "+ kappa * x)"),
    ("descent_inequality", "rest = slopes * (1 - depth", "rest = slopes * (1 + depth"),
    ("descent_inequality", "+ spread * ETA", "- spread * ETA"),
]

WRONG_COUNTS = [
    ("return hidden * (hidden + 1) // 2", "return hidden * (hidden - 1) // 2", (2, 2, 1)),
    ("q * (2 * hidden + 1 - q) // 2", "q * (2 * hidden + 1 - q) // 2 + 1", (1, 4, 2)),
    ("if hidden <= q else q", "if hidden <= 2 * q else q", (1, 5, 2)),
    ("if hidden <= 2 * q else q", "if hidden <= 3 * q else q", (1, 8, 2)),
    ("q * (2 * hidden - 2 * q - 1)", "q * (2 * hidden - q - 1)", (1, 7, 2)),
    ("-friction * skew", "-2 * friction * skew", (2, 2, 1)),
]


def obedient(specification, store=None):
    verdict = "violated" if specification.get("without") else "consistent"
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="any", margin_decimal="0.1")


@pytest.mark.parametrize(("name", "true", "false"), FALSE_VERSIONS)
def test_a_false_version_is_refuted_with_a_witness(name, true, false, tmp_path):
    # Depth 3 knows orders that depth 2 does not; the closed forms are of two layers, and the inequality is long.
    depth = 2 if name in ("descent_inequality", "total_drift", "vector_output") else 3
    outcome = derivation.run(altered(name, true, false, tmp_path), depth=depth, run_experiment=obedient)
    assert outcome.verdict == "refuted", outcome.text()
    assert any(part["witness"] for part in outcome.parts["prove"] if part["status"] == "refuted")


@pytest.mark.parametrize(("true", "false", "widths"), WRONG_COUNTS)
def test_a_wrong_count_of_laws_is_refuted(true, false, widths, tmp_path):
    path = altered("law_count", true, false, tmp_path)
    assert "refuted" in statuses(derivation.load(path), widths).values()


def statuses(file, widths):
    """Return what becomes of each claim, without the planted faults: these need large equal widths."""
    return {claim.name: decide(claim).status for claim in file.claims(Calculus(), 2, widths)}


def altered(name, true, false, folder):
    text = derivation.catalogue()[name].read_text()
    assert text.count(true) == 1
    path = Path(folder) / f"{name}.py"
    path.write_text(text.replace(true, false))
    return path


@pytest.mark.parametrize("name", ["law_count", "total_drift"])
def test_a_claim_about_two_layers_refuses_three(name):
    with pytest.raises(InputError, match="two layers"):
        derivation.run(name, depth=3, run_experiment=obedient)


@pytest.mark.parametrize("widths", [(1, 4, 1), (2, 4, 3), (1, 8, 2), (3, 1, 1)])
def test_laws_are_counted_for_the_widths_asked_for(widths):
    found = statuses(derivation.load("law_count"), widths)
    assert set(found.values()) == {"proved"}
    assert any(",".join(map(str, widths)) in name for name in found)


def test_the_count_is_compared_with_the_formula_for_more_than_ten_shapes():
    names = statuses(derivation.load("law_count"), ("d_0", "d_1", "d_2"))
    shapes = {name.split("widths ")[1].split(":")[0] for name in names if "widths" in name}
    assert len(shapes) >= 15


@pytest.mark.parametrize("widths", [(1, 1), (2, 3, 2), (2, 1, 3), (1, 2, 2, 2)])
@pytest.mark.parametrize("momentum", [False, True])
def test_fields_from_words_give_the_ranks_of_the_engine(widths, momentum):
    network = linear_network(len(widths) - 1)
    loss = network.general_loss
    slopes = [Calculus().gradient(loss, layer) for layer in network.layers]
    found, counted = ranks(widths, slopes, network.layers, loss.gradient, momentum), census(widths, momentum)
    certificate = counted.certificate
    assert certificate["primes"][0] == PRIMES[0]
    assert (found.dimension, found.laws, found.brackets) == tuple(
        certificate[key] for key in ("dimension", "law_rank", "lie_rank")
    )


def drift(step: str, steps: int):
    """Return a run of total_drift from 1/2 and 3/2 towards 2, its start (p, D) and its end."""
    specification = {
        "theorem": "total_drift",
        "problem": {
            "network": {"kind": "linear", "widths": [1, 1, 1]},
            "loss": {"kind": "square", "target": {"rows": [["2"]]}, "normalisation": "half"},
            "start": {"scheme": "given", "weights": [[["1/2"]], [["3/2"]]]},
        },
        "dynamics": {"name": "gradient_descent", "step_size": step, "stop": {"steps": steps}},
        "backend": {"name": "float64"},
    }
    observed = read(specification).trajectory().observables
    return [
        (float(observed["end_to_end_trace"][k].value), float(observed["imbalance_trace"][k].value)) for k in (0, -1)
    ]


def test_the_drift_over_the_step_goes_to_the_integral_at_the_order_one():
    (p, d), _ = drift("1/64", 1)
    integral = float(mpmath.quad(lambda x: (2 - x) / mpmath.sqrt(d**2 + 4 * x**2), [p, 2]))
    errors = []
    for step, steps in (("1/64", 600), ("1/128", 1200)):
        end = drift(step, steps)[1]
        assert abs(end[0] - 2) < 1e-9
        errors.append(abs((end[1] - d) / float(Fraction(step)) + d * integral))
    assert errors[0] < 0.05
    assert 1.8 < errors[0] / errors[1] < 2.2


def test_frames_take_layers_that_fit():
    network = linear_network(2, (3, 2, 2))
    with pytest.raises(ShapeError, match="one output"):
        rank_one_frames(network.layers, singular_frames(network.layers, 1).stretch)
    for frame in singular_frames(network.layers, 2).rotations(3).values():
        square = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in frame] for u in frame]
        assert square == [[int(r == c) for c in range(3)] for r in range(3)]
