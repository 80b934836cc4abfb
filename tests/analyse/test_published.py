"""What was published is held against what a study shows; what cannot be told is not told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from studies import make_workload, named

from gilbench.analyse.study.published import published
from gilbench.analyse.study.sweeps import SENT, SWITCH_INTERVAL, sweeps
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell
from gilbench.model.study import Case

INTERPRETERS = {
    name: msgspec.structs.replace(named(name, version, free_threaded=free), gil_enabled=not free)
    for name, version, free in (
        ("2.7", "2.7.18", False),
        ("3.11", "3.11.7", False),
        ("3.13t", "3.13.5", True),
    )
}
WORKLOADS = {
    workload.name: workload
    for workload in (
        make_workload("countdown"),
        make_workload("dict_write", "shared"),
        make_workload("dict_write_own", "shared"),
        make_workload("tcp_echo_cpu", "mixed", foreground="tcp_echo"),
        make_workload("cpued", "mixed"),
        make_workload("ctrl_c", "signals", parameters={"main": "asleep", "hold": 0.5}),
        make_workload("coalescing", "signals", parameters={"interval": 0.02}),
    )
}


def cell(
    workload: str, metric: str, value: float, *, error: float = 0.03, interpreter: str = "3.11", **fields: Any
) -> Cell:
    known: dict[str, Any] = {
        "family": WORKLOADS[workload].family,
        "unit": METRICS[metric].unit,
        "better": METRICS[metric].better,
        "lo": value * (1 - error),
        "hi": value * (1 + error),
        "blocks": 5,
    }
    axes = {name: fields.pop(name) for name in Case.__struct_fields__ if name in fields}
    case = Case(**{"workload": workload, "interpreter": interpreter, "threads": 1, **axes})
    return Cell(case=case, metric=metric, value=value, **{**known, **fields})


def said(*cells: Cell) -> list[str]:
    swept = list(sweeps(cells, WORKLOADS))
    return [finding.text for finding in published(cells, swept, INTERPRETERS, WORKLOADS)]


def echo(*rates: float, **fields: Any) -> list[Cell]:
    return [
        cell("tcp_echo_cpu", "throughput", rate, switch_interval=interval, **fields)
        for interval, rate in zip((1e-5, 1e-4, 1e-3, 5e-3), rates, strict=False)
    ]


def test_a_collapse_that_follows_the_switch_interval_is_as_published() -> None:
    (text,) = said(*echo(9000, 4000, 800, 180))
    assert text.startswith(
        "tcp_echo_cpu with one CPU-bound thread on 3.11: 9.00 k/s at a switch interval of 0.0100 ms, "
    )
    assert "0.180 k/s at a switch interval of 5.00 ms. Throughput falls with each longer interval" in text
    assert "(4 intervals), as published for 3.9" in text


def test_a_collapse_that_goes_the_other_way_is_unlike_what_was_published() -> None:
    (text,) = said(*echo(100, 200, 300, 400))
    assert "unlike published results" in text


@pytest.mark.parametrize("rates", [(9000, 4000, 4100, 180), (200, 190, 210, 180)])
def test_a_collapse_that_does_neither_is_not_told(rates: tuple[float, ...]) -> None:
    assert said(*echo(*rates)) == []


def test_a_collapse_whose_intervals_allow_both_is_not_told_to_be_unlike() -> None:
    assert said(*echo(100, 110, 120, 130, error=0.5)) == []


@pytest.mark.parametrize("name", ["2.7", "3.13t"])
def test_where_there_is_no_new_gil_the_interval_does_not_matter(name: str) -> None:
    (text,) = said(*echo(9000, 9100, 9050, 9020, interpreter=name))
    assert text.endswith("The switch interval makes no difference.")
    assert said(*echo(9000, 4000, 800, 180, interpreter=name)) == []


@pytest.mark.parametrize(("alone", "as_published"), [(0.99, True), (0.6, False)])
def test_two_threads_slower_than_one_twice_is_told_with_what_one_cpu_gives(
    alone: float, as_published: bool
) -> None:
    (text,) = said(
        cell("countdown", "speedup", 0.6, interpreter="2.7", threads=2),
        cell("countdown", "speedup", alone, interpreter="2.7", threads=2, cpus=1),
    )
    assert text.startswith("countdown, 2 threads vs 1, on 2.7: 0.600x on all CPUs, ")
    assert ("As published" in text) == as_published


def test_two_threads_that_are_as_fast_are_not_told() -> None:
    assert (
        said(
            cell("countdown", "speedup", 1.0, interpreter="2.7", threads=2),
            cell("countdown", "speedup", 0.99, interpreter="2.7", threads=2, cpus=1),
        )
        == []
    )


def test_a_polite_thread_that_waits_is_told_beside_what_it_does_alone() -> None:
    quiet = cell("cpued", "latency_p50", 6e-5, threads=0)
    (text,) = said(quiet, cell("cpued", "latency_p50", 0.01, threads=2))
    assert "after 10.0 ms (median)" in text
    assert "(60.0 µs unloaded)" in text
    assert said(quiet, cell("cpued", "latency_p50", 7e-5, threads=2)) == []


@pytest.mark.parametrize(("seen", "told"), [(0.502, True), (0.05, False), (2.0, False)])
def test_an_interrupt_that_waits_for_a_whole_c_call_is_told(seen: float, told: bool) -> None:
    wait = cell("ctrl_c", "latency_max", seen, parameters=(("main", "c_call"),), lo=None, hi=None)
    assert bool(said(wait)) == told


def test_twins_that_part_are_told_and_others_are_not() -> None:
    shared = cell("dict_write", "speedup", 0.6, interpreter="3.13t", threads=2)
    (text,) = said(shared, cell("dict_write_own", "speedup", 1.9, interpreter="3.13t", threads=2))
    assert "dict_write 0.600x (1.90x)" in text
    assert said(shared, cell("dict_write_own", "speedup", 0.7, interpreter="3.13t", threads=2)) == []


def test_two_values_are_no_sweep() -> None:
    assert not list(sweeps(echo(9000, 4000), WORKLOADS))


def test_a_sweep_of_sending_intervals_is_one_of_rates_and_knows_the_declared_value() -> None:
    cells = [
        cell("coalescing", "delivered", share, parameters=parameters)
        for share, parameters in (
            (1.0, ()),
            (0.9, (("interval", 0.005),)),
            (0.2, (("interval", 0.001),)),
        )
    ]
    (sweep,) = sweeps(cells, WORKLOADS)
    assert (sweep.axis, sweep.unit, sweep.metric) == (SENT, "1/s", "delivered")
    ((line, points),) = sweep.lines.items()
    assert line.parameters == ()
    assert [(value, figure.value) for value, figure in points] == [(50.0, 1.0), (200.0, 0.9), (1000.0, 0.2)]


def test_lines_of_a_sweep_differ_by_everything_but_its_axis() -> None:
    cells = [*echo(9, 8, 7), *echo(6, 5, 4, threads=2)]
    (sweep,) = sweeps(cells, WORKLOADS)
    assert sweep.axis == SWITCH_INTERVAL
    assert [line.threads for line in sweep.lines] == [1, 2]
