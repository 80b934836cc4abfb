"""The output files of a command, and how its result reaches them and the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO, cast

import typer

from gilbench.cli import output
from gilbench.cli.files import write_file
from gilbench.cli.options import typed
from gilbench.host.files import refuse_unwritable
from gilbench.model.errors import UsageError
from gilbench.render import formats


class Files(NamedTuple):
    """The output files of a command."""

    study: Path | None  # JSON Lines, written during the measurement
    reports: tuple[tuple[Path, str], ...]  # files and their formats
    chart: str | None = None  # name of the chart in pictures; None: the first

    def save(self, result: object, drawn: object | None = None) -> None:
        """Write a result to each report file, also if one before cannot be written.

        Args:
            result: The result.
            drawn: The same result, with more to draw in a page of HTML; None: there is no more.

        Raises:
            UsageError: A file cannot be written, or the result has no such chart.
        """
        errors = []
        for path, form in self.reports:
            shown = drawn if drawn is not None and form == "html" else result
            try:
                write_file(path, formats.content_of(shown, form, self.chart))
            except UsageError as error:
                errors.append(error)
        if errors:
            raise errors[0]


def sort_files(
    paths: Sequence[Path] | None,
    kind: str,
    named: Sequence[tuple[Path | None, str]] = (),
    *,
    study: bool = False,
    chart: str | None = None,
    printed: str = "terminal",
    context: typer.Context | None = None,
) -> Files:
    """Sort the requested files by format, and check before the work that each can be written.

    Args:
        paths: Files whose ending picks the format.
        kind: Kind of the result.
        named: Files with a given format; None: not requested.
        study: Whether the command writes a study.
        chart: Name of the chart in pictures; None: the first.
        printed: Format of the printed result.
        context: The command, if it has the option --chart.

    Raises:
        UsageError: An ending is unknown, a file cannot be written, or no output shows the chart of the command line.
    """
    studies = [path for path in paths or () if study and not formats.is_known(path, kind)]
    if len(studies) > 1:
        raise UsageError(f"-o names {len(studies)} studies; name only one")
    reports = [(path, formats.format_of(path, kind)) for path in paths or () if path not in studies]
    reports += [(path, form) for path, form in named if path is not None]
    for path, form in reports:
        formats.refuse_unready(form)
        refuse_unwritable(path)
    # A chart that a file names is for the runs that draw it.
    if context is not None and typed(context, "chart"):
        forms = (printed, *(one for _, one in reports))
        if not any(map(formats.is_picture, forms)):
            raise UsageError("--chart needs a picture: -o chart.svg or -o chart.png")
    return Files(studies[0] if studies else None, tuple(reports), chart)


def show(
    result: object,
    form: str,
    *,
    error: bool = False,
    chart: str | None = None,
    more: str | None = None,
) -> None:
    """Print a result.

    Args:
        result: The result.
        form: Name of the format.
        error: Print to stderr.
        chart: Name of the chart, for a format that has one; None: the first.
        more: Print one screen to a terminal; this command shows the whole result. None: print everything.
    """
    if form == "github":  # commands to the CI runner, whose parts are escaped
        output.write_commands(formats.text_of(result, form))
        return
    stream = output.stderr() if error else output.stdout()
    file = cast("TextIO", stream)  # it has everything that writers use
    if more is not None and form == "terminal":
        formats.write_screen(result, file, more)
    else:
        formats.write(result, form, file, chart)
    stream.flush()


def deliver(result: object, form: str, files: Files, *, more: str | None = None) -> None:
    """Print a result, as for ``show``, and write its files, even if stdout cannot be written."""
    try:
        show(result, form, chart=files.chart, more=more)
    finally:
        files.save(result)
