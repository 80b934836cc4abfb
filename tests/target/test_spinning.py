"""The counting of work inside the measured interpreter, imported by its path as the worker does."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import gilbench

TARGET = Path(gilbench.__file__).parent / "target"


def _load() -> ModuleType:
    clocks = ModuleType("clocks")
    vars(clocks).update(now=CLOCK.read, thread_cpu=lambda: 0.0, NAME="a fake one")
    known = sys.modules.get("clocks")
    sys.modules["clocks"] = clocks
    try:
        spec = importlib.util.spec_from_file_location("spinning_under_test", TARGET / "spinning.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        if known is None:
            del sys.modules["clocks"]
        else:
            sys.modules["clocks"] = known
    return module


class FakeClock:
    """Time that passes only where the work says so."""

    def __init__(self) -> None:
        self.time = 0.0

    def read(self) -> float:
        return self.time


CLOCK = FakeClock()
spinning = _load()


@pytest.fixture(autouse=True)
def clock() -> Iterator[FakeClock]:
    CLOCK.time = 0.0
    yield CLOCK
    CLOCK.time = 0.0


def spell(started: float, *stamps: float, loops: int = 10, cpu: float | None = None) -> Any:
    return spinning.Spell(started, list(stamps), loops, cpu)


def costing(seconds: float, results: Iterator[Any] | None = None, **functions: Any) -> SimpleNamespace:
    """A workload whose operation takes so long on the fake clock."""

    def operation(_local: object) -> Any:
        CLOCK.time += seconds
        return next(results) if results else "done"

    return SimpleNamespace(operation=operation, **functions)


@st.composite
def spells(draw: st.DrawFn) -> Any:
    started = draw(st.floats(0, 100))
    gaps = draw(st.lists(st.floats(1e-3, 10), min_size=1, max_size=12))
    stamps = [started]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    cpu = draw(st.none() | st.floats(0, stamps[-1] - started))
    return spell(*stamps, loops=draw(st.integers(1, 1000)), cpu=cpu)


# --- how much was done by a moment ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "operations"),
    [(0.0, 0.0), (1.0, 0.0), (1.5, 5.0), (2.0, 10.0), (2.25, 15.0), (2.5, 20.0), (4.0, 25.0), (9.0, 30.0)],
)
def test_work_inside_a_chunk_without_waits_is_interpolated(moment: float, operations: float) -> None:
    assert spell(1.0, 2.0, 2.5, 5.5).done_by(moment) == pytest.approx(operations)


@pytest.mark.parametrize(
    ("moment", "operations"),
    [(1.25, 2.5), (1.5, 5.0), (5.0, 5.0), (5.5, 5.0), (5.75, 7.5), (6.0, 10.0)],
)
def test_the_wait_of_a_chunk_is_in_the_middle_of_its_work(moment: float, operations: float) -> None:
    assert spell(1.0, 6.0, cpu=1.0).done_by(moment) == pytest.approx(operations)


def in_turn(first: int, *, chunk: int = 10, turn: int = 100, until: int = 1000) -> list[Any]:
    """Two threads that compute in turn, in ticks. The first turn has a length of its own."""
    stamps: tuple[list[float], list[float]] = ([], [])
    spent, time, thread, end = [0, 0], 0, 0, first
    while min(map(len, stamps)) == 0 or min(own[-1] for own in stamps) < until:
        time, spent[thread] = time + 1, spent[thread] + 1
        if spent[thread] % chunk == 0:
            stamps[thread].append(float(time))
        if time == end or stamps[thread][-1:] >= [until]:
            thread, end = 1 - thread, time + turn
    begun = (0.0, float(first))
    return [
        spell(start, *own, loops=1, cpu=float(chunk * len(own)))
        for start, own in zip(begun, stamps, strict=True)
    ]


def test_threads_in_turn_do_together_what_one_does() -> None:
    """The window begins and ends with a wait, at any phase of a chunk."""
    rates = []
    for first in range(100, 110):
        spells = in_turn(first)
        begin, end = spinning.steady_window(spells)
        rates.append(sum(one.done_by(end) - one.done_by(begin) for one in spells) / (end - begin))
    assert mean(rates) == pytest.approx(1 / 10, rel=0.003)


@given(spells(), st.lists(st.floats(-10, 300), min_size=2, max_size=2).map(sorted))
def test_work_never_shrinks_and_stays_between_nothing_and_all(worked: Any, moments: list[float]) -> None:
    early, late = (worked.done_by(moment) for moment in moments)
    assert 0 <= early <= late * (1 + 1e-12) + 1e-9
    assert late <= worked.loops * len(worked.stamps)


@given(spells())
def test_at_each_stamp_whole_chunks_are_done(worked: Any) -> None:
    for number, stamp in enumerate(worked.stamps, start=1):
        assert worked.done_by(stamp) == number * worked.loops
    assert worked.done_by(worked.started) == 0


def test_a_clock_that_stands_still_is_no_division_by_zero() -> None:
    worked = spell(1.0, 1.0, 2.0)
    assert worked.done_by(0.5) == 0
    assert worked.done_by(1.0) == 10


def test_the_record_counts_the_window_and_the_whole_apart() -> None:
    record = spell(1.0, 2.0, 3.0, 4.0, cpu=3.0).record(77, (1.5, 3.0))
    assert record == {"tid": 77, "start": 1.0, "finish": 4.0, "operations": 15.0, "total": 30, "cpu": 3.0}


# --- the window in which all work -----------------------------------------------------------------------


def test_the_window_is_from_the_last_start_to_the_first_finish() -> None:
    assert spinning.steady_window([spell(1.0, 5.0), spell(1.5, 6.0), spell(1.2, 5.5)]) == (1.5, 5.0)


@pytest.mark.parametrize("second", [spell(3.0, 4.0), spell(2.5, 4.0)])
def test_threads_that_ran_one_after_the_other_are_measured_over_all(second: Any) -> None:
    assert spinning.steady_window([spell(1.0, 3.0), second]) == (1.0, 4.0)


@given(st.lists(spells(), min_size=1, max_size=6))
def test_the_window_lies_within_the_slice_and_is_at_least_half_of_it(worked: list[Any]) -> None:
    begin, end = spinning.steady_window(worked)
    first, last = min(one.started for one in worked), max(one.stamps[-1] for one in worked)
    assert first <= begin < end <= last
    assert end - begin >= 0.5 * (last - first)


@given(st.lists(spells(), min_size=1, max_size=6))
def test_no_thread_did_more_in_the_window_than_in_all(worked: list[Any]) -> None:
    window = spinning.steady_window(worked)
    for one in worked:
        record = one.record(None, window)
        assert 0 <= record["operations"] <= record["total"]


# --- calibration and work -------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [1e-8, 1e-6, 3e-5, 1e-4, 5e-4])
def test_a_chunk_is_fitted_to_its_length(cost: float) -> None:
    work = spinning.Work(costing(cost), {}, 1)
    assert work.calibrate() == work.loops
    assert work.loops * cost == pytest.approx(spinning.CHUNK, rel=0.5)


def test_an_operation_longer_than_a_chunk_is_done_one_at_a_time() -> None:
    assert spinning.Work(costing(0.1), {}, 1).calibrate() == 1


def test_a_clock_that_never_moves_ends_calibration_all_the_same() -> None:
    module = SimpleNamespace(operation=lambda local: local)
    work = spinning.Work(module, {}, 1)
    work._chunk = lambda _local, _loops: 0.0
    assert work.calibrate() >= 1


@given(st.integers(1, 50), st.floats(0.01, 1))
def test_a_thread_works_until_its_time_and_counts_every_chunk(loops: int, seconds: float) -> None:
    CLOCK.time = 10.0
    work = spinning.Work(costing(1e-3), {}, 1)
    work.loops = loops
    until = CLOCK.time + seconds
    worked = work.spin(0, [until])
    assert worked.stamps[-1] >= until
    assert len(worked.stamps) < 2 or worked.stamps[-2] < until
    record = worked.record(1, (worked.started, worked.stamps[-1]))
    assert record["operations"] == record["total"] == loops * len(worked.stamps)


def test_another_thread_can_end_the_work() -> None:
    until = [float("inf")]

    def results() -> Iterator[int]:
        for _ in range(50):
            yield 0
        until[0] = 0.0
        while True:
            yield 0

    work = spinning.Work(costing(1e-3, results()), {}, 1)
    assert 49 <= len(work.spin(0, until).stamps) <= 52


@pytest.mark.parametrize("at", [1, 2, 7])
def test_another_result_than_the_first_is_a_wrong_checksum(at: int) -> None:
    wrong = spinning.Work(costing(1e-3, iter(["good"] * at + ["bad"] * 100)), {}, 1)
    with pytest.raises(spinning.WrongChecksum, match="'bad' instead of 'good'"):
        wrong.spin(0, [1.0])


def test_each_thread_has_what_local_gives_it_and_all_share_what_was_prepared() -> None:
    module = costing(1e-3, prepare=lambda p: [p["size"]], local=lambda shared, index: (shared, index))
    work = spinning.Work(module, {"size": 5}, 3)
    assert [index for _, index in work.locals] == [0, 1, 2]
    assert all(shared is work.locals[0][0] for shared, _ in work.locals)
    shared = spinning.Work(costing(1e-3, prepare=lambda p: [p["size"]]), {"size": 5}, 2).locals
    assert shared[0] is shared[1]
    assert spinning.Work(costing(1e-3), {}, 0).locals == [None]


def test_an_error_of_the_workload_is_its_own() -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spinning.Work(SimpleNamespace(operation=broken), {}, 1)


@given(st.floats(1e-7, 1e-3))
def test_calibration_does_not_depend_on_what_was_found_before(cost: float) -> None:
    work = spinning.Work(costing(cost), {}, 1)
    first = work.calibrate()
    assume(first > 0)
    assert work.calibrate() == pytest.approx(first, abs=1)
