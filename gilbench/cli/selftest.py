"""``gilbench selftest``: measures the error rate and power of the verdicts."""

from __future__ import annotations

from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import Form, Output, Quiet, Refresh, examples

_EXAMPLES = examples(
    "gilbench selftest --quick",
    "gilbench selftest --noise bursts",
    "gilbench selftest --python 3.13t -o selftest.json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("selftest", epilog=_EXAMPLES)(selftest)


def selftest(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use fewer studies: about 4 minutes instead of 25.")
    ] = False,
    python: Annotated[str, typer.Option(metavar="SPEC", help="Interpreter to compare with itself.")] = "3",
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Generate noise during the real pairs: bursts, pinned, cache, quota (needs root), or all.",
        ),
    ] = None,
    refresh: Refresh = False,
    output: Output = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> None:
    """Measure the verdicts' error rate and power, simulated and on this machine."""
    from gilbench.work.selftest import selftest as measure_promises  # noqa: PLC0415

    files = sort_files(output, "Selftest")
    with ConsoleListener(quiet=quiet) as listener:
        result = measure_promises(python, listener, noise=noise, quick=quick, refresh=refresh)
    deliver(result, form, files)
