"""``gilbench system``: checks observers and CPU stability."""

from __future__ import annotations

from typing import Annotated

import typer

from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import Form, Output, Quiet, Refresh, deliver, examples, sort_files

_EXAMPLES = examples("gilbench system", "sudo gilbench system --python 3.13t -o system.json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("system", epilog=_EXAMPLES)(system)


def system(
    *,
    python: Annotated[str, typer.Option(metavar="SPEC", help="Interpreter to try the observers on.")] = "3",
    refresh: Refresh = False,
    output: Output = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> None:
    """Check observers and CPU stability on this machine; suggest fixes."""
    from gilbench.work.system import look_at_system  # noqa: PLC0415

    files = sort_files(output, "Machine")
    with ConsoleListener(quiet=quiet) as listener:
        machine = look_at_system(python, listener, refresh=refresh)
    deliver(machine, form, files)
