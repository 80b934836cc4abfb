"""Reads options from the nearest file that configures gilbench (``host/project.py``).

Each option of the command line can stand in the table of all commands (``[tool.gilbench]``), of a group
(``[tool.gilbench.history]``), or of one command (``[tool.gilbench.history.show]``), under its long name::

    [tool.gilbench]
    python = ["3.13", "3.13t"]
    threads = [1, 2]

    [tool.gilbench.check]
    threshold = 5
    known-bad = "known-bad.toml"

The command line overrides the table of the command, which overrides the tables above it. A key above the command holds
for the commands whose option takes such a value. A path is relative to the folder of the file, if it starts with a dot
or the option takes a file.

Trust: a file can name programs that gilbench starts, such as interpreters and workloads. If a user other than root and
you could have written the file, each command refuses it until it is fixed or ``--no-config`` is passed. Options that
grant trust (``options.ONLY_TYPED``) are never read from a file.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import typer

from gilbench.cli.options import ONLY_TYPED
from gilbench.host.project import INTERPRETERS, ProjectFile, project_files
from gilbench.model.errors import GilbenchError, UsageError

Command = tuple[str, ...]  # ("history", "show")


class Option(NamedTuple):
    """An option of a command that a file can set."""

    name: str  # long name without dashes
    parameter: typer.core.TyperOption
    type: Any  # Python type of its value
    command: Any  # click's command


class Configured(NamedTuple):
    """An option of a command as a file sets it."""

    option: Option
    value: Any  # as on the command line
    key: str  # in the file


class _Unfit(Exception):
    """A value that an option does not take; its text says what the option takes."""


class Configurations(NamedTuple):
    """A file that configures gilbench, and what it sets by command."""

    file: ProjectFile
    options: Mapping[Command, Mapping[str, Configured]]

    def default_map(self) -> dict[str, Any]:
        """Return the values as click's defaults, nested by command."""
        tree: dict[str, Any] = {}
        for command, options in self.options.items():
            place = tree
            for name in command:
                place = place.setdefault(name, {})
            place.update({one.option.parameter.name: one.value for one in options.values()})
        return tree

    def origin(self, error: str) -> str:
        """Say where a value is set that an error quotes; empty: the error quotes none."""
        for options in self.options.values():
            for one in options.values():
                values = one.value if isinstance(one.value, list) else [one.value]
                if any(isinstance(value, str) and repr(value) in error for value in values):
                    return f"it is {one.key} in {self.file.path}"
        return ""


def read_configuration() -> Configurations | None:
    """Read the nearest file that sets options; None: there is none.

    Raises:
        UsageError: The file is not trusted, or has an unknown key or a value that no option takes.
    """
    for file in project_files():
        table = {key: value for key, value in file.table.items() if key != INTERPRETERS}
        if file.doubt is None:
            return Configurations(file, dict(_Reader(file, commands()).read(table)) if table else {})
        if table:
            raise UsageError(
                f"{file.path} is not used: {file.doubt}\nFix its owner and mode, or pass --no-config."
            )
    return None


class _Reader:
    """Assigns the keys of a file to the options of commands."""

    def __init__(self, file: ProjectFile, commands: Mapping[Command, Mapping[str, Option]]) -> None:
        self._file, self._commands = file, commands

    def read(
        self,
        table: Mapping[str, Any],
        path: Command = (),
        above: Mapping[str, Mapping[Command, Configured]] | None = None,
    ) -> Iterator[tuple[Command, Mapping[str, Configured]]]:
        """Yield what a table and those below it set, by command."""
        below = {one[len(path)] for one in self._commands if one[: len(path)] == path and one != path}
        found = {**(above or {})}
        for key, value in table.items():
            if key not in below:
                found[key] = {**found.get(key, {}), **self._fitting(path, key, value, below)}
        if path in self._commands:
            yield path, {key: by[path] for key, by in found.items() if path in by}
        for name in sorted(below):
            inner = table.get(name, {})
            if not isinstance(inner, dict):
                raise self._error(path, name, f"is a command; write the table [{self._key(path, name)}]")
            yield from self.read(inner, (*path, name), found)

    def _fitting(self, path: Command, key: str, value: Any, below: set[str]) -> dict[Command, Configured]:
        """Return the commands at or below a table whose option takes a value."""
        having = {
            command: options[key]
            for command, options in self._commands.items()
            if command[: len(path)] == path and key in options
        }
        if not having:
            raise self._unknown(path, key, below)
        fitting, reason = {}, ""
        for command, option in having.items():
            try:
                taken = self._taken(option, value)
            except _Unfit as error:
                reason = reason or str(error)
            else:
                fitting[command] = Configured(option, taken, self._key(path, key))
        if not fitting:
            raise self._error(path, key, reason)
        return fitting

    def _taken(self, option: Option, value: Any) -> Any:
        """Return a value as on the command line, checked by the option itself.

        Raises:
            _Unfit: The option does not take the value.
        """
        many = typing.get_origin(option.type) is list
        (type_,) = typing.get_args(option.type) if many else (option.type,)
        if many:
            values = value if isinstance(value, list) else [value]
            taken: Any = [self._one(one, type_, listed=False) for one in values]
        else:
            taken = self._one(value, type_, listed=option.parameter.metavar == "LIST")
        try:
            context = typer.Context(option.command)
            option.parameter.process_value(context, taken)
        except GilbenchError as error:
            raise _Unfit(f"is invalid: {error}") from error
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            raise _Unfit(f"is invalid: {getattr(error, 'message', error)}".rstrip(".")) from error
        return taken

    def _one(self, value: Any, type_: Any, *, listed: bool) -> Any:
        if type_ is bool:
            if not isinstance(value, bool):
                raise _Unfit("must be true or false")
            return value
        if isinstance(value, bool):
            raise _Unfit("must be a string or a number, not true or false")
        if type_ in {int, float}:
            if not isinstance(value, int | type_):
                raise _Unfit("must be a whole number" if type_ is int else "must be a number")
            return value
        if listed and isinstance(value, list):
            return ",".join(str(self._one(one, type_, listed=False)) for one in value)
        if not isinstance(value, str | int | float) or (not isinstance(value, str) and type_ is not str):
            raise _Unfit("must be a string" if not listed else "must be a string or a list")
        return self._text(str(value), type_)

    def _text(self, value: str, type_: Any) -> str:
        names_file = type_ is Path or value.startswith(("./", "../"))
        return str(self._file.path.parent.joinpath(value)) if names_file else value

    def _unknown(self, path: Command, key: str, below: set[str]) -> UsageError:
        if key in ONLY_TYPED:
            return self._error(path, key, "is only accepted on the command line; remove it")
        options = {
            name
            for command, known in self._commands.items()
            if command[: len(path)] == path
            for name in known
        }
        return self._error(path, key, f"is unknown{near(key, sorted({*options, *below}))}")

    def _key(self, path: Command, key: str) -> str:
        return self._file.prefix + ".".join((*path, key))

    def _error(self, path: Command, key: str, reason: str) -> UsageError:
        return UsageError(f"{self._file.path}: {self._key(path, key)} {reason}\nSee gilbench config --help.")


def near(name: str, known: list[str]) -> str:
    """Suggest the known name that is nearest to a wrong one; empty: none is near."""
    near = difflib.get_close_matches(name.replace("_", "-"), known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _root_command() -> Any:
    """Return the command of the whole command line."""
    from gilbench.cli import COMMANDS  # noqa: PLC0415 - it imports this module

    app = typer.Typer()
    app.callback()(lambda: None)
    for name in COMMANDS:
        importlib.import_module(f"gilbench.cli.{name}").register(app)
    return typer.main.get_command(app)


def commands() -> dict[Command, dict[str, Option]]:
    """Return the options of all commands by their long names, in the order of ``--help``."""
    return dict(_leaves(_root_command(), ()))


def _leaves(command: Any, path: Command) -> Iterator[tuple[Command, dict[str, Option]]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _leaves(inner, (*path, name))
    if not hasattr(command, "commands"):
        hints = typing.get_type_hints(inspect.unwrap(command.callback))
        shown = [one for one in command.params if one.param_type_name == "option" and one.name in hints]
        options = {_long(one): Option(_long(one), one, _plain(hints[one.name]), command) for one in shown}
        yield (
            path,
            {
                name: one
                for name, one in options.items()
                if name not in ONLY_TYPED and not one.parameter.hidden
            },
        )


def _long(parameter: typer.core.TyperOption) -> str:
    return max(parameter.opts, key=len).lstrip("-")


def _plain(hint: Any) -> Any:
    """Return a type without None."""
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint
    (kept,) = (one for one in typing.get_args(hint) if one is not type(None))
    return kept
