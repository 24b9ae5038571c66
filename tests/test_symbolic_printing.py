"""What is printed reads right, and its LaTeX becomes Typst that compiles."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
import typst

from workbench.report.formulas import formula as report_formula
from workbench.symbolic.calculus import OpaqueLoss
from workbench.symbolic.decisions import decide
from workbench.symbolic.identities import Identity, Inequality, Region
from workbench.symbolic.networks import linear_network, opaque_chain
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.printing import latex, repetitions, unicode
from workbench.symbolic.restrictions import eigenvalues
from workbench.symbolic.statements import claim_latex, claim_unicode, suppositions_latex, suppositions_unicode
from workbench.symbolic.words import Letter, identity, letters, matrix, trace, zero

ETA, X = Polynomial.symbol("eta"), Polynomial.symbol("x")

# Every name of more than one letter that Typst may see: anything else is a word that the conversion left behind.
KNOWN = set(
    (
        "op tr eig dot dif quad Phi eta lambda rho ell partial sum dots ln beta tau sigma kappa theta "
        "delta double sqrt exp product prod neq arctan infinity sinh cosh tan sin cos "
        "diag epsilon alt in tanh chevron times alpha Sigma lr norm"
    ).split()
)


def converted(formula: str) -> str:
    text = report_formula(formula)
    unknown = set(re.findall(r"[A-Za-z]{2,}", text)) - KNOWN
    assert not unknown, f"{unknown} in {text}"
    return text


def compiles(formulas: list[str]) -> bool:
    document = "\n\n".join(f"$ {converted(formula)} $" for formula in formulas)
    return typst.compile(document.encode(), format="pdf").startswith(b"%PDF")


def expressions():
    network = linear_network(3)
    chain = opaque_chain()
    symmetric = matrix(Letter("S", "d", "d", symmetric=True))
    return [
        network.loss,
        network.general_loss,
        chain.end_to_end,
        network.defect(1),
        matrix(Letter("dot W_1", "m", "n")).T,
        matrix(Letter("dW_1", "m", "n")),
        matrix(Letter("W_1+", "m", "n")).T,
        (symmetric @ symmetric + identity("d")) * (ETA - 1),
        (network.above(1) @ network.above(1).T) ** 3,
        trace(identity("d_1")),
        Polynomial.symbol("W_1[2,10]") ** 2 * Fraction(-3, 7) + ETA,
        (X + ETA + 1) ** 6,
        zero(1, 1),
    ]


@pytest.mark.parametrize("place", range(len(expressions())))
def test_every_kind_of_expression_compiles(place):
    value = expressions()[place]
    assert compiles([latex(value)])
    assert unicode(value)


def test_the_loss_reads_as_traces():
    network = linear_network(1)
    assert unicode(network.loss) == "1/2 tr(Φ Φᵀ) + 1/2 tr(W₁ W₁ᵀ) − tr(Φ W₁ᵀ)"


def test_latex_of_a_defect():
    assert latex(linear_network(2).defect(1)) == "W_{2}^{T} W_{2} - W_{1} W_{1}^{T}"


@pytest.mark.parametrize(
    ("name", "formula", "text"),
    [
        ("W_2[1,2]", "W_{2;12}", "W₂[1,2]"),
        ("Phi[3,10]", r"\Phi_{3,10}", "Φ[3,10]"),
        ("dot W_1[2,1]", r"\dot{W}_{1;21}", "\u1e86₁[2,1]"),
        ("W_{L:j+2}", "W_{L:j+2}", "W[L:j+2]"),
        ("W_1+", "W_{1}^{+}", "W₁⁺"),
        ("dW_1", r"\mathrm{d}W_{1}", "dW₁"),
        ("d_0", "d_{0}", "d₀"),
    ],
)
def test_names_become_symbols(name, formula, text):
    symbol = Polynomial.symbol(name)
    assert (latex(symbol), unicode(symbol)) == (formula, text)


def test_fractions_signs_and_powers():
    assert latex(X**2 * Fraction(-1, 2) - X + 3) == r"3 - \frac{1}{2} x^{2} - x"
    assert unicode(X**12 * 2) == "2 x¹²"
    assert unicode(X - X) == "0"


def test_a_repeated_block_is_a_power():
    network = linear_network(3)
    power = (network.end_to_end @ network.end_to_end.T) ** 4
    assert unicode(power) == "(W₃ W₂ W₁ W₁ᵀ W₂ᵀ W₃ᵀ)⁴"
    (word,) = power.terms
    ((block, count),) = repetitions(word)
    assert block * count == word


def test_an_opaque_loss_is_a_function():
    square = Letter("W_1", "d", "d")
    assert unicode(OpaqueLoss(matrix(square), Letter("G", "d", "d"))) == "ℓ(W₁)"


def test_long_sums_are_broken_into_lines():
    formula = latex((X + ETA + 1) ** 6)
    assert formula.startswith(r"\begin{aligned}")
    assert formula.count(r"\\") >= 2


def test_a_claim_says_what_it_supposes():
    network = linear_network(2, ("d",) * 3)
    read = eigenvalues(network.layers, network.target, Polynomial.symbol("rho") ** 2)
    one, a = Polynomial.constant(1), Polynomial.symbol("a")
    claim = Inequality("growth", X, network.layer(1) + network.layer(2), Region({"x": (one, one + a)}), under=read)
    assert claim_unicode(claim) == "x ≤ eig(W₁ + W₂)"
    assert suppositions_unicode(claim) == [
        *("W₁ = W₂ = S", "Φᵀ = Φ", "Sᵀ = S"),
        *("eig(S) = x", "S v = eig(S) v", "eig(Φ) = ρ²", "Φ v = eig(Φ) v", "x = 1/(a + 1)", "a ≥ 0"),
    ]
    assert compiles([claim_latex(claim), *suppositions_latex(claim)])
    assert decide(claim).status == "proved"


def test_a_letter_is_printed_by_its_name_only_once():
    network = linear_network(2)
    names = [unicode(matrix(letter)) for letter in letters(network.error)]
    assert names == ["Φ", "W₁", "W₂"]
    assert claim_latex(Identity("loss", network.error, network.end_to_end)) == r"W_{2} W_{1} - \Phi = W_{2} W_{1}"
