"""The GILs of a process by the offsets that CPython publishes, and probes that need no symbols and no root."""

from __future__ import annotations

import pytest
from interpreters_fixture import interpreter
from watched import TURNS, let_go, need_bpftrace, started, stripped_python, watched

from gilbench.interpreters.image import read_image
from gilbench.observe.gil.futex import FutexProbe
from gilbench.observe.gil.gils import find_gils
from gilbench.observe.gil.unprivileged import UnprivilegedProbe
from gilbench.observe.running import find_python

HOLD = """
import threading, time
def spin():
    end = time.monotonic() + 1.0
    while time.monotonic() < end: pass
spin()
said = threading.get_native_id()
"""
INTERPRETERS = """
import threading, time
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
SPIN = "import time\\nend = time.monotonic() + 2.0\\nwhile time.monotonic() < end: pass"
def run(config):
    one = interpreters.create(config)
    interpreters.run_string(one, SPIN)
crew = [threading.Thread(target=run, args=(%r,)) for _ in range(2)]
for thread in crew: thread.start()
said = [thread.native_id for thread in crew]
for thread in crew: thread.join()
"""
# Interpreters whose GIL is published: own builds and, where they are, Debian's stripped ones.
PUBLISHED = ["3.13", "3.14", "3.15"]


@pytest.mark.parametrize("spec", PUBLISHED)
def test_the_published_offsets_lead_to_the_thread_that_holds_the_gil(spec: str) -> None:
    with started(interpreter(spec).executable, HOLD) as child:
        python = find_python(child.pid)
        gils = find_gils(child.pid, read_image(python.code), python.mapped)
        try:
            assert gils.holders() == []  # it waits for its input
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
            seen = {gils.thread_of(state) for _ in range(100_000) for state in gils.holders()}
            assert child.pid in seen
            assert seen <= {child.pid, None}
        finally:
            gils.close()


@pytest.mark.parametrize("spec", ["stripped", "3.8", "3.12", *PUBLISHED])
def test_samples_from_outside_tell_held_and_wait_without_root(spec: str) -> None:
    executable = stripped_python() if spec == "stripped" else interpreter(spec).executable
    figures, said = watched(UnprivilegedProbe(), executable, TURNS)
    one, other, resting = (next(thread for thread in figures.threads if thread.tid == tid) for tid, _ in said)
    assert figures.probe.strength == "sampled"
    assert figures.probe.error is not None
    assert 0.9 < (one.gil_held or 0) / one.alive + (other.gil_held or 0) / other.alive < 1.1
    for waiter, holder, (_, ready) in ((one, other, said[0]), (other, one, said[1])):
        # A thread that loses its CPU as it hands over the GIL is not seen to wait.
        assert -0.1 < (holder.gil_held or 0) - (waiter.gil_wait or 0) < 0.1 + ready / figures.duration
    assert (resting.blocked or 0) > 0.9 * resting.alive


@pytest.mark.parametrize("spec", PUBLISHED)
@pytest.mark.parametrize(("config", "waits"), [("isolated", False), ("legacy", True)])
def test_interpreters_wait_for_each_other_only_if_they_share_a_gil(
    spec: str, config: str, waits: bool
) -> None:
    need_bpftrace()
    figures, said = watched(FutexProbe(), interpreter(spec).executable, INTERPRETERS % config)
    one, other = (next(thread for thread in figures.threads if thread.tid == tid) for tid in said)
    held = (one.gil_held or 0) / one.alive + (other.gil_held or 0) / other.alive
    wait = (one.gil_wait or 0) / one.alive + (other.gil_wait or 0) / other.alive
    if waits:
        assert 0.8 < held < 1.15
        assert wait > 0.3
    else:
        assert held > 1.5  # also where they take turns on one CPU: a preempted thread holds it
        assert wait < 0.2


def test_a_process_that_ends_is_sampled_to_its_end() -> None:
    with started(interpreter("3.13").executable, TURNS) as child:
        watching = UnprivilegedProbe().watch(find_python(child.pid))
        let_go(child)
        child.kill()
        child.wait()
        figures = watching.finish()
    assert sum(thread.gil_held or 0 for thread in figures.threads) > 0.5
