"""Caveats of a fleet: those of its hosts, each with its hosts, and builds that differ between hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gilbench.analyse.study.comparability import comparability
from gilbench.analyse.study.host_cells import Computed
from gilbench.analyse.study.hosts import HostPart
from gilbench.analyse.study.sentences import listed
from gilbench.model.metrics import METRICS
from gilbench.model.results import Caveat
from gilbench.plan.axes import variant


def caveats_of_hosts(found: Mapping[str, Sequence[Caveat]]) -> Iterator[Caveat]:
    """Unite the caveats of hosts, by name of the host: one per reason, with its hosts unless all have it alike."""
    reasons: dict[tuple[str, str | None, str | None], dict[str, list[str]]] = defaultdict(dict)
    firsts: dict[tuple[str, str | None, str | None], Caveat] = {}
    for name, caveats in found.items():
        for caveat in caveats:
            reason = caveat.kind, caveat.subject, caveat.next
            firsts.setdefault(reason, caveat)
            reasons[reason].setdefault(caveat.text, []).append(name)
    for reason, texts in reasons.items():
        (text, hosts), *others = texts.items()
        if not others and len(hosts) == len(found):
            yield firsts[reason]
            continue
        more = dict.fromkeys(name for _, names in others for name in names if name not in hosts)
        similar = f"; similar on {listed(list(more))}" if more else ""
        yield msgspec.structs.replace(firsts[reason], text=f"on {listed(hosts)}: {text}{similar}")


def not_on_all(computed: Computed, hosts: int) -> Iterator[Caveat]:
    """Say which values are not over all hosts of a fleet: of cases that some did not measure, or of no host together.

    Args:
        computed: The cells.
        hosts: Number of hosts; 0 for an ordinary study.
    """
    if not hosts:
        return
    fewer = dict.fromkeys(
        f"{cell.case.workload} on {variant(cell.case)} ({cell.hosts})"
        for cell in computed.cells
        if cell.hosts is not None and cell.hosts < hosts and not cell.case.observers
    )
    if fewer:
        text = f"not all of the {hosts} hosts measured {listed(list(fewer))}; values are over those that did"
        yield Caveat(kind="hosts", text=text, next="See why in the table of failed runs.")
    united = {(cell.case, cell.metric) for cell in computed.cells}
    apart = dict.fromkeys(
        f"{METRICS[cell.metric].title} of {cell.case.workload} on {variant(cell.case)}"
        for cell in computed.by_host
        if (cell.case, cell.metric) not in united
    )
    if apart:
        text = f"only some hosts have {listed(list(apart))}; without the others there is no value over hosts"
        yield Caveat(kind="hosts", text=text)


def unlike_builds(parts: Sequence[HostPart]) -> Iterator[Caveat]:
    """Yield a caveat for each interpreter that hosts have built differently, such as with another compiler."""
    first, *others = parts
    builds = {one.name: one.build for one in first.host.interpreters}
    for name, build in builds.items():
        reasons: dict[str, list[str]] = defaultdict(list)
        for part in others:
            (other,) = [one.build for one in part.host.interpreters if one.name == name]
            for reason in comparability(build, other):
                reasons[reason].append(part.host.name)
        for reason, hosts in reasons.items():
            yield Caveat(
                kind="build",
                subject=name,
                text=f"{name} is built differently on {listed(hosts)} than on {first.host.name}: {reason}",
                next="Install the same build on all hosts; until then, hosts differ by it, too.",
            )
