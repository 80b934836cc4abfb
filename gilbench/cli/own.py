"""The options for the user's own code that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.options import WHAT, typed
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

if TYPE_CHECKING:
    from gilbench.model.calls import OwnCall

Functions = Annotated[
    list[str] | None,
    typer.Option(
        "--call",
        metavar="FUNCTION",
        help="Your own function, package.module:function, from the current folder or the interpreter's packages. "
        "Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option(
        "--arg",
        metavar="NAME=VALUE",
        help="Argument of the function, a Python literal or text, or several values: NAME=VALUE,VALUE. "
        "An argument without a name has its position: 1=VALUE. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Setup = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        "--setup",
        metavar="CODE",
        help="Code that runs once per thread, before the measurement. Repeatable: each is a line.",
        rich_help_panel=WHAT,
    ),
]
PyperfScripts = Annotated[
    list[str] | None,
    typer.Option(
        "--pyperf",
        metavar="FILE",
        help="Script for pyperf, with its arguments in quotes, or pyperformance's MANIFEST or folder. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
PyperfBenchmarks = Annotated[
    list[str] | None,
    typer.Option(
        "--pyperf-benchmark",
        metavar="NAME",
        help="Benchmark of --pyperf: name or pattern; in a MANIFEST, its name there. Repeatable.",
        rich_help_panel=WHAT,
    ),
]
Shared = Annotated[
    bool,
    typer.Option(
        "--shared",
        help="Make arguments and setup once, for all threads (default: each thread has its own).",
        rich_help_panel=WHAT,
    ),
]


def calls(
    context: typer.Context,
    functions: Sequence[str] | None,
    arguments: Sequence[str] | None,
    setup: Sequence[str] | None,
    *,
    shared: bool,
) -> tuple[OwnCall, ...]:
    """Return the calls of the options.

    Raises:
        UsageError: There are arguments but no function, or a function has another form.
    """
    from gilbench.model.calls import OwnCall  # noqa: PLC0415
    from gilbench.plan.calls import is_function  # noqa: PLC0415

    if not functions and typed(context, "arg", "setup", "shared"):
        raise UsageError("--arg, --setup, and --shared need --call package.module:function")
    for code in functions or ():
        if not is_function(code):
            raise UsageError(
                f"--call: {excerpt(code, 40)!r} is not a function; use package.module:function, "
                "or for a statement gilbench timeit"
            )
    return tuple(
        OwnCall(code=code, arguments=tuple(arguments or ()), setup="\n".join(setup or ()), shared=shared)
        for code in functions or ()
    )
