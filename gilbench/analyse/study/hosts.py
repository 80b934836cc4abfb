"""Splits a study of a fleet into one study per host, and unites what was computed for each of them.

All ratios are within blocks, so within a host. Everything is therefore computed for each host as for a study of its
own. Only this module unites hosts: each host gives one value, and the estimate over hosts is that of ``stats.hosts``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np

from gilbench.analyse.stats.estimates import Scale
from gilbench.analyse.stats.hosts import Spread
from gilbench.model.results import HostKind, HostSpread
from gilbench.model.study import FleetHost, Header, Host, Run, Study

OWN = "the study's own host"
_LARGEST = 700.0  # of a logarithm that has an exponential

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class HostPart(NamedTuple):
    """What one host measured, as a study of its own."""

    host: FleetHost
    study: Study


def host_parts(study: Study) -> tuple[HostPart, ...]:
    """Return one part per host with runs, in the order of the hosts in the file; none for an ordinary study."""
    if not study.hosts:
        return ()
    runs: dict[str | None, list[Run]] = defaultdict(list)
    for run in study.runs:
        runs[run.host].append(run)
    header = study.header
    own = FleetHost(
        name=OWN, host=header.host, cpus=header.plan.cpus, interpreters=header.interpreters
    )  # of runs from before the study was resumed with a fleet
    there = [
        *((own, runs[None]) for _ in [0] if None in runs),
        *((one, runs[one.name]) for one in study.hosts),
    ]
    measured = [(host, mine) for host, mine in there if mine]
    share = max(1, header.plan.effort.blocks // max(1, len(measured)))
    return tuple(HostPart(host, _part(study, host, mine, share)) for host, mine in measured)


def of_one_host(study: Study) -> Study:
    """Return a study whose only host is that of its header, if one host of a fleet measured it; else the same study."""
    parts = host_parts(study)
    if len(parts) != 1:
        return study
    effort = study.header.plan.effort
    header = parts[0].study.header
    plan = msgspec.structs.replace(header.plan, effort=effort)
    return msgspec.structs.replace(
        study, header=msgspec.structs.replace(header, plan=plan), runs=parts[0].study.runs, hosts=()
    )


def header_of_hosts(study: Study) -> Header:
    """Return the header by which a history knows the host of a study.

    The host of a fleet is named after its kinds, with their numbers: studies of other kinds, or of another number of
    hosts, estimate other means.
    """
    study = of_one_host(study)
    kinds = kinds_of([part.host for part in host_parts(study)])
    if not kinds:
        return study.header
    count = sum(len(kind.hosts) for kind in kinds)
    of = sorted(f"{len(kind.hosts)} of {kind.label}" for kind in kinds)
    host = msgspec.structs.replace(study.header.host, cpu_model=f"fleet of {count}: {'; '.join(of)}")
    return msgspec.structs.replace(study.header, host=host)


def by_key(parts: Iterable[Iterable[Item]], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Group what was computed for each host by what it is about, in the order of the first hosts."""
    found: dict[Key, list[Item]] = defaultdict(list)
    for part in parts:
        for item in part:
            found[key(item)].append(item)
    return found


def host_spread(found: Spread | None, scale: Scale) -> HostSpread | None:
    """Return the spread between hosts as a result; of ratios, as a fraction."""
    if found is None:
        return None
    sd, lo, hi = (_plain(end, scale) for end in (found.sd, found.lo, found.hi))
    return HostSpread(sd=sd, lo=lo, hi=hi, p=found.p)


def _plain(end: float, scale: Scale) -> float:
    return float(np.expm1(min(end, _LARGEST))) if scale == "ratio" else end


def same_kind(one: Host, other: Host) -> bool:
    """Return whether two hosts are of the same kind: ratios of builds are comparable across them."""
    return _kind(one) == _kind(other)


def kinds_of(hosts: Sequence[FleetHost]) -> tuple[HostKind, ...]:
    """Group hosts by kind, the kind with the most hosts first."""
    groups: dict[tuple[object, ...], list[FleetHost]] = defaultdict(list)
    for one in hosts:
        groups[_kind(one.host)].append(one)
    ordered = sorted(groups.values(), key=len, reverse=True)
    labels = [_label(group[0].host) for group in ordered]
    return tuple(
        HostKind(
            label=label if labels.count(label) == 1 else f"{label}, {_more(group[0].host)}",
            hosts=tuple(one.name for one in group),
        )
        for label, group in zip(labels, ordered, strict=True)
    )


def _part(study: Study, host: FleetHost, runs: Sequence[Run], blocks: int) -> Study:
    plan = study.header.plan
    effort = msgspec.structs.replace(plan.effort, blocks=blocks)
    header = msgspec.structs.replace(
        study.header,
        host=host.host,
        interpreters=host.interpreters,
        plan=msgspec.structs.replace(plan, cpus=host.cpus, effort=effort),
    )
    return Study(header=header, runs=tuple(runs))


def _kind(host: Host) -> tuple[object, ...]:
    return host.system, host.machine, host.cpu_model, host.cores, host.quota, host.virtualisation


def _label(host: Host) -> str:
    virtual = f", {host.virtualisation}" if host.virtualisation else ""
    return f"{host.cpu_model}, {host.cores} core{'s'[: host.cores != 1]}{virtual}"


def _more(host: Host) -> str:
    """Return what else distinguishes two kinds."""
    quota = "" if host.quota is None else f", quota of {host.quota:g} CPUs"
    return f"{host.system} {host.machine}{quota}"
