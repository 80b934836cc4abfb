"""``gilbench config``: shows the values that options have without a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gilbench.cli.configuration import Command, commands, near, read_configuration
from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.options import Form, Output, examples
from gilbench.model.errors import UsageError

if TYPE_CHECKING:
    from gilbench.model.listings import Defaults, OptionValue

# Of the URL of a database: before its host, or an option.
_PASSWORD = re.compile(r"(://[^:/@]*:).*(?=@)|([?&][^=&]*pass[^=&]*=)[^&]*")
_EXAMPLES = examples(
    "gilbench config",
    "gilbench config run",
    "gilbench config 'history show' --format json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("config", epilog=_EXAMPLES)(config)


def config(
    command: Annotated[
        str | None,
        typer.Argument(
            metavar="[COMMAND]", help="Show all options of this command, also those with their default."
        ),
    ] = None,
    *,
    output: Output = None,
    form: Form = "terminal",
) -> None:
    """Show the options that gilbench.toml or pyproject.toml sets, by command.

    Each option can stand in the table tool.gilbench of pyproject.toml, or in tool.gilbench.COMMAND. The nearest file
    counts, in the current folder or above it in the repository. The command line comes first, then the inner table.
    """
    files = sort_files(output, "Defaults")
    deliver(_in_force(command), form, files)


def _in_force(command: str | None) -> Defaults:
    """Return the values that options have without a command line.

    Args:
        command: Show all options of this command or group; None: of all commands, those that a file sets.

    Raises:
        UsageError: The command is unknown, or as for ``read_configuration``.
    """
    from gilbench.model.listings import Defaults  # noqa: PLC0415 - msgspec is not needed for --help

    wanted = tuple((command or "").split())
    known = commands()
    chosen = {path: options for path, options in known.items() if path[: len(wanted)] == wanted}
    if not chosen:
        nearest = near(command or "", [" ".join(path) for path in known])
        raise UsageError(f"unknown command {command!r}{nearest}; see gilbench --help")
    read = read_configuration()
    rows = []
    for path, options in chosen.items():
        configured = read.options.get(path, {}) if read else {}
        for name, option in options.items():
            if name in configured:
                one = configured[name]
                file = str(read.file.path) if read else None
                rows.append(_value(path, name, one.value, file=file, key=one.key))
            elif wanted:
                rows.append(_value(path, name, option.parameter.default))
    return Defaults(file=str(read.file.path) if read else None, settings=tuple(rows))


def _value(path: Command, name: str, value: Any, **origin: str | None) -> OptionValue:
    from gilbench.model.listings import OptionValue  # noqa: PLC0415 - likewise

    if isinstance(value, list | tuple):
        value = tuple(map(str, value))
    elif not isinstance(value, bool | int | float | None):
        value = _PASSWORD.sub(r"\1\2***", str(value))
    return OptionValue(command=" ".join(path), option=name, value=value, **origin)
