"""Histories of older versions: converted as a whole or not at all, by one process."""

from __future__ import annotations

import math
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from histories import cell, header
from postgresql_server import execute
from sqlalchemy.exc import OperationalError

from gilbench.model.errors import StudyError
from gilbench.store import history as history_store
from gilbench.store.history import Figures, History
from gilbench.store.history_versions import convert

# Dumps of a history that version 1 wrote, by database.
OLD = Path(__file__).with_name("history_version_1.sql")
OLD_POSTGRESQL = Path(__file__).with_name("history_version_1.postgresql.sql")
UNBIND = "ALTER TABLE gilbench_points DROP CONSTRAINT gilbench_points_series_fkey"
DAMAGED = [
    ("sqlite", "UPDATE gilbench_points SET value = 'many' WHERE study = 7"),
    ("sqlite", "UPDATE gilbench_points SET blocks = -1e300 WHERE study = 7"),
    ("sqlite", "DELETE FROM gilbench_series WHERE threads = 8"),
    ("sqlite", "DROP TABLE gilbench_points"),
    ("postgresql", "DROP TABLE gilbench_points"),
    ("postgresql", "ALTER TABLE gilbench_points DROP COLUMN blocks"),
    ("postgresql", f"{UNBIND}; DELETE FROM gilbench_series WHERE threads = 8"),  # noqa: S608
]


@pytest.fixture
def old(place: str) -> str:
    change(place, (OLD_POSTGRESQL if "://" in place else OLD).read_text("utf-8"))
    return place


def change(place: str, script: str) -> None:
    if "://" in place:
        execute(place, script)
        return
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(script)


def rows(place: str, query: str) -> list[tuple[object, ...]]:
    if "://" in place:
        return execute(place, query)
    with closing(sqlite3.connect(place)) as connection:
        return connection.execute(query).fetchall()


def content(place: str) -> object:
    """Return all that is in a history."""
    if "://" not in place:
        return Path(place).read_bytes()
    names = rows(place, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return {name: rows(place, f"SELECT t::text FROM {name} t ORDER BY 1") for (name,) in names}  # noqa: S608


def read(place: str, *, create: bool = False) -> dict[tuple[str, int], Figures]:
    with History(place, create=create) as history:
        figures = history.figures(history.series(), history.studies())
        return {(one.series.metric, one.series.case.threads): one for one in figures}


@pytest.mark.parametrize("create", [False, True])
def test_every_figure_of_an_old_history_is_there(create: bool, old: str) -> None:
    points = "SELECT value, lo, hi, blocks FROM gilbench_points JOIN gilbench_series ON series = id"
    before = {
        key: rows(old, f"{points} WHERE metric = '{key[0]}' AND threads = {key[1]} ORDER BY study")
        for key in (("relative", 4), ("latency_p99", 4), ("relative", 8))
    }
    found = read(old, create=create)
    assert found.keys() == before.keys()
    for key, expected in before.items():
        value, lo, hi, blocks = zip(*expected, strict=True)
        got = found[key].rows
        assert tuple(got["value"]) == value
        assert tuple(got["blocks"]) == tuple(min(count, 65535) for count in blocks)
        for bound, name in ((lo, "lo"), (hi, "hi")):
            wanted = [math.nan if one is None else one for one in bound]
            assert got[name].tolist() == pytest.approx(wanted, rel=1e-7, nan_ok=True)
    assert found["relative", 8].at.tolist() == [0, 3, 6]
    assert found["latency_p99", 4].rows["value"][3] == math.inf
    with History(old) as history:
        studies = history.studies()
    assert [(study.commit, study.branch) for study in studies[:2]] == [("c0", None), ("c1", "main")]


def test_a_conversion_happens_once_and_leaves_nothing_of_the_old_tables(old: str) -> None:
    read(old)
    assert rows(old, "SELECT version FROM gilbench_history") == [(2,)]
    with pytest.raises(Exception, match=r"no such table|does not exist"):
        rows(old, "SELECT 1 FROM gilbench_points")
    if "://" not in old:
        assert rows(old, "PRAGMA freelist_count") == [(0,)]
    before = content(old)
    read(old)
    assert content(old) == before


@pytest.mark.parametrize(("place", "damage"), DAMAGED, indirect=["place"])
def test_a_damaged_old_history_is_an_error_of_two_lines_and_stays_as_it_is(damage: str, old: str) -> None:
    change(old, damage)
    before = content(old)
    with pytest.raises(StudyError, match="--database") as caught:
        read(old)
    assert len(str(caught.value).splitlines()) == 2
    assert content(old) == before


def test_an_interrupted_conversion_leaves_the_old_history(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(connection: object) -> None:
        convert(connection)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    before = rows(old, "SELECT * FROM gilbench_points")
    with monkeypatch.context() as patch:
        patch.setattr(history_store, "convert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read(old)
    assert rows(old, "SELECT * FROM gilbench_points") == before
    assert rows(old, "SELECT version FROM gilbench_history") == [(1,)]
    assert len(read(old)) == 3


def test_a_negative_value_which_no_version_could_export_is_left_out(old: str) -> None:
    change(old, "UPDATE gilbench_points SET value = -1 WHERE series = 1 AND study = 4")
    assert read(old)["relative", 8].at.tolist() == [0, 6]


def test_two_that_open_an_old_history_at_once_convert_it_once(old: str) -> None:
    together = threading.Barrier(4)
    found: list[dict[tuple[str, int], Figures]] = []

    def use() -> None:
        together.wait(30)
        found.append(read(old))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(one["relative", 4].at) for one in found] == [8] * 4


def test_an_old_history_that_cannot_be_written_says_so(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise OperationalError("", None, Exception("attempt to write a readonly database"))

    monkeypatch.setattr(history_store, "convert", refused)
    with pytest.raises(StudyError, match=r"cannot convert the history .*readonly"):
        read(old)


def test_a_study_is_added_to_a_converted_history(old: str) -> None:
    """Its keys continue those of the old one."""
    with History(old, create=True) as history:
        assert history.add(header(99), [cell(1.0), cell(2.0, threads=64)], "f" * 64)
    found = read(old)
    assert found["relative", 64].at.tolist() == [8]
    assert len(found["relative", 4].at) == 8 + 1
