"""Each sentence is there exactly when the interval leaves no other reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.model.results import Finding
from gilbench.model.study import Environment

BLOCKS = 6
SURE = (1.01, 0.99, 1.0, 1.005, 0.995, 1.0)  # a spread of blocks that decides
VAGUE = (0.4, 2.5, 0.6, 1.7, 0.9, 1.1)  # and one that decides nothing
STEADY = (1.0,) * BLOCKS


def builder(*workloads: Any, names: Sequence[str] = ("3.13", "3.13t")) -> StudyBuilder:
    interpreters = [named(name, free_threaded=name.endswith("t")) for name in names]
    return StudyBuilder(interpreters, workloads or [make_workload()], blocks=BLOCKS)


def found(study: StudyBuilder, kind: str) -> list[str]:
    return [finding.text for finding in study.report().findings if finding.kind == kind]


# --- scaling --------------------------------------------------------------------------------------------


def scaled(
    factor: float, noise: Sequence[float] = SURE, *, family: str = "cpu", threads: int = 2
) -> StudyBuilder:
    study = builder(make_workload("work", family))
    study.work("work", "3.13", 1000.0, noise=STEADY)
    study.work("work", "3.13", 1000.0 * factor, threads=threads, noise=noise)
    return study


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1.95, "work, 2 threads vs 1: 1.95x on 3.13."),
        (1.52, "work, 2 threads vs 1: 1.52x on 3.13."),
        (1.0, "work, 2 threads vs 1: no speedup on 3.13 (1.00x)."),
        (1.17, "work, 2 threads vs 1: no speedup on 3.13 (1.17x)."),
        (0.7, "work, 2 threads vs 1: slower on 3.13 (0.700x)."),
    ],
)
def test_scaling_is_told_where_it_is_sure(factor: float, said: str) -> None:
    assert found(scaled(factor), "scaling") == [said]


@pytest.mark.parametrize("factor", [1.21, 1.35, 1.49])
def test_scaling_in_between_is_not_told(factor: float) -> None:
    assert found(scaled(factor), "scaling") == []


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.95])
def test_scaling_that_is_not_sure_is_not_told(factor: float) -> None:
    assert found(scaled(factor, VAGUE), "scaling") == []


def test_scaling_without_an_interval_is_not_told() -> None:
    assert found(scaled(1.95, STEADY), "scaling") == []


def test_work_outside_the_gil_is_explained_where_there_is_a_gil() -> None:
    assert found(scaled(1.95, family="offgil"), "scaling")[0].endswith("The work runs without the GIL.")
    assert "without" not in found(scaled(1.95, family="cpu"), "scaling")[0]
    assert "without" not in found(scaled(1.0, family="offgil"), "scaling")[0]


@pytest.mark.parametrize(
    ("name", "gil", "there"),
    [
        ("3.13", None, True),
        ("3.13t", None, False),
        ("3.13t", False, False),
        ("3.13t", True, True),  # the case decides, not the build
    ],
)
def test_whether_there_is_a_gil_to_work_without_is_asked_of_the_case(
    name: str, gil: bool | None, there: bool
) -> None:
    study = builder(make_workload("work", "offgil"), names=(name,))
    for threads, rate, noise in ((1, 1000.0, STEADY), (2, 1950.0, SURE)):
        number = study.work("work", name, rate, threads=threads, noise=noise)
        study.cases[number] = msgspec.structs.replace(study.cases[number], gil=gil)
    (text,) = found(study, "scaling")
    assert text.startswith("work, 2 threads vs 1: 1.95x on 3.13")
    assert text.endswith("The work runs without the GIL.") == there


def test_interpreters_that_agree_are_told_together_and_the_fewest_threads_count() -> None:
    study = builder(names=("3.11", "3.13", "3.13t"))
    for name, factor in (("3.11", 1.0), ("3.13", 1.05), ("3.13t", 1.95)):
        study.work("countdown", name, 1000.0, noise=STEADY)
        study.work("countdown", name, 1000.0 * factor, threads=2, noise=SURE)
        study.work("countdown", name, 9000.0, threads=4, noise=SURE)
    (text,) = found(study, "scaling")
    assert text == (
        "countdown, 2 threads vs 1: 1.95x on 3.13t; no speedup on 3.11 and 3.13 (1.00x to 1.05x)."
    )


# --- the module that does the work ----------------------------------------------------------------------


def hashed(slow: float, backends: tuple[str | None, str | None]) -> StudyBuilder:
    study = builder(make_workload("sha", "offgil"))
    for name, factor, backend in (("3.13", slow, backends[0]), ("3.13t", 1.95, backends[1])):
        environment = Environment(pid=1, clock="c", backend=backend)
        study.work("sha", name, 1000.0, noise=STEADY, environment=environment)
        study.work("sha", name, 1000.0 * factor, threads=2, noise=SURE, environment=environment)
    return study


def test_another_module_that_keeps_the_gil_is_named() -> None:
    assert found(hashed(1.0, ("_sha256", "_hashlib")), "backend") == [
        "sha holds the GIL on 3.13, where module _sha256 implements it; elsewhere _hashlib does."
    ]


@pytest.mark.parametrize(
    ("slow", "backends"),
    [
        (1.95, ("_sha256", "_hashlib")),  # it does not keep it
        (1.0, ("_hashlib", "_hashlib")),  # it is not the module
        (1.0, (None, "_hashlib")),  # it is not known
    ],
)
def test_a_module_is_not_blamed_without_reason(slow: float, backends: tuple[str | None, str | None]) -> None:
    assert found(hashed(slow, backends), "backend") == []


@pytest.mark.parametrize("threads", [(4,), (4, 8)])
def test_a_module_is_named_at_the_fewest_threads_of_its_own_workload(threads: tuple[int, ...]) -> None:
    """Another workload with fewer threads must not hide it, and more threads must not repeat it."""
    study = builder(make_workload("sha", "offgil"), make_workload("countdown"))
    for name, factor, backend in (("3.13", 1.0, "_sha256"), ("3.13t", 1.95, "_hashlib")):
        environment = Environment(pid=1, clock="c", backend=backend)
        study.work("sha", name, 1000.0, noise=STEADY, environment=environment)
        for count in threads:
            study.work("sha", name, 1000.0 * factor, threads=count, noise=SURE, environment=environment)
        study.work("countdown", name, 1000.0, noise=STEADY)
        study.work("countdown", name, 1000.0, threads=2, noise=SURE)
    assert len(found(study, "backend")) == 1
    (cell,) = next(one for one in study.report().findings if one.kind == "backend").cells
    assert cell.case.threads == 4
    assert [text.partition(" vs")[0] for text in found(study, "scaling")] == [
        "sha, 4 threads",
        "countdown, 2 threads",
    ]


# --- the convoy -----------------------------------------------------------------------------------------


def convoy(rate: float, *, threads: int = 1, quiet: bool = True, offered: int = 20) -> StudyBuilder:
    study = builder(make_workload("echo", "mixed"), names=("3.13",))
    if quiet:
        study.serve("echo", "3.13", [1e-4] * 20, threads=0, rate=10000.0)
    study.serve("echo", "3.13", [5e-3] * offered, threads=threads, rate=rate)
    return study


def test_a_collapse_beside_one_thread_is_told_with_its_latency() -> None:
    (text,) = found(convoy(100.0), "convoy")
    assert text.startswith("With one CPU-bound thread, echo drops to 1.0")
    assert "of its unloaded throughput on 3.13 (median latency 5.00 ms)" in text
    assert text.endswith("it waits for the GIL after each system call.")


def test_a_service_that_is_not_harmed_is_told() -> None:
    (text,) = found(convoy(8000.0), "convoy")
    assert text.startswith("With one CPU-bound thread, echo keeps 8")
    assert "exceeds" not in text


def test_a_service_that_gains_is_told_with_the_reason() -> None:
    (text,) = found(convoy(30000.0), "convoy")
    assert text.endswith("It exceeds 100% because busy CPUs need no wake-up for a request.")


@pytest.mark.parametrize(("rate", "kept"), [(100.0, "drops to"), (8000.0, "keeps")])
def test_added_threads_are_named_by_their_work(rate: float, kept: str) -> None:
    calls = make_workload(
        "io_before_cpu", "mixed", driver="inside", peer=None, parameters={"background": "null_write"}
    )
    study = builder(calls, names=("3.13",))
    study.serve("io_before_cpu", "3.13", [1e-4] * 20, threads=0, rate=10000.0)
    study.serve("io_before_cpu", "3.13", [1e-4] * 20, threads=1, rate=rate)
    (text,) = found(study, "convoy")
    assert text.startswith(f"With one null_write thread, io_before_cpu {kept}")
    assert "CPU-bound" not in text
    assert "system call" not in text


@pytest.mark.parametrize("rate", [1200.0, 3000.0, 4900.0])
def test_a_loss_in_between_is_no_convoy(rate: float) -> None:
    assert found(convoy(rate), "convoy") == []


def test_a_convoy_needs_one_thread_and_a_quiet_case() -> None:
    assert found(convoy(100.0, threads=2), "convoy") == []
    assert found(convoy(100.0, quiet=False), "convoy") == []


# --- signals --------------------------------------------------------------------------------------------


def signalled(latencies: Sequence[float], *, threads: int = 4, offered: int = 40) -> StudyBuilder:
    study = builder(make_workload("delivery", "signals"), names=("3.13",))
    study.serve("delivery", "3.13", [1e-4] * offered, threads=0, offered=offered)
    study.serve("delivery", "3.13", latencies, threads=threads, offered=offered)
    return study


def test_lost_signals_are_told_with_the_delay_of_the_others() -> None:
    assert found(signalled([0.02] * 25), "signals") == [
        "delivery, 4 CPU-bound threads: only 62.5% of signals were handled on 3.13; median delay 20.0 ms."
    ]


def test_where_most_are_lost_the_median_is_never() -> None:
    (text,) = found(signalled([0.02] * 10), "signals")
    assert text.endswith("only 25.0% of signals were handled on 3.13; half or more were never handled.")


def test_late_signals_are_told() -> None:
    assert found(signalled([0.012] * 40), "signals") == [
        "delivery, 4 CPU-bound threads: signals were handled late on 3.13; median delay 12.0 ms."
    ]


@pytest.mark.parametrize("latencies", [[1e-4] * 40, [9e-4] * 40, [1e-4] * 39])
def test_signals_that_arrive_in_time_are_not_told(latencies: list[float]) -> None:
    assert found(signalled(latencies), "signals") == []


def test_without_busy_threads_nothing_is_told_of_signals() -> None:
    study = builder(make_workload("delivery", "signals"), names=("3.13",))
    study.serve("delivery", "3.13", [0.02] * 5, threads=0)
    assert found(study, "signals") == []


def test_what_the_main_thread_did_is_said() -> None:
    study = builder(make_workload("delivery", "signals"), names=("3.13",))
    study.serve("delivery", "3.13", [0.02] * 20, threads=4, parameters={"main": "busy"}, offered=40)
    assert found(study, "signals")[0].startswith("delivery main=busy, 4 CPU-bound threads: only 50.0%")


# --- one thread -----------------------------------------------------------------------------------------


def single(factor: float, noise: Sequence[float] = SURE, *, family: str = "cpu") -> StudyBuilder:
    study = builder(make_workload("a", family), make_workload("b", family))
    for workload, spread in (("a", noise), ("b", noise[::-1])):
        study.work(workload, "3.13", 1000.0, noise=STEADY)
        study.work(workload, "3.13t", 1000.0 * factor, noise=spread)
    return study


@pytest.mark.parametrize(("factor", "figure"), [(0.6, "0.600"), (0.97, "0.970"), (1.5, "1.50")])
def test_a_difference_on_one_thread_is_told_with_its_interval(factor: float, figure: str) -> None:
    (text,) = found(single(factor), "single_thread")
    assert text.startswith(f"Single-threaded cpu family: 3.13t runs at {figure}x the speed of 3.13 (95%")
    assert text.endswith("geometric mean of 2 workloads).")


def test_a_tie_is_told_as_one() -> None:
    (text,) = found(single(1.0), "single_thread")
    assert text.startswith(
        "Single-threaded cpu family: no detectable difference between 3.13t and 3.13 (ratio "
    )
    assert text.endswith(", 6 blocks).")


def test_a_difference_that_is_not_sure_is_no_difference() -> None:
    (text,) = found(single(0.9, VAGUE), "single_thread")
    assert "no detectable difference" in text


def test_an_interval_that_says_nothing_is_not_told_as_a_tie() -> None:
    (text,) = found(single(0.9, (1e-6, 1e6, 1.0, 1.0, 1e6, 1e-6)), "single_thread")
    assert text == "Single-threaded cpu family: 6 blocks do not determine whether 3.13t and 3.13 differ."


def test_one_thread_is_told_of_the_cpu_family_alone_and_needs_an_interval() -> None:
    assert found(single(0.6, family="offgil"), "single_thread") == []
    assert found(single(0.6, STEADY), "single_thread") == []
    alone = builder()
    alone.work("countdown", "3.13t", 1000.0)
    assert found(alone, "single_thread") == []


# --- all of them ----------------------------------------------------------------------------------------


def test_nothing_is_told_of_a_study_without_runs() -> None:
    assert builder().report().findings == ()


def test_a_finding_carries_the_cells_that_it_stands_on() -> None:
    findings: tuple[Finding, ...] = scaled(1.95).report().findings
    evidence = [cell for finding in findings if finding.kind == "scaling" for cell in finding.cells]
    assert [(cell.case.workload, cell.metric, cell.case.threads) for cell in evidence] == [
        ("work", "speedup", 2)
    ]


def test_a_finding_names_its_subject_and_what_to_do() -> None:
    flat, scales = (scaled(factor).report().findings[0] for factor in (1.0, 1.95))
    assert (flat.subject, scales.subject) == ("work", "work")
    assert flat.next == "Run CPU-bound work in other processes, or on a free-threaded build."
    assert scales.next is None
    assert scaled(0.7, family="shared").report().findings[0].next is not None
    assert scaled(1.0, family="shared").report().findings[0].next is None


def test_one_thread_is_told_of_an_interpreter_with_its_cells() -> None:
    (finding,) = (one for one in single(0.6).report().findings if one.kind == "single_thread")
    assert finding.subject == "3.13t"
    assert [(cell.case.workload, cell.metric) for cell in finding.cells] == [
        ("a", "relative"),
        ("b", "relative"),
    ]


def test_observed_runs_prove_nothing() -> None:
    study = scaled(1.95)
    study.cases = [
        type(case)(
            **{**{name: getattr(case, name) for name in case.__struct_fields__}, "observers": ("stacks",)}
        )
        for case in study.cases
    ]
    assert found(study, "scaling") == []
