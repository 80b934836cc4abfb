"""IronPython, where one is found: what runs on it, and the reason of what does not.

Seen with IronPython 2.7.7 under Mono 6.8.
"""

from __future__ import annotations

import time

import pytest
from interpreters_fixture import interpreter
from sessions import by_case, run_session

from gilbench.analyse.properties import property_scores
from gilbench.model.study import Interpreter
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue
from gilbench.plan.experiments import EXPERIMENTS
from gilbench.run.experiments import try_properties

# Of each family some, among them all that once failed here.
WORKING = (
    "countdown", "json_dumps", "bz2", "file_read", "sha256", "socket_wait", "fsync_write", "null_write",
    "pipe_pingpong", "sleep_timer", "tcp_echo", "thread_pingpong", "cpued", "long_hold", "threadpool_service",
    "udp_latency_cpu", "dict_write", "lock_contended", "queue_own",
)  # fmt: skip
REFUSED = {
    "delivery": "the module signal of this interpreter has no SIGURG",
    "wakeup_fd": "the module signal of this interpreter has no SIGURG",
    "ctrl_c": "SIGINT ends this interpreter, whatever handler it has",
    "itimer": "itimer cannot be imported",
    "unix_echo": "unix_echo cannot be imported",
    "countdown_processes": "this interpreter has no multiprocessing",
    "countdown_tasklets": "this interpreter has neither tasklets nor greenlets",
}


@pytest.fixture
def ironpython() -> Interpreter:
    return interpreter("ironpython")


def test_it_is_a_compiler_without_a_gil(ironpython: Interpreter) -> None:
    build = ironpython.build
    assert build.implementation == "IronPython"
    assert (ironpython.gil_enabled, build.free_threaded, build.jit) == (False, False, True)
    assert interpreter("ipy") == ironpython


@pytest.mark.parametrize("name", WORKING)
def test_a_workload_of_every_family_runs(ironpython: Interpreter, name: str) -> None:
    workload = catalogue()[name]
    before = time.monotonic()
    found = by_case(*run_session([workload], [ironpython], Axes(threads=(1, 2))))
    after = time.monotonic()
    for run in found.values():
        assert run.environment is not None
        assert (run.environment.switch_interval, run.environment.check_interval) == (None, None)
        for slice_ in run.slices:
            assert before < slice_.start < slice_.end < after  # on the clock that all processes share
            assert slice_.gil_enabled == (False, False)
            assert slice_.operations > 0 or slice_.latencies
            for thread in slice_.threads:
                assert thread.tid is not None
                assert thread.cpu is not None
                assert 0 <= thread.cpu <= 1.5 * (thread.finish - thread.start) + 0.01
            if workload.checksum:
                assert slice_.checksum == workload.checksum


@pytest.mark.parametrize("name", REFUSED)
def test_what_its_runtime_lacks_is_refused_with_the_reason(ironpython: Interpreter, name: str) -> None:
    _, runs = run_session([catalogue()[name]], [ironpython], Axes(threads=(1,)))
    assert runs
    for run in runs:
        assert run.failure is not None
        assert (run.failure.kind, run.failure.message[: len(REFUSED[name])]) == ("unsupported", REFUSED[name])


def test_a_switch_interval_is_no_reason_to_fail(ironpython: Interpreter) -> None:
    axes = Axes(threads=(1,), swept={"switch_interval": (0.001,)})
    found = by_case(*run_session([catalogue()["countdown"]], [ironpython], axes))
    assert [run.environment and run.environment.switch_interval for run in found.values()] == [None]


def test_each_experiment_has_a_verdict_of_its_own(ironpython: Interpreter) -> None:
    ids = {
        "atomicity.list_append", "atomicity.next_count", "atomicity.add_attribute", "speed.memory_float",
        "speed.memory_thread", "features.lock_dropped", "prompt.same_thread", "ordered.alone", "api.builds",
    }  # fmt: skip
    chosen = [one for one in EXPERIMENTS if one.id in ids]
    tried = try_properties([ironpython], lambda _text: None, chosen)
    assert [one.failure for one in tried.outcomes if one.failure] == []
    scores = {one.id: one for one in property_scores(tried)}
    assert [scores[name].verdict for name in ("atomicity.list_append", "atomicity.add_attribute")] == [
        "yes",
        "no",
    ]
    assert scores["prompt.same_thread"].verdict == "no"
    assert scores["api.builds"].reason == "IronPython has no C API"
    # A number is 8 bytes long, and has a header of 16.
    (floats,) = (one.figures for one in tried.outcomes if one.id == "speed.memory_float")
    assert floats is not None
    assert min(floats["bytes"]) == pytest.approx(24, abs=1)
