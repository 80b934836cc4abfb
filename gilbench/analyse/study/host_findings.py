"""Findings about hosts: values that differ between kinds of host, and hosts that differ by more than their blocks.

Both are tested over all values together, with the false discovery rate of ``verdicts``. A difference between kinds is
tested with the variation between hosts of a kind (Welch 1951), so a kind of one host has none. The verdicts of single
hosts also show a difference: if all hosts of each kind agree on one verdict, and the kinds do not.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.stats.hosts import kinds_differ
from gilbench.analyse.stats.verdicts import FDR, discoveries
from gilbench.analyse.study.host_cells import Computed
from gilbench.model.metrics import METRICS, common_scale, write
from gilbench.model.results import Cell, Comparison, Finding, HostKind, HostSpread
from gilbench.model.study import Case
from gilbench.plan.axes import variant

_MOST = 6  # sentences of one sort; the table of hosts has all values
_IN_A_SENTENCE = 2  # values by kind that one finding gets
_RELATIVE = frozenset({"relative", "speedup", "retained", "delivered"})
"""Metrics of cells that compare within a host. Absolute values differ between any two hosts."""
_OPEN = "inconclusive"

Subject = tuple[str, str]  # name of a case, and title of a metric


class _OnHost(NamedTuple):
    value: float
    verdict: str | None  # None: a cell has none
    cell: Cell | None


class _Tested(NamedTuple):
    """A value over hosts, and that of each host by name."""

    subject: str
    metric: str
    unit: str
    spread: HostSpread | None
    hosts: Mapping[str, _OnHost]
    cells: tuple[Cell, ...]  # evidence


def with_hosts(
    findings: Sequence[Finding], computed: Computed, kinds: Sequence[HostKind]
) -> tuple[Finding, ...]:
    """Add to findings of a fleet on which kinds of host they hold, and the cells that differ between hosts otherwise.

    Args:
        findings: The findings over hosts.
        computed: The cells of the study.
        kinds: Kinds of its hosts; none of an ordinary study, whose findings stay as they are.
    """
    if not kinds:
        return tuple(findings)
    by_kind, rest = _differing(_tested_cells(computed), kinds)
    said: set[Subject] = set()
    found = []
    for finding in findings:
        mine = [one for one in by_kind if one.cells[0] in finding.cells]
        more = ""
        if 0 < len(mine) <= _IN_A_SENTENCE:
            said.update((one.subject, one.metric) for one in mine)
            parts = (f"{variant(one.cells[0].case)}: {_by_kind(one, kinds)}" for one in mine)
            more = f" It depends on the kind of host. {'; '.join(parts)}."
        elif mine:
            more = " It depends on the kind of host, as findings below say."
        found.append(msgspec.structs.replace(finding, text=f"{finding.text}{more}"))
    left = [one for one in by_kind if (one.subject, one.metric) not in said]
    return (*found, *_sentences(left, rest, kinds))


def _tested_cells(computed: Computed) -> list[_Tested]:
    hosts: dict[tuple[Case, str], dict[str, _OnHost]] = defaultdict(dict)
    for cell in computed.by_host:
        if cell.host is not None and _is_compared(cell):
            hosts[cell.case, cell.metric][cell.host] = _OnHost(cell.value, None, cell)
    return [
        _Tested(
            _name(cell.case),
            METRICS[cell.metric].title,
            cell.unit,
            cell.spread,
            hosts[cell.case, cell.metric],
            (cell,),
        )
        for cell in computed.cells
        if cell.hosts is not None and (cell.case, cell.metric) in hosts
    ]


def _is_compared(cell: Cell) -> bool:
    """Return whether a cell compares within a host. With several threads, the speedup does; the speed does it twice."""
    alone = cell.metric != "relative" or cell.case.threads <= 1
    return cell.metric in _RELATIVE and alone and not cell.case.observers


def differing_rows(
    rows: Iterable[Comparison], host_rows: Iterable[Comparison], kinds: Sequence[HostKind]
) -> tuple[Finding, ...]:
    """Find the comparisons of a fleet that differ between hosts, if there are several hosts."""
    hosts: dict[tuple[Case, str], dict[str, _OnHost]] = defaultdict(dict)
    for row in host_rows:
        if row.host is not None and row.ratio is not None:
            hosts[row.case, row.metric][row.host] = _OnHost(row.ratio, row.verdict, None)
    by_kind, rest = _differing(
        [
            _Tested(
                f"{_name(row.case)} vs {row.reference}",
                METRICS[row.metric].title,
                "x",
                row.spread,
                hosts[row.case, row.metric],
                (),
            )
            for row in rows
            if row.hosts is not None and (row.case, row.metric) in hosts
        ],
        kinds,
    )
    return tuple(_sentences(by_kind, rest, kinds))


def _differing(tested: Sequence[_Tested], kinds: Sequence[HostKind]) -> tuple[list[_Tested], list[_Tested]]:
    """Return the values that differ between kinds, and the others that differ between hosts."""
    by_kind = list(_between_kinds(tested, kinds))
    return by_kind, [one for one in _between_hosts(tested) if one not in by_kind]


def _sentences(
    by_kind: Sequence[_Tested], rest: Sequence[_Tested], kinds: Sequence[HostKind]
) -> Iterator[Finding]:
    yield from _limited([_of_kinds(one, kinds) for one in by_kind], "kinds of host")
    yield from _limited([_of_hosts(one) for one in rest], "hosts")


def _between_kinds(tested: Sequence[_Tested], kinds: Sequence[HostKind]) -> Iterator[_Tested]:
    p = np.array([kinds_differ([_scaled(one, kind.hosts) for kind in kinds]) for one in tested])
    significant, _ = discoveries(p, FDR)
    for one, differs in zip(tested, significant, strict=True):
        words = {_common_verdict(one, kind) for kind in kinds} - {None}
        agreed = None not in {_common_verdict(one, kind) for kind in kinds}
        if differs or (agreed and len(words) > 1):
            yield one


def _between_hosts(tested: Sequence[_Tested]) -> Iterator[_Tested]:
    p = np.array([math.nan if one.spread is None else one.spread.p for one in tested])
    significant, _ = discoveries(p, FDR)
    return (one for one, differs in zip(tested, significant, strict=True) if differs)


def _scaled(one: _Tested, names: Iterable[str]) -> list[float]:
    """Return the values of some hosts on the scale on which they are compared; NaN: unknown."""
    values = [one.hosts[name].value for name in names if name in one.hosts]
    if one.unit != "x":
        return values
    return [math.log(value) if 0 < value < math.inf else math.nan for value in values]


def _common_verdict(one: _Tested, kind: HostKind) -> str | None:
    """Return the verdict that all hosts of a kind agree on; None: there is none."""
    found = {one.hosts[name].verdict for name in kind.hosts if name in one.hosts}
    return found.pop() if len(found) == 1 and _OPEN not in found else None


def _of_kinds(one: _Tested, kinds: Sequence[HostKind]) -> Finding:
    text = f"{one.subject}: {one.metric} depends on the kind of host: {_by_kind(one, kinds)}."
    return Finding(kind="host_kinds", text=text, subject=one.subject, cells=one.cells)


def _by_kind(one: _Tested, kinds: Sequence[HostKind]) -> str:
    parts = []
    for kind in kinds:
        there = [one.hosts[name].value for name in kind.hosts if name in one.hosts]
        if there:
            verdict = _common_verdict(one, kind)
            figures = f"{verdict}, {_range(there, one.unit)}" if verdict else _range(there, one.unit)
            parts.append(f"{figures} on {kind.label} ({len(there)} host{'s'[: len(there) != 1]})")
    return "; ".join(parts)


def _of_hosts(one: _Tested) -> Finding:
    ends = [choose(one.hosts, key=lambda name: one.hosts[name].value) for choose in (min, max)]
    low, high = (f"{write(one.hosts[name].value, one.unit)} ({name})" for name in ends)
    between = ""
    if one.spread is not None:
        sd, lo, hi = (write(end, "fraction") for end in (one.spread.sd, one.spread.lo, one.spread.hi))
        between = f"; standard deviation between hosts {sd} (95% interval {lo} to {hi})"
    text = f"{one.subject}: {one.metric} differs between hosts, by more than blocks explain: {low} to {high}{between}."
    return Finding(kind="hosts", text=text, subject=one.subject, cells=one.cells)


def _limited(found: Sequence[Finding], what: str) -> Iterator[Finding]:
    yield from found[:_MOST]
    if len(found) > _MOST:
        text = f"{len(found) - _MOST} more values differ between {what}; the table by host has all of them."
        yield Finding(kind=found[0].kind, text=text)


def _range(values: Sequence[float], unit: str) -> str:
    ends = min(values), max(values)
    scale = common_scale(ends, unit)
    low, high = (write(value, unit, scale) for value in ends)
    return low if low == high else f"{low} to {high}"


def _name(case: Case) -> str:
    settings = "".join(f" {name}={value}" for name, value in case.parameters)
    return f"{case.workload}{settings}, {case.threads} thread{'s'[: case.threads != 1]}, {variant(case)}"
