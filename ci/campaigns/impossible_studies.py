"""Impossible studies: the header and the runs, one document per line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.invariants import Change, Invariants, first_with, put, set_to

Row = dict[str, Any]


def _in_slice(change: Callable[[Row], object], *needs: str) -> Change:
    """Change the first slice that has some fields."""

    def apply(lines: list[Row]) -> object:
        slices = [one for run in lines[1:] for one in run["slices"]]
        return any(change(one) is not False for one in list(first_with(slices, *needs))[:1])

    return apply


def _set(name: str, new: Any, *needs: str) -> Change:
    return _in_slice(lambda one: put(one, name, new), name.partition(".")[0], *needs)


def _in_thread(name: str, new: Any) -> Change:
    return _in_slice(lambda one: put(one["threads"][0], name, new), "threads")


def _in_reading(
    change: Callable[[Row], object],
    *needs: str,
    observed: Callable[[Row], bool] = lambda _: True,
) -> Change:
    def apply(lines: list[Row]) -> object:
        readings = [one for run in lines[1:] for one in run["readings"] if observed(one)]
        return any(change(one) is not False for one in list(first_with(readings, *needs))[:1])

    return apply


def _figure(name: str, value: float) -> Change:
    return _in_reading(lambda one: one["figures"].update({name: value}), "figures")


def _in_train(change: Callable[[Row], object]) -> Change:
    def apply(lines: list[Row]) -> object:
        trains = [run["train"] for run in lines[1:] if run["train"]]
        return bool(trains) and change(trains[0])

    return apply


def _in_run(name: str, value: Any) -> Change:
    return lambda lines: any(put(run, name, value) for run in lines[1:])


def _same_run(lines: list[Row]) -> object:
    lines.append(next(run for run in lines[1:] if not run["failure"] and (run["slices"] or run["train"])))
    return True


def _same_thread(one: Row) -> object:
    if len(one["threads"]) < 2 or one["threads"][0]["tid"] is None:
        return False
    one["threads"][1]["tid"] = one["threads"][0]["tid"]
    return True


def _workload(header: Row, run: Row) -> str:
    return str(header["plan"]["cases"][run["case"]]["workload"])


def _without_time(lines: list[Row]) -> object:
    """Give a process less CPU time than its threads have."""
    header = lines[0]
    threaded = {one["name"] for one in header["workloads"] if one["driver"] == "parallel"}
    for one in (one for run in lines[1:] for one in run["slices"] if _workload(header, run) in threaded):
        used = sum(thread["cpu"] or 0.0 for thread in one["threads"])
        if one["cpu"] and used > 0.03 * len(one["threads"]) + 0.03:
            one["cpu"] = used / 1000
            return True
    return False


def _a_cpu_too_many(lines: list[Row]) -> object:
    host = lines[0]["host"]
    known = {cpu["number"] for cpu in host["cpus"]}
    if not known:
        return False
    return _in_slice(lambda one: one.update(cpus=[max(known) + 5]), "cpus")(lines)


def _planned_cpu_too_many(lines: list[Row]) -> object:
    known = {cpu["number"] for cpu in lines[0]["host"]["cpus"]}
    return bool(known) and put(lines[0], "plan.cpus", [max(known) + 5])


def _without_gil(lines: list[Row]) -> object:
    """Let a build of CPython with a GIL run without it."""
    header = lines[0]
    plain = {
        one["name"]
        for one in header["interpreters"]
        if one["build"]["implementation"] == "CPython" and not one["build"]["free_threaded"]
    }
    for run in lines[1:]:
        if header["plan"]["cases"][run["case"]]["interpreter"] in plain and run["slices"]:
            return put(run["slices"][0], "gil_enabled", [False, False])
    return False


def _builds(change: Callable[[Row], object]) -> Change:
    def apply(lines: list[Row]) -> object:
        return any(
            change(one) is not False
            for one in lines[0]["interpreters"][:1]
            if one["build"]["implementation"] == "CPython"
        )

    return apply


def _cores(lines: list[Row]) -> object:
    host = lines[0]["host"]
    return bool(host["cpus"]) and put(host, "cores", len(host["cpus"]) + 3)


def _twice(name: str) -> Change:
    return lambda lines: put(lines[0], name, lambda old: [*old, old[0]])


def _another_checksum(lines: list[Row]) -> object:
    runs = [run for run in lines[1:] if len(run["slices"]) > 1 and run["slices"][0]["checksum"]]
    return bool(runs) and put(runs[0]["slices"][1], "checksum", "another")


STUDIES: Invariants = {
    "a slice ends after it starts": _in_slice(lambda one: put(one, "end", one["start"] - 1)),
    "a window fits in its slice": _set("window", 1e6),
    "a window is not negative": _set("window", -0.1),
    "slices follow each other": lambda lines: any(
        put(run, "slices", lambda old: [old[1], old[0], *old[2:]])
        for run in lines[1:]
        if len(run["slices"]) > 1
    ),
    "a process has at most the CPU time of its CPUs": _set("cpu", lambda old: old + 1e4),
    "CPU time in the kernel is a part of CPU time": _in_slice(
        lambda one: one.update(system=one["cpu"] + 1) if one.get("cpu") is not None else False
    ),
    "a process has the CPU time of its threads": _without_time,
    "a thread has at most the CPU time of its life": _in_thread("cpu", lambda old: old + 100),
    "a thread ends after it starts": _in_slice(
        lambda one: put(one["threads"][0], "finish", one["threads"][0]["start"] - 0.1), "threads"
    ),
    "a thread works inside its slice": _in_thread("start", 1.0),
    "a thread counts at most its own operations": _in_thread("total", 0),
    "operations are not negative": _set("operations", -1.0),
    "operations are those of the threads": _in_slice(
        lambda one: put(one, "operations", one["operations"] * 3 + 10), "threads", "operations"
    ),
    "an operation takes at least a cycle": _set("operations", 1e17),
    "two threads of a slice are not one": _in_slice(_same_thread, "threads"),
    "a case has the threads that it says": _in_slice(
        lambda one: put(one, "threads", lambda old: [*old, *old, *old]), "threads"
    ),
    "rounds differ": lambda lines: any(
        put(run, "slices.1.round", run["slices"][0]["round"]) for run in lines[1:] if len(run["slices"]) > 1
    ),
    "a round is not negative": _set("round", -1),
    "checksums of a workload are equal": _another_checksum,
    "no more is served than was offered": _set("served", lambda old: old * 10 + 7, "offered"),
    "what was served has a latency": _set("served", 0, "offered", "latencies"),
    "latencies are at most those offered": _set("offered", 1, "latencies"),
    "a latency fits in its slice": _set("latencies.0", 1e6),
    "a latency is not negative": _set("latencies.0", -5.0),
    "requests are offered in time": _set("offered", 10**15),
    "a CPU is in a set once": _set("cpus", [0, 0]),
    "a worker runs on CPUs of the host": _a_cpu_too_many,
    "a build with a GIL has it": _without_gil,
    "memory is at most that of the host": _in_slice(lambda one: one.update(memory=2**52)),
    "a figure of a reading is not negative": _figure("voluntary_switches", -1.0),
    "switches take time": _figure("voluntary_switches", 1e15),
    "a process uses at most the CPUs of the host": _figure("cpu_utilisation", 1e6),
    "the GIL is held by one thread at a time": _figure("gil_held", 3.0),
    "shares of threads add up to the GIL": _in_reading(
        lambda one: one.update(threads=[{"name": f"t{number}", "value": 0.9} for number in range(9)]),
        "threads",
        observed=lambda one: one["observer"] in {"gil", "stacks"},
    ),
    "a reading without samples has no shares": _in_reading(lambda one: put(one, "samples", 0), "threads"),
    "a metric exists": _in_reading(lambda one: one["figures"].update(speed=1.0), "figures"),
    "an observer is of the case": _in_reading(lambda one: put(one, "observer", "nobody")),
    "memory of a reading is at most that of the host": _figure("memory_peak", 1e15),
    "a share of stolen time is at most 1": _in_run("noise.steal", 1.5),
    "a run is of a case of the plan": _in_run("case", 9999),
    "a run is of a block of the plan": _in_run("block", 9999),
    "an attempt is not negative": _in_run("attempt", -1),
    "a case runs once in a block": _same_run,
    "a slice of a train takes time": _in_train(lambda one: put(one, "nanoseconds.0", 0)),
    "a train's operations take at least a cycle": _in_train(lambda one: put(one, "loops", 2**50)),
    "laps have wall and CPU time": _in_train(lambda one: put(one, "cpu_nanoseconds", lambda old: old[1:])),
    "a lap has at most the CPU time of its length": _in_train(
        lambda one: put(one, "cpu_nanoseconds", lambda old: [10**12 for _ in old])
    ),
    "a train's CPUs differ": _in_train(lambda one: put(one, "cpus", [0, 0])),
    "a train's checksum is the workload's": _in_train(lambda one: put(one, "checksum", "another")),
    "interpreters have different names": _twice("interpreters"),
    "workloads have different names": _twice("workloads"),
    "cases differ": _twice("plan.cases"),
    "planned CPUs differ": _twice("plan.cpus"),
    "CPUs of the host differ": lambda lines: bool(lines[0]["host"]["cpus"]) and _twice("host.cpus")(lines),
    "the plan has CPUs": set_to("0.plan.cpus", []),
    "planned CPUs are those of the host": _planned_cpu_too_many,
    "the host has at most its CPUs as cores": _cores,
    "the reference is an interpreter": set_to("0.plan.reference", "nobody"),
    "a case is of an interpreter": set_to("0.plan.cases.0.interpreter", "nobody"),
    "a case is of a workload": set_to("0.plan.cases.0.workload", "nothing"),
    "a case has no negative threads": set_to("0.plan.cases.0.threads", -1),
    "a case has at most the planned CPUs": lambda lines: lines[0]["plan"]["cases"][0].update(cpus=3000),
    "a plan has blocks": set_to("0.plan.profile.blocks", 0),
    "a slice has a length": set_to("0.plan.profile.slice_seconds", 0.0),
    "a study has a date": set_to("0.created", "yesterday"),
    "a host has memory": set_to("0.host.memory", 0),
    "a host has cores": set_to("0.host.cores", 0),
    "a share of busy time is at most 1": lambda lines: lines[0]["host"].update(busy=1.2),
    "a quota is positive": lambda lines: lines[0]["host"].update(quota=0),
    "a build has one version": _builds(lambda one: put(one["build"], "version_info", [2, 7, 0])),
    "a build with a GIL starts with it": _builds(
        lambda one: False if one["build"]["free_threaded"] else put(one, "gil_enabled", False)
    ),
    "a schema is a positive number": set_to("0.schema", 0),
}
