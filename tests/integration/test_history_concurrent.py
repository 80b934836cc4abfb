"""The history under several real processes, and at the size of many years."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from typing import TYPE_CHECKING

from histories import cell, header

from gilbench.model.history import Entry, Series
from gilbench.model.results import Cell
from gilbench.store.history import History
from gilbench.store.history_records import PackedFigure, pack

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

WRITERS, EACH = 4, 15
STUDIES, SERIES = 10_000, 30


def _cell(threads: int, value: float) -> Cell:
    return cell(value, threads=threads, lo=None, hi=None, blocks=3)


def _write(path: str, writer: int, together: Barrier) -> None:
    together.wait(30)
    for number in range(EACH):
        with History(path, create=True) as history:
            own = [_cell(threads, writer * 1000.0 + number) for threads in (1, 2, 10 + number)]
            assert history.add(header(number), own, f"{writer}-{number}")
            history.add(header(number), own, f"shared-{number}")


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
        (found,) = history.figures([one], studies)
        values = {studies[at].id: value for at, value in zip(found.at, found.rows["value"], strict=True)}
    own = {study.digest: values[study.id] for study in studies if not study.digest.startswith("shared")}
    assert own == {f"{w}-{n}": w * 1000.0 + n for w in range(WRITERS) for n in range(EACH)}


def test_ten_thousand_studies_are_small_and_quick(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History(path, create=True) as history:
        history.add(header(0), [_cell(threads, float(threads)) for threads in range(SERIES)], f"{0:064}")
        _fill(path, history.series(), history.studies()[0])
        start = time.process_time()
        studies = history.studies()
        found = list(history.figures(history.series(), studies))
        assert time.process_time() - start < 2
        assert len(studies) == STUDIES
        assert [len(one.at) for one in found] == [STUDIES] * SERIES
        assert found[3].rows["value"].tolist() == [3.0 + number for number in range(STUDIES)]
    # A default run has 700 figures; the rows of the studies are shared by its 24 metrics.
    assert path.stat().st_size - 450 * STUDIES < 200e6 * SERIES / 700


def _fill(path: Path, series: list[Series], first: Entry) -> None:
    """Add the rest as ``add`` would, in one transaction: ten thousand take minutes."""
    with sqlite3.connect(path) as connection:
        connection.executemany(
            f"INSERT INTO gilbench_studies VALUES ({', '.join('?' * len(first))})",  # noqa: S608
            [
                first._replace(id=first.id + n, digest=f"{n:064}", moment=first.moment + n)
                for n in range(1, STUDIES)
            ],
        )
        for n in range(1, STUDIES):
            figures = [PackedFigure(one.id, float(n + one.case.threads), 0.0, 2e4, 3) for one in series]
            record = (1, first.id + n, pack(figures)[1])
            connection.execute("INSERT INTO gilbench_records VALUES (?, ?, ?)", record)
    connection.close()
