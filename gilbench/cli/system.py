"""``gilbench system``: checks observers and CPU stability."""

from __future__ import annotations

from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import Form, Output, Quiet, Refresh, examples
from gilbench.model.errors import UsageError

_EXAMPLES = examples(
    "gilbench system",
    "sudo gilbench system --python 3.13t -o system.json",
    "sudo gilbench system --tune -- gilbench run",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"allow_interspersed_args": False}
    app.command("system", epilog=_EXAMPLES, context_settings=settings)(system)


def system(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Program to run with --tune, and its arguments, after --.", metavar="-- COMMAND"),
    ] = None,
    *,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Tune the system with pyperf, run COMMAND, and reset the system, also after a kill (needs root).",
        ),
    ] = False,
    python: Annotated[str, typer.Option(metavar="SPEC", help="Interpreter to try the observers on.")] = "3",
    refresh: Refresh = False,
    output: Output = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> None:
    """Check observers and CPU stability on this machine; suggest fixes."""
    from gilbench.work.system import look_at_system, run_tuned  # noqa: PLC0415

    if tune != bool(command):
        raise UsageError("--tune and a command need each other, for example: system --tune -- gilbench run")
    if command:
        with ConsoleListener(quiet=quiet) as listener:
            raise typer.Exit(run_tuned(command, listener))
    files = sort_files(output, "Machine")
    with ConsoleListener(quiet=quiet) as listener:
        machine = look_at_system(python, listener, refresh=refresh)
    deliver(machine, form, files)
