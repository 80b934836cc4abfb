"""The scorecard as Markdown that GitHub renders; whatever comes from outside stands in code spans."""

from __future__ import annotations

from gilbench.render.check_markdown import code, inline
from gilbench.render.guard import printable
from gilbench.render.scorecard import Entry, Sheet
from gilbench.render.scorecard_terminal import HOW_TO_READ, basis_line, sheets
from gilbench.scores import Scorecard


def render_scorecard_markdown(card: Scorecard) -> str:
    """Write a scorecard: a table of claims, one of properties, and below each what its figures and notes are."""
    host, header = card.header.host, card.header
    machine = f"{host.cpu_model}, {host.cores} cores, {host.system} {host.kernel}"
    page = [
        "# The GIL, scored",
        "",
        f"gilbench {inline(header.gilbench)}, {inline(header.created)}, {_span(machine)}.",
        "",
    ]
    page += [HOW_TO_READ.replace("Below each", "Beside each"), ""]
    for sheet in sheets(card):
        page += _sheet(sheet)
    return "\n".join(page)


def _sheet(sheet: Sheet) -> list[str]:
    lines = [f"## {sheet.title}", "", _row(["", *map(_span, sheet.columns)])]
    lines.append(_row(["---"] * (len(sheet.columns) + 1)))
    for group in sheet.groups:
        title = inline(group.title)
        name = f"{group.name}. {title}" if group.name.isdecimal() else title
        if len(group.rows) > 1 and group.rows[0].id != group.name:
            lines.append(_row([f"**{name}**", *[""] * len(sheet.columns)]))
        for row in group.rows:
            whole = row.id == group.name
            label = f"**{name}**" if whole else inline(row.label)
            entries = [row.entries.get(column) for column in sheet.columns]
            lines.append(_row([label, *(_entry(entry, bold=whole) for entry in entries)]))
    lines += ["", *(f"- [{number}] {_span(note)}" for number, note in enumerate(sheet.notes, 1))]
    lines += ["", "<details>", "<summary>What the figures are, and what to run alone</summary>", ""]
    lines += [f"- {_span(basis_line(basis))}" for basis in sheet.bases]
    return [*lines, "", "</details>", ""]


def _entry(entry: Entry | None, *, bold: bool) -> str:
    if entry is None:
        return "-"
    parts = [f"**{entry.verdict}**" if bold else entry.verdict]
    parts += [entry.figure] if entry.figure is not None else []
    parts += [f"[{entry.note}]"] if entry.note is not None else []
    return " ".join(parts)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _span(text: str) -> str:
    return code(printable(text))
