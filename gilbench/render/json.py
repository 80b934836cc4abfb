"""Writes the document of a page as JSON, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gilbench.render.guard import json_text
from gilbench.render.page import Page


def write_json(page: Page, file: TextIO) -> None:
    """Write the document of a page.

    Infinity, such as the latency of a lost request, becomes null. The last field may be an iterator, whose values may
    not fit into memory: they are written as they come, one per line.
    """
    fields = dict(page.document)
    streamed = [name for name, value in fields.items() if isinstance(value, Iterator)]
    values = fields.pop(streamed[0]) if streamed else None
    text = json_text(fields)
    if values is None:
        file.write(f"{text}\n")
        return
    file.write(f'{text.removesuffix("}").rstrip()}{"," if fields else ""}\n  "{streamed[0]}": [')
    encoded = (json_text(value, indent=0) for value in values)
    file.writelines(f"{',' if number else ''}\n{value}" for number, value in enumerate(encoded))
    file.write("\n]}\n")
