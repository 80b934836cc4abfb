"""Writes the rows of a page as CSV, for spreadsheets."""

from __future__ import annotations

import csv
from typing import Any, TextIO

from gilbench.render.guard import json_text, printable
from gilbench.render.page import Page

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # also in full width


def write_csv(page: Page, file: TextIO) -> None:
    """Write the rows of a page. Text is escaped if a spreadsheet would read it as a formula."""
    writer = csv.writer(file, lineterminator="\n")
    for number, row in enumerate(page.rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(_harmless(value) for value in row.values())


def _harmless(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json_text(value, indent=0)
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
