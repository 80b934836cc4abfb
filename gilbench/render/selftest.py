"""The checks of the self-test as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from gilbench.analyse.selftest import Check
from gilbench.render.table import bare_table


def checks_table(checks: Sequence[Check]) -> Table:
    """Lay out checks, simulated ones first, one row each."""
    table = bare_table("What the decisions promise, and what was found")
    table.add_column("", overflow="fold")
    for column in ("found", "95 % interval", "promised"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    heading = None
    for check in checks:
        if (check.kind, check.noise) != heading:
            if heading is not None:
                table.add_section()
            heading = check.kind, check.noise
            table.add_row(Text(f"{check.kind}, {check.noise}", style="bold"))
        interval = "" if check.lo is None or check.hi is None else f"{check.lo:.1%} to {check.hi:.1%}"
        holds = {True: Text("holds", "green"), False: Text("missed", "bold red"), None: Text("")}[check.holds]
        name = Text(f"  {check.figure.replace('_', ' ')}: {check.name}")
        table.add_row(name, f"{check.value:.1%}", interval, check.promised or "", holds)
    return table
