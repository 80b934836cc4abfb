"""``gilbench releases``: measures whether a call releases the GIL."""

from __future__ import annotations

from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import EffortLevel, Form, Gil, Output, Python, Quiet, Refresh, Variables, examples
from gilbench.cli.own import Arguments, Setup

_EXAMPLES = examples(
    "gilbench releases 'zlib.compress(data)' -s 'import zlib; data = bytes(100000)'",
    "gilbench releases mypackage.images:thumbnail --arg size=64,512 --python ./venv/bin/python",
    "gilbench releases 'json.dumps(d)' -s 'import json; d = list(range(9999))' --python 3.13 --python 3.13t",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("releases", epilog=_EXAMPLES)(releases)


def releases(
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="A function, package.module:function, or a statement."),
    ],
    *,
    arg: Arguments = None,
    setup: Setup = None,
    python: Python = None,
    env: Variables = None,
    refresh: Refresh = False,
    gil: Gil = None,
    effort: EffortLevel = None,
    at_least: Annotated[
        float,
        typer.Option(
            min=1, max=99, metavar="PERCENT", help="Smallest share of its time without the GIL that is a yes."
        ),
    ] = 50.0,
    output: Output = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> int:
    """Measure whether a call releases the GIL, and for how much of its time.

    Exit codes: 0 yes, or there is no GIL; 1 no; 3 undecided. Without --python, it is the interpreter of gilbench.
    """
    files = sort_files(output, "Releases")
    from gilbench.work.releases import releases as measure  # noqa: PLC0415

    with ConsoleListener(quiet=quiet) as listener:
        found = measure(
            code,
            arg or (),
            "\n".join(setup or ()),
            python=python or (),
            environment=env or (),
            gil=gil,
            at_least=at_least,
            effort=effort or "quick",
            refresh=refresh,
            listener=listener,
        )
    deliver(found, form, files)
    return found.exit_code
