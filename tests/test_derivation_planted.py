"""A false version of each derivation is refuted with a witness: the proofs decide something."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench import derivation

FALSE_VERSIONS = [
    ("depth_limit", "depth * value**2 * (s - value)", "value**2 * (s - value)"),
    ("depth_limit", "LOG**2 * Fraction(1, 2)", "LOG**2"),
    ("depth_limit", "SIGMA * (S - 1)", "SIGMA * (S + 1)"),
    ("two_layer_numbers", "identity(1) * 2 - pull", "identity(1) - pull"),
    ("two_layer_numbers", "difference * z)", "2 * difference * z)"),
    ("period_doubling", "(ratio**2 - ratio - 1)", "(ratio**2 - ratio - 2)"),
    ("riccati_solution", "decay**2 * Fraction(1, 4)", "decay**2 * HALF"),
    ("flattest_minima", "2 * tau * inner", "tau * inner"),
    ("flattest_minima", "right = identity(1) * ((whole - target)", "right = identity(1) * ((whole + target)"),
    ("flattest_minima", "whole ** (depth - 1))", "whole**depth)"),
    ("balanced_hessian", "right = -(values[0]", "right = -depth * (values[0]"),
    ("schatten_norm", "-trace(mixing @", "trace(mixing @"),
    ("schatten_norm", "- matrix(names[j - 1]) @ lower.T", "+ matrix(names[j - 1]) @ lower.T"),
    ("schatten_norm", "- 2 * trace(u.T @", "- trace(u.T @"),
    ("white_start", "side @ inner - outer @ side", "side @ inner + outer @ side"),
    ("white_start", "2 * m * (s - a)", "m * (s - a)"),
    ("white_start", "(1 - root) / (1 - other)", "(1 + root) / (1 - other)"),
    ("weight_decay_drift", "kept**2 * matrix(before)", "kept * matrix(before)"),
    ("weight_decay_drift", "-2 * LAMBDA * matrix(defect)", "-1 * LAMBDA * matrix(defect)"),
    ("skew_momentum", "BETA * matrix(first)", "ETA * matrix(first)"),
    ("skew_momentum", "inner = later[1].T @ earlier[1] + later", "inner = later[1].T @ earlier[1] - later"),
    ("heavy_ball_drift", 'BETA * letter["Z"] + letter["B+"], "Z Z+ B+"', 'BETA * letter["Z"], "Z Z+ B+"'),
    ("heavy_ball_drift", '+ 2 * matrix(named["B"])', '+ matrix(named["B"])'),
    ("scalar_chain_drift", "identity(1) - eta**2 *", "identity(1) + eta**2 *"),
    ("mode_closed_forms", "Logarithm(A - X).derivative(ALONG_X) / (3 * A)", "Logarithm(A - X).derivative(ALONG_X) / A"),
    ("mode_closed_forms", "2 * sigma * (S - sigma)", "sigma * (S - sigma)"),
    ("mode_closed_forms", "(c + 1 - (c + 2) * z)", "(c + 1 - (c + 1) * z)"),
    ("mode_closed_forms", "(2 - depth) * S * X ** (depth - 2)", "S * X ** (depth - 2)"),
    ("two_layer_numbers", "- 4 * eta * kept[r] @ kept[p]", "- 2 * eta * kept[r] @ kept[p]"),
    ("two_layer_numbers", "(root + decaying / root) / (1 - decaying)", "(root - decaying / root) / (1 - decaying)"),
    ("period_doubling", "(-1, Fraction(5))", "(-1, Fraction(9, 2))"),
    ("period_doubling", "Fraction(27, 4) - (1 + size) ** 2", "Fraction(25, 4) - (1 + size) ** 2"),
    ("period_doubling", "1 - 2 * minimum)", "1 - minimum)"),
    ("balanced_factorisation", "s ** (2 * (j - 1)), under=polar", "s ** (2 * j), under=polar"),
    ("balanced_factorisation", "turned = q ** (j - 1)", "turned = q ** j"),
    ("gradient_bound_equality", "2 * depth * scale ** (2 * depth - 2)", "2 * scale ** (2 * depth - 2)"),
    ("residual_blocks", "linear = second + second.T - first - first.T", "linear = second + second.T - first"),
    ("balanced_hessian", "above @ above.T @ direction @ below.T @ below", "above @ above.T @ direction"),
    ("balanced_hessian", "-depth * values[r] ** (depth - 1)", "-values[r] ** (depth - 1)"),
    ("riccati_solution", "- first.T @ k @ first", "+ first.T @ k @ first"),
    ("riccati_solution", "f @ closed + closed @ f - closed @ closed", "f @ closed + closed @ f + closed @ closed"),
    ("riccati_solution", "HALF * (q.T", "(q.T"),
    ("momentum_stability", "((1 + BETA - ETA * S), BETA, last)", "((1 + BETA + ETA * S), BETA, last)"),
    ("momentum_stability", "2 * (1 + BETA) - (1 + 2 * BETA) * ETA * S", "2 * (1 + BETA) - (1 + BETA) * ETA * S"),
    ("momentum_stability", "- (1 - DELTA) * (after - V) ** 2", "- (1 + DELTA) * (after - V) ** 2"),
    ("momentum_stability", "+ ETA * matrix(slope)", "- ETA * matrix(slope)"),
    ("momentum_period_two", "right = (1 + BETA) * (shorter", "right = (1 - BETA) * (shorter"),
    ("momentum_period_two", "(5 * B**2 + 8 * B + 5", "(5 * B**2 + 6 * B + 5"),
    ("momentum_period_two", "2 * (1 + B) ** 2 * (square - 4)", "2 * (1 + B**2) * (square - 4)"),
    ("momentum_period_two", "return (1 + B) * (", "return (1 - B) * ("),
    ("spectral_laws", "zero(outer, inner), -identity(outer)", "zero(outer, inner), identity(outer)"),
    ("spectral_laws", "trace(h @ (m @ n - n @ m))", "trace(h @ (n @ m - m @ n))"),
    ("spectral_laws", "trace((-network.defect(1)) ** k)", "trace(network.defect(1) ** k)"),
    ("spectral_laws", "right = negated(product(h, solution))", "right = product(solution, h)"),
    ("biased_balancedness", "- low @ low.T - bias @ bias.T", "- low @ low.T"),
    ("biased_balancedness", "matrix(before) + added", "matrix(before) - added"),
    ("tied_weights", "w.T ** (j - 1)", "w ** (j - 1)"),
    ("tied_weights", "rate = -depth * X", "rate = -(depth + 1) * X"),
    ("tied_weights", "Y ** (2 * depth), rate", "Y**depth, rate"),
    ("weight_decay_modes", "X * (LAMBDA - level)", "X * (LAMBDA + level)"),
    ("weight_decay_modes", "(depth - 2) * S - (depth - 1) * X**depth", "(depth - 2) * S - depth * X**depth"),
]


def obedient(specification, store=None):
    verdict = "violated" if specification.get("without") else "consistent"
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="any", margin_decimal="0.1")


# Their proofs take seconds: the first false version of each is always tried, the others with the long tests.
_SLOW = ("flattest_minima", "heavy_ball_drift", "two_layer_numbers", "weight_decay_drift", "biased_balancedness")


def _versions():
    seen = set()
    for version in FALSE_VERSIONS:
        late = version[0] in _SLOW and version[0] in seen
        seen.add(version[0])
        yield pytest.param(*version, marks=[pytest.mark.long] if late else [])


@pytest.mark.parametrize(("name", "true", "false"), list(_versions()))
def test_a_false_version_is_refuted_with_a_witness(name, true, false, tmp_path):
    text = derivation.catalogue()[name].read_text()
    assert text.count(true) == 1
    path = Path(tmp_path) / f"{name}.py"
    path.write_text(text.replace(true, false))
    outcome = derivation.run(path, run_experiment=obedient)
    assert outcome.verdict == "refuted", outcome.text()
    assert any(part["witness"] for part in outcome.parts["prove"] if part["status"] == "refuted")
