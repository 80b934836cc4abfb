"""A check for the terminal: what decides it, and how many there are of the rest."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gilbench.render.check import Check, Section, failure, headline, notes, promise, sections, short
from gilbench.render.compare import STYLES
from gilbench.render.table import bare_table

_VERDICTS = {"pass": "bold green", "regressed": "bold red", "inconclusive": "bold yellow"}
_STYLES = {**STYLES, "known bad": "yellow", "recovered": "green", "unsettled": "dim"}
_NAME_WIDTH = 22


def render_check(check: Check, console: Console) -> None:
    """Print a check."""
    for section in sections(check.gate):
        console.print(_table(section))
    for failed in check.gate.failed:
        console.print(Text(f"! {failure(failed)}", style="red"))
    for note in notes(check):
        console.print(Text(f"! {note}", style="yellow"))
    console.print(Text(f"Ratios to {short(check.against)}. {promise(check)}", style="dim"))
    if any("*" in line.metric for section in sections(check.gate) for line in section.lines):
        console.print(
            Text("* not paired: figures of different hours, which drift on shared hosts", style="dim")
        )
    console.print(Text(headline(check.gate), style=_VERDICTS[check.gate.verdict]))


def _table(section: Section) -> Table:
    table = bare_table(f"{section.title}: {len(section.rows)}")
    table.add_column("", overflow="fold", min_width=_NAME_WIDTH)
    for column in ("thr", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for line in section.lines:
        name = Text(f"{line.workload}, {line.metric}, {line.interpreter}")
        if line.reason:
            name.append(f"\n  known: {line.reason}", style="dim")
        table.add_row(name, str(line.threads), line.ratio, Text(line.verdict, _STYLES[section.status]))
    return table
