"""What a watch could have seen."""

from __future__ import annotations

from typing import Any

from gilbench.model.watch import KNOWN, GroupTotals, WatchedGroup, WatchInterval, WatchState


def make_interval(**changes: Any) -> WatchInterval:
    known: dict[str, Any] = {
        "start": 1_700_000_000.0,
        "duration": 10.0,
        "pid": 1234,
        "python": "3.13.5",
        "probe": "waits",
        "samples": 400,
        "error": 0.05,
        "gil_held": 0.5,
        "gil_wait": 0.25,
        "cpus": 0.75,
        "longest_hold": 0.125,
        "switches": 2000.0,
        "groups": (
            WatchedGroup(
                name="MainThread", threads=1, gil_held=0.0, gil_wait=0.0, cpus=0.0, longest_hold=0.0
            ),
            WatchedGroup(
                name="worker-*", threads=8, gil_held=0.5, gil_wait=0.25, cpus=0.75, longest_hold=0.125
            ),
        ),
        "cost": 0.008,
        "memory": 33_000_000,
    }
    return WatchInterval(**{**known, **changes})


def make_state(interval: WatchInterval | None = None, **changes: Any) -> WatchState:
    known: dict[str, Any] = {
        "created": 1_700_000_000.0,
        "interval": interval or make_interval(),
        "groups": (GroupTotals(name="worker-*", gil_held=5.0, gil_wait=2.5, cpus=7.5),),
        "alerts": (("gil_wait>30% for 1m", False),),
        "watched": 10.0,
        "known": {**dict.fromkeys(KNOWN, 10.0), "parked": 0.0, "paused": 0.0},
        "switches": 20000.0,
        "paused": 0.0,
        "starts": 1,
        "cpu": 0.6,
        "profile_cpu": 0.0,
        "waived": 0.0,
        "limit": 0.01,
    }
    return WatchState(**{**known, **changes})
