"""The scorecard for the terminal; where not all interpreters fit beside each other, the table is continued below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from gilbench.render.figures import plain
from gilbench.render.scorecard import Basis, Entry, Group, Sheet, make_sheet
from gilbench.scores import Scorecard

STYLES = {
    "holds": "bold",
    "does not hold": "",
    "yes": "green",
    "partly": "yellow",
    "no": "red",
    "inconclusive": "yellow",
    "not here": "dim",
    "hangs": "bold red",
    "crashes": "bold red",
    "fails": "bold red",
}
_LABELS = 22, 40  # least and most cells of the labels
_WIDE = 120  # cells of a terminal; in a narrower one the ends of a long interval stand below its figure
_LEAST, _MOST, _MOST_NARROW = 8, 18, 13  # cells of a column
HOW_TO_READ = (
    "Below each verdict the figure behind it with its 95 % interval; [n] is a footnote. What the figures are stands "
    "below the table; to see one alone: gilbench run --workload NAME."
)
_SHORT = {"does not hold": "does not"}


def render_scorecard(card: Scorecard, console: Console) -> None:
    """Print a scorecard.

    Args:
        card: What is shown.
        console: Where; its width decides how many interpreters stand side by side.
    """
    host, header = card.header.host, card.header
    machine = f"  {host.cpu_model}, {host.cores} cores, {host.system} {host.kernel}, {header.created}"
    console.print(plain(f"gilbench {header.gilbench} scorecard", "bold") + plain(machine))
    console.print(plain(HOW_TO_READ, "dim"))
    console.print()
    for sheet in sheets(card):
        for part in _parts(sheet, console.width):
            console.print(part)
        _print_list(console, [f"[{number}] {note}" for number, note in enumerate(sheet.notes, 1)])
        _print_list(console, [basis_line(basis) for basis in sheet.bases])


def sheets(card: Scorecard) -> list[Sheet]:
    """The tables that have something in them."""
    kinds = {"What is said about the GIL": card.claims, "What a replacement must have": card.properties}
    return [make_sheet(title, scores) for title, scores in kinds.items() if scores]


def basis_line(basis: Basis) -> str:
    """What a row's figures are, with what can be run alone."""
    alone = f" ({basis.workload})" if basis.workload and basis.workload not in basis.measured else ""
    return f"{basis.id}: {basis.measured}{alone}"


def _parts(sheet: Sheet, width: int) -> Iterator[Table | Text | Rule | Padding]:
    entries = [entry for group in sheet.groups for row in group.rows for entry in row.entries.values()]
    most = _MOST if width >= _WIDE else _MOST_NARROW
    lines = [line for entry in entries for line in _lines(entry, most)]
    heads = [word for column in sheet.columns for word in _head(column).plain.split("\n")]
    cells = min(most, max(_LEAST, *map(cell_len, lines), *map(cell_len, heads)))
    beside = max(1, min(len(sheet.columns), (width - _LABELS[0]) // (cells + 1)))
    parts = -(-len(sheet.columns) // beside)
    labels = max(min(_LABELS[1], width - beside * (cells + 1)), 1)
    for part in range(parts):  # of equal length, so that no column is left alone below
        first, last = (len(sheet.columns) * edge // parts for edge in (part, part + 1))
        columns = sheet.columns[first:last]
        yield plain(sheet.title + (", continued" if part else ""), "bold")
        yield _table([labels, *[cells] * len(columns)], [["", *map(_head, columns)]])
        for group in sheet.groups:
            yield Rule(style="dim")
            yield plain(f"{group.name}  {group.title}" if group.name.isdecimal() else group.title, "bold")
            yield _rows(group, columns, labels, cells)
        yield Text()


def _rows(group: Group, columns: Sequence[str], labels: int, cells: int) -> Table:
    rows: list[list[str | Text]] = [
        [f"  {row.label}", *(_entry(row.entries.get(column), cells) for column in columns)]
        for row in group.rows
    ]
    return _table([labels, *[cells] * len(columns)], rows)


def _table(widths: Sequence[int], rows: Sequence[Sequence[str | Text]]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for index, width in enumerate(widths):
        table.add_column(width=width - (index == 0), justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def _head(column: str) -> Text:
    """A column's name, its GIL mode below."""
    name, gil, mode = column.partition(" GIL ")
    return Text("\n").join([plain(name), plain(f"GIL {mode}" if gil else "")])


def _lines(entry: Entry, most: int) -> list[str]:
    """A cell's lines, none longer than so many cells if a word is not."""
    note = f" [{entry.note}]" if entry.note is not None else ""
    texts = [_SHORT.get(entry.verdict, entry.verdict) + note, *([entry.figure] if entry.figure else [])]
    return [line for text in texts for line in ([text] if cell_len(text) <= most else text.rsplit(" ", 1))]


def _entry(entry: Entry | None, most: int) -> Text:
    if entry is None:
        return Text("-")
    first, *rest = _lines(entry, most)
    text = Text(first, STYLES.get(entry.verdict, ""))
    for line in rest:
        text.append(f"\n{line}", "none")
    return text


def _print_list(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(Padding(plain(line, "dim"), (0, 0, 0, 2)))
    if lines:
        console.print()
