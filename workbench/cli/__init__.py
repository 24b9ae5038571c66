"""The command line: `workbench list | show | derive | verify | compare | report | bench | doctor`.

Results go to standard output, everything else to standard error. Exit status: 0 everything asked holds, 1 something
is violated, 2 the question was wrong, 3 undecided or vacuous; of several, 1 beats 3 beats 0.
"""

from __future__ import annotations

import sys

import typer

from workbench.cli import bench, compare, derive, doctor, report, show, verify
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
app.command("report")(report.report_command)
app.command("bench")(bench.bench_command)
app.command("doctor")(doctor.doctor_command)


def main() -> None:
    """Run the command line; an error that a user can cause is one line on standard error, and status 2."""
    try:
        app()
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("workbench: interrupted; what was finished is in the store", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
