"""Figures of studies that are known beforehand."""

from __future__ import annotations

import math

import msgspec
import pytest
from studies import (
    DRIFT,
    SECONDS,
    StudyBuilder,
    cell_of,
    cells_of,
    counted,
    everything,
    make_slice,
    make_workload,
    named,
)

from gilbench.analyse.study.report import build_report
from gilbench.model.study import Case, Failure, Reading
from gilbench.render.rows import flat

STEADY = (1.0, 1.0, 1.0, 1.0)
LEAN = (1.02, 1.0, 0.99, 1.01)


def parallel(*extra: str, blocks: int = 4) -> StudyBuilder:
    names = ("3.13", "3.13t", *extra)
    return StudyBuilder([named(name) for name in names], [make_workload()], blocks=blocks)


def mean_log(values: tuple[float, ...]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


# --- work -----------------------------------------------------------------------------------------------


def test_throughput_is_the_geometric_mean_over_blocks() -> None:
    builder = parallel()
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    cell = cell_of(builder.report(), metric="throughput")
    assert cell.value == pytest.approx(1000.0 * mean_log(DRIFT[:4]))
    assert cell.blocks == 4
    assert cell.lo is not None
    assert cell.hi is not None
    assert cell.lo < cell.value < cell.hi
    assert (cell.unit, cell.better) == ("1/s", "higher")


def test_a_ratio_taken_inside_blocks_knows_no_drift() -> None:
    builder = parallel()
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    builder.work("countdown", "3.13", 1900.0, threads=2, noise=LEAN)
    builder.work("countdown", "3.13t", 800.0, noise=LEAN)
    report = builder.report()
    speedup = cell_of(report, metric="speedup")
    assert speedup.value == pytest.approx(1.9 * mean_log(LEAN))
    assert (speedup.case.threads, speedup.blocks) == (2, 4)
    assert speedup.lo is not None
    assert speedup.hi is not None
    assert 1.85 < speedup.lo < 1.9 < speedup.hi < 2.0  # far narrower than the drift from 0.5 to 2
    efficiency = cell_of(report, metric="efficiency")
    assert efficiency.value == pytest.approx(speedup.value / 2)
    assert efficiency.hi == pytest.approx(speedup.hi / 2)
    relative = cell_of(report, metric="relative", threads=1)
    assert relative.case.interpreter == "3.13t"
    assert relative.value == pytest.approx(0.8 * mean_log(LEAN))


def test_figures_that_are_equal_to_the_last_digit_have_no_interval() -> None:
    builder = parallel()
    for threads, rate in ((1, 1000.0), (2, 2000.0)):
        builder.work("countdown", "3.13", rate, threads=threads, noise=STEADY)
    speedup = cell_of(builder.report(), metric="speedup")
    assert speedup.value == pytest.approx(2.0)
    assert (speedup.lo, speedup.hi) == (None, None)


def test_one_block_has_a_figure_and_no_interval() -> None:
    builder = parallel(blocks=1)
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    cell = cell_of(builder.report(), metric="throughput")
    assert cell.value == pytest.approx(1000.0)
    assert (cell.lo, cell.hi, cell.blocks) == (None, None, 1)


def test_nothing_is_compared_with_what_was_not_run() -> None:
    builder = parallel()
    builder.work("countdown", "3.13t", 1000.0, threads=4)
    metrics = {cell.metric for cell in builder.report().cells}
    assert "throughput" in metrics
    assert not {"speedup", "efficiency", "relative"} & metrics


def test_a_block_that_only_one_side_finished_is_not_compared() -> None:
    builder = parallel()
    one = builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    builder.work("countdown", "3.13t", 800.0, noise=LEAN)
    builder.runs = [run for run in builder.runs if (run.case, run.block) != (one, 2)]
    report = builder.report()
    relative = cell_of(report, metric="relative")
    assert relative.blocks == 3
    assert relative.value == pytest.approx(0.8 * mean_log((LEAN[0], LEAN[1], LEAN[3])))


def test_failed_runs_are_left_out_of_every_figure_and_listed() -> None:
    builder = parallel()
    case = builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    before = builder.report().cells
    broken = [make_slice(turn, 1e9) for turn in range(2)]
    builder.run(case, 0, broken, attempt=1, failure=Failure(kind="crash", message="it broke"))
    report = builder.report()
    assert report.cells == before
    assert [(found.workload, failure.kind) for found, failure in report.failures] == [("countdown", "crash")]


def test_an_interrupted_run_counts_with_the_slices_it_has() -> None:
    builder = parallel()
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    other = builder.case("countdown", "3.13t")
    for block in range(4):
        turns = range(4) if block else range(1)
        slices = [make_slice(turn, 800.0 * DRIFT[block]) for turn in turns]
        builder.run(other, block, slices, interrupted=not block)
    relative = cell_of(builder.report(), metric="relative")
    assert relative.value == pytest.approx(0.8)
    assert relative.blocks == 4


def test_two_attempts_of_a_block_are_two_blocks() -> None:
    builder = parallel()
    for name, speed in (("3.13", 1000.0), ("3.13t", 800.0)):
        builder.work("countdown", name, speed, noise=STEADY if name == "3.13" else LEAN)
    base, other = 0, 1
    # The first attempt of block 0 ended early on one side; the second came in another hour, ten times as slow.
    builder.run(base, 0, [make_slice(turn, 100.0) for turn in range(4)], attempt=1)
    builder.run(other, 0, [make_slice(turn, 80.0) for turn in range(4)], attempt=1)
    relative = cell_of(builder.report(), metric="relative")
    assert relative.blocks == 5
    assert relative.value == pytest.approx(0.8 * mean_log((*LEAN, 1.0)))


def test_attempts_of_different_hours_are_never_divided_by_each_other() -> None:
    builder = parallel()
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    other = builder.case("countdown", "3.13t")
    for block in range(4):
        builder.run(other, block, [make_slice(0, 800.0)], attempt=1)
    assert not cells_of(builder.report(), metric="relative")


def test_slices_are_paired_by_their_round_whatever_their_order() -> None:
    builder = parallel()
    drift = (1.0, 4.0, 0.25, 2.0)
    for name, speed in (("3.13", 1000.0), ("3.13t", 800.0)):
        case = builder.case("countdown", name)
        for block in range(4):
            slices = [make_slice(turn, speed * drift[turn]) for turn in range(4)]
            builder.run(case, block, slices if name == "3.13" else slices[::-1])
    assert cell_of(builder.report(), metric="relative").value == pytest.approx(0.8)


def test_cpu_utilisation_is_cpu_time_over_wall_time() -> None:
    builder = parallel()
    case = builder.case("countdown", "3.13", 2)
    for block in range(4):
        builder.run(
            case, block, [make_slice(t, threads=2, cpu=SECONDS * (1.5 + 0.01 * block)) for t in (0, 1)]
        )
    assert cell_of(builder.report(), metric="cpu_utilisation").value == pytest.approx(1.515)


def test_what_was_not_taken_has_no_cell_rather_than_a_zero() -> None:
    builder = parallel()
    case = builder.case("countdown", "3.13")
    for block in range(4):
        builder.run(
            case, block, [make_slice(cpu=None)], readings=(Reading(observer="cpu", unavailable="no"),)
        )
    metrics = {cell.metric for cell in builder.report().cells}
    assert "throughput" in metrics
    assert not {"cpu_utilisation", "voluntary_switches", "memory_peak", "latency_p50", "gil_held"} & metrics


def test_a_slice_in_which_nothing_was_counted_leaves_the_figure_unknown() -> None:
    builder = parallel()
    case = builder.case("countdown", "3.13")
    for block in range(4):
        builder.run(case, block, [make_slice(window=0.0, operations=0.0)])
    assert not cells_of(builder.report(), metric="throughput")


def test_counts_of_the_kernel_are_means_over_blocks() -> None:
    builder = parallel()
    case = builder.case("countdown", "3.13")
    for block in range(4):
        builder.run(case, block, [make_slice()], readings=(counted(voluntary_switches=100.0 + block),))
    report = builder.report()
    assert cell_of(report, metric="voluntary_switches").value == pytest.approx(101.5)
    assert cell_of(report, metric="memory_peak").unit == "B"


def test_laws_are_unknown_where_no_block_has_all_thread_counts() -> None:
    builder = parallel()
    for threads in (1, 2, 4, 8):
        builder.work("countdown", "3.13", 1000.0 * threads, threads=threads)
    study = builder.study()
    assert cell_of(build_report(study), metric="serial_part").blocks == 4
    cases = study.header.plan.cases
    apart = [run for run in study.runs if (cases[run.case].threads == 1) == (run.block == 0)]
    found = cells_of(build_report(msgspec.structs.replace(study, runs=tuple(apart))))
    assert not [cell for cell in found if cell.metric in {"serial_part", "contention", "coherence"}]


# --- served on schedule ---------------------------------------------------------------------------------


def served(family: str = "mixed") -> StudyBuilder:
    return StudyBuilder([named("3.13")], [make_workload("echo", family)])


def test_latencies_are_percentiles_over_all_blocks() -> None:
    builder = served()
    builder.serve("echo", "3.13", [0.001 * step for step in range(1, 21)], rate=100.0)
    report = builder.report()
    assert cell_of(report, metric="latency_p50").value == pytest.approx(0.010)
    assert cell_of(report, metric="latency_p99").value == pytest.approx(0.020)
    assert cell_of(report, metric="latency_max").value == pytest.approx(0.020)
    assert cell_of(report, metric="delivered").value == 1.0
    for metric in ("latency_p50", "latency_p99", "latency_max", "delivered"):
        assert cell_of(report, metric=metric).samples == 80


def test_the_largest_latency_has_no_interval() -> None:
    builder = served()
    builder.serve("echo", "3.13", [0.001 * step for step in range(1, 21)], rate=100.0)
    largest = cell_of(builder.report(), metric="latency_max")
    assert (largest.lo, largest.hi) == (None, None)


@pytest.mark.parametrize(("answered", "median"), [(20, 0.010), (12, 0.010), (9, math.inf), (0, math.inf)])
def test_what_was_never_served_is_infinitely_late(answered: int, median: float) -> None:
    builder = served("signals")
    builder.serve("echo", "3.13", [0.001 * step for step in range(1, answered + 1)])
    report = builder.report()
    assert cell_of(report, metric="latency_p50").value == pytest.approx(median)
    assert cell_of(report, metric="delivered").value == pytest.approx(answered / 20)
    largest = 0.020 if answered == 20 else math.inf
    assert cell_of(report, metric="latency_max").value == pytest.approx(largest)


def test_what_is_retained_is_the_share_of_the_quiet_throughput() -> None:
    builder = served()
    builder.serve("echo", "3.13", [0.001], rate=10000.0, threads=0, offered=1)
    builder.serve("echo", "3.13", [0.001], rate=200.0, threads=1, offered=1)
    report = builder.report()
    retained = cell_of(report, metric="retained")
    assert retained.case.threads == 1
    assert retained.value == pytest.approx(0.02, rel=0.05)
    assert not cells_of(report, metric="speedup")


def test_the_throughput_beside_a_service_is_that_of_its_threads_together() -> None:
    builder = served()
    for threads in (0, 1, 2):
        builder.serve("echo", "3.13", [0.001], rate=100.0, threads=threads, background=500.0, offered=1)
    cells = cells_of(builder.report(), metric="background_throughput")
    assert [(cell.case.threads, round(cell.value, -1)) for cell in cells] == [(1, 500.0), (2, 480.0)]


def test_signals_have_no_throughput_and_each_choice_its_own_figures() -> None:
    builder = served("signals")
    builder.serve("echo", "3.13", [0.001] * 20)
    builder.serve("echo", "3.13", [0.002] * 10, parameters={"main": "busy"})
    report = builder.report()
    assert not cells_of(report, metric="throughput")
    found = {cell.case.parameters: cell.value for cell in cells_of(report, metric="delivered")}
    assert found == {(): 1.0, (("main", "busy"),): 0.5}


# --- observed -------------------------------------------------------------------------------------------


def test_an_observer_is_charged_with_the_slow_down_it_causes() -> None:
    builder = parallel()
    builder.work("countdown", "3.13", 1000.0, noise=STEADY)
    case = builder.case("countdown", "3.13", observers=("stacks",))
    for block in range(4):
        reading = Reading(observer="stacks", figures={"gil_held": 0.9 + 0.01 * block}, samples=200)
        slice_ = make_slice(2, 800.0 * DRIFT[block] * LEAN[block])
        builder.run(case, block, [slice_], readings=(reading,))
    report = builder.report()
    cost = cell_of(report, metric="observer_cost")
    assert cost.case.observers == ("stacks",)
    assert cost.value == pytest.approx(1.25 / mean_log(LEAN))
    held = cell_of(report, metric="gil_held")
    assert held.value == pytest.approx(0.915)
    assert held.samples == 800
    assert cell_of(report, metric="throughput", observers=()).value == pytest.approx(
        1000 * mean_log(DRIFT[:4])
    )


def test_every_cell_is_flat_and_names_its_case() -> None:
    report = everything().report()
    assert len(report.cells) > 100
    for cell in report.cells:
        fields = flat(cell)
        assert [name for name, value in fields.items() if isinstance(value, dict)] == ["parameters"]
        assert set(Case.__struct_fields__) < fields.keys()
        assert not math.isnan(cell.value)
        if cell.lo is not None and cell.hi is not None:
            assert cell.lo <= cell.value <= cell.hi
    assert len({(cell.case, cell.metric) for cell in report.cells}) == len(report.cells)
