"""Segments of a profile that is still being taken."""

from __future__ import annotations

import pytest
from profiles import make_profile, make_thread

from gilbench.analyse.profile.segments import Segments, joined, segments
from gilbench.analyse.profile.whatif import what_if
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.threads import sum_of


def reading(duration: float, *threads: ProfiledThread) -> Profile:
    return make_profile(*threads, duration=duration)


def ended(number: int, seconds: float, duration: float) -> list[ProfiledThread]:
    """Threads that have ended, each of which held the GIL for some seconds of a duration."""
    share = seconds / duration
    return [make_thread(n, share, name=f"request-{n}", alive=share, switches=1) for n in range(number)]


def test_ended_threads_do_not_make_later_segments_longer() -> None:
    """200 threads end each second; a segment has one row for all of them."""
    found = Segments(100)
    for second in range(1, 51):
        found.add(reading(float(second), *ended(200 * second, 0.002, second)))
    pieces = found.finish(reading(51.0, *ended(200 * 51, 0.002, 51.0)))
    assert len(pieces) == 51
    assert max(len(piece.threads) for piece in pieces) == 1
    assert all(sum(thread.gil_held or 0.0 for thread in one.threads) == pytest.approx(0.4) for one in pieces)


def test_a_pattern_that_becomes_many_goes_on_from_its_threads() -> None:
    few, many = reading(1.0, *ended(10, 0.01, 1.0)), reading(2.0, *ended(100, 0.01, 2.0))
    _, second = segments([few, many])
    (row,) = second.threads
    assert (row.name, row.count) == ("request-*", 100)
    assert row.gil_held == pytest.approx(0.9)  # the other 90 held it for 0.01 s each, within a second


def test_too_many_segments_are_joined_and_nothing_is_lost() -> None:
    found = Segments(4)
    grown = [found.add(reading(float(n), make_thread(1, 0.25, 0.5, switches=n))) for n in range(1, 8)]
    assert grown == [False, False, False, False, True, False, True]
    pieces = found.finish(reading(8.0, make_thread(1, 0.25, 0.5, switches=8)))
    assert sum(piece.duration for piece in pieces) == pytest.approx(8.0)
    assert sum(piece.threads[0].switches or 0 for piece in pieces) == 8
    assert all(piece.threads[0].gil_held == pytest.approx(0.25) for piece in pieces)


def test_two_segments_are_weighed_by_their_length() -> None:
    first = reading(1.0, make_thread(1, 0.8, name="a"), make_thread(2, 0.2, name="b"))
    second = reading(3.0, make_thread(1, 0.0, name="a"), make_thread(3, 0.4, name="c"))
    both = joined(first, second)
    held = {thread.name: thread.gil_held for thread in both.threads}
    assert held == {"a": pytest.approx(0.2), "b": pytest.approx(0.05), "c": pytest.approx(0.3)}
    assert both.duration == 4.0


def test_a_sum_of_threads_is_neither_one_busy_thread_nor_one_that_waits() -> None:
    """Four equal threads, singly and as one row: the same bound, and about the same prediction."""
    four = [make_thread(n, 0.25, 0.75, name=f"w-{n}") for n in range(4)]
    apart, together = what_if(make_profile(*four), 4), what_if(make_profile(sum_of(four, "w-*")), 4)
    assert apart is not None
    assert together is not None
    assert together.bound == pytest.approx(apart.bound)
    assert together.predicted == pytest.approx(apart.predicted)
