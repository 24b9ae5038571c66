"""`workbench ensemble THEOREM`: one theorem on many members at once, the four verdicts counted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.console import print_json, progress, status_of, store_at, table

_FLOW_STEP = "1/16"

_HELP = {
    "target": 'A target family as JSON, without its seed, such as {"family": "near_identity", "shape": [4, 4]}',
    "start": 'A start as JSON, without its seed, such as {"scheme": "gaussian", "scale": "1/2"}',
    "step": "Step sizes, taken in turn, such as 1/16,1/32; left out, the largest that the theorem allows each member",
    "dynamics": "descent, or flow: the gradient flow in steps of flow time `--step-size` (1/16 when left out)",
    "precision": "float64 or float32",
    "keep": "File for what every member recorded, .parquet or .csv, written while they run; runs them anew",
}


def ensemble_command(
    theorem: Annotated[str, typer.Argument(help="Name of a theorem, or the path of a theorem file")],
    target: Annotated[str, typer.Option(help=_HELP["target"])],
    widths: Annotated[str, typer.Option(help="Widths d_0,d_1,...,d_L of the layers")],
    members: Annotated[int, typer.Option(help="Number of members", min=1)] = 100,
    steps: Annotated[int, typer.Option(help="Steps of each member", min=1)] = 100,
    start: Annotated[str, typer.Option(help=_HELP["start"])] = '{"scheme": "identity"}',
    step_size: Annotated[str | None, typer.Option(help=_HELP["step"])] = None,
    dynamics: Annotated[str, typer.Option(help=_HELP["dynamics"])] = "descent",
    momentum: Annotated[str, typer.Option(help="Momentum of heavy ball; 0 is plain descent")] = "0",
    seed: Annotated[int, typer.Option(help="Seed of the ensemble")] = 0,
    precision: Annotated[str, typer.Option(help=_HELP["precision"])] = "float64",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N")] = "cpu",
    without: Annotated[list[str] | None, typer.Option(help="Set a hypothesis aside", metavar="HYPOTHESIS")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the store")] = None,
    keep: Annotated[Path | None, typer.Option(help=_HELP["keep"], metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")] = False,
) -> None:
    """Judge a theorem on every member of an ensemble; the verdict is the worst present."""
    from workbench import theorems
    from workbench.ensembles import Ensemble
    from workbench.ensembles.asked import EnsembleExperiment
    from workbench.ensembles.verdicts import VERDICTS
    from workbench.errors import UnknownNameError
    from workbench.exact import rational
    from workbench.sweeps import members as kept_members

    if dynamics not in ("descent", "flow"):
        raise UnknownNameError("dynamics of an ensemble", dynamics, ["descent", "flow"])
    loaded, flow = theorems.load(theorem), dynamics == "flow"
    if flow and step_size is None:
        step_size = _FLOW_STEP
    sizes = [rational(text, "a step size") for text in step_size.split(",")] if step_size else [Fraction(1)]
    ensemble = Ensemble(_widths(widths), _table(target), members, tuple(sizes), _table(start), seed)
    options: dict[str, Any] = {"precision": precision, "device": device, "without": tuple(without or ()), "flow": flow}
    largest, push = step_size is None, rational(momentum, "the momentum")
    with progress(f"running {members} members"):
        asked = EnsembleExperiment(loaded, ensemble, steps, largest, push, **options)
        if keep is None:
            record, fresh = asked.record(store_at(store))
        else:
            record, fresh = kept_members.record(asked, store_at(store), keep), True
    found = record.payload
    if json:
        print_json(_document(record, fresh))
    else:
        print(f"{loaded.name}: {record.verdict.upper()} (estimate: worst of {members} members)")
        print(table([[verdict, str(found["counts"][verdict])] for verdict in VERDICTS], ["verdict", "members"]))
        print(f"worst member {found['worst_member']}, seed {found['worst_seed']}")
        for note in found["notes"]:
            print(f"note: {note}")
        print(f"run id {record.id}{'' if fresh else ', found in the store'}")
    raise typer.Exit(status_of(record.verdict))


def _document(record: Any, fresh: bool) -> dict[str, Any]:
    found = record.payload
    return {
        "theorem": record.name,
        "verdict": record.verdict,
        "grade": record.grade,
        "counts": found["counts"],
        "statuses": found["statuses"],
        "notes": found["notes"],
        "worst_member": found["worst_member"],
        "worst_margin_decimal": record.margin,
        "worst_error_decimal": record.error,
        "worst_problem": found["worst_problem"],
        "worst_step_size": found["worst_step_size"],
        "recomputed": fresh,
        "run_id": record.id,
    }


def _widths(text: str) -> tuple[int, ...]:
    from workbench.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"the widths are {text!r}; give integers such as 2,3,2")
    return tuple(int(part) for part in parts)


def _table(text: str) -> dict[str, Any]:
    from workbench.errors import InputError
    from workbench.targets._reading import parse_text

    found = parse_text(text, "the family")
    if not isinstance(found, dict):
        raise InputError(f'the family is {text!r}; give a table such as {{"family": "near_identity", "shape": [4, 4]}}')
    return found
