"""Threads by the pattern of their names."""

from __future__ import annotations

import msgspec
import pytest
from profiles import make_thread

from gilbench.model.profile import Blame, Bucket, Parked, ProfiledThread
from gilbench.model.threads import pattern_of, sum_of, summed_up


def requests(count: int, **fields: object) -> list[ProfiledThread]:
    return [make_thread(number, 0.001, 0.002, name=f"request-{number}", **fields) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("request-17", "request-*"),
        ("Thread-3 (work)", "Thread-* (work)"),
        ("pool_2-4", "pool_*-*"),
        (None, None),
    ],
)
def test_digits_of_a_name_are_its_pattern(name: str | None, pattern: str | None) -> None:
    assert pattern_of(name) == pattern


def test_a_sum_has_the_shares_of_all_and_the_longest_times() -> None:
    waits = (Bucket(lo=0.001, hi=0.002, count=3),)
    parked = (Parked(kind="object lock", seconds=1.0, count=2, longest=0.5),)
    one = make_thread(1, 0.2, 0.3, switches=5, longest_hold=0.01, waits=waits, parked=parked)
    other = make_thread(2, 0.1, 0.1, switches=7, longest_hold=0.03, waits=waits, parked=parked)
    total = sum_of([one, other], "pool")
    assert (total.gil_held, total.gil_wait, total.alive) == pytest.approx((0.3, 0.4, 2.0))
    assert (total.switches, total.longest_hold, total.count) == (12, 0.03, 2)
    assert total.waits == (Bucket(lo=0.001, hi=0.002, count=6),)
    assert total.parked == (Parked(kind="object lock", seconds=2.0, count=4, longest=0.5),)


def test_a_sum_of_what_is_partly_unknown_is_unknown() -> None:
    total = sum_of([make_thread(1, 0.2, 0.3), make_thread(2, 0.1, None)])
    assert total.gil_wait is None
    assert total.gil_held == pytest.approx(0.3)


def test_sums_can_be_summed_up_again() -> None:
    first, second = sum_of(requests(3)), sum_of(requests(4))
    assert sum_of([first, second]).count == 7


def test_many_threads_of_one_pattern_share_a_row_and_others_keep_theirs() -> None:
    threads = [make_thread(99, 0.5, name="MainThread"), *requests(20)]
    rows = summed_up(threads, most=10).threads
    assert [(row.name, row.count) for row in rows] == [("MainThread", 1), ("request-*", 20)]
    assert rows[1].gil_held == pytest.approx(0.02)
    assert summed_up(threads, most=20).threads == tuple(threads)


def test_threads_of_two_processes_do_not_share_a_row() -> None:
    other = [msgspec.structs.replace(one, pid=200, tid=one.tid + 1000) for one in requests(20)]
    rows = summed_up([*requests(20), *other], most=10).threads
    assert [(row.pid, row.count) for row in rows] == [(100, 20), (200, 20)]


def test_blames_follow_their_threads_to_the_rows() -> None:
    threads = [make_thread(99, 0.5, name="MainThread"), *requests(20)]
    blames = [Blame(holder=99, waiter=number, seconds=0.1, count=1) for number in range(20)]
    rows = summed_up(threads, 10, blames)
    (blame,) = rows.blames
    assert (blame.holder, blame.count) == (99, 20)
    assert blame.seconds == pytest.approx(2.0)
    assert blame.waiter in {row.tid for row in rows.threads}
