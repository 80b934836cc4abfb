"""The history under several real processes, and at the size of many years."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from gilbench.model.results import Cell
from gilbench.model.study import Case, Header
from gilbench.store.history import History

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

WRITERS, EACH = 4, 15
STUDIES, SERIES = 10_000, 8


def _header(number: int) -> Header:
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    plan = {
        "profile": {
            "name": "quick",
            "blocks": 1,
            "slices": 1,
            "slice_seconds": 1.0,
            "latency_seconds": 1.0,
            "warmup_seconds": 1.0,
        },
        "cases": [],
        "seed": 1,
        "reference": "3.13",
        "cpus": [0],
        "seconds": 1.0,
    }
    host = {"system": "Linux", "kernel": "6", "machine": "x", "cpu_model": "c", "cores": 1, "memory": 1}
    fields = {"gilbench": "0", "created": created.isoformat(), "host": host, "plan": plan}
    return msgspec.convert({**fields, "interpreters": [], "workloads": []}, Header)


def _cell(threads: int, value: float) -> Cell:
    return Cell(
        case=Case(workload="countdown", interpreter="3.14t", threads=threads),
        family="cpu",
        metric="relative",
        unit="x",
        better="higher",
        value=value,
        lo=None,
        hi=None,
        blocks=3,
    )


def _write(path: str, writer: int, together: Barrier) -> None:
    together.wait(30)
    for number in range(EACH):
        with History(path, create=True) as history:
            own = [_cell(threads, writer * 1000.0 + number) for threads in (1, 2, 10 + number)]
            assert history.add(_header(number), own, f"{writer}-{number}")
            history.add(_header(number), own, f"shared-{number}")


def test_processes_that_start_one_history_and_add_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(WRITERS)
    writers = [spawn.Process(target=_write, args=(str(path), writer, together)) for writer in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    assert [process.exitcode for process in writers] == [0] * WRITERS
    with History(path) as history:
        studies = history.studies()
        assert len(studies) == len({study.digest for study in studies}) == (WRITERS + 1) * EACH
        assert sorted(series.case.threads for series in history.series()) == [1, 2, *range(10, 10 + EACH)]
        (one,) = history.series(threads=1)
        values = dict(history.values(one))
    own = {study.digest: values[study.id] for study in studies if not study.digest.startswith("shared")}
    assert own == {f"{w}-{n}": w * 1000.0 + n for w in range(WRITERS) for n in range(EACH)}


def test_ten_thousand_studies_are_small_and_quick(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History(path, create=True) as history:
        history.add(_header(0), [_cell(threads, 1.0) for threads in range(SERIES)], f"{0:064}")
        _fill(history)
        assert len(history.studies()) == STUDIES
        series = history.series(metric="relative")
        start = time.perf_counter()
        latest = history.latest(series[0], 20)
        assert time.perf_counter() - start < 0.1
        assert [point.value for _, point in latest] == [float(n) for n in range(STUDIES - 20, STUDIES)]
        start = time.perf_counter()
        assert [len(history.values(one)) for one in series] == [STUDIES] * SERIES
        assert time.perf_counter() - start < 0.5
    assert path.stat().st_size < 200e6 * SERIES / 40


def _fill(history: History) -> None:
    """Add the rest as ``add`` would, in one transaction: ten thousand take half a minute."""
    first = history.studies()[0]._asdict()
    keys = [one.id for one in history.series()]
    studies = [
        {**first, "id": first["id"] + n, "digest": f"{n:064}", "moment": first["moment"] + n}
        for n in range(1, STUDIES)
    ]
    points = [
        {"series": key, "study": study["id"], "value": float(n), "lo": 0.5, "hi": 1.5, "blocks": 3}
        for n, study in enumerate(studies, 1)
        for key in keys
    ]
    with history._engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        connection.execute(sa.insert(tables.tables["gilbench_studies"]), studies)
        connection.execute(sa.insert(tables.tables["gilbench_points"]), points)
