"""Specifications of small residual networks on data, for the examples of the theorems."""

from __future__ import annotations

from typing import Any

from workbench.theorems._statement import Example

_FLOW = {"name": "gradient_flow"}
_BALL = {"name": "ball", "digits": 30}

# Two unit vectors with <x_1, x_2> = 3/5: lambda_0 = 2/5.
PAIR = [["1", "3/5"], ["0", "4/5"]]
ORTHONORMAL = [["3/5", "-4/5"], ["4/5", "3/5"]]


def residual_run(
    rows: list[list[str]],
    labels: list[list[str]],
    depth: int,
    scale: str,
    *,
    time: str = "1",
    activation: str = "tanh",
    start: dict[str, Any] | None = None,
    dynamics: dict[str, Any] | None = None,
    backend: dict[str, Any] | None = None,
    without: list[str] | None = None,
) -> dict[str, Any]:
    """Return the specification of a run of a residual network on data, without its theorem."""
    network = {"kind": "residual", "width": len(rows), "depth": depth}
    return {
        "problem": {
            "network": {**network, "activation": activation, "branch_scale": scale},
            "loss": {"kind": "square", "inputs": {"rows": rows}, "target": {"rows": labels}, "normalisation": "mean"},
            "start": start or {"scheme": "identity"},
        },
        "dynamics": dynamics or {**_FLOW, "stop": {"time": time}},
        "backend": backend or _BALL,
        "without": without or [],
    }


def _number(x: str, y: str, scale: str = "1", depth: int = 1, **options: Any) -> dict[str, Any]:
    """Return a run of width one on one sample."""
    return residual_run([[x]], [[y]], depth, scale, **options)


def _given(value: str, depth: int = 1) -> dict[str, Any]:
    return {"scheme": "given", "weights": [[[value]]] * depth}


def _each(*values: str) -> dict[str, Any]:
    """Return the start of layers of width one, then of their biases."""
    return {"scheme": "given", "weights": [[[value]] for value in values]}


def without_branches(**options: Any) -> dict[str, Any]:
    """Return a deep linear network near its saddle at zero, where there is no skip to move it on."""
    identity = [["1", "0"], ["0", "1"]]
    small = {"scheme": "gaussian", "seed": 1, "scale": "1/1000"}
    run = residual_run(
        identity, [["1/1000", "0"], ["0", "1/1000"]], 2, "1", start=small, without=["setting"], **options
    )
    return {**run, "problem": {**run["problem"], "network": {"kind": "linear", "widths": [2, 2, 2]}}}


def controls(push: str, saturated: str) -> list[Example]:
    """Return a vacuous run, and one violated for each hypothesis dropped but `gram_positive` (see the statements).

    Parameters
    ----------
    push : str
        A label beside the input one, within the threshold of the loss.
    saturated : str
        A weight below c/2 times 100, in tanh's flat part.
    """
    descent = {"name": "gradient_descent", "step_size": "5/2", "stop": {"steps": 12}}
    dropped = "the hypothesis dropped"
    return [
        Example("descent", "vacuous", _number("1", push, "power(2,-1/2)", 2, dynamics=descent)),
        Example(
            f"descent with a long step, {dropped}",
            "violated",
            _number("1", push, "power(2,-1/2)", 2, dynamics=descent, without=["gradient_flow"]),
        ),
        Example(f"layers without skips near zero, {dropped}", "violated", without_branches()),
        Example(
            f"an activation of slope one half at zero, {dropped}",
            "violated",
            _number("1", push, activation="softplus", backend={"name": "float64"}, without=["activation"]),
        ),
        Example(
            f"a branch scale that asks for weights where tanh is flat, {dropped}",
            "violated",
            _number("1", "201/200", "1/100", start=_given(saturated), time="200", without=["branch_scale"]),
        ),
        Example(
            f"an input of norm ten whose label is out of reach, {dropped}",
            "violated",
            _number("10", "30", time="1/10", without=["unit_inputs"]),
        ),
        Example(
            f"a start beyond the bound, {dropped}",
            "violated",
            _number("1", "5/4", start=_given("1/4"), without=["initial_weights"]),
        ),
        Example(
            f"a label out of reach, {dropped}",
            "violated",
            _number("1", "2", without=["initial_loss"]),
        ),
    ]


def descent_controls(push: str, saturated: str) -> list[Example]:
    """Return the same of descent: vacuous along the flow, violated for each hypothesis dropped but `gram_positive`.

    Parameters
    ----------
    push, saturated : str
        As for `controls`.
    """
    descent = {"name": "gradient_descent", "step_size": "largest", "stop": {"steps": 12}}
    long_run, long_step = {**descent, "stop": {"steps": 60}}, {**descent, "step_size": "5/2"}
    heavy = {"name": "heavy_ball", "step_size": "1/10", "parameters": {"momentum": "9/10"}, "stop": {"steps": 40}}
    dropped = "the hypothesis dropped"
    return [
        Example("the flow", "vacuous", _number("1", push, "power(2,-1/2)", 2)),
        Example("a step that is too long", "vacuous", _number("1", push, "power(2,-1/2)", 2, dynamics=long_step)),
        Example(
            f"a step that is too long, {dropped}",
            "violated",
            _number("1", push, "power(2,-1/2)", 2, dynamics=long_step, without=["step_size"]),
        ),
        Example(
            f"heavy ball, {dropped}",
            "violated",
            _number("1", push, "power(2,-1/2)", 2, dynamics=heavy, without=["plain_descent"]),
        ),
        Example(f"layers without skips near zero, {dropped}", "violated", without_branches(dynamics=descent)),
        Example(
            f"an activation of slope one half at zero, {dropped}",
            "violated",
            _number("1", push, activation="softplus", dynamics=long_run | {"step_size": "1/2"}, without=["activation"]),
        ),
        Example(
            f"a branch scale that asks for weights where tanh is flat, {dropped}",
            "violated",
            _number("1", "201/200", "1/100", start=_given(saturated), dynamics=descent, without=["branch_scale"]),
        ),
        Example(
            f"an input of norm ten whose label is out of reach, {dropped}",
            "violated",
            _number("10", "25/2", dynamics=descent, without=["unit_inputs"]),
        ),
        Example(
            f"a start beyond the bound, {dropped}",
            "violated",
            _number("1", "5/4", start=_given("1/4"), dynamics=descent, without=["initial_weights"]),
        ),
        Example(
            f"a label out of reach, {dropped}",
            "violated",
            _number("1", "2", dynamics=descent, without=["initial_loss"]),
        ),
    ]


def variation_controls(push: str) -> list[Example]:
    """Return what breaks the bound of the variation: two vacuous runs, and one for each hypothesis with a control.

    Parameters
    ----------
    push : str
        A label beside the input one, within the threshold of the loss.
    """
    descent = {"name": "gradient_descent", "step_size": "1/2", "stop": {"steps": 6}}
    long_steps = {**descent, "step_size": "5/2", "stop": {"steps": 40}}
    turned = [["3/5", "-4/5"], ["4/5", "3/5"]]
    identity = [["1", "0"], ["0", "1"]]
    dropped = "the hypothesis dropped"
    # A quarter turn is learned by layers that turn with the states, and so are unequal.
    far = residual_run(identity, [["0", "-2"], ["2", "0"]], 3, "1/2", time="1")
    return [
        Example("descent", "vacuous", _number("1", push, "power(2,-1/2)", 2, dynamics=descent)),
        Example("a label far away", "vacuous", residual_run(identity, turned, 2, "1/2", time="1/4")),
        Example(f"a label far away, {dropped}", "violated", {**far, "without": ["initial_loss"]}),
        Example(
            f"descent with a long step, {dropped}",
            "violated",
            _number("1", push, "power(2,-1/2)", 2, dynamics=long_steps, without=["gradient_flow"]),
        ),
        *_saturated_layers(),
    ]


def _saturated_layers() -> list[Example]:
    """Return runs of two layers that part where tanh is flat: the flatter of them is left behind."""
    dropped = "the hypothesis dropped"
    biased = _flat("49/25", _each("0", "0", "5/2", "11/5"), "setting", "4000")
    biased["problem"]["network"]["biases"] = True
    return [
        Example(f"large biases, {dropped}", "violated", biased),
        Example(
            f"a branch scale that leaves the weights where tanh is flat, {dropped}",
            "violated",
            _flat("1011/1000", _each("5/4", "1"), "branch_scale", "20000", scale="1/50"),
        ),
        Example(
            f"an input of norm eight, {dropped}",
            "violated",
            _flat("-1", _each("2/5", "3/10"), "unit_inputs", x="8"),
        ),
        Example(
            f"a start where tanh is flat, {dropped}",
            "violated",
            _flat("16/125", _each("-11/5", "-11/5"), "initial_weights"),
        ),
    ]


def _flat(
    y: str, start: dict[str, Any], without: str, time: str = "100", x: str = "1", scale: str = "1/2"
) -> dict[str, Any]:
    """Return a flow of two layers of width one in double precision, a hypothesis dropped."""
    return _number(x, y, scale, 2, start=start, time=time, backend={"name": "float64"}, without=[without])
