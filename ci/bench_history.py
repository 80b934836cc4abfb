"""A history of ten thousand studies of a default run: its size, and how long adding and reading take."""

from __future__ import annotations

import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from bench_row import Row

from gilbench.analyse.study.report import build_report
from gilbench.host.capture import capture
from gilbench.model.history import Series
from gilbench.model.results import Cell
from gilbench.store.history import History
from gilbench.store.study import read_study
from gilbench.work.history import SeriesRequest, detect_changes

STUDIES, FIGURES = 10_000, 700
_STUDY = Path(__file__).parent.parent / "reports" / "reference" / "quick.jsonl"
_NOISE = 0.01
_STEP = 0.97  # in the last quarter of the studies, of every fourth series
_REPETITIONS = 5
_SITE_AIM = 20.0  # s


def history_times() -> Iterator[Row]:
    """Fill a history as ``history add`` does, and time each use of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        yield _row("add a study, s", _fill(path), 0.1)
        size = path.stat().st_size / (STUDIES * FIGURES)
        what = f"history of {STUDIES} studies of {FIGURES} figures, bytes per figure"
        yield Row(what, size, None, None, "< 28", size < 28)
        with History(path) as history:
            series = history.series()
        one = next(one for one in series if one.metric == "relative")
        yield _row("detect changes of one series, s", _times(partial(_detect, path, one)), 0.2)
        yield _row(
            f"detect changes of all {len(series)} series, s", _times(partial(_detect_all, path, series)), 5
        )
        script = str(Path(sys.executable).with_name("gilbench"))
        for command, aim in ((["detect"], 2.0), (["show", one.case.workload], 1.0), (["list"], 1.0)):
            words = [script, "history", *command, "--database", str(path)]
            yield _row(f"command history {command[0]}, s", _times(partial(_run, words)), aim)
        yield from _site_times(
            [script, "history", "site", str(Path(folder) / "site"), "--database", str(path)]
        )


def _site_times(words: list[str]) -> Iterator[Row]:
    """Time the first run of ``history site`` with every metric, and later runs in which nothing changed."""
    what = "command history site --metric all"
    words = [*words, "--metric", "all", "--commit-url", "https://example.com/commit/{commit}"]
    yield _row(f"{what}, first run, s", _times(partial(_run, words), 1), _SITE_AIM)
    yield _row(f"{what}, nothing changed, s", _times(partial(_run, words), 3), _SITE_AIM)


def _row(what: str, taken: list[float], aim: float) -> Row:
    middle = sorted(taken)[len(taken) // 2]
    return Row(what, middle, min(taken), max(taken), f"< {aim:g}", middle < aim)


def _times(work: Callable[[], None], repetitions: int = _REPETITIONS) -> list[float]:
    taken = []
    for _ in range(repetitions):
        began = time.monotonic()
        work()
        taken.append(time.monotonic() - began)
    return taken


def _run(words: list[str]) -> None:
    done = capture(words, seconds=60)
    assert done.status == 0, done.stderr  # noqa: S101 - a failure has no time


def _detect(path: Path, one: Series) -> None:
    case = one.case
    request = SeriesRequest(
        workload=case.workload,
        interpreter=case.interpreter,
        metric=one.metric,
        threads=case.threads,
        database=str(path),
    )
    detect_changes(request)


def _detect_all(path: Path, series: list[Series]) -> None:
    for metric in {one.metric for one in series}:
        detect_changes(SeriesRequest(metric=metric, database=str(path)))


def _fill(path: Path) -> list[float]:
    """Add studies with the results of a real one, changed at random; return the time of each."""
    study = read_study(_STUDY)
    cells = [cell for cell in build_report(study).cells if not math.isnan(cell.value)][:FIGURES]
    assert len(cells) == FIGURES, f"{_STUDY} has too few results"  # noqa: S101
    first = datetime(2020, 1, 1, tzinfo=UTC)
    rng = random.Random(1)
    taken = []
    with History(path, create=True) as history:
        for number in range(STUDIES):
            when = (first + timedelta(hours=number)).isoformat()
            late = number >= STUDIES * 3 // 4
            changed = [
                _times_factor(cell, math.exp(rng.gauss(0, _NOISE)) * (_STEP if late and not place % 4 else 1))
                for place, cell in enumerate(cells)
            ]
            began = time.monotonic()
            history.add(
                study.header,
                changed,
                f"{number:064x}",
                commit=f"{number:040x}",
                committed=when,
                branch="main",
            )
            taken.append(time.monotonic() - began)
    return taken


def _times_factor(cell: Cell, factor: float) -> Cell:
    lo, hi = (None if bound is None else bound * factor for bound in (cell.lo, cell.hi))
    return msgspec.structs.replace(cell, value=cell.value * factor, lo=lo, hi=hi)
