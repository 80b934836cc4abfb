"""Times of the history's commands on PostgreSQL over SQLite: ``python ci/bench_postgresql.py``.

Both have the same ten thousand studies of a default run. PostgreSQL is started in a temporary folder with its default
settings, and stopped at the end. The commands of both take turns.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
from psycopg import sql

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from bench_row import Row
from postgresql_server import running_server

from gilbench.analyse.study.report import build_report
from gilbench.host.capture import capture
from gilbench.store.history import History
from gilbench.store.history_records import FIGURE
from gilbench.store.history_tables import HISTORY, METADATA
from gilbench.store.study import read_study

STUDIES = 10_000
MOST = 2.0  # times SQLite's time
REPETITIONS = 7
_STUDY = Path(__file__).parent.parent / "reports" / "reference" / "quick.jsonl"
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def postgresql_times() -> Iterator[Row]:
    """Fill both databases, and time each command on them."""
    with tempfile.TemporaryDirectory() as folder, running_server(fsync=True) as server:
        file = Path(folder) / "history.sqlite"
        _fill(file)
        url = server.url("postgres")
        _copy(file, url)
        workload = build_report(read_study(_STUDY)).cells[0].case.workload
        for words in (("list",), ("detect",), ("show", workload), ("add",)):
            yield _row(words, [str(file), url], Path(folder))


def _row(words: tuple[str, ...], databases: list[str], folder: Path) -> Row:
    taken: list[list[float]] = [[], []]
    for turn in range(REPETITIONS + 1):
        for times, database in zip(taken, databases, strict=True):
            given = [str(_another_study(folder, turn))] if words == ("add",) else []
            times.append(_time([*words, *given, "--database", database]))
    # The first turn fills caches.
    ratios = sorted(server / file for file, server in zip(taken[0][1:], taken[1][1:], strict=True))
    middle = statistics.median(ratios)
    seconds = " and ".join(f"{statistics.median(times[1:]):.2f}" for times in taken)
    what = f"history {words[0]}: PostgreSQL / SQLite ({seconds} s)"
    return Row(what, middle, ratios[0], ratios[-1], f"< {MOST:g}", middle < MOST)


def _time(words: list[str]) -> float:
    began = time.monotonic()
    done = capture([str(Path(sys.executable).with_name("gilbench")), "history", *words], seconds=300)
    assert done.status == 0, done.stderr  # noqa: S101 - a failure has no time
    return time.monotonic() - began


def _another_study(folder: Path, number: int) -> Path:
    """Write the study as if it was created at another time, so that it counts as new."""
    first, rest = _STUDY.read_bytes().split(b"\n", 1)
    header: dict[str, Any] = msgspec.json.decode(first)
    header["created"] = (_FIRST + timedelta(seconds=number)).isoformat()
    path = folder / "study.jsonl"
    path.write_bytes(msgspec.json.encode(header) + b"\n" + rest)
    return path


def _fill(file: Path) -> None:
    """Add a real study, and copies of its records with noise and a step."""
    study = read_study(_STUDY)
    cells = [cell for cell in build_report(study).cells if not math.isnan(cell.value)]
    with History(file, create=True) as history:
        history.add(study.header, cells, f"{0:064}", committed=_FIRST.isoformat(), branch="main")
        entry = history.studies()[0]
    rng = np.random.default_rng(1)
    with closing(sqlite3.connect(file)) as connection, connection:
        records = connection.execute("SELECT layout, figures FROM gilbench_records").fetchall()
        for number in range(1, STUDIES):
            new = entry._replace(
                id=entry.id + number,
                digest=f"{number:064}",
                commit=f"{number:040x}",
                moment=entry.moment + 3600 * number,
            )
            marks = ", ".join("?" * len(new))
            connection.execute(f"INSERT INTO gilbench_studies VALUES ({marks})", new)  # noqa: S608
            changed = [(layout, new.id, _changed(rng, number, packed)) for layout, packed in records]
            connection.executemany("INSERT INTO gilbench_records VALUES (?, ?, ?)", changed)


def _changed(rng: np.random.Generator, number: int, packed: bytes) -> bytes:
    figures = np.frombuffer(packed, FIGURE).copy()
    step = 0.97 if number >= STUDIES * 3 // 4 else 1.0
    factors = np.exp(rng.normal(0, 0.01, len(figures)))
    factors[::4] *= step
    for name in ("value", "lo", "hi"):
        figures[name] *= factors
    return figures.tobytes()


def _copy(file: Path, url: str) -> None:
    """Copy a history from SQLite."""
    History(url, create=True).close()
    with closing(sqlite3.connect(file)) as source, psycopg.connect(url, autocommit=True) as target:
        for table in METADATA.sorted_tables:
            if table is HISTORY:
                continue
            names = [column.name for column in table.columns]
            listed = ", ".join(f'"{name}"' for name in names)
            flags = {names.index(column.name) for column in table.columns if column.type.python_type is bool}
            copying = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with target.cursor() as cursor, cursor.copy(copying) as rows:
                for row in source.execute(f"SELECT {listed} FROM {table.name}"):  # noqa: S608
                    rows.write_row(
                        [bool(one) if at in flags and one is not None else one for at, one in enumerate(row)]
                    )
            if "id" in names:
                target.execute(
                    sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {}").format(
                        table.name, sql.Identifier(table.name)
                    )
                )
        target.execute("ANALYZE")  # as the server does by itself, but later


if __name__ == "__main__":
    for row in postgresql_times():
        within = f"{row.lo:.2f} to {row.hi:.2f}" if row.lo is not None and row.hi is not None else ""
        print(
            f"{row.what}: {row.value:.2f} ({within}), aim {row.aim}: {'holds' if row.holds else 'MISSED'}",
            flush=True,
        )
