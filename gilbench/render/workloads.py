"""The catalogue and its trials as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from gilbench.analyse.trial import FAILED, Trial
from gilbench.metrics import write
from gilbench.model import Workload
from gilbench.render.table import bare_table


def catalogue_table(workloads: Sequence[Workload]) -> Table:
    """One row for each workload, by family."""
    table = bare_table()
    table.add_column("workload", no_wrap=True)
    table.add_column("what it does", overflow="fold")
    family = None
    for workload in workloads:
        if workload.family != family:
            if family is not None:
                table.add_section()
            family = workload.family
            table.add_row(Text(family, style="bold"))
        star = " *" if workload.core else ""
        table.add_row(Text(f"  {workload.name}{star}"), Text(workload.summary))
    table.caption = "* run when nothing is asked for"
    table.caption_justify = "left"
    return table


def trials_table(trials: Sequence[Trial]) -> Group:
    """One row for each workload: where it works, and where it does not; the reasons below."""
    table = bare_table()
    table.add_column("workload", no_wrap=True)
    table.add_column("works on", overflow="fold")
    table.add_column("not on", overflow="fold")
    for workload in dict.fromkeys(trial.workload for trial in trials):
        mine = [trial for trial in trials if trial.workload == workload]
        everywhere = [trial.interpreter for trial in mine]
        by_outcome = {
            outcome: [trial.interpreter for trial in mine if trial.outcome == outcome]
            for outcome in dict.fromkeys(trial.outcome for trial in mine)
        }
        good = by_outcome.pop("ok", [])
        bad = [f"{outcome}: {_among(names, everywhere)}" for outcome, names in by_outcome.items()]
        table.add_row(
            Text(workload), Text(_among(good, everywhere), "" if bad else "green"), Text("; ".join(bad))
        )
    reasons: dict[tuple[str, str], list[str]] = {}
    for trial in trials:
        if trial.outcome != "ok":
            reasons.setdefault((trial.workload, _reason(trial)), []).append(trial.interpreter)
    everyone = list(dict.fromkeys(trial.interpreter for trial in trials))
    lines = [
        Text(f"{workload} on {_among(names, everyone)}: {why}") for (workload, why), names in reasons.items()
    ]
    count = sum(trial.outcome == FAILED for trial in trials)
    summary = Text(f"{len(trials)} trials, {count} failed", "bold red" if count else "bold green")
    return Group(table, *lines, summary)


def _among(names: Sequence[str], everyone: Sequence[str]) -> str:
    """Name some of all, in the shorter way."""
    others = [name for name in everyone if name not in names]
    if not others:
        return f"all {len(names)}"
    return f"all but {', '.join(others)}" if len(others) < len(names) else ", ".join(names)


def _reason(trial: Trial) -> str:
    if trial.operation is not None:
        return f"{trial.outcome}, {write(trial.operation, 's')} an operation"
    return trial.detail
