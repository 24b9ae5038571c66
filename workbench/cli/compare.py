"""`workbench compare THEOREM`: one theorem, one run, one verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import posed
from workbench.cli.console import print_json, progress, say, status_of, store_at
from workbench.errors import InputError
from workbench.store import Record

# Longer lists of widths are cut short on the terminal.
_MOST_WIDTHS = 12

_HELP = {
    "target": "Rows as JSON, a .json, .csv or .npy file, or a family such as spectrum:1/2,2,-1/3;rotate=7",
    "residual": "A residual network of --depth blocks: its activation, then options, as in "
    "tanh;branch_scale=power(16,-1/2);biases=true; the branch scale is else 1/depth, the loss a mean over the columns",
    "inputs": "The inputs, one a column, given like the target; left out, the identity",
    "depth": "Number of layers, all square of the target's size",
    "widths": "Widths d_0,d_1,...,d_L of the layers",
    "init": "Start: identity, gaussian, orthogonal, zero_asymmetric, with options as in gaussian:scale=1/2, "
    "balanced(MATRIX), or a .json file with the layers",
    "problem": "The whole problem as JSON, or a .json file: network, loss and start as in a specification, in place of "
    "--target, --depth, --widths, --init and --seed",
    "dynamics": "descent, flow, or a name from `workbench list`",
    "set": "A parameter of the dynamics, such as penalty=1/10; repeat for several",
    "step": "Step size; left out, the largest that the theorem allows",
    "until": "Stop once the loss is at most this",
    "until_value": "End a flow in balls where singular value K of the end-to-end matrix crosses VALUE",
    "until_determinant": "End a flow in balls where the end-to-end determinant crosses this; 0 is rank loss",
    "watch": "Prove when a flow in balls first crosses a level, or that it does not: loss=1/10, determinant=0 or "
    "singular_value:2=1/2; repeat for several",
    "at": "Flow times to record beside the grid, such as 1/3,2/7",
    "digits": "Decimal digits guaranteed in every weight (mp, ball), or auto: as many as the verdict takes",
    "structure": "Let the backend ball run mode by mode where the problem allows it",
    "constant": "Value of a constant that the theorem leaves open, such as C=2; repeat for several",
    "without": "Set a hypothesis aside by name; repeat for several",
    "run": "Judge a run made elsewhere, recorded in an .npz file",
}


def compare_command(
    theorem: Annotated[str, typer.Argument(help="Name of a theorem, or the path of a theorem file")],
    target: Annotated[str | None, typer.Option(help=_HELP["target"])] = None,
    depth: Annotated[int | None, typer.Option(help=_HELP["depth"])] = None,
    widths: Annotated[str | None, typer.Option(help=_HELP["widths"])] = None,
    residual: Annotated[str | None, typer.Option(help=_HELP["residual"])] = None,
    inputs: Annotated[str | None, typer.Option(help=_HELP["inputs"])] = None,
    init: Annotated[str, typer.Option(help=_HELP["init"])] = "identity",
    whole: Annotated[str | None, typer.Option("--problem", help=_HELP["problem"], metavar="JSON")] = None,
    dynamics: Annotated[str, typer.Option(help=_HELP["dynamics"])] = "descent",
    parameter: Annotated[list[str] | None, typer.Option("--set", help=_HELP["set"], metavar="NAME=RATIONAL")] = None,
    step_size: Annotated[str | None, typer.Option(help=_HELP["step"])] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps, or the most with --until-loss")] = None,
    time: Annotated[str | None, typer.Option(help="Flow time to run to")] = None,
    until_loss: Annotated[str | None, typer.Option(help=_HELP["until"])] = None,
    until_singular_value: Annotated[str | None, typer.Option(help=_HELP["until_value"], metavar="K=VALUE")] = None,
    until_determinant: Annotated[str | None, typer.Option(help=_HELP["until_determinant"])] = None,
    watch: Annotated[list[str] | None, typer.Option(help=_HELP["watch"], metavar="QUANTITY=LEVEL")] = None,
    at: Annotated[str | None, typer.Option(help=_HELP["at"])] = None,
    backend: Annotated[str, typer.Option(help="float64, mp, ball, exact or torch")] = "float64",
    digits: Annotated[str | None, typer.Option(help=_HELP["digits"])] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N, for torch")] = None,
    structure: Annotated[bool, typer.Option(help=_HELP["structure"])] = True,
    without: Annotated[list[str] | None, typer.Option(help=_HELP["without"], metavar="HYPOTHESIS")] = None,
    constant: Annotated[list[str] | None, typer.Option(help=_HELP["constant"], metavar="NAME=RATIONAL")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of a start that draws")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    run: Annotated[Path | None, typer.Option(help=_HELP["run"])] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Judge a theorem on a run: consistent, violated, undecided or vacuous."""
    from workbench import theorems

    loaded = theorems.load(theorem)
    parts = (target, inputs, residual, depth, widths, None if init == "identity" else init, seed)
    problem = (
        posed.problem(target, inputs, residual, depth, widths, init, seed)
        if whole is None
        else posed.whole_problem(whole, parts)
    )
    method = {
        "name": dynamics,
        "parameters": posed.assignments(parameter or []),
        "step_size": step_size,
        "stop": {
            "steps": steps,
            "time": time,
            "until_loss": until_loss,
            "until": _until(until_singular_value, until_determinant),
            "watch": watch or None,
            "at": None if at is None else at.split(","),
        },
    }
    specification = {
        "problem": problem,
        "dynamics": _with_an_end({k: v for k, v in method.items() if v is not None}, run),
        "backend": _backend(backend, digits, device) | ({} if structure else {"structure": False}),
        "without": without or [],
        "constants": posed.assignments(constant or []),
    }
    record, fresh = _judged(loaded, specification, run, store)
    if json:
        print_json(document(record))
    else:
        print(text(record))
        if not fresh:
            say("(found in the store; nothing was recomputed)")
    raise typer.Exit(status_of(record.verdict))


def _judged(loaded: Any, specification: dict[str, Any], run: Path | None, store: Path | None) -> tuple[Any, bool]:
    """Return the record of a run made here or elsewhere, and whether it was computed now."""
    from workbench import experiment, recording

    if run is not None:
        return recording.judged(loaded, specification, run), True
    with progress(f"running {loaded.name}"):
        return experiment.read(specification, loaded).record(store_at(store))


def _until(singular_value: str | None, determinant: str | None) -> str | None:
    """Return the event that ends a flow, as a text."""
    if singular_value is not None and determinant is not None:
        raise InputError("a run ends at one event: give --until-singular-value or --until-determinant, and --watch")
    if singular_value is not None:
        return f"singular_value:{singular_value}"
    return None if determinant is None else f"determinant={determinant}"


def _backend(name: str, digits: str | None, device: str | None) -> dict[str, Any]:
    """Return the backend of a specification; digits are an integer or the word auto."""
    found: int | str | None = digits
    if digits is not None and digits != "auto":
        if not digits.isascii() or not digits.lstrip("+-").isdecimal():
            raise InputError(f"--digits is {digits!r}; give an integer such as 50, or auto")
        found = int(digits)
    return {k: v for k, v in {"name": name, "digits": found, "device": device}.items() if v is not None}


def _with_an_end(method: dict[str, Any], run: Path | None) -> dict[str, Any]:
    """Give a run that names no end a usual one: 500 steps, or flow time 5."""
    from workbench import dynamics

    if all(method["stop"][name] is None for name in ("steps", "time", "until_loss", "until")):
        flow = dynamics.module(method["name"]).FLOW
        method["stop"] |= {"time": "5"} if flow else {"steps": 500}
        if run is None:
            say("no end was given: running to flow time 5" if flow else "no end was given: running 500 steps")
    return method


def document(record: Record) -> dict[str, Any]:
    """Return the JSON document of evidence."""
    payload = record.payload
    return {
        "theorem": record.name,
        "verdict": record.verdict,
        "grade": record.grade,
        "hypotheses": [
            {key: item[key] for key in ("name", "margin", "margin_decimal", "holds", "dropped", "text")}
            for item in record.hypotheses
        ],
        "margin": _number(payload["margin_decimal"]),
        "margin_decimal": payload["margin_decimal"],
        "error": _number(record.error),
        "error_decimal": record.error,
        "tightness": payload["tightness"],
        "tightness_decimal": _decimal(payload["tightness"]),
        "observed_rate": payload["observed_rate"],
        "observed_rate_decimal": _decimal(payload["observed_rate"]),
        "rate_band": payload["rate_band"],
        "rate_window": payload["rate_window"],
        "predicted_rate": payload["predicted_rate"],
        "predicted_rate_decimal": _decimal(payload["predicted_rate"]),
        "steps": payload["steps"],
        "step_size": payload["method"]["step_size"],
        "backend": payload["backend"]["name"],
        "digits": payload["backend"]["digits"],
        "precision_bits": payload["backend"]["precision_bits"],
        "device": payload["backend"]["device"],
        "status": payload["status"],
        "statements": [
            {k: s.get(k) for k in ("name", "kind", "verdict", "margin", "error", "tightness", "measured", "allowed")}
            for s in payload["statements"]
        ],
        "notes": payload["notes"],
        "events": payload.get("events", []),
        "run_id": record.id,
    }


def _number(decimal: str | None) -> float | None:
    if decimal is None:
        return None
    value = float(decimal)
    return value if abs(value) != float("inf") else None


def _decimal(value: float | None) -> str | None:
    return None if value is None else repr(value)


def text(record: Record) -> str:
    """Return evidence in words, for a terminal."""
    payload, backend = record.payload, record.payload["backend"]
    digits = f" at {backend['digits']} digits" if backend["digits"] else ""
    bits = f" ({backend['precision_bits']} bits)" if backend["precision_bits"] else ""
    lines = [
        f"{record.name}: {record.verdict.upper()} ({record.grade}: {payload['grade_text']})",
        f"  {record.title}",
        f"  {payload['target']['label']}; widths {_listed(payload['widths'])}; {payload['method']['label']}",
        f"  {payload['steps']} steps in {backend['name']}{digits}{bits}; {payload['status']}: {payload['status_text']}",
        "  hypotheses",
    ]
    for item in record.hypotheses:
        word = {True: "holds", False: "FAILS", None: "unknown"}[item["holds"]]
        margin = "" if item["margin"] is None else f", margin {item['margin']:.3g}"
        dropped = ", set aside" if item["dropped"] else ""
        lines.append(f"    {item['name']}: {word}{margin}{dropped}")
    for statement in payload["statements"]:
        lines.append(f"  {statement['label']}: {statement['verdict']}{_figures(statement)}")
    if payload["predicted_rate"] is not None and payload["observed_rate"] is not None:
        lines.append(f"  rate per unit of flow time: observed {payload['observed_rate']:.6g}")
        lines[-1] += f", of the bound {payload['predicted_rate']:.6g}"
    lines += [f"  note: {note}" for note in payload["notes"]]
    lines.append(f"  run id {record.id}")
    return "\n".join(lines)


def _figures(statement: dict[str, Any]) -> str:
    if statement["kind"] == "count":
        measured = "not reached" if statement["measured"] is None else statement["measured"]
        return f", measured {measured}, allowed {statement['allowed']}"
    # The margin of an equality is its largest gap, negated.
    name, sign = ("largest gap", -1) if statement["kind"] == "identity" else ("smallest slack", 1)
    margin = "" if statement["margin"] is None else f", {name} {sign * float(statement['margin']):.3g}"
    error = "" if statement["error"] is None else f" with error {float(statement['error']):.1g}"
    resolution = f", resolution {statement['resolution']}" if statement["kind"] == "identity" else ""
    tightness = "" if statement["tightness"] is None else f", tightness {statement['tightness']:.3f}"
    return f"{margin}{error}{resolution}{tightness}"


def _listed(widths: list[int]) -> str:
    if len(widths) > _MOST_WIDTHS:
        return f"{_listed(widths[: _MOST_WIDTHS - 2])}, ... {widths[-1]}, depth {len(widths) - 1}"
    return ", ".join(str(width) for width in widths)
