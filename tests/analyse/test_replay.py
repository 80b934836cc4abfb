"""Programs whose speedup without a GIL is known by construction, replayed from what a probe records of them."""

from __future__ import annotations

import pytest
from gil_machine import MS, Course, Step, run

from gilbench.analyse.profile.replay import program_of, replay, speedups
from gilbench.analyse.profile.report import interpret
from gilbench.model.events import Events
from gilbench.observe.event_log import EventLog

INTERVALS = (MS // 10, MS, 5 * MS)
MANY = 1000  # CPUs, more than threads


def python(milliseconds: float) -> Step:
    return "python", round(milliseconds * MS)


def sleep(milliseconds: float) -> Step:
    return "sleep", round(milliseconds * MS)


def native(milliseconds: float) -> Step:
    return "native", round(milliseconds * MS)


def gain(course: Course, cpus: int, cost: float = 1.0) -> float:
    program = program_of(course.events, MANY)
    assert program.seconds == pytest.approx(course.seconds)
    return course.seconds / replay(program, cpus, cost=cost)


@pytest.mark.parametrize("cpus", [1, 2, 4, 8, 64])
@pytest.mark.parametrize("threads", [1, 2, 4, 16])
@pytest.mark.parametrize("interval", INTERVALS)
def test_threads_that_only_compute_gain_as_much_as_there_are_threads_and_cpus(
    threads: int, cpus: int, interval: int
) -> None:
    course = run(*[[python(100)]] * threads, interval=interval)
    assert gain(course, cpus) == pytest.approx(min(threads, cpus), rel=0.01)


def test_slower_python_code_takes_from_the_gain_and_native_code_does_not() -> None:
    assert gain(run([python(100)], [python(100)]), 2, 1.25) == pytest.approx(1.6)
    assert gain(run([native(100)], [native(100)]), 2, 1.25) == pytest.approx(1.0)


def test_the_serial_part_of_a_program_limits_its_gain() -> None:
    workers: list[list[Step]] = [[("get", "go"), python(75 / 4)] for _ in range(4)]
    course = run([python(25), *[("put", "go")] * 4], *workers)
    assert course.seconds == pytest.approx(0.1)
    for cpus in (2, 4, 64):
        assert gain(course, cpus) == pytest.approx(1 / (0.25 + 0.75 / min(4, cpus)), rel=0.01)


@pytest.mark.parametrize("interval", INTERVALS)
def test_threads_that_wake_each_other_in_turn_gain_nothing(interval: int) -> None:
    ping: list[Step] = [python(1), ("put", "b"), ("get", "a")] * 50
    pong: list[Step] = [("get", "b"), python(1), ("put", "a")] * 50
    assert gain(run(ping, pong, interval=interval), 64) == pytest.approx(1.0)


def test_a_consumer_that_keeps_up_only_shifts_its_work_beside_the_producers() -> None:
    producer: list[Step] = [python(2), ("put", "jobs")] * 50
    consumer: list[Step] = [("get", "jobs"), python(2)] * 50
    course = run(producer, consumer)
    assert gain(course, 64) == pytest.approx(200 / 102, rel=0.05)


@pytest.mark.parametrize("threads", [2, 8])
def test_work_under_one_lock_stays_in_line(threads: int) -> None:
    locked: list[Step] = [("get", "lock"), python(3), ("put", "lock")] * 20
    starter: list[Step] = [("put", "lock")]
    assert gain(run(starter, *[locked] * threads), 64) == pytest.approx(1.0, rel=0.1)


def test_sleep_is_neither_shortened_nor_work_for_a_cpu() -> None:
    course = run(*[[sleep(10), python(0.1)] * 20] * 8)
    assert gain(course, 64) == pytest.approx(1.0, rel=0.1)
    assert gain(course, 1) == pytest.approx(1.0, rel=0.1)


def test_one_thread_beside_a_convoy_goes_at_its_own_pace() -> None:
    """A thread that asks often waits for a switch interval each time."""
    course = run([python(0.1), native(0.1)] * 100, [python(500)])
    free = run([python(0.1), native(0.1)] * 100, [python(500)], gil=False)
    assert gain(course, 64) == pytest.approx(course.seconds / free.seconds, rel=0.01)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("handover", [0, MS // 50, 2 * MS])
@pytest.mark.parametrize("threads", [2, 4, 16])
def test_a_replay_on_many_cpus_is_the_run_without_a_gil(threads: int, handover: int, interval: int) -> None:
    mixed: list[list[Step]] = [
        [python(0.2 + 0.05 * number), native(0.3), sleep(0.1 * number)] * 10 for number in range(threads)
    ]
    course = run(*mixed, interval=interval, handover=handover)
    free = run(*mixed, gil=False)
    assert gain(course, MANY) == pytest.approx(course.seconds / free.seconds, rel=0.01)


def test_a_program_whose_end_was_not_seen_takes_as_long_as_its_last_thread() -> None:
    assert gain(run([python(100)], [python(50)], main=False), 2) == pytest.approx(1.5)


def test_a_curve_counts_the_startup_which_has_one_thread() -> None:
    course = run([python(100)], [python(100)])
    curve = speedups(course.events, 3, start_up=0.2, cost=1.0)
    assert [point.cores for point in curve] == [2, 3, 4, 8, 16, 64]
    assert [point.speedup for point in curve] == pytest.approx([0.4 / 0.3] * 6)


def test_a_thread_that_had_no_cpu_shares_it_anew_and_one_that_only_woke_slowly_does_so_again() -> None:
    log = EventLog()
    for line in ("m 1 0", "h 1 0 1000", "o 1 1000 0", "k 1 4000 0", "i 1 7000", "x 1 1 10000 0 0 0"):
        log.hear(line)
    events = log.finish(0, 10_000, 1, ())
    assert replay(program_of(events, 1), 1) == pytest.approx(10e-6)
    assert replay(program_of(events, 0), 1) == pytest.approx(7e-6)


def test_a_thread_that_was_kept_from_the_cpu_with_the_gil_computes_for_so_long() -> None:
    log = EventLog()
    for line in ("h 1 0 4000", "s 1 1000 1", "r 1 3000", "x 1 1 4000 0 0 0"):
        log.hear(line)
    assert replay(program_of(log.finish(0, 4000, 1, ()), 1), 1, cost=2.0) == pytest.approx(6e-6)


def test_a_thread_that_slept_with_the_gil_sleeps_as_long() -> None:
    log = EventLog()
    for line in ("h 1 0 4000", "s 1 1000 0", "k 1 3000 0", "r 1 3000", "x 1 1 4000 0 0 0"):
        log.hear(line)
    assert replay(program_of(log.finish(0, 4000, 1, ()), 1), 1, cost=2.0) == pytest.approx(6e-6)


def logged(*lines: str, most: int = 100) -> Events:
    log = EventLog(most)
    for line in lines:
        log.hear(line)
    return log.finish(1000, 9000, 5, ())


def test_lines_become_events_in_the_order_of_time() -> None:
    events = logged("h 5 2000 3000", "w 5 1000 2000", "o 5 4000 1", "k 7 3500 5", "i 5 5000", "n 8 1500 5")
    rows = list(zip(events.stamps, events.tids, events.kinds, events.by, strict=True))
    assert rows == [
        (1000, 5, 2, 0),
        (1500, 8, 5, 5),
        (2000, 5, 0, 0),
        (2000, 5, 0, 0),
        (3000, 5, 1, 0),
        (3500, 7, 4, 5),
        (4000, 5, 4, 0),
        (5000, 5, 1, 0),
    ]
    assert (events.begin, events.end, events.main, events.truncated) == (1000, 9000, 5, False)


def test_what_came_before_the_program_is_left_out() -> None:
    events = logged("h 5 1000 1500", "i 6 2500", "m 5 2000")
    assert list(events.stamps) == [2000, 2500]


def test_only_so_many_events_are_kept_and_the_replay_covers_only_these() -> None:
    course = run(*[[python(100)]] * 2)
    events = logged(*(f"i 5 {stamp}" for stamp in range(1000, 1100)), most=10)
    assert events.truncated
    assert len(events.stamps) == 10
    assert events.end == 1009
    whole = interpret(course.profile(), 2, events=course.events)
    part = interpret(course.profile(), 2, events=course.events._replace(truncated=True))
    assert not whole.caveats
    assert part.caveats[0].subject == "replay"
    assert part.what_if is not None
    assert part.what_if.curve[0].speedup == pytest.approx(2.0)
