from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from watches import make_interval, make_state

from gilbench.analyse.watch.totals import WatchTotals
from gilbench.model.watch import OTHER, GroupTotals, WatchedGroup, WatchInterval, WatchLog
from gilbench.observe.group_names import GroupLabels
from gilbench.render.formats import text_of
from gilbench.render.watch_metrics import write_watch_metrics

HOSTILE = 'a"b\\c\n# EOF\n{x="\x1b[31m<script>::error::'


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read a page as Prometheus does."""
    families: Any = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_prometheus_reads_sums_gauges_and_the_cost_of_the_watch() -> None:
    found = parsed(write_watch_metrics(make_state()))
    group = (("group", "worker-*"),)
    assert found["gilbench_gil_held_seconds_total", group] == 5.0
    assert found["gilbench_gil_held_seconds_created", group] == 1_700_000_000.0
    assert found["gilbench_gil_wait_ratio", group] == 0.25
    assert found["gilbench_longest_hold_seconds", group] == 0.125
    assert found["gilbench_watch_cpu_seconds_total", ()] == 0.6
    assert found["gilbench_watch_memory_bytes", ()] == 33_000_000
    assert found["gilbench_watch_cost_limit_ratio", ()] == 0.01
    assert found["gilbench_program_up", ()] == 1.0
    assert found["gilbench_alert_firing", (("rule", "gil_wait>30% for 1m"),)] == 0.0


def test_what_is_unknown_is_left_out() -> None:
    nothing = WatchInterval(start=1.0, duration=0.0)
    found = parsed(write_watch_metrics(make_state(nothing, groups=(), alerts=())))
    assert found["gilbench_program_up", ()] == 0.0
    assert not [name for name, _ in found if name.startswith(("gilbench_gil_held_ratio", "gilbench_error"))]


def test_no_name_of_a_thread_breaks_the_page() -> None:
    group = WatchedGroup(name=HOSTILE, threads=1, gil_held=0.1, gil_wait=0.0)
    state = make_state(
        make_interval(groups=(group,)), groups=(GroupTotals(name=HOSTILE),), alerts=((HOSTILE, True),)
    )
    names = {dict(labels).get("group") for _, labels in parsed(write_watch_metrics(state))}
    (name,) = names - {None}
    assert name is not None
    assert name.startswith('a"b\\c')
    assert name.isprintable()


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "csv", "html"])
def test_the_page_of_a_file_escapes_names_in_every_format(form: str) -> None:
    group = WatchedGroup(name=HOSTILE, threads=1, gil_held=0.5, gil_wait=0.25)
    text = text_of(WatchLog((make_interval(groups=(group,)),), ()), form)
    assert "\x1b[31m" not in text
    assert form != "html" or "<script>::" not in text
    assert text_of(WatchLog((), ()), form) != "" or form == "csv"


def traced() -> int:
    """Return the memory that Python uses, without garbage."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_thousands_of_intervals_with_ever_new_threads_take_constant_memory() -> None:
    labels, totals = GroupLabels(), WatchTotals()

    def watch(intervals: range) -> int:
        size = 0
        for number in intervals:
            names = {labels.label(f"{chr(97 + number % 26)}{'x' * (number % 200)}") for _ in range(3)}
            groups = tuple(WatchedGroup(name=name, threads=1, gil_held=0.1) for name in sorted(names))
            interval = make_interval(groups=groups)
            totals.add(interval)
            size = len(write_watch_metrics(make_state(interval, groups=totals.groups())))
        return size

    tracemalloc.start()
    try:
        first = watch(range(300)), traced()
        last = watch(range(300, 2300)), traced()
    finally:
        tracemalloc.stop()
    assert len(totals.groups()) <= 64
    assert OTHER in {one.name for one in totals.groups()}
    assert last[0] < 1.1 * first[0] + 1000
    assert last[1] - first[1] < 20_000


def test_a_figure_that_was_never_known_has_no_sum_and_a_dash() -> None:
    text = write_watch_metrics(make_state())
    assert "gilbench_parked_seconds_total" not in text
    assert "gilbench_paused_seconds_total" not in text
    assert 'gilbench_known_seconds_total{figure="gil_wait"} 10.0' in text
    page = text_of(WatchLog(intervals=(make_interval(),), events=()), "markdown")
    assert "1 process;" in page
    row = next(line for line in page.splitlines() if line.startswith("| `worker"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["50.0%", "25.0%", "-", "0.750"]
