from __future__ import annotations

import time

import pytest
from interpreters_fixture import interpreter
from sessions import by_case, run_session

from gilbench.model.study import Run
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue

SPECS = ("2.7", "3.6", "3.11", "3.13", "3.13t", "pypy", "jython")
QUICK_JVM = "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # starts in half of the time
KNOWN = catalogue()
CORE = tuple(workload for workload in KNOWN.values() if workload.core)


@pytest.mark.parametrize("spec", SPECS)
def test_the_core_workloads_run_and_check_their_work(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", QUICK_JVM)
    chosen = interpreter(spec)
    before = time.monotonic()
    found = by_case(*run_session(CORE, [chosen], Axes(threads=(1, 2))))
    after = time.monotonic()
    assert {case.workload for case in found} == {workload.name for workload in CORE}
    for case, run in found.items():
        workload = KNOWN[case.workload]
        for slice_ in run.slices:
            assert before < slice_.start < slice_.end < after  # on the clock that all processes share
            assert slice_.gil_enabled == (chosen.gil_enabled, chosen.gil_enabled)
            for thread in slice_.threads:
                assert slice_.start <= thread.start < thread.finish <= slice_.end
                assert thread.total > 0
                assert thread.tid is not None
            if workload.driver == "parallel":
                assert slice_.checksum == workload.checksum
                assert len(slice_.threads) == case.threads
                assert slice_.operations > 0
            if workload.peer is not None:
                assert slice_.offered is not None
                assert slice_.served is not None
                assert 0 < slice_.served <= slice_.offered
                assert all(0 <= latency < 10 for latency in slice_.latencies)


def switch_intervals(run: Run) -> tuple[float | None, int | None]:
    assert run.environment is not None
    return run.environment.switch_interval, run.environment.check_interval


@pytest.mark.parametrize("spec", ["3.11", "3.13t"])
def test_the_switch_interval_in_force_is_the_one_asked_for(spec: str) -> None:
    axes = Axes(threads=(1,), swept={"switch_interval": (0.05, 0.0001)})
    found = by_case(*run_session([KNOWN["countdown"]], [interpreter(spec)], axes))
    for case, run in found.items():
        assert switch_intervals(run)[0] == pytest.approx(case.switch_interval)


def test_the_old_gil_counts_ticks_instead() -> None:
    axes = Axes(threads=(1,), swept={"switch_interval": (None, 0.001)})
    found = by_case(*run_session([KNOWN["countdown"]], [interpreter("2.7")], axes))
    assert [switch_intervals(run) for _, run in sorted(found.items(), key=str)] == [(None, 1000), (None, 100)]


def test_a_free_threaded_build_runs_with_its_gil_on_or_off_as_asked() -> None:
    axes = Axes(threads=(2,), swept={"gil": (True, False)})
    found = by_case(*run_session([KNOWN["countdown"]], [interpreter("3.13t")], axes))
    for case, run in found.items():
        assert {slice_.gil_enabled for slice_ in run.slices} == {(case.gil, case.gil)}


def test_one_thread_is_confined_to_one_cpu_which_changes_from_turn_to_turn() -> None:
    plan, runs = run_session([KNOWN["countdown"]], [interpreter("3.11")], Axes(threads=(1, 2)))
    for case, run in by_case(plan, runs).items():
        sets = [slice_.cpus for slice_ in run.slices]
        if case.threads == 1:
            assert sets == [plan.cpus[:1], plan.cpus[1 % len(plan.cpus) :][:1]]
        else:
            assert {len(one) for one in sets} == {min(case.threads, len(plan.cpus))}
