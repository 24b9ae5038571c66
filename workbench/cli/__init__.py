"""The command line: `workbench list | show | derive | verify | compare | ensemble | sweep | family | report | ...`.

Results go to standard output, everything else to standard error. Exit status: 0 everything asked holds, 1 something
is violated, 2 the question was wrong, 3 undecided or vacuous; of several, 1 beats 3 beats 0.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from workbench.cli import (
    bench,
    compare,
    derive,
    doctor,
    ensemble,
    family,
    invariants,
    probe,
    report,
    show,
    sweep,
    verify,
)
from workbench.cli.console import HOLDS, WRONG, say
from workbench.errors import WorkbenchError

app = typer.Typer(
    name="workbench",
    help="Verify derivations, compare bounds with runs, and report: deep linear and residual networks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("list")(show.list_command)
app.command("show")(show.show_command)
app.command("derive")(derive.derive_command)
app.command("verify")(verify.verify_command)
app.command("compare")(compare.compare_command)
app.command("ensemble")(ensemble.ensemble_command)
app.command("sweep")(sweep.sweep_command)
app.command("family")(family.family_command)
app.command("report")(report.report_command)
app.command("invariants")(invariants.invariants_command)
app.command("bench")(bench.bench_command)
app.command("doctor")(doctor.doctor_command)
app.add_typer(probe.app, name="probe", help="Probe an edge case: `workbench probe --help` lists the kinds.")


# typer carries a click of its own: its base class of misuse is reached through the one that typer exports.
_UsageError: Any = typer.BadParameter.__base__

# Status of a process that ends because nobody reads its output, and of one that was interrupted, as shells count.
_UNREAD, _INTERRUPTED = 141, 130


def main() -> None:
    """Run the command line; whatever a user can cause is one line on standard error, and status 2."""
    try:
        status = _run(sys.argv[1:])
        sys.stdout.flush()
    except WorkbenchError as error:
        status = _refuse(str(error))
    except _UsageError as error:
        status = _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        say("workbench: interrupted; what was finished is in the store")
        status = _INTERRUPTED
    except BrokenPipeError:
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _UNREAD
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run one command and return its status; typer's own runner would turn a closed pipe into status 1."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("workbench", arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    return HOLDS


def _misused(error: Any) -> int:
    """Report a command that cannot be read; without any argument, print the help."""
    message, context = error.format_message(), error.ctx
    if "\n" in message:
        error.show()
        return WRONG
    path = "workbench" if context is None else context.command_path
    return _refuse(f"{message.rstrip('.')}; see `{path} --help`")


def _refuse(message: str) -> int:
    say(f"workbench: {message}")
    return WRONG
