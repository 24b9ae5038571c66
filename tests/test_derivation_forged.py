"""A file cannot forge a proof by what it builds: each way that was found is refused, undecided, blind or told."""

from __future__ import annotations

import textwrap
from types import SimpleNamespace

import pytest

from workbench import derivation
from workbench.errors import InputError, ShapeError, TheoremFileError, WorkbenchError

HEAD = '''r"""A claim for a test.

Claim
    $x = x$.

Source
    Nobody.

Scope
    Everything.
"""
from fractions import Fraction
from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.identities import Identity, Inequality, Region
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import Restriction
from workbench.symbolic.words import *
from workbench.symbolic.words import TracePolynomial

source = dict(authors="A", year=2000, title="T", where="W", locator="L", url="U")
depths = (2,)
shape = "square"
X, ONE = Polynomial.symbol("x"), Polynomial.constant(1)

def check(depth, widths):
    return dict(theorem="t", problem={}, dynamics={}, backend={})

def control(depth, widths):
    return {**check(depth, widths), "without": ["h"]}

def honest(calculus, n):
    for j, layer in enumerate(n.layers, start=1):
        gradient = calculus.gradient(n.loss, layer)
        yield Identity(f"G_{j}", gradient, n.above(j).T @ n.error @ n.below(j).T)

def prove(calculus, depth, widths):
    n = linear_network(depth, widths)
    yield from honest(calculus, n)
    w, d = n.layers[0], widths[0]
    yield from claims(calculus, n, w, d)

'''


def obedient(specification, store=None):
    verdict = "violated" if specification.get("without") else "consistent"
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="t", margin_decimal="0")


@pytest.fixture
def outcome(tmp_path):
    def run(body, **options):
        path = tmp_path / "claim.py"
        path.write_text(HEAD + textwrap.dedent(body))
        return derivation.run(path, run_experiment=obedient, **options)

    return run


def claims(*lines):
    return "def claims(calculus, n, w, d):\n" + textwrap.indent("\n".join(lines), "    ")


SUBCLASSES = [
    (
        "class R(Restriction):\n    def apply(self, e): return zero(e.rows, e.columns)\n",
        'yield Identity("false", matrix(w), -matrix(w), under=R("any"))',
    ),
    (
        "class R(Region):\n    def pull_back(self, p): return Polynomial({})\n",
        'yield Inequality("false", X + 1, X, R({"x": (X, ONE)}))',
    ),
    (
        "class L(TracePolynomial):\n    def derivative(self, v): return TracePolynomial({})\n",
        'yield Identity("false", calculus.gradient(L(n.loss.terms), w), zero(d, d))',
    ),
    (
        "class L(OpaqueLoss):\n    def derivative(self, v): return OpaqueLoss.derivative(self, v) * 2\n",
        'yield Identity("false", calculus.gradient(L(n.end_to_end, Letter("G", d, d)), w), zero(d, d))',
    ),
    (
        "class L(Letter):\n    def __eq__(self, o): return True\n    def __hash__(self): return 1\n",
        'a, b = matrix(L("A", d, d)), matrix(L("B", d, d))\nyield Identity("false", a @ b, b @ a)',
    ),
    (
        "class Z(Polynomial):\n    def __add__(self, o): return Polynomial({})\n",
        'yield Identity("false", MatrixPolynomial(d, d, {(Factor(w),): Z(ONE.terms)}), zero(d, d))',
    ),
]


@pytest.mark.parametrize(("top", "line"), SUBCLASSES)
def test_a_subclass_cannot_change_what_is_decided(outcome, top, line):
    with pytest.raises(InputError):
        outcome(top + claims(line))


@pytest.mark.parametrize(
    "line",
    [
        # 1 - 1/x has no term of a positive exponent, so it would be read as 1 - 1.
        'yield Inequality("false", Polynomial({(("x", -1),): Fraction(1)}), ONE, Region({"x": (X, ONE)}))',
        'yield Identity("false", MatrixPolynomial("a", "b", {(Factor(w),): ONE}), zero("a", "b"))',
        'yield Identity("false", MatrixPolynomial("a", "b", {(): ONE}), zero("a", "b"))',
        'yield Identity("rounded", n.layer(1) + identity(d), n.layer(1), '
        'under=Restriction("r", scalars={w: Polynomial({(): 1e17})}))',
        'yield Inequality("rounded", X, X, Region({"x": (Polynomial({(("p", 1),): 0.1}), ONE)}))',
        'r = Letter("R", "a", "b")\n'
        'yield Identity("no eigenvalue", matrix(r), matrix(r), under=Restriction("r", scalars={r: X}))',
        # b = 1/a with a = 0: a region without a point, on which anything holds.
        'b = Polynomial.symbol("b")\n'
        'yield Inequality("nowhere", 5 * ONE, b, Region({"a": (0 * X, ONE), "b": (ONE, Polynomial.symbol("a"))}))',
    ],
)
def test_what_is_not_in_normal_form_is_refused(outcome, line):
    with pytest.raises(InputError):
        outcome(claims(line))


def test_the_gradient_of_any_loss_is_none_of_its_layers(outcome):
    with pytest.raises(InputError, match="gradient W_1 is a letter of the loss's argument"):
        outcome(claims("calculus.gradient(OpaqueLoss(n.end_to_end, w), w)\nyield"))


@pytest.mark.parametrize(
    "last",
    [
        'Identity("four is one", n.layer(1) @ n.layer(1), identity(d), under=supposed)',
        'Inequality("four is at most one", n.layer(1) @ n.layer(1), identity(d), Region({}), under=supposed)',
    ],
)
def test_rules_that_the_eigenvalues_disobey_prove_nothing(outcome, last):
    units = "{w: [[Fraction(int(i == j)) for j in range(s(w)[0])] for i in range(s(w)[0])]}"
    rule = "((Factor(w), Factor(w)), ())"
    found = outcome(
        claims(
            f'supposed = Restriction("A A = I", rules=({rule},), scalars={{w: 2 * ONE}}, draw=lambda g, s: {units})',
            f"yield {last}",
        )
    )
    assert found.verdict == "undecided"


def test_matrices_drawn_for_rules_have_the_shapes_asked_for(outcome):
    with pytest.raises(InputError, match="W_1 is drawn for 'numbers' in another shape"):
        outcome(
            claims(
                "a, b = n.layers",
                "swap = ((Factor(a), Factor(b)), (Factor(b), Factor(a)))",
                'r = Restriction("numbers", rules=(swap,), draw=lambda g, s: {a: [[2]], b: [[3]]})',
                'yield Identity("commute", matrix(a) @ matrix(b), matrix(b) @ matrix(a), under=r)',
            )
        )


@pytest.mark.parametrize("where", ["where=((S, matrix(w)),)", 'under=Restriction("r", letters={S: matrix(w)})'])
def test_a_symmetric_letter_stands_for_symmetric_matrices_only(outcome, where):
    with pytest.raises(ShapeError, match="S is symmetric but what replaces it is not"):
        outcome(
            claims('S = Letter("S", d, d, symmetric=True)', f'yield Identity("false", matrix(S).T, matrix(w), {where})')
        )


def test_what_holds_for_symmetric_matrices_only_says_so(outcome):
    found = outcome(
        claims(
            'S = matrix(Letter("S", d, d, symmetric=True))',
            'yield Identity("transposes", trace(S @ n.layer(1)), trace(S @ n.layer(1).T))',
        )
    )
    assert "supposing Sᵀ = S" in found.text()
    assert r"\[ S^{T} = S \]" in found.latex()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('P = Letter("Φ", d, d)\nyield Identity("fits", n.end_to_end, matrix(P), ((P, n.end_to_end),))', "read alike"),
        ('P = Letter("W_{1}", d, d)\nyield Identity("zero", matrix(P), zero(d, d), ((P, zero(d, d)),))', "read alike"),
        ('yield Identity("commute", Polynomial.symbol("W_1") * n.layer(2), n.layer(1))', "two meanings for W_1"),
        (
            'S = matrix(Letter("W_1", d, d, symmetric=True))\nyield Identity("turned", S @ n.layer(1), S @ S)',
            "two meanings for W_1",
        ),
        ('yield Inequality("x", X, 0 * X, Region({"x": (X, ONE)}), (("x", -ONE),))', "defines x and supposes"),
        ("yield Identity(5, X, X)", "names a claim 5"),
        ('yield Identity("", X, X)', "names a claim ''"),
    ],
)
def test_names_that_mislead_are_refused(outcome, line, words):
    with pytest.raises(TheoremFileError, match=words):
        outcome(claims(line))


@pytest.mark.parametrize(
    "line",
    [
        'D = Letter("dot W", d, d)\nyield Identity("W never moves", matrix(D), zero(d, d), ((D, zero(d, d)),))',
        'yield Identity("count", Polynomial.symbol("count"), 2 * ONE, (("count", 2 * ONE),))',
    ],
)
def test_a_claim_that_is_its_own_definition_is_blind(outcome, line):
    found = outcome(claims(line))
    assert found.verdict == "blind"
    assert "only what its definition says" in found.reason


def test_a_log_cannot_be_emptied(outcome):
    with pytest.raises(TheoremFileError, match="AttributeError"):
        outcome(claims("calculus.steps.clear()", "yield"))


def test_a_proof_that_changes_from_call_to_call_is_refused(outcome):
    with pytest.raises(TheoremFileError, match="claims something else when it is asked again"):
        outcome("calls = []\n" + claims("calls.append(1)", 'yield Identity("n", X, X + (1 if len(calls) > 1 else 0))'))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ('"nothing"', "give a tuple of names of claims"),
        ("5", "give a tuple of names of claims"),
        ("(3,)", "give a tuple of names of claims"),
        ('("no such claim",)', "names 'no such claim', which is no claim"),
    ],
)
def test_what_is_declared_of_any_gradient_names_claims(outcome, declared, words):
    with pytest.raises(TheoremFileError, match=words):
        outcome(f"any_gradient = {declared}\n" + claims("yield from ()"))


def test_a_declared_claim_that_reads_its_gradient_is_told_so(outcome):
    found = outcome('any_gradient = ("G_1",)\n' + claims("yield from ()"))
    assert "G_1 (reads the gradient of W_1; declared to hold for any gradient, but a fault refutes it)" in found.text()


def test_a_file_all_of_whose_claims_are_declared_is_blind(outcome):
    found = outcome(
        'any_gradient = ("first", "second")\n'
        "def honest(calculus, n):\n"
        "    for name, layer in zip(('first', 'second'), n.layers):\n"
        "        g = calculus.gradient(n.loss, layer)\n"
        "        yield Identity(name, g.T @ g, (g.T @ g).T)\n" + claims("yield from ()")
    )
    assert found.verdict == "blind"


def test_no_forged_file_ends_in_anything_but_one_line(outcome):
    with pytest.raises(WorkbenchError) as caught:
        outcome(claims("raise GeneratorExit", "yield"))
    assert "\n" not in str(caught.value)
