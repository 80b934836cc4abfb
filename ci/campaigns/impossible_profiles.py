"""Impossible profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.invariants import Change, Invariants, first_with, put, set_to

Row = dict[str, Any]


def _in_thread(change: Callable[[Row, Row], object], *needs: str) -> Change:
    """Change the first thread that has some fields, given the profile and the thread."""

    def apply(profile: Row) -> object:
        return any(
            change(profile, one) is not False for one in list(first_with(profile["threads"], *needs))[:1]
        )

    return apply


def _set(name: str, new: Any, *needs: str) -> Change:
    return _in_thread(lambda _, one: put(one, name, new), name.partition(".")[0], *needs)


def _in_all(name: str, change: Callable[[Row, Row], object]) -> Change:
    """Change the first entry of a list of the profile."""
    return lambda profile: bool(profile.get(name)) and change(profile, profile[name][0])


def _counted_times(where: str) -> Invariants:
    """Make the invariants of a count of times with their sum and their longest."""

    def found(profile: Row) -> list[Row]:
        if where == "pauses":
            return [profile["pauses"]] if profile.get("pauses") else []
        nested = [thread.get(where) for thread in profile["threads"]]
        flat = [one for some in nested for one in (some if isinstance(some, list) else [some])]
        return [one for one in flat if one]

    def set_in(name: str, new: Callable[[Row], Any]) -> Change:
        return lambda profile: any(put(one, name, new(one)) for one in found(profile)[:1])

    return {
        f"{where}: the longest is at most all": set_in("longest", lambda one: one["seconds"] * 3 + 1),
        f"{where}: all are at most as long as the longest": set_in(
            "longest", lambda one: one["seconds"] / one["count"] / 9
        ),
        f"{where}: none take no time": set_in("count", lambda _: 0),
        f"{where}: times are not negative": set_in("seconds", lambda _: -1.0),
        f"{where}: times fit in the profile": lambda profile: any(
            put(one, "seconds", 1e6) and put(one, "longest", 1e6) for one in found(profile)[:1]
        ),
    }


def _lane(change: Callable[[Row], object]) -> Change:
    return lambda profile: bool(profile.get("lanes")) and change(profile["lanes"])


def _more_than_alive(_: Row, one: Row) -> object:
    for name in ("gil_wait", "off_gil", "blocked", "gil_held"):
        if one.get(name) is not None:
            one[name] = one["alive"]
    return (
        sum(one.get(name) or 0 for name in ("gil_wait", "off_gil", "blocked", "gil_held"))
        > 1.5 * one["alive"]
    )


def _same_thread(profile: Row) -> object:
    profile["threads"].append(profile["threads"][0])
    return True


def _too_many_sleeps(profile: Row, one: Row) -> object:
    thread = next(thread for thread in profile["threads"] if thread["tid"] == one["tid"])
    return bool(thread.get("looks")) and put(one, "samples", thread["looks"] * 10.0)


PROFILES: Invariants = {
    "a profile takes time": set_to("duration", -1.0),
    "what a thread did is at most its life": _in_thread(_more_than_alive, "gil_wait", "off_gil", "blocked"),
    "a share is at most 1": _set("gil_held", 1.5),
    "a share is not negative": _set("gil_held", -0.1),
    "a share of a life is at most the life": _in_thread(
        lambda _, one: one.update(alive=0.1, gil_held=0.9), "gil_held"
    ),
    "a hold fits in the profile": _in_thread(
        lambda p, one: put(one, "longest_hold", p["duration"] * 5), "longest_hold"
    ),
    "a wait fits in the profile": _in_thread(
        lambda p, one: put(one, "longest_wait", p["duration"] * 5), "longest_wait"
    ),
    "a thread has at most the CPU time of the profile": _in_thread(
        lambda p, one: one.update(cpu=p["duration"] * 9 + 9, count=1)
    ),
    "a thread is there once": _same_thread,
    "a sum has at least one thread": _set("count", 0),
    "buckets start before they end": _in_thread(
        lambda _, one: put(one["waits"][0], "lo", one["waits"][0]["hi"] * 2), "waits"
    ),
    "buckets are in order": _in_thread(
        lambda _, one: put(one, "waits", lambda old: old[::-1]) if len(one["waits"]) > 1 else False, "waits"
    ),
    "buckets differ": _in_thread(lambda _, one: put(one, "waits", lambda old: [old[0], *old]), "waits"),
    "waits of the buckets fit in the waits": _in_thread(
        lambda _, one: put(one["waits"][-1], "count", 10**9), "waits"
    ),
    "a count is a whole number": _set("switches", 0.5),
    "blames are of threads": _in_all("blames", lambda _, one: put(one, "holder", 999_999)),
    "blames fit in the profile": _in_all("blames", lambda p, one: put(one, "seconds", p["duration"] * 50)),
    "a thread waits at most its wait": _in_all(
        "blames", lambda p, one: put(one, "seconds", p["duration"] * 0.999)
    ),
    "a blame without waits takes no time": _in_all("blames", lambda _, one: put(one, "count", 0)),
    "sleeps are of threads": _in_all("blocked", lambda _, one: put(one, "tid", 999_999)),
    "a thread sleeps at most all samples": _in_all("blocked", _too_many_sleeps),
    "holders of locks are threads": _in_all("lock_holders", lambda _, one: put(one, "tid", 999_999)),
    "a system call without calls takes no time": _in_all(
        "syscalls", lambda _, one: one.update(count=0, seconds=1.0)
    ),
    "system calls have different names": lambda p: (
        bool(p["syscalls"]) and p["syscalls"].append(p["syscalls"][0])
    ),
    "shares of functions are at most 1": _in_all("functions", lambda _, one: put(one, "value", 1.2)),
    "shares of functions add up to 1": lambda p: (
        bool(p["functions"])
        and p.update(functions=[{"name": f"f{number}", "value": 0.9} for number in range(5)])
    ),
    "samples are at most the rate": _in_all("stacks", lambda _, one: put(one, "samples", 10**9)),
    "samples have a rate": lambda p: bool(p["stacks"]) and p.update(stack_rate=None),
    "a lane is of a thread": _lane(lambda lanes: put(lanes, "threads.0.tid", 999_999)),
    "a share of a piece is at most 1": _lane(lambda lanes: put(lanes, "threads.0.held.0", 1.5)),
    "shares of a piece add up to 1": _lane(
        lambda lanes: put(lanes, "threads.0.held.0", 0.99) and put(lanes, "threads.0.wait.0", 0.99)
    ),
    "lanes have the same pieces": _lane(lambda lanes: put(lanes, "threads.0.held", [0.1])),
    "lanes fit in the profile": _lane(lambda lanes: put(lanes, "seconds", 1e6)),
    "lanes differ": _lane(lambda lanes: put(lanes, "threads", lambda old: [old[0], *old])),
    "contention is at most 1": lambda p: p.update(contended=1.5),
    "a free GIL that is wanted is contended": lambda p: p.update(contended=0.2, free_wanted=0.9),
    "a speedup is inside its interval": set_to("what_if.measured", 99.0),
    "an interval is in order": set_to("what_if.measured_lo", 99.0),
    "a host has cores": set_to("what_if.cores", 0),
    "points of a curve differ": lambda p: (
        bool((p.get("what_if") or {}).get("curve")) and put(p, "what_if.curve", lambda old: [old[0], *old])
    ),
    "a build with a GIL has it": lambda p: (
        None
        if not p["process"]["free_threaded"] and p["process"].update(gil_enabled=False) is None
        else False
    ),
    "only a build without a GIL switches it on": lambda p: (
        None
        if not p["process"]["free_threaded"]
        and p["process"].update(gil_switch={"after": 1.0, "module": "x", "left_out": 0.0}) is None
        else False
    ),
    "a process has at most the CPU time of its threads' CPUs": set_to("process.cpu", -1.0),
    "CPU time was counted": set_to("process.counted", -1.0),
    "an exit status is one": set_to("process.status", 10**6),
    "a PID is positive": set_to("process.pid", -5),
    "a process's peak memory is that of a machine": set_to("process.memory_peak", 2**60),
    "an observer's cost is not negative": _in_all("observers", lambda _, one: put(one, "cpu", -0.1)),
    "a slowdown is positive": _in_all("costs", lambda _, one: put(one, "value", -1.0)),
    "lost events are not negative": set_to("probe.lost", -1),
    "an error of a share is at most 1": set_to("probe.error", 5.0),
    "a schema is a positive number": set_to("schema", 0),
    **_counted_times("pauses"),
    **_counted_times("parked"),
    **_counted_times("collections"),
}
