"""The page of a fleet."""

from __future__ import annotations

import msgspec

from gilbench.model.fleet import FleetStatus, HostStatus
from gilbench.model.metrics import write
from gilbench.render.page import Column, Page, Section, Sentences, Table, Text

SCHEMA = 1
_SHOWN = 8  # interpreters


def fleet_page(status: FleetStatus) -> Page:
    """Lay out the hosts of a fleet."""
    fitting = sum(host.fits for host in status.hosts)
    hosts = "1 host" if len(status.hosts) == 1 else f"{len(status.hosts)} hosts"
    others = [host.name for host in status.hosts if not host.fits]
    advice = (
        [f"Install gilbench {status.gilbench} ({status.digest}) on {', '.join(others)}"] if others else []
    )
    if not status.hosts:
        advice.append(f"Add a host: gilbench fleet serve --join {status.scheduler}")
    return Page(
        title=f"Fleet {status.scheduler}",
        lead=(
            f"{hosts}, {fitting} with the gilbench of this machine: {status.gilbench} ({status.digest})",
            f"The scheduler has gilbench {status.scheduler_gilbench} ({status.scheduler_digest})",
        ),
        parts=(
            *((_table(status),) if status.hosts else ()),
            *((Sentences("Suggestions", tuple(advice)),) if advice else ()),
        ),
        document={"schema": SCHEMA, "kind": "fleet", **msgspec.to_builtins(status)},
        rows=map(msgspec.to_builtins, status.hosts),
    )


def _table(status: FleetStatus) -> Table:
    return Table(
        title="Hosts",
        columns=(
            Column("host", "left"),
            Column("gilbench", "left"),
            Column("measures", "left", folds=True),
            Column("blocks"),
            Column("cores"),
            Column("memory"),
            Column("CPU", "left", folds=True),
            Column("interpreters", "left", folds=True),
        ),
        sections=(Section(tuple(map(_row, status.hosts))),),
    )


def _row(host: HostStatus) -> tuple[str | Text, ...]:
    more = len(host.interpreters) - _SHOWN
    names = ", ".join(host.interpreters[:_SHOWN]) + (f", and {more} more" if more > 0 else "")
    return (
        host.name,
        Text(host.gilbench, "good") if host.fits else Text(f"{host.gilbench} ({host.digest}) differs", "bad"),
        host.doing or "nothing",
        str(host.blocks),
        str(host.cores),
        write(host.memory, "B"),
        host.cpu_model,
        names,
    )
