"""False, blind and broken derivation files are told apart, and none can forge a proof."""

from __future__ import annotations

import textwrap
from types import SimpleNamespace

import pytest

from workbench import derivation
from workbench.errors import TheoremFileError

HEAD = '''
r"""A claim for a test.

Claim
    $x = x$.

Source
    Nobody.

Scope
    Everything.
"""
from workbench.symbolic.calculus import Calculus
from workbench.symbolic.identities import Identity
from workbench.symbolic.networks import linear_network
from workbench.symbolic.polynomials import Polynomial
from workbench.symbolic.restrictions import equal_layers
from workbench.symbolic.words import matrix, zero

source = dict(authors="A", year=2000, title="T", where="W", locator="L", url="U")
depths = (2,)

def check(depth, widths):
    return dict(theorem="t", problem={}, dynamics={}, backend={})

def control(depth, widths):
    return {**check(depth, widths), "without": ["h"]}
'''


PROOF = """
    def prove(calculus, depth, widths):
        network = linear_network(depth, widths)
        for j, layer in enumerate(network.layers, start=1):
            gradient = calculus.gradient(network.loss, layer)
            yield Identity(f"G_{j}", gradient, network.above(j).T @ network.error @ network.below(j).T)
"""


def obedient(specification, store=None):
    verdict = "violated" if specification.get("without") else "consistent"
    return SimpleNamespace(verdict=verdict, grade="estimate", theorem="t", margin_decimal="0")


@pytest.fixture
def written(tmp_path):
    def write(body, head=HEAD):
        path = tmp_path / "claim.py"
        path.write_text(head.lstrip() + "\n" + textwrap.dedent(body))
        return path

    return write


def run(path):
    return derivation.run(path, run_experiment=obedient)


def test_a_true_file_given_by_path_is_proved(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            gradients = [calculus.gradient(network.loss, layer) for layer in network.layers]
            for j, gradient in enumerate(gradients, start=1):
                yield Identity(f"G_{j}", gradient, network.above(j).T @ network.error @ network.below(j).T)
    """)
    assert run(path).verdict == "proved"
    assert run(str(path)).verdict == "proved"


def test_a_false_file_given_by_path_is_refuted_with_a_witness(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            gradients = [calculus.gradient(network.loss, layer) for layer in network.layers]
            yield Identity("G_1", gradients[0], network.above(1).T @ network.error * 2)
    """)
    outcome = run(path)
    assert outcome.verdict == "refuted"
    assert outcome.parts["prove"][0]["witness"]["W_1"]
    assert outcome.parts["check"] is None
    assert "fails at" in outcome.text()


def test_a_file_that_types_its_gradient_in_is_blind(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            asked = [calculus.gradient(network.loss, layer) for layer in network.layers]
            typed = network.above(1).T @ network.error
            yield Identity("G_1", typed, network.above(1).T @ (network.end_to_end - matrix(network.target)))
    """)
    outcome = run(path)
    assert outcome.verdict == "blind"
    assert {fault["status"] for fault in outcome.parts["blindness"]} == {"survived"}


@pytest.mark.parametrize(
    ("left", "right", "definition"),
    [
        ("matrix(W)", "zero(W.rows, W.columns)", "(W, zero(W.rows, W.columns))"),
        ("matrix(T)", "zero(T.rows, T.columns)", "(T, zero(T.rows, T.columns))"),
        ("Polynomial.symbol('eta')", "eta - eta", "('eta', eta - eta)"),
    ],
)
def test_a_file_cannot_define_what_the_loss_is_made_of(written, left, right, definition):
    path = written(
        PROOF
        + f"""
        W, T, eta = network.layers[0], network.target, Polynomial.symbol("eta")
        yield Identity("it vanishes", {left}, {right}, ({definition},))
"""
    )
    with pytest.raises(TheoremFileError, match="'it vanishes' defines"):
        run(path)


def test_a_file_that_leaves_the_process_is_one_clear_line(written):
    with pytest.raises(TheoremFileError, match="SystemExit"):
        run(written("def prove(calculus, depth, widths):\n    raise SystemExit(0)"))


def test_a_file_that_differentiates_nothing_is_blind(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            yield Identity("W", network.end_to_end, network.layer(2) @ network.layer(1))
    """)
    outcome = run(path)
    assert outcome.verdict == "blind"
    assert "no gradient" in outcome.reason


def test_a_file_with_its_own_calculus_is_blind(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            calculus.gradient(network.loss, network.layers[0])
            gradient = Calculus().gradient(network.loss, network.layers[0])
            yield Identity("G_1", gradient, network.above(1).T @ network.error)
    """)
    assert run(path).verdict == "blind"


def test_a_needless_restriction_does_not_excuse_a_sign(written):
    path = written("""
        shape = "square"

        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            gradient = calculus.gradient(network.loss, network.layers[0])
            square = gradient.T @ gradient
            yield Identity("square", square, square.T, under=equal_layers(network.layers, network.target))
    """)
    outcome = run(path)
    assert outcome.verdict == "blind"
    assert outcome.parts["blindness"][0]["status"] == "survived"


def test_an_even_claim_does_not_notice_a_sign(written):
    path = written("""
        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            for j, layer in enumerate(network.layers, start=1):
                gradient = calculus.gradient(network.loss, layer)
                true = network.above(j).T @ network.error @ network.below(j).T
                yield Identity(f"square {j}", gradient @ gradient.T, true @ true.T)
    """)
    outcome = run(path)
    assert outcome.verdict == "blind"
    assert [fault["status"] for fault in outcome.parts["blindness"]] == ["survived", "killed"] * 2


@pytest.mark.parametrize(
    ("definitions", "words"),
    [
        ("((Q, gradient), (Q, -gradient))", "defines Q twice"),
        ("((Q, matrix(P)), (P, gradient))", "defines Q by P, which is not defined before it"),
        ("((Q, matrix(Q)),)", "defines Q by Q"),
    ],
)
def test_a_definition_is_given_once_and_by_what_comes_before(written, definitions, words):
    path = written(
        PROOF
        + f"""
        P, Q = (type(layer)(name, layer.rows, layer.columns) for name in "PQ")
        yield Identity("wrong sign", matrix(Q), -gradient, {definitions})
"""
    )
    with pytest.raises(TheoremFileError, match=words):
        run(path)


def test_a_claim_of_algebra_may_be_declared_to_hold_for_any_gradient(written):
    body = (
        PROOF
        + """
        square = gradient.T @ gradient
        yield Identity("nothing", square, square.T)
"""
    )
    outcome = run(written('any_gradient = ("nothing",)\n' + textwrap.dedent(body)))
    assert outcome.verdict == "proved"
    assert "nothing (reads the gradient of W_2; declared to hold for any gradient of W_2)" in outcome.text()


def test_rules_that_only_zero_obeys_prove_nothing(written):
    path = written(
        """
        shape = "square"

        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            zeros = lambda generator, shape: {W: [[0] * shape(W)[1]] * shape(W)[0] for W in network.layers}
            first, second = (Factor(W) for W in network.layers)
            same = Restriction("harmless", rules=(((first,), (second,)),), draw=zeros)
            for j, layer in enumerate(network.layers, start=1):
                gradient = calculus.gradient(network.loss, layer)
                true = network.above(j).T @ network.error @ network.below(j).T
                yield Identity(f"G_{j}", gradient, true)
            yield Identity("equal", network.layer(1) @ network.error, network.layer(2) @ network.error, under=same)
        """,
        HEAD.replace("import equal_layers", "import Restriction, equal_layers").replace(
            "import matrix", "import Factor, matrix"
        ),
    )
    outcome = run(path)
    assert outcome.verdict == "undecided"
    assert "'equal'" in outcome.reason


def test_the_log_says_which_depth_and_widths_were_proved(written):
    assert "\nCases\n  depth 2, widths d_0, d_1, d_2\n" in run(written(PROOF)).text()


def test_one_claim_that_says_nothing_of_its_gradient_makes_the_file_blind(written):
    path = written(
        PROOF
        + """
        square = gradient.T @ gradient
        yield Identity("nothing", square, square.T)
"""
    )
    outcome = run(path)
    assert outcome.verdict == "blind"
    assert "'nothing' reads the gradient of W_2" in outcome.reason
    assert {fault["status"] for fault in outcome.parts["blindness"]} == {"killed"}


def test_a_claim_that_any_symmetric_gradient_obeys_is_refuted_by_a_stray_matrix(written):
    path = written("""
        shape = "square"

        def prove(calculus, depth, widths):
            network = linear_network(depth, widths)
            equal = equal_layers(network.layers, network.target)
            for j, layer in enumerate(network.layers, start=1):
                gradient = calculus.gradient(network.loss, layer)
                yield Identity(f"G_{j}", gradient, network.above(j).T @ network.error @ network.below(j).T)
                yield Identity(f"symmetry {j}", gradient, gradient.T, under=equal)
    """)
    outcome = run(path)
    assert outcome.verdict == "proved", outcome.text()
    assert any("a stray matrix added to the gradient of W_1" in f["fault"] for f in outcome.parts["blindness"])


@pytest.mark.parametrize(("right", "verdict"), [("(square).T", "blind"), ("true.T @ true", "proved")])
def test_a_claim_made_at_given_widths_only_meets_faults_too(written, right, verdict):
    path = written(
        PROOF
        + f"""
        square = gradient.T @ gradient
        true = network.above(2).T @ network.error @ network.below(2).T
        if len(set(widths)) > 1:
            yield Identity("square", square, {right})
"""
    )
    outcome = run(path)
    assert outcome.verdict == verdict, outcome.text()
    assert outcome.parts["prove"][-1]["reads"] == ["W_2"]


def test_a_subclass_cannot_declare_itself_proved(written):
    path = written("""
        class Forged(Identity):
            status = "proved"

        def prove(calculus, depth, widths):
            yield Forged("forged", zero(1, 1), zero(1, 1))
    """)
    with pytest.raises(TheoremFileError, match="yields a Forged"):
        run(path)


@pytest.mark.parametrize("body", ["yield True", "yield 'proved'", "yield None", "yield ('a', 1)"])
def test_a_proof_that_yields_no_identity_objects_is_an_error(written, body):
    with pytest.raises(TheoremFileError, match="must yield Identity or Inequality"):
        run(written(f"def prove(calculus, depth, widths):\n    {body}\n"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def prove(calculus, depth, widths):\n    return iter(())\n", "yields no identities"),
        ("def prove(calculus, depth, widths):\n    return True\n", "prove fails: TypeError"),
        ("def prove(calculus, depth, widths):\n    1 / 0\n", r"prove fails: ZeroDivisionError"),
        ("import nowhere_to_be_found\n", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "cannot be imported: SystemExit"),
        ("def prove(:\n", "cannot be imported: SyntaxError"),
        ("", "has no function prove"),
        ("prove = 3\n", "has no function prove"),
        ("prove = print\nleast_depth = 'two'\n", "least_depth is 'two'"),
        ("prove = print\ndepths = (0, 1)\n", r"depths are \(0, 1\)"),
        ("prove = print\ndepths = ()\n", r"depths are \(\)"),
        ("prove = print\nshape = 'round'\n", "rectangular, square, numeric"),
    ],
)
def test_a_broken_file_gives_one_clear_line(written, body, words):
    with pytest.raises(TheoremFileError, match=words) as caught:
        run(written(body))
    assert "\n" not in str(caught.value)


def test_a_file_edited_in_place_is_read_anew(written):
    assert run(written(PROOF)).verdict == "proved"
    # Same path, same size, same second: only the bytes differ.
    assert run(written(PROOF.replace("network.error @", "-network.error@"))).verdict == "refuted"


def test_a_file_may_define_dataclasses(written):
    body = "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    first: int\n" + textwrap.dedent(PROOF)
    head = HEAD.replace("\nfrom workbench", "\nfrom __future__ import annotations\nfrom workbench", 1)
    assert run(written(body, head)).verdict == "proved"


def test_two_identities_of_one_name_are_an_error(written):
    path = written("""
        def prove(calculus, depth, widths):
            yield Identity("same", zero(1, 1), zero(1, 1))
            yield Identity("same", zero(1, 1), zero(1, 1))
    """)
    with pytest.raises(TheoremFileError, match="two identities of one name"):
        run(path)


@pytest.mark.parametrize("heading", ["Claim", "Source", "Scope"])
def test_a_docstring_without_a_section_is_an_error(written, heading):
    head = HEAD.replace(f"\n{heading}\n", "\nOther\n")
    with pytest.raises(TheoremFileError, match=f"no section {heading}"):
        run(written("", head))


def test_a_source_without_a_part_is_an_error(written):
    head = HEAD.replace('locator="L", ', "")
    with pytest.raises(TheoremFileError, match="needs a mapping `source` with locator"):
        run(written("", head))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"without": ["h"]', '"without": []', "control must drop one hypothesis"),
        ('"without": ["h"]', '"without": ["h", "k"]', "control must drop one hypothesis"),
        ('"without": ["h"]', '"without": ["h"], "theorem": "u"', "control must drop one hypothesis of t"),
        ("backend={})", 'backend={}, without=["h"])', "check drops a hypothesis"),
        ("problem={}, ", "", "check returns no problem"),
        ("return dict(theorem", "1 / 0; return dict(theorem", "check fails: ZeroDivisionError"),
    ],
)
def test_a_check_and_a_control_that_do_not_match_are_errors(written, old, new, words):
    with pytest.raises(TheoremFileError, match=words):
        run(written(PROOF, HEAD.replace(old, new)))


def test_a_file_is_told_to_be_a_derivation_without_being_run(written, tmp_path):
    marker = tmp_path / "marker"
    path = written(f"open({str(marker)!r}, 'w')\n" + textwrap.dedent(PROOF))
    assert derivation.is_derivation(path)
    assert not marker.exists()


@pytest.mark.parametrize("text", ["x = 1\n", "def prove(:\n", "prove = 1\n", "\0"])
def test_other_files_are_not_derivations(tmp_path, text):
    path = tmp_path / "other.py"
    path.write_text(text)
    assert not derivation.is_derivation(path)
    assert not derivation.is_derivation(tmp_path / "missing.py")


def test_a_path_without_a_file_is_an_error(tmp_path):
    with pytest.raises(TheoremFileError, match="there is no derivation file"):
        derivation.load(tmp_path / "missing.py")


def test_a_file_that_is_not_python_is_an_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("words")
    with pytest.raises(TheoremFileError, match="must be a Python file"):
        derivation.load(path)


def test_a_name_is_never_evaluated(tmp_path):
    marker = tmp_path / "marker"
    with pytest.raises(LookupError):
        derivation.load(f"__import__('pathlib').Path({str(marker)!r}).touch()".replace("/", "."))
    assert not marker.exists()
