"""Writes the values of a study or a check for github-action-benchmark, which draws them over commits.

Its custom tools take one direction per file: ``customBiggerIsBetter`` and ``customSmallerIsBetter``. So there are two
formats, and metrics without a direction are left out. https://github.com/benchmark-action/github-action-benchmark
"""

from __future__ import annotations

from typing import TextIO

from gilbench.model.results import Check, Report
from gilbench.render.figures import figure_within
from gilbench.render.guard import json_text
from gilbench.render.service_values import ServiceValue, service_values


def write_bigger(result: Report | Check, file: TextIO) -> None:
    """Write the values of which a bigger one is better."""
    _write(result, "higher", file)


def write_smaller(result: Report | Check, file: TextIO) -> None:
    """Write the values of which a smaller one is better."""
    _write(result, "lower", file)


def _write(result: Report | Check, better: str, file: TextIO) -> None:
    entries = [_entry(one) for one in service_values(result) if one.better == better]
    file.write(f"{json_text(entries)}\n")


def _entry(one: ServiceValue) -> dict[str, str | float]:
    entry: dict[str, str | float] = {
        "name": f"{one.name} {one.metric}",
        "unit": one.unit,
        "value": one.value,
        "extra": f"{one.title}: {figure_within(one.value, one.lo, one.hi, one.unit)}",
    }
    if one.lo is not None and one.hi is not None:
        entry["range"] = f"± {max(one.value - one.lo, one.hi - one.value):.6g}"
    return entry
