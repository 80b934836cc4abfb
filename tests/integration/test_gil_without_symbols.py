from __future__ import annotations

import math

import pytest
from interpreters_fixture import interpreter
from watched import TURNS, let_go, need_bpftrace, started, stripped_python, watched

from gilbench.interpreters.image import read_image
from gilbench.model.profile import ProfiledThread
from gilbench.observe.gil.futex import FutexProbe
from gilbench.observe.gil.gils import find_gils
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.gil.sampled import SampledProbe
from gilbench.observe.running import find_python
from gilbench.observe.stacks import RATE

ASIDE = """
import hashlib, threading, time
used = []
block = b"x" * (8 << 20)
def digest():
    end = time.monotonic() + 1.5
    while time.monotonic() < end: hashlib.sha256(block).digest()
    used.append(time.thread_time())
def rest(): time.sleep(1.5)
crew = [threading.Thread(target=digest), threading.Thread(target=rest)]
for thread in crew: thread.start()
for thread in crew: thread.join()
said = [thread.native_id for thread in crew], used[0]
"""


def crew_of(figures: GilFigures, said: list[int]) -> list[ProfiledThread]:
    return [next(thread for thread in figures.threads if thread.tid == tid) for tid in said]


def test_two_threads_that_take_turns_hold_while_the_other_waits_on_a_stripped_build() -> None:
    need_bpftrace()
    figures, said = watched(FutexProbe(), stripped_python(), TURNS)
    assert figures.probe.strength == "futex"
    one, other, _ = crew_of(figures, [tid for tid, _ in said])
    # By construction: one of the two holds it, the other waits.
    assert (
        0.92 < (one.gil_held or 0) / one.alive + (other.gil_held or 0) / other.alive < 1.1
    )  # to 25 ms of their ends
    for waiter, holder, (_, ready) in ((one, other, said[0]), (other, one, said[1])):
        # A thread that loses its CPU as it hands over the GIL is not seen to wait.
        assert -0.08 < (holder.gil_held or 0) - (waiter.gil_wait or 0) < 0.08 + ready / figures.duration
    assert one.waits
    assert 0.004 < (one.longest_wait or 0) < 1.0


def test_hashing_is_off_the_gil_and_sleep_is_blocked_on_a_stripped_build() -> None:
    need_bpftrace()
    figures, (crew, used) = watched(FutexProbe(), stripped_python(), ASIDE)
    hashing, resting = crew_of(figures, crew)
    assert (hashing.gil_held or 0) < 0.08
    assert (hashing.gil_wait or 0) < 0.08
    assert (hashing.off_gil or 0) > 0.8 * used / figures.duration
    assert (resting.blocked or 0) > 0.95 * resting.alive


@pytest.mark.parametrize("spec", ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_gil_is_found_in_the_memory_of_each_version(spec: str) -> None:
    program = "said = None\nimport time\ntime.sleep(60)"
    with started(interpreter(spec).executable, program) as child:
        python = find_python(child.pid)
        gils = find_gils(child.pid, read_image(python.code), python.code.name)
        try:
            assert gils.holders() == []  # it waits for its input
        finally:
            gils.close()


def test_samples_name_the_holders_and_their_functions_within_the_stated_error() -> None:
    figures, said = watched(SampledProbe(), interpreter("3.11").executable, TURNS)
    assert figures.probe.strength == "sampled"
    one, other, _ = crew_of(figures, [tid for tid, _ in said])
    assert figures.probe.error is not None
    assert abs(((one.gil_held or 0) + (other.gil_held or 0)) / max(one.alive, other.alive) - 1) < max(
        2 * figures.probe.error, 0.15
    )
    assert one.gil_wait is None
    assert one.name == "spin-0"
    assert figures.functions[0].name.startswith("spin (")


def test_the_error_of_samples_counts_what_each_of_them_took_also_where_the_program_ended_first() -> None:
    with started(interpreter("3.11").executable, TURNS) as child:
        watching = SampledProbe().watch(find_python(child.pid))
        let_go(child)
        child.kill()
        child.wait()
        figures = watching.finish()
    by_chance = 1.96 * math.sqrt(0.25 / (figures.duration * RATE))
    assert figures.probe.error is not None
    assert figures.probe.error > 1.02 * by_chance


def test_a_process_that_ends_under_the_probe_keeps_its_figures() -> None:
    need_bpftrace()
    with started(stripped_python(), TURNS) as child:
        watching = FutexProbe().watch(find_python(child.pid))
        child.kill()
        child.wait()
        figures = watching.finish()
    assert figures.duration < 2.0
