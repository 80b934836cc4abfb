"""The stays of threads as a page has them: read back, they are what the lanes are made of."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import pytest
from gil_machine import MS, run

from gilbench.analyse.profile.lanes import PIECES, lanes_of
from gilbench.analyse.profile.stays import STATES, TICK, written_stays
from gilbench.model.events import Events, ThreadEvent

MIXED = run(
    [("python", 60 * MS), ("sleep", 40 * MS), ("python", 30 * MS)],
    [("native", 50 * MS), ("python", 70 * MS)],
    [("python", 20 * MS), ("native", 10 * MS)],
)


def read(written: bytes) -> Iterator[tuple[int, str]]:
    """Ticks and states, as templates/lanes.js reads them."""
    number = shift = 0
    for byte in written:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number >> 3, STATES[number & 7] if number & 7 < len(STATES) else "absent"
            number = shift = 0


def test_the_times_in_the_states_are_those_of_the_lanes() -> None:
    lanes = lanes_of(MIXED.events)
    assert lanes is not None
    written = written_stays(MIXED.events, (lane.tid for lane in lanes.threads))
    for lane, stays in zip(lanes.threads, written, strict=True):
        for state in STATES:
            ticks = sum(ticks for ticks, one in read(stays) if one == state)
            expected = sum(getattr(lane, state)) / PIECES * lanes.seconds
            assert ticks * TICK * 1e-9 == pytest.approx(expected, abs=lanes.seconds * 1e-3)


def made(*changes: tuple[int, int, ThreadEvent], end: int) -> Events:
    stamps, tids, kinds = zip(*changes, strict=True)
    return Events(
        array("q", stamps),
        array("i", tids),
        array("b", kinds),
        array("i", [0] * len(changes)),
        begin=1000,
        end=end,
        main=1,
    )


def test_equal_states_are_one_stay_and_a_thread_is_absent_before_and_after_its_life() -> None:
    events = made(
        (1000, 1, ThreadEvent.HELD),
        (21_000, 2, ThreadEvent.BORN),
        (31_000, 2, ThreadEvent.READY),
        (41_000, 2, ThreadEvent.WAIT),
        (51_000, 2, ThreadEvent.HELD),
        (10**9 + 51_000, 2, ThreadEvent.ENDED),
        end=2 * 10**9,
    )
    first, second = written_stays(events, [1, 2])
    assert list(read(first)) == [((2 * 10**9 - 1000) // TICK, "held")]
    assert list(read(second)) == [
        (200, "absent"),
        (200, "blocked"),
        (100, "wait"),
        (10**9 // TICK, "held"),
    ]


def test_only_the_threads_that_are_asked_for_are_written() -> None:
    assert len(written_stays(MIXED.events, [2])) == 1
    assert written_stays(MIXED.events, []) == []


def test_a_thread_holds_the_gil_while_it_is_off_the_cpu() -> None:
    events = made(
        (1000, 1, ThreadEvent.HELD),
        (11_000, 1, ThreadEvent.READY),
        (21_000, 1, ThreadEvent.HELD),
        (31_000, 1, ThreadEvent.BLOCKED),
        (41_000, 1, ThreadEvent.READY),
        (51_000, 1, ThreadEvent.HELD),
        (61_000, 1, ThreadEvent.OFF),
        (71_000, 1, ThreadEvent.BLOCKED),
        end=81_000,
    )
    (stays,) = written_stays(events, [1])
    assert list(read(stays)) == [(600, "held"), (100, "off"), (100, "blocked")]
    lanes = lanes_of(events)
    assert lanes is not None
    assert sum(lanes.threads[0].held) / PIECES == pytest.approx(60 / 80, abs=1e-3)


def test_a_thread_that_has_ended_does_nothing_until_another_has_its_number() -> None:
    changes = (
        (1000, 1, ThreadEvent.HELD),
        (21_000, 1, ThreadEvent.ENDED),
        (21_000, 1, ThreadEvent.BLOCKED),
    )
    (stays,) = written_stays(made(*changes, end=41_000), [1])
    assert list(read(stays)) == [(200, "held")]
    again = ((31_000, 1, ThreadEvent.BORN), (36_000, 1, ThreadEvent.HELD))
    (stays,) = written_stays(made(*changes, *again, end=41_000), [1])
    assert list(read(stays)) == [(200, "held"), (100, "absent"), (50, "blocked"), (50, "held")]
