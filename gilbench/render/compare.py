"""Comparisons for the terminal and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from gilbench.axes import variant
from gilbench.metrics import significant
from gilbench.model import Comparison
from gilbench.render.figures import case_name, plain
from gilbench.render.table import bare_table

STYLES: dict[str, str] = {"improved": "green", "regressed": "red", "equivalent": "", "inconclusive": "dim"}
_SHORT = {
    "interval too wide": "too wide",
    "one of too many comparisons": "of too many",
    "neither direction is better": "no direction",
    "values that are not finite": "not finite",
}
_NAME_WIDTH = 22


def render_comparisons(
    comparisons: Sequence[Comparison],
    warnings: Sequence[str],
    console: Console,
    *,
    threshold: float,
    fdr: float,
) -> None:
    """Print all rows, grouped by workload, and what the verdicts mean."""
    table = bare_table("Comparison")
    table.add_column("", overflow="fold", min_width=_NAME_WIDTH)
    for column in ("thr", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    name = None
    for row in sorted(comparisons, key=_place(comparisons)):
        title = f"{case_name(row.workload, row.parameters)} / {row.reference}"
        if title != name:
            if name is not None:
                table.add_section()
            name = title
            table.add_row(plain(title, "bold"))
        label = f"  {variant(row)} {row.metric}{'' if row.paired else ' *'}"
        table.add_row(plain(label), str(row.threads), ratio(row), Text(verdict(row), STYLES[row.verdict]))
    console.print(table)
    console.print(Text(summary(comparisons), style="bold"))
    console.print(
        Text(
            f"A change of at most {threshold:.1%} does not matter here; false discoveries are held below {fdr:.0%} "
            "over all rows. Intervals are 95 %.",
            style="dim",
        )
    )
    if not all(row.paired for row in comparisons):
        console.print(
            Text(
                "* not paired: absolute figures of different hours, which drift on shared hosts", style="dim"
            )
        )
    for warning in warnings:
        console.print(plain(f"! {warning}", "yellow"))


def comparison_row(row: Comparison) -> dict[str, Any]:
    """A comparison without nesting, but for its parameters."""
    return {**msgspec.to_builtins(row), "parameters": dict(row.parameters)}


def ratio(row: Comparison) -> str:
    """Write a ratio with its interval."""
    if row.ratio is None:
        return "-"
    if row.lo is None or row.hi is None:
        return significant(row.ratio)
    return f"{significant(row.ratio)} ({significant(row.lo)}-{significant(row.hi)})"


def verdict(row: Comparison) -> str:
    """Write a verdict, with how many more blocks would decide it, or else the reason."""
    text: str = row.verdict
    if row.verdict == "inconclusive" and row.blocks_needed is not None:
        text += f", +{row.blocks_needed} blocks"
    elif row.verdict == "inconclusive" and row.reason is not None:
        text += f", {_SHORT.get(row.reason, row.reason)}"
    return text


def summary(comparisons: Sequence[Comparison]) -> str:
    """Count the verdicts."""
    counts = Counter[str](row.verdict for row in comparisons)
    return f"{len(comparisons)} comparisons: {', '.join(f'{counts[word]} {word}' for word in STYLES)}"


def _place(comparisons: Sequence[Comparison]) -> Callable[[Comparison], tuple[int, ...]]:
    """Sort rows by workload, interpreter and metric, each in the order in which they first come, then by threads."""

    def keys(row: Comparison) -> tuple[tuple[object, ...], ...]:
        return (row.workload, row.parameters), (variant(row), row.reference), (row.metric,)

    orders: list[dict[tuple[object, ...], int]] = [{}, {}, {}]
    for row in comparisons:
        for order, key in zip(orders, keys(row), strict=True):
            order.setdefault(key, len(order))
    return lambda row: (*(order[key] for order, key in zip(orders, keys(row), strict=True)), row.threads)
