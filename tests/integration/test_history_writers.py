"""Fifty writers that add real study files to one history on PostgreSQL at once."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from histories import points
from postgresql_server import Server
from studies import StudyBuilder, make_workload, named, save

from gilbench.model.errors import StudyError
from gilbench.store.history import History
from gilbench.work.history import add_study

PROCESSES, THREADS = 5, 10  # writers: each thread has its own connection
OWN, SHARED = 1, 2  # study files of each writer, and of all
SOON = 60.0  # s
_met: Barrier | None = None


def write_study(path: Path, rate: float) -> Path:
    """Write a study whose second interpreter is ``rate`` times as fast as the first."""
    builder = StudyBuilder([named("3.13"), named("3.14")], [make_workload()])
    for threads in (1, 2):
        builder.work("countdown", "3.13", 100.0, threads=threads)
        builder.work("countdown", "3.14", 100.0 * rate, threads=threads)
    return save(builder.study(), path)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Study files; those of all writers come last."""
    count = PROCESSES * THREADS * OWN + SHARED
    return [write_study(tmp_path / f"{number}.jsonl", 1.0 + number / 1000) for number in range(count)]


@pytest.fixture
def name(postgresql: Server) -> Iterator[str]:
    """An empty database: the writers also create the tables."""
    with postgresql.database() as name:
        yield name


def remember(barrier: Barrier) -> None:
    global _met  # noqa: PLW0603 - a process gets it once, when it starts
    _met = barrier


def add_all(url: str, work: list[list[str]]) -> list[tuple[str, bool]]:
    """Add files in one process, one thread for each list. Return whether each of them was new."""
    assert _met
    _met.wait(SOON)
    with ThreadPoolExecutor(len(work)) as pool:
        return [pair for pairs in pool.map(partial(add_in_turn, url), work) for pair in pairs]


def add_in_turn(url: str, paths: list[str]) -> list[tuple[str, bool]]:
    return [(path, add_at_last(url, Path(path))) for path in paths]


def add_at_last(url: str, path: Path) -> bool:
    """Add a study, again if the server cannot be reached, as the message says. Return whether it was new."""
    end = time.monotonic() + SOON
    while True:
        try:
            return add_study(path, database=url).new
        except StudyError as error:
            if "Connection refused" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.1)


def orders(files: list[Path]) -> list[list[list[str]]]:
    """Return the files of each thread of each process, in an order of its own."""
    paths, rng = [str(path) for path in files], random.Random(1)
    shared = paths[-SHARED:]
    work = []
    for first in range(0, len(paths) - SHARED, OWN):
        work.append([*paths[first : first + OWN], *shared])
        rng.shuffle(work[-1])
    return [work[first : first + THREADS] for first in range(0, len(work), THREADS)]


@pytest.mark.parametrize("restarts", [False, True], ids=["", "the server restarts"])
def test_fifty_writers_at_once_lose_nothing_and_add_nothing_twice(
    restarts: bool, postgresql: Server, name: str, files: list[Path], tmp_path: Path
) -> None:
    url, spawn = postgresql.url(name), multiprocessing.get_context("spawn")
    with spawn.Pool(PROCESSES, remember, [spawn.Barrier(PROCESSES)]) as pool:
        running = pool.map_async(partial(add_all, url), orders(files), chunksize=1)
        if restarts:
            wait_for_studies(postgresql, name)
            postgresql.control("restart", "-m", "immediate")
        added = [pair for pairs in running.get(4 * SOON) for pair in pairs]
    assert len(added) == PROCESSES * THREADS * (OWN + SHARED)
    assert sorted(path for path, new in added if new) == sorted(map(str, files))
    in_turn = str(tmp_path / "history.sqlite")
    for path in files:
        add_study(path, database=in_turn)
    assert content(url) == content(in_turn)


def content(place: str) -> list[tuple[object, ...]]:
    """Return all figures of a history without its keys, which depend on the order of additions."""
    with History(place) as history:
        assert len(history.studies()) == PROCESSES * THREADS * OWN + SHARED
        return sorted(
            (study.digest, repr(series._replace(id=0)), repr(point._replace(study=0)))
            for series, study, point in points(history)
        )


def wait_for_studies(server: Server, name: str) -> None:
    """Wait until some studies, but not all, are in a history."""
    end = time.monotonic() + SOON
    exists = "SELECT count(*) FROM pg_tables WHERE tablename = 'gilbench_studies'"
    while server.execute(exists, name) == [(0,)] or server.execute(
        "SELECT count(*) < 10 FROM gilbench_studies", name
    ) == [(True,)]:
        assert time.monotonic() < end
        time.sleep(0.01)
