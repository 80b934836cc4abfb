"""``gilbench schema``: prints the JSON schemas of what gilbench writes."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import examples
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

_EXAMPLES = examples("gilbench schema", "gilbench schema profile", "gilbench schema study > study.json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("schema", epilog=_EXAMPLES)(schema)


def schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Document, for example profile (default: list all)."),
    ] = None,
) -> None:
    """Print the JSON schema of a document that gilbench writes, or list the documents.

    A study is a file of JSON Lines; its schema is that of each line. A report is the JSON of a study's results.
    """
    folder = files("gilbench").joinpath("schemas")
    names = sorted(one.name.removesuffix(".json") for one in folder.iterdir())
    if name is None:
        printing.write("\n".join([*names, ""]))
        return
    if name not in names:
        raise UsageError(f"unknown document {excerpt(name, 40)!r}; use {', '.join(names)}")
    printing.write(folder.joinpath(f"{name}.json").read_text("utf-8"))
