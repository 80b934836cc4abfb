"""Which threads share a row of a page."""

from __future__ import annotations

import math

import msgspec
import pytest
from profiles import make_thread

from gilbench.analyse.profile.groups import rows_of
from gilbench.model.profile import Blame, ProfiledThread
from gilbench.model.threads import sum_of


def labels(*threads: ProfiledThread) -> list[str]:
    return [row.label for row in rows_of(threads).rows]


def pool(count: int, name: str = "feeder", first: int = 1, **fields: object) -> list[ProfiledThread]:
    return [
        make_thread(first + n, 0.001, 0.002, name=f"{name}-{n}", switches=3, **fields) for n in range(count)
    ]


def test_a_thousand_threads_are_one_row_beside_the_hot_ones() -> None:
    hot = [make_thread(2000 + n, 0.48, 0.5, name=f"hot-{n}") for n in (1, 2)]
    assert labels(*hot, *pool(1000)) == ["hot-1", "hot-2", "feeder-* (1000 threads)"]


def test_a_few_threads_of_one_pattern_are_no_group() -> None:
    assert labels(*pool(3)) == ["feeder-0", "feeder-1", "feeder-2"]


def test_who_holds_the_gil_is_shown_alone_even_out_of_many() -> None:
    hog = make_thread(999, 0.9, name="feeder-999")
    assert labels(*pool(50), hog) == ["feeder-* (50 threads)", "feeder-999"]


def test_a_group_of_one_name_has_that_name() -> None:
    threads = [make_thread(n, 0.01, name="worker 3") for n in range(20)]
    assert labels(*threads) == ["worker 3 (20 threads)"]


def test_nameless_threads_count_with_the_only_group_of_their_process() -> None:
    nameless = [make_thread(5000 + n, 0.001, name=None, switches=2) for n in range(30)]
    (row,) = rows_of([*pool(20), *nameless]).rows
    assert (row.label, row.unnamed, row.total.count) == ("feeder-* (50 threads)", 30, 50)
    several = rows_of([*pool(20), *pool(20, "request", 100), *nameless])
    assert [row.unnamed for row in several.rows] == [0, 0, 0], "nobody knows whose they are"


def test_threads_that_never_took_the_gil_are_nobodys() -> None:
    foreign = [make_thread(5000 + n, name=None, switches=0) for n in range(30)]
    assert labels(*pool(20), *foreign) == ["feeder-* (20 threads)", "unnamed (30 threads)"]


def test_a_row_that_was_a_sum_before_is_a_group() -> None:
    (row,) = rows_of([sum_of(pool(5000), "feeder-*")]).rows
    assert row.label == "feeder-* (5000 threads)"
    assert row.many


def test_names_of_two_processes_are_told_apart() -> None:
    other = msgspec.structs.replace(make_thread(7, 0.5, name="MainThread"), pid=7)
    assert labels(make_thread(100, 0.5, name="MainThread"), other) == ["MainThread [100]", "MainThread [7]"]


def test_blames_are_added_up_by_row() -> None:
    rows = rows_of([make_thread(999, 0.9, name="hot"), *pool(50)])
    blames = [Blame(holder=999, waiter=tid, seconds=0.1, count=2) for tid in range(1, 51)]
    (blame,) = rows.blames(blames)
    assert (rows.rows[blame.holder].label, rows.rows[blame.waiter].label) == ("hot", "feeder-* (50 threads)")
    assert blame.seconds == pytest.approx(5.0)
    assert blame.count == 100
    assert rows.label(999) == "hot"
    assert rows.blames([Blame(holder=4, waiter=777_777, seconds=1.0, count=1)]) == ()


def test_as_many_as_are_wanted_stay_apart() -> None:
    hog = make_thread(999, 0.9, name="feeder-999")
    assert [row.label for row in rows_of([*pool(2), hog], apart=1).rows] == ["feeder-* (3 threads)"]
    assert len(rows_of([*pool(50), hog], apart=math.inf).rows) == 51
    alone = make_thread(1, 0.1, name="alone-1")
    assert [row.label for row in rows_of([alone], apart=1).rows] == ["alone-1"]
