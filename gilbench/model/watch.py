"""The values of a watch: what was seen of a program in each interval, and the alerts.

``None`` means "unknown" or "not measured", never zero. Shares are sums over the threads, relative to wall time.
"""

from __future__ import annotations

from typing import Literal

from gilbench.model.metrics import Metric
from gilbench.model.profile_results import PROFILE_METRICS, ProfileLimit
from gilbench.model.study import Amount, Count, Fraction, Seconds, Struct, Threads

SCHEMA = 1
Probed = Literal[
    "waits", "holder", "none"
]  # what was sampled: who waits and who holds the GIL; the latter; nothing
KNOWN = ("gil_held", "gil_wait", "parked", "paused", "switches", "cpus")
"""Figures of an interval whose sums need the time in which they were known."""
OTHER = "other"  # the group of threads beyond the largest number of groups

WATCH_METRICS: dict[str, Metric] = {
    **{
        name: PROFILE_METRICS[name]
        for name in ("gil_held", "gil_wait", "wait_share", "parked", "longest_hold", "cpus")
    },
    "paused": Metric("paused", "fraction", "lower", "stop-the-world pauses"),
    "switches": Metric("switches", "1/s", "neither", "GIL switches"),
}


class WatchedGroup(Struct, frozen=True):
    """Threads with names of one pattern."""

    name: str
    threads: Threads  # that lived at the end of the interval
    gil_held: Amount | None = None
    gil_wait: Amount | None = None
    parked: Amount | None = None  # slept on locks of a free-threaded build: of objects and internal ones
    cpus: Amount | None = None  # CPU time / wall time
    longest_hold: Seconds | None = None  # a lower bound: the longest hold that contains two samples or more


class WatchInterval(Struct, frozen=True, kw_only=True):
    """What was seen in one interval."""

    kind: Literal["interval"] = "interval"
    start: Amount  # s since the epoch
    duration: Seconds  # in which the program was watched; 0: it did not run
    pid: Count | None = None  # None: the program did not run
    python: str | None = None
    probe: Probed = "none"
    samples: Count = 0
    error: Amount | None = None  # half of the 95% interval of a share of one thread, at its widest
    gil_held: Amount | None = None
    gil_wait: Amount | None = None
    parked: Amount | None = None
    paused: Fraction | None = None  # share of the time in which a stop-the-world pause held threads
    cpus: Amount | None = None  # of the whole process
    longest_hold: Seconds | None = None
    switches: Amount | None = None  # times per second that the GIL went to another thread; counted
    groups: tuple[WatchedGroup, ...] = ()
    cost: Amount = 0.0  # CPU time of the watch, as a fraction of one CPU
    memory: Count = 0  # B, resident, of the watch

    @property
    def wait_share(self) -> float | None:
        """GIL wait, as a share of the time in which threads waited or were on a CPU."""
        if self.gil_wait is None or self.cpus is None or not self.gil_wait + self.cpus:
            return None
        return self.gil_wait / (self.gil_wait + self.cpus)


class AlertRule(Struct, frozen=True):
    """A limit, and for how long it must be exceeded."""

    text: str  # as it was given
    limit: ProfileLimit
    seconds: float


class WatchEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, other than the end of an interval."""

    kind: Literal["event"] = "event"
    at: Amount  # s since the epoch
    event: Literal["started", "ended", "probe", "fired", "cleared", "profiled", "failed"]
    text: str  # a sentence
    rule: str | None = None  # text of the alert's rule
    value: float | None = None  # of the alert's metric


class WatchLog(Struct, frozen=True):
    """A file of a watch that was read back."""

    intervals: tuple[WatchInterval, ...]
    events: tuple[WatchEvent, ...]


class GroupTotals(Struct, frozen=True):
    """Sums over all intervals of the watch for one group of threads, in s of thread time."""

    name: str
    gil_held: float = 0.0
    gil_wait: float = 0.0
    parked: float = 0.0
    cpus: float = 0.0  # CPU time


class WatchState(Struct, frozen=True):
    """All that a watch knows at the end of an interval."""

    created: float  # s since the epoch, at which the sums began
    interval: WatchInterval  # the last one
    groups: tuple[GroupTotals, ...]
    alerts: tuple[tuple[str, bool], ...]  # texts of the rules, and whether they are firing
    watched: float  # s in which the program was watched
    known: dict[str, float]  # s in which each figure of ``KNOWN`` was known
    switches: float  # of the GIL
    paused: float  # s of stop-the-world pauses
    starts: int  # processes that were watched
    cpu: float  # s that the watch used, without profiles
    profile_cpu: float  # s that profiles and commands of alerts used
    waived: float  # s in which no sample was taken, since the limit would have been exceeded
    limit: float  # CPU time that the watch may use, as a fraction of one CPU
