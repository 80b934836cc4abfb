"""The options for the user's own commands that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.options import WHAT, typed

if TYPE_CHECKING:
    from gilbench.model.commands import CommandRequest
    from gilbench.work.planning import MeasureRequest

PROGRAM = "A command"  # panel of --help

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="-- COMMAND",
        help="Command to measure, after --. {python} is the interpreter, {threads} the thread count, {NAME} a value "
        "of --set.",
        show_default=False,
    ),
]
Texts = Annotated[
    list[str] | None,
    typer.Option(
        "--command",
        metavar="COMMAND",
        help="Command to compare with others, as one text. Repeatable.",
        rich_help_panel=PROGRAM,
    ),
]
Shell = Annotated[
    bool,
    typer.Option(
        "--shell", help="Run commands by /bin/sh (default: without a shell).", rich_help_panel=PROGRAM
    ),
]
Prepare = Annotated[
    str | None,
    typer.Option(metavar="COMMAND", help="Run this before each run, untimed.", rich_help_panel=PROGRAM),
]
Cleanup = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND", help="Run this after the runs of each block, untimed.", rich_help_panel=PROGRAM
    ),
]
Warmup = Annotated[
    int,
    typer.Option(
        min=0,
        max=10_000,
        metavar="N",
        help="Untimed runs at the start of each block (default: 0).",
        rich_help_panel=PROGRAM,
    ),
]
Runs = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100_000,
        metavar="N",
        help="Runs of each case, at least (default: by the effort level).",
        rich_help_panel=PROGRAM,
    ),
]
IgnoreFailure = Annotated[
    bool,
    typer.Option(
        "-i", "--ignore-failure", help="Accept every exit status of the command.", rich_help_panel=PROGRAM
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="FILE", help="File for its stdin (default: empty).", rich_help_panel=PROGRAM
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="End a longer run, which fails (default: 5m).", rich_help_panel=PROGRAM
    ),
]
Ready = Annotated[
    str | None,
    typer.Option(
        metavar="SIGN",
        help="The command is a server, and ready at this sign: 'port NUMBER', 'line REGEX' of its output, or 'file "
        "PATH'. {port} is a free port.",
        rich_help_panel=PROGRAM,
    ),
]
Load = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="With --ready: time this command while the server runs.",
        rich_help_panel=PROGRAM,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Parameter of a workload or command, or several values: NAME=VALUE,VALUE. Repeatable.",
        rich_help_panel=WHAT,
    ),
]


_SAME = ("shell", "prepare", "cleanup", "warmup", "runs", "ignore_failure", "timeout", "ready", "load")
_FIELDS = {**dict(zip(_SAME, _SAME, strict=True)), "stdin": "input"}  # of a request, by parameter
PARAMETERS = ("command", "setting", *_FIELDS)
"""Names of the parameters of the commands of the command line that are about the user's commands."""
_WORKLOADS = ("workload", "family", "call", "pyperf", "resume")
_USELESS: dict[str, tuple[str, object]] = {
    "workload": ("workload", ()),
    "family": ("family", ()),
    "call": ("calls", ()),
    "pyperf": ("pyperf", ()),
    "pyperf_benchmark": ("pyperf_benchmark", ()),
    "observe": ("observe", "cpu"),
    "count": ("count", None),
}
"""Fields of a request without effect on a command, by parameter, and their defaults."""


def command_request(context: typer.Context, words: Sequence[str] | None) -> CommandRequest | None:
    """Return the request of the options; None: they ask for no command.

    Args:
        context: Has the values of the options, and tells which are typed, and which are defaults of a file.
        words: The words after ``--``.
    """
    texts: Sequence[str] | None = context.params.get("command")
    if (words and not typed(context, "command")) or typed(context, *_WORKLOADS):
        texts = texts if typed(context, "command") else None
    if not (words or texts or typed(context, *(name for name in PARAMETERS if name != "setting"))):
        return None
    from gilbench.model.commands import CommandRequest  # noqa: PLC0415 - msgspec is slow to import

    # None, False, and 0 warm-up runs are the defaults.
    given = {field: value for name, field in _FIELDS.items() if (value := context.params[name])}
    return CommandRequest(arguments=tuple(words or ()), commands=tuple(texts or ()), **given)


def for_command(context: typer.Context, request: MeasureRequest) -> MeasureRequest:
    """Leave out of the request for a command what a file sets for workloads."""
    command = request.command
    if command is None:
        return request
    import msgspec  # noqa: PLC0415 - slow to import

    text = " ".join([*command.arguments, *command.commands, command.load or ""])
    fields = {field: default for name, (field, default) in _USELESS.items() if not typed(context, name)}
    for placeholder, names in (("{threads}", ("threads",)), ("{python}", ("python", "reference"))):
        if placeholder not in text:
            empty = {"threads": None, "python": (), "reference": None}
            fields |= {name: empty[name] for name in names if not typed(context, name)}
    axes = {
        name: values
        for name, values in request.axes.items()
        if typed(context, name) or (name != "switch_interval" and ("{python}" in text or name == "cpus"))
    }
    settings = [one for one in request.settings if f"{{{one.partition('=')[0]}}}" in text]
    return msgspec.structs.replace(
        request,
        axes=axes,
        settings=request.settings if typed(context, "setting") else tuple(settings),
        **fields,
    )
