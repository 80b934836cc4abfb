"""Small histories: headers, cells, and what comes out."""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from postgresql_server import execute

from gilbench.model.history import Entry, Point, Series
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell
from gilbench.model.study import Build, Case, Effort, Header, Host, Interpreter, Plan
from gilbench.store.history import History
from gilbench.store.history_records import as_points

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "=cmd()|<script>]]>\n\x1b[31m[red]" + "x" * 10_000


def header(day: int = 0, *, reference: str = "3.13", cpu: str = "some CPU") -> Header:
    build = Build(implementation="CPython", version="3.13.5", version_info=(3, 13, 5))
    return Header(
        gilbench="0.1",
        created=(START + timedelta(days=day)).isoformat(),
        host=Host(system="Linux", kernel="6.1", machine="x86_64", cpu_model=cpu, cores=2, memory=8 << 30),
        plan=Plan(
            effort=Effort(
                name="quick", blocks=3, slices=9, slice_seconds=0.01, latency_seconds=0.1, warmup_seconds=1
            ),
            cases=(),
            seed=1,
            reference=reference,
            cpus=(0, 1),
            seconds=1.0,
        ),
        interpreters=(Interpreter(name="3.13", executable="/p", binary="/p", build=build, gil_enabled=True),),
        workloads=(),
    )


def cell(value: float, **changed: Any) -> Cell:
    """A cell; fields of its case are changed by their names, too."""
    case: dict[str, Any] = {"workload": "countdown", "interpreter": "3.14t", "threads": 4}
    case |= {name: changed.pop(name) for name in list(changed) if name in Case.__struct_fields__}
    metric = METRICS.get(changed.get("metric", "relative"), METRICS["relative"])
    plain = Cell(
        case=Case(**case),
        family="cpu",
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        value=value,
        lo=value * 0.99,
        hi=value * 1.01,
        blocks=5,
    )
    return msgspec.structs.replace(plain, **changed)


def points(history: History) -> list[tuple[Series, Entry, Point]]:
    """All points of a history."""
    studies = history.studies()
    return [
        (found.series, studies[at], point)
        for found in history.figures(history.series(), studies)
        for at, point in zip(
            found.at, as_points([studies[at].id for at in found.at], found.rows), strict=True
        )
    ]


def fill(place: str | Path) -> None:
    """Add 60 studies with a regression of 5 % at the 41st."""
    noise = random.Random(1)
    with History(place, create=True) as history:
        for day in range(60):
            value = (1.0 if day < 40 else 0.95) * math.exp(noise.gauss(0, 0.01))
            cells = [cell(value), cell(0.01, metric="latency_p99", unit="s", better="lower")]
            history.add(header(day), cells, f"{day:064}", commit=f"c{day}", branch="main")


def change(place: str, query: str) -> None:
    """Execute a query behind gilbench's back."""
    if "://" in place:
        execute(place, query)
        return
    with contextlib.closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(query)
