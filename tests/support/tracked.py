"""Histories with known changes, in memory and in a database."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from histories import cell, header

from gilbench.analyse.study.lasting import lasting_changes
from gilbench.model.history import Entry, FeedMemory, Series, TrackedHistory, TrackedSeries
from gilbench.model.results import Known
from gilbench.model.study import Case
from gilbench.render.site.links import SiteLinks
from gilbench.render.site.site import HistorySite
from gilbench.store.history import History
from gilbench.store.history_records import FIGURE

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "../../<script>alert(1)</script>\"'&\n\x1b[31m{{ 7 * 7 }}]]>" + "x" * 5000
LINKS = SiteLinks("https://example.com/commit/{commit}", "https://example.com/site/")


def entry(day: int, **changes: Any) -> Entry:
    """One study a day."""
    plain = Entry(
        id=day + 1,
        digest=f"{day:064x}",
        moment=(START + timedelta(days=day)).timestamp(),
        created="2026-01-01T00:00:00+00:00",
        commit=f"c{day:039d}",
        branch="main",
        label=None,
        host="some CPU, 2 cores",
        reference_build="3.13 (CPython 3.13.5)",
    )
    return plain._replace(**changes)


def series(name: str = "countdown", threads: int = 4, **changes: Any) -> Series:
    """A series that is relative to 3.13."""
    case = Case(workload=name, interpreter=changes.pop("interpreter", "3.14t"), threads=threads)
    return Series(1, case, "", "3.13", "relative", "x", "higher")._replace(**changes)


def values(count: int, *steps: tuple[int, float], seed: int = 1) -> list[float]:
    """Values with noise of 1 % around 1, and around each step's level from its place on."""
    noise, level, found = random.Random(seed), 1.0, []
    for place in range(count):
        level = next((after for at, after in steps if at == place), level)
        found.append(level * math.exp(noise.gauss(0, 0.01)))
    return found


def tracked(
    one: Series, found: Sequence[float], studies: Sequence[Entry], at: Sequence[int] | None = None
) -> TrackedSeries:
    """A series with values in some studies, by default in the first."""
    places = np.array(range(len(found)) if at is None else at, np.intp)
    figures = np.array([(value, value * 0.99, value * 1.01, 5) for value in found], FIGURE)
    changes = lasting_changes(one, studies, places, figures["value"])
    return TrackedSeries(one, places, figures, tuple(changes))


def history(*found: TrackedSeries, studies: Sequence[Entry]) -> TrackedHistory:
    """A history of some series."""
    return TrackedHistory(tuple(studies), tuple(one.series for one in found), found)


STUDIES = [entry(day) for day in range(60)]


def example(studies: Sequence[Entry] = STUDIES) -> TrackedHistory:
    """Two regressions, an improvement, a series without changes, and a short one."""
    return history(
        tracked(series("steady"), values(60), studies),
        tracked(series("better"), values(60, (30, 1.1)), studies),
        tracked(series("worse"), values(60, (20, 0.9)), studies),
        tracked(
            series("worse", 2, interpreter="3.15t", better="lower", metric="latency_p99", unit="s"),
            values(60, (40, 1.2)),
            studies,
        ),
        tracked(series("young"), values(5), studies),
        studies=studies,
    )


def files_of(
    found: TrackedHistory,
    links: SiteLinks = LINKS,
    feed: FeedMemory | None = None,
    last: int = 100,
    known: Sequence[Known] = (),
) -> tuple[dict[str, str], HistorySite]:
    """The files of a site, and the site."""
    made = HistorySite(found, links, feed or FeedMemory(), last, known)
    names = made.names()
    files = dict(made.files())
    assert set(files) <= set(names)
    return files, made


def database(path: Path, levels: dict[str, Sequence[float]]) -> Path:
    """A history with a value of each workload in each study, of one interpreter."""
    with History(path, create=True) as made:
        for day, row in enumerate(_rows(levels)):
            cells = [cell(value, workload=name) for name, value in row.items()]
            made.add(header(day), cells, f"{day:064}", commit=f"c{day:039d}", branch="main")
    return path


def _rows(levels: dict[str, Sequence[float]]) -> Iterator[dict[str, float]]:
    for day in range(max(map(len, levels.values()))):
        yield {name: found[day] for name, found in levels.items() if day < len(found)}
