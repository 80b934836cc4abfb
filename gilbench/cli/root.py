"""The options before the command, for example ``gilbench --no-config run``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from gilbench.cli import output
from gilbench.cli.configuration import Configurations, read_configuration
from gilbench.host.project import without_project_files
from gilbench.version import __version__


def root(configured: Callable[[Configurations], object]) -> Callable[..., None]:
    """Return the function that typer calls before a command.

    Args:
        configured: Is called with the options that a file sets.
    """

    def prepare(
        context: typer.Context,
        *,
        version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
        no_config: Annotated[
            bool,
            typer.Option("--no-config", help="Ignore gilbench.toml and pyproject.toml."),
        ] = False,
    ) -> None:
        """Benchmark and profile the CPython GIL."""
        if version:
            output.write(f"gilbench {__version__}\n")
            raise typer.Exit
        if no_config:
            context.with_resource(without_project_files())
        elif (found := read_configuration()) is not None:
            context.default_map = found.default_map()
            configured(found)

    return prepare
