"""Lanes of programs whose courses are known by construction."""

from __future__ import annotations

import msgspec
import pytest
from gil_machine import MS, Course, run

from gilbench.analyse.profile.lanes import PIECES, THREADS, lanes_of
from gilbench.analyse.profile.report import interpret
from gilbench.model.profile import Lane

ROUNDED = 6e-4  # of a share
NAMES = {"held": "gil_held", "wait": "gil_wait", "off": "off_gil", "blocked": "blocked"}


def lanes(course: Course) -> dict[int, Lane]:
    found = lanes_of(course.events)
    assert found is not None
    assert found.seconds == pytest.approx(course.seconds)
    return {lane.tid: lane for lane in found.threads}


MIXED = run(
    [("python", 60 * MS), ("sleep", 40 * MS), ("python", 30 * MS)],
    [("native", 50 * MS), ("python", 70 * MS)],
    [("python", 20 * MS), ("native", 10 * MS)],
)


def test_the_shares_of_a_lane_are_those_of_the_profile() -> None:
    threads = {thread.tid: thread for thread in MIXED.profile().threads}
    for tid, lane in lanes(MIXED).items():
        for field, name in NAMES.items():
            shares = getattr(lane, field)
            assert len(shares) == PIECES
            assert sum(shares) / PIECES == pytest.approx(getattr(threads[tid], name), abs=ROUNDED)


def test_no_piece_is_filled_more_than_once() -> None:
    for lane in lanes(MIXED).values():
        for piece in zip(lane.held, lane.wait, lane.off, lane.blocked, strict=True):
            assert sum(piece) <= 1 + 4 * ROUNDED
    held = zip(*(lane.held for lane in lanes(MIXED).values()), strict=True)
    assert max(map(sum, held)) <= 1 + 4 * ROUNDED


def test_a_lane_shows_when_a_thread_slept() -> None:
    lane = lanes(run([("sleep", 50 * MS), ("python", 50 * MS)]))[2]
    half = PIECES // 2
    assert lane.blocked == pytest.approx((1.0,) * half + (0.0,) * half, abs=0.01)
    assert lane.held == pytest.approx((0.0,) * half + (1.0,) * half, abs=0.01)


def test_only_the_threads_that_wanted_the_gil_most_have_lanes() -> None:
    found = lanes(run(*([("python", milliseconds * MS)] for milliseconds in range(1, THREADS + 5))))
    assert len(found) == THREADS
    assert set(found) == set(range(6, THREADS + 6))  # the last threads compute longest


def test_without_time_there_are_no_lanes() -> None:
    assert lanes_of(MIXED.events._replace(end=MIXED.events.begin)) is None


def test_a_recorded_profile_has_lanes_and_another_has_none() -> None:
    profile = MIXED.profile()
    assert interpret(profile, 2).lanes is None
    recorded = interpret(profile, 2, events=MIXED.events)
    assert recorded.lanes == lanes_of(MIXED.events)
    assert msgspec.json.decode(msgspec.json.encode(recorded), type=type(recorded)) == recorded
