"""The hosts of a fleet: their kinds in the head of a page, and the values of each host below those over hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gilbench.model.results import ByHost, Cell, Comparison, HostKind, Report
from gilbench.plan.axes import variant
from gilbench.render.columns import labels, table_of, texts, values
from gilbench.render.figures import TONES, case_name, ratio_text, short, threads_name, verdict_text
from gilbench.render.overview import central_values
from gilbench.render.page import Entry, Table, Text
from gilbench.render.rows import flat

_KINDS = 3  # kinds in the first line of a head
_NAMES = 8  # hosts of a kind in a head
_MOST = 30  # hosts in a table; other formats have all


def head_of_hosts(kinds: Sequence[HostKind]) -> tuple[Entry, ...]:
    """Describe the hosts of a fleet, how many of each kind, and their names; nothing for an ordinary study."""
    if not kinds:
        return ()
    count = sum(len(kind.hosts) for kind in kinds)
    if len(kinds) > _KINDS:
        of = f"of {len(kinds)} kinds"
    else:
        of = "; ".join(
            f"{len(kind.hosts)} of {kind.label}" if len(kinds) > 1 else kind.label for kind in kinds
        )
    return f"{count} hosts: {of}", *(Text(_named(kind), "faint") for kind in kinds[:_KINDS])


def cells_by_host(report: Report) -> Iterator[Table]:
    """Yield a table of the values that the findings are about, over hosts and on each host."""
    if not report.hosts:
        return
    cells = [cell for cell in report.cells if not cell.case.observers]
    on_host: dict[str, dict[tuple[object, ...], Cell]] = {name: {} for name in _names(report.kinds)}
    for cell in report.host_cells:
        if cell.host in on_host:
            on_host[cell.host][cell.case, cell.metric] = cell
    sections: dict[str, dict[str, Cell]] = {}
    for heading, mine in central_values(cells, report).items():
        for cell in mine:
            name = f"{case_name(cell.case.workload, cell.case.parameters)}, {heading}"
            sections.setdefault(name, {})[variant(cell.case)] = cell
    there = {name for mine in sections.values() for name in mine}
    variants = [name for name in dict.fromkeys(variant(cell.case) for cell in cells) if name in there]

    def find(row: tuple[str, str | None], interpreter: str) -> Cell | None:
        section, host = row
        cell = sections[section].get(interpreter)
        return cell if cell is None or host is None else on_host[host].get((cell.case, cell.metric))

    if sections:
        yield table_of(
            "By host",
            {section: [(section, None), *((section, host) for host in on_host)] for section in sections},
            [
                labels(lambda row: _row_name(row[1], len(report.hosts))),
                *(
                    values(interpreter, lambda row, name=interpreter: find(row, name))  # type: ignore[misc]
                    for interpreter in variants
                ),
            ],
            *_left_out(report.kinds),
        )


def kinds_of_result(found: ByHost | None) -> tuple[HostKind, ...]:
    """Return the kinds of the hosts of a fleet; none for an ordinary study."""
    return () if found is None else found.kinds


def rows_by_host(rows: Sequence[Comparison], found: ByHost | None) -> Iterator[Table]:
    """Yield a table of comparisons, each over hosts and on each host; none for an ordinary study."""
    if found is None:
        return
    shown = _names(found.kinds)
    on_host: dict[tuple[object, ...], list[Comparison]] = {}
    for row in found.rows:
        if row.host in shown:
            on_host.setdefault((row.case, row.metric), []).append(row)
    sections: Mapping[str, Sequence[Comparison]] = {
        f"{case_name(row.case.workload, row.case.parameters)} {row.metric} vs {row.reference}, "
        f"{threads_name(row.case.threads)}, {variant(row.case)}": [
            row,
            *on_host.get((row.case, row.metric), []),
        ]
        for row in rows
    }
    table = table_of(
        "By host",
        sections,
        [
            labels(lambda row: _row_name(row.host, row.hosts)),
            texts("ratio", ratio_text),
            texts("verdict", lambda row: Text(verdict_text(row), TONES[row.verdict]), "left"),
        ],
        "Verdicts on single hosts are as of a study of each host; they do not count as comparisons.",
        *_left_out(found.kinds),
    )
    yield table._replace(folded=True)


def document_of_hosts(found: ByHost | None) -> dict[str, Any]:
    """Return the fields of a document about the hosts of a fleet; none for an ordinary study."""
    if found is None:
        return {}
    return {
        "host_kinds": found.kinds,
        "host_comparisons": [flat(row, found.kinds) for row in found.rows],
        "host_findings": [finding.text for finding in found.findings],
    }


def _row_name(host: str | None, hosts: int | None) -> str:
    return f"over {hosts} hosts" if host is None else short(host)


def _names(kinds: Sequence[HostKind]) -> list[str]:
    """Return the hosts that are shown, ordered by kind."""
    return [name for kind in kinds for name in kind.hosts][:_MOST]


def _left_out(kinds: Sequence[HostKind]) -> tuple[str, ...]:
    left = sum(len(kind.hosts) for kind in kinds) - _MOST
    return (f"{left} more hosts: --format csv has all",) if left > 0 else ()


def _named(kind: HostKind) -> str:
    left = len(kind.hosts) - _NAMES
    more = f", and {left} more" if left > 0 else ""
    return f"{kind.label}: {', '.join(map(short, kind.hosts[:_NAMES]))}{more}"
