"""Writes the state of a watch as OpenMetrics text.

Sums are counters, which begin at 0 with the watch, as ``_created`` says: ``rate()`` of a sum is the share of any time.
The values of the last interval are gauges.
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gilbench.model.watch import WatchState
from gilbench.render.guard import quotable

_Labels = Mapping[str, str]


class WatchMetric(NamedTuple):
    """A metric and its samples; unknown values are left out."""

    name: str  # of a counter, without _total
    kind: str  # counter or gauge
    unit: str
    help: str
    samples: tuple[tuple[_Labels, float | None], ...]


def watch_metrics(state: WatchState) -> Iterator[WatchMetric]:
    """Yield all metrics of a watch."""
    yield from _of_groups(state)
    yield from _of_the_program(state)
    yield from _of_the_watch(state)


def write_watch_metrics(state: WatchState) -> str:
    """Return the text, which ends with ``# EOF``."""
    return "".join(_lines(watch_metrics(state), state.created))


def _of_groups(state: WatchState) -> Iterator[WatchMetric]:
    sums = [({"group": one.name}, one) for one in state.groups]
    for field, name, text in (
        ("gil_held", "gil_held", "Time in which threads held the GIL"),
        ("gil_wait", "gil_wait", "Time in which threads waited for the GIL"),
        ("parked", "parked", "Time in which threads of a free-threaded build waited for its locks"),
        ("cpus", "cpu", "CPU time of threads"),
    ):
        known = tuple((at, getattr(one, field)) for at, one in sums if state.known[field])
        yield WatchMetric(f"gilbench_{name}_seconds", "counter", "seconds", text, known)
    known = tuple(({"figure": figure}, seconds) for figure, seconds in state.known.items() if seconds)
    text = "Time in which a figure was known"
    yield WatchMetric("gilbench_known_seconds", "counter", "seconds", text, known)
    last = [({"group": one.name}, one) for one in state.interval.groups]
    for field, name, unit, text in (
        ("gil_held", "gilbench_gil_held_ratio", "ratio", "GIL held in the last interval"),
        (
            "gil_wait",
            "gilbench_gil_wait_ratio",
            "ratio",
            "GIL wait in the last interval, of all threads together",
        ),
        (
            "parked",
            "gilbench_parked_ratio",
            "ratio",
            "Waits for locks in the last interval, of all threads together",
        ),
        (
            "longest_hold",
            "gilbench_longest_hold_seconds",
            "seconds",
            "Longest hold of the GIL that two samples of the last interval fell into",
        ),
        ("threads", "gilbench_threads", "", "Threads at the end of the last interval"),
    ):
        yield WatchMetric(name, "gauge", unit, text, tuple((at, getattr(one, field)) for at, one in last))


def _of_the_program(state: WatchState) -> Iterator[WatchMetric]:
    one = state.interval
    pid = {"pid": str(one.pid), "python": one.python or ""}
    running = one.pid is not None
    switches = state.switches if state.known["switches"] else None
    paused = state.paused if state.known["paused"] else None
    for name, kind, unit, text, value in (
        ("gilbench_gil_switches", "counter", "", "Times that the GIL went to another thread", switches),
        ("gilbench_paused_seconds", "counter", "seconds", "Stop-the-world pauses", paused),
        (
            "gilbench_watched_seconds",
            "counter",
            "seconds",
            "Time in which the program was watched",
            state.watched,
        ),
        ("gilbench_watched_processes", "counter", "", "Processes of the program", float(state.starts)),
        ("gilbench_wait_share_ratio", "gauge", "ratio", "GIL wait, of the time runnable", one.wait_share),
        ("gilbench_samples", "gauge", "", "Samples in the last interval", float(one.samples)),
        ("gilbench_error_ratio", "gauge", "ratio", "Half of the 95% interval of a thread's share", one.error),
        ("gilbench_program_up", "gauge", "", "Whether the program runs", float(running)),
    ):
        yield WatchMetric(name, kind, unit, text, (({}, value),))
    if running:
        yield WatchMetric("gilbench_program", "info", "", "The process that is watched", ((pid, 1.0),))


def _of_the_watch(state: WatchState) -> Iterator[WatchMetric]:
    one = state.interval
    for name, kind, unit, text, value in (
        ("cpu_seconds", "counter", "seconds", "CPU time of the watch, without profiles", state.cpu),
        (
            "profile_cpu_seconds",
            "counter",
            "seconds",
            "CPU time of profiles and commands of alerts",
            state.profile_cpu,
        ),
        ("waived_seconds", "counter", "seconds", "Time without samples, to keep the limit", state.waived),
        ("cost_ratio", "gauge", "ratio", "CPU time of the watch in the last interval, of one CPU", one.cost),
        ("cost_limit_ratio", "gauge", "ratio", "CPU time that the watch may use, of one CPU", state.limit),
        ("memory_bytes", "gauge", "bytes", "Resident memory of the watch", float(one.memory)),
    ):
        yield WatchMetric(f"gilbench_watch_{name}", kind, unit, text, (({}, value),))
    probes = tuple(({"probe": probe}, float(one.probe == probe)) for probe in ("waits", "holder", "none"))
    yield WatchMetric("gilbench_watch_probe", "gauge", "", "What was sampled in the last interval", probes)
    alerts = tuple(({"rule": rule}, float(firing)) for rule, firing in state.alerts)
    yield WatchMetric("gilbench_alert_firing", "gauge", "", "Whether an alert is firing", alerts)


def _lines(metrics: Iterable[WatchMetric], created: float) -> Iterator[str]:
    for metric in metrics:
        known = [(labels, value) for labels, value in metric.samples if value is not None]
        if not known:
            continue
        yield f"# TYPE {metric.name} {metric.kind}\n"
        if metric.unit:
            yield f"# UNIT {metric.name} {metric.unit}\n"
        yield f"# HELP {metric.name} {quotable(metric.help)}\n"
        end = {"counter": "_total", "info": "_info"}.get(metric.kind, "")
        for labels, value in known:
            shown = ",".join(f'{key}="{quotable(text)}"' for key, text in labels.items())
            at = f"{{{shown}}}" if shown else ""
            yield f"{metric.name}{end}{at} {value!r}\n"
            if metric.kind == "counter":
                yield f"{metric.name}_created{at} {created:.3f}\n"
    yield "# EOF\n"
