"""What holds by construction, with wide margins; how much it is belongs to ``ci/bench.py`` and to studies."""

from __future__ import annotations

import statistics

import msgspec
import pytest
from interpreters_fixture import interpreter
from sessions import BRIEF, by_case, run_session

from gilbench.analyse.study.index import throughput
from gilbench.model.study import Case, Run
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue

# On two CPUs, beside one busy process: two threads get two thirds of both CPUs, which are 4/3 of what one thread gets.
SECOND_CPU = 1.2
STEADIER = msgspec.structs.replace(BRIEF, slices=7, slice_seconds=0.06, latency_seconds=0.5)


def measured(workload: str, threads: tuple[int, ...], *specs: str) -> dict[Case, Run]:
    interpreters = [interpreter(spec) for spec in specs]
    return by_case(
        *run_session([catalogue()[workload]], interpreters, Axes(threads=threads), effort=STEADIER)
    )


def speedups(found: dict[Case, Run]) -> dict[str, float]:
    """The best of the paired ratios: what the host leaves of a second CPU varies, what a lock allows does not."""
    rates = {
        (case.interpreter, case.threads): [throughput(slice_) for slice_ in run.slices]
        for case, run in found.items()
    }
    return {
        name: max(two / one for one, two in zip(rates[name, 1], rates[name, 2], strict=True))
        for name in {name for name, _ in rates}
    }


def test_two_threads_of_python_code_do_the_work_of_one_under_a_gil() -> None:
    found = measured("countdown", (1, 2), "3.11", "3.13")
    rates = {(case.interpreter, case.threads): run for case, run in found.items()}
    for name in {case.interpreter for case in found}:
        ratios = [
            throughput(two) / throughput(one)
            for one, two in zip(rates[name, 1].slices, rates[name, 2].slices, strict=True)
        ]
        assert statistics.median(ratios) < 1.4, ratios


def test_two_threads_of_python_code_do_more_without_a_gil() -> None:
    assert max(speedups(measured("countdown", (1, 2), "3.13t")).values()) > SECOND_CPU


def test_two_threads_hash_more_than_one_where_the_gil_is_released() -> None:
    found = measured("sha256", (1, 2), "3.11", "3.13", "3.13t")
    backends = {run.environment.backend for run in found.values() if run.environment is not None}
    assert backends == {"_hashlib"}, "this build has no OpenSSL, so it keeps the GIL"
    assert min(speedups(found).values()) > SECOND_CPU


def test_one_busy_thread_makes_an_echo_collapse_under_the_new_gil_only() -> None:
    found = measured("tcp_echo_cpu", (1,), "2.7", "3.11", "3.13", "3.13t")
    kept, collapsed = {}, []
    for spec in ("2.7", "3.11", "3.13", "3.13t"):
        name = interpreter(spec).name
        runs = {case.threads: run for case, run in found.items() if case.interpreter == name}
        alone, beside = (throughput(runs[threads].slices[0]) for threads in (0, 1))
        kept[name] = beside / alone
        if spec in {"3.11", "3.13"}:
            environment = runs[1].environment
            assert environment is not None
            assert environment.switch_interval is not None
            # The echo waits for the GIL once per request, and the other thread gives it up after a switch interval.
            assert beside < 2 / environment.switch_interval, (name, alone, beside)
            collapsed.append(kept[name])
    others = [kept[interpreter(spec).name] for spec in ("2.7", "3.13t")]
    assert min(others) > max(collapsed), kept


@pytest.mark.parametrize("spec", ["3.11", "3.13"])
def test_with_busy_threads_signals_are_lost_or_late(spec: str) -> None:
    found = measured("delivery", (4,), spec)
    loaded = [run for case, run in found.items() if case.threads == 4 and not case.parameters]
    (slice_,) = loaded[0].slices
    assert slice_.offered is not None
    assert slice_.served is not None
    assert slice_.served < slice_.offered or statistics.median(slice_.latencies) > 0.001
