"""A history of ten thousand studies: how long it takes to look into, and how large it is."""

from __future__ import annotations

import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from bench_row import Row

from gilbench.host.description import describe_host
from gilbench.host.process import capture
from gilbench.interpreters import select
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell
from gilbench.model.study import Header
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.store.history import History

STUDIES = 10_000
_WORKLOADS = tuple(f"work{number}" for number in range(5))
_FIGURES = ("throughput", "relative", "speedup", "cpu_utilisation", "memory_peak")
_NOISE = 0.01
_STEP = 0.97  # in the last quarter of the first workload


def history_times() -> Iterator[Row]:
    """Fill a history and time ``detect`` and ``show`` as a user calls them, in fresh processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        _fill(path)
        size = path.stat().st_size / 2**20
        what = f"history of {STUDIES} studies of {len(_WORKLOADS) * len(_FIGURES)} figures"
        yield Row(f"{what}, MiB", size, None, None, "< 191", size < 191)
        script = str(Path(sys.executable).with_name("gilbench"))
        for command, aim in ((["detect", "--workload", "work0"], 2.0), (["show", "work0"], 0.5)):
            taken = []
            for _ in range(5):
                began = time.monotonic()
                done = capture([script, "history", *command, "--database", str(path)], seconds=60)
                taken.append(time.monotonic() - began)
                assert done.status == 0, done.stderr  # noqa: S101 - a failure has no time
            best = sorted(taken)[len(taken) // 2]
            yield Row(f"history {command[0]}, s", best, min(taken), max(taken), f"< {aim:g}", best < aim)


def _fill(path: Path) -> None:
    base = select([sys.executable]).interpreters[0]
    plan = make_plan([], effort=EFFORTS["quick"], interpreters=[base], workloads=[], reference="base", seed=1)
    first = datetime(2020, 1, 1, tzinfo=UTC)
    header = Header(
        gilbench="bench",
        created=first.isoformat(),
        host=describe_host(),
        plan=plan,
        interpreters=(base,),
        workloads=(),
    )
    rng = random.Random(1)
    with History(path, create=True) as history:
        for number in range(STUDIES):
            when = (first + timedelta(hours=number)).isoformat()
            cells = [
                _cell(workload, metric, _value(rng, workload, number))
                for workload in _WORKLOADS
                for metric in _FIGURES
            ]
            history.add(
                header, cells, f"{number:064x}", commit=f"{number:040x}", committed=when, branch="main"
            )


def _value(rng: random.Random, workload: str, number: int) -> float:
    step = _STEP if workload == _WORKLOADS[0] and number >= STUDIES * 3 // 4 else 1.0
    return step * math.exp(rng.gauss(0, _NOISE))


def _cell(workload: str, metric: str, value: float) -> Cell:
    known = METRICS[metric]
    plain = {
        "family": "cpu",
        "interpreter": "new",
        "threads": 2,
        "parameters": (),
        "observers": (),
        "blocks": 5,
    }
    return msgspec.convert(
        {
            **plain,
            "workload": workload,
            "metric": metric,
            "unit": known.unit,
            "better": known.better,
            "value": value,
            "lo": value * 0.99,
            "hi": value * 1.01,
            "gil": None,
            "switch_interval": None,
            "cpus": None,
        },
        Cell,
    )
