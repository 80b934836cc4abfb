"""``gilbench guide``: shows the guide, or writes it as HTML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from gilbench.cli import output as printing
from gilbench.cli.files import write_folder
from gilbench.cli.options import examples
from gilbench.model.errors import UsageError

if TYPE_CHECKING:
    from typing import TextIO

_EXAMPLES = examples(
    "gilbench guide", "gilbench guide is-my-program-held-up", "gilbench guide --site ./gilbench-guide"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("guide", epilog=_EXAMPLES)(guide)


def guide(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[TOPIC]", help="Page to show (default: list all pages)."),
    ] = None,
    *,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write all pages as HTML to a folder that is new, empty, or from this option."
        ),
    ] = None,
) -> None:
    """Show a page of the guide, or list the pages."""
    from gilbench.render.guide import TOPICS, guide_page, topics_page, write_guide_page  # noqa: PLC0415

    stream = printing.stdout()
    file = cast("TextIO", stream)  # it has everything that writers use
    if site is not None:
        if topic is not None:
            raise UsageError("--site writes all pages; leave out the topic")
        from gilbench.render import guide_site  # noqa: PLC0415

        write_folder(site, guide_site.site([guide_page(one) for one in TOPICS]), guide_site.GENERATOR)
        printing.write(f"wrote {site.joinpath(guide_site.INDEX)}\n")
    elif topic is not None:
        write_guide_page(guide_page(topic), file)
    else:
        from gilbench.render.terminal import write_terminal  # noqa: PLC0415

        write_terminal(topics_page(), file)
    stream.flush()
