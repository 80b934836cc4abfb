"""The page of results that another benchmark printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.printed import UNKNOWN, PrintedResults
from gilbench.model.results import Cell
from gilbench.render.columns import (
    RowKey,
    Values,
    by_place,
    by_workload,
    counts,
    labels,
    metrics,
    table_of,
    threads,
    with_any,
)
from gilbench.render.figures import short
from gilbench.render.page import Page, Table, Text
from gilbench.render.remarks import remarks
from gilbench.render.rows import flat

SCHEMA = 1
_RATES = {"time": "time_per_operation", "throughput": "throughput", "speedup": "speedup"}
_LOADED = {
    "With CPU-bound threads: throughput": {"throughput": "throughput", "vs unloaded": "retained"},
    "With CPU-bound threads: latency": {"mean": "latency_mean", "standard\ndeviation": "latency_sd"},
}


def printed_page(results: PrintedResults) -> Page:
    """Make the page."""
    return Page(
        title=f"{results.tool}: results in {short(results.file)}",
        lead=(
            f"Interpreter: {results.interpreter or UNKNOWN}. Host: {results.host or UNKNOWN}.",
            Text("The values are those that were printed, without intervals.", "faint"),
        ),
        parts=(*_tables(results.cells), *remarks((), results.caveats)),
        document={
            "schema": SCHEMA,
            "kind": "printed results",
            "tool": results.tool,
            "file": results.file,
            "interpreter": results.interpreter,
            "host": results.host,
            "cells": [flat(cell) for cell in results.cells],
            "caveats": results.caveats,
            "warnings": [caveat.text for caveat in results.caveats],
        },
        rows=map(flat, results.cells),
    )


def _tables(cells: Sequence[Cell]) -> Iterator[Table]:
    yield from _table("Threads with the same work", cells, _RATES, threads(), loaded=False)
    added: Values[RowKey] = counts("added\nthreads", lambda place: str(place.threads))
    for title, columns in _LOADED.items():
        yield from _table(title, cells, columns, added, loaded=True)


def _table(
    title: str, cells: Sequence[Cell], columns: dict[str, str], count: Values[RowKey], *, loaded: bool
) -> Iterator[Table]:
    """Yield a table of the cells with or without added threads: a row for each workload and thread count."""
    found = by_place(cell for cell in cells if (cell.family == "mixed") is loaded)
    rows = with_any(found, columns.values())
    if rows:
        sections = by_workload(rows)
        single = len(sections) == len(rows)
        yield table_of(
            title,
            {"": list(rows)} if single else sections,
            [
                labels(lambda place: place.name if single else place.interpreter),
                count,
                *metrics(rows, columns, intervals=False),
            ],
        )
