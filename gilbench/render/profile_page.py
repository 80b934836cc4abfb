"""The page of a profile: which threads held the GIL or waited for it, and the speedup without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gilbench.analyse.profile.blocked import blockings
from gilbench.analyse.profile.groups import rows_of
from gilbench.model.metrics import write
from gilbench.model.profile import SHORTEST, Profile, ProfiledThread, RecordedProfile, document
from gilbench.model.results import Caveat, Finding
from gilbench.model.threads import parked_by_kind, waits_of
from gilbench.render.page import Entry, Page, Part, Sentences, Table, Text
from gilbench.render.profile_tables import (
    blocked_table,
    calls_table,
    costs_table,
    functions_table,
    innermost,
    observers_table,
    parked_table,
    replay_table,
    waits_table,
    what_if_table,
)
from gilbench.render.profile_threads import THREADS, blames_table, threads_table

_SAME = 0.01  # relative difference of two times that are written as one


def profile_page(profile: Profile) -> Page:
    """Make the page of a profile."""
    return Page(
        title=program(profile),
        lead=tuple(facts(profile)),
        parts=tuple(_parts(profile)),
        document=document(profile),
        rows=tuple(_row(thread) for thread in profile.threads),
    )


def recorded_page(recorded: RecordedProfile) -> Page:
    """Make the page of a profile whose events are known, too."""
    return profile_page(recorded.profile)


def program(profile: Profile) -> str:
    """The command of the program."""
    return " ".join(profile.process.command) or profile.process.executable


def facts(profile: Profile) -> Iterator[Entry]:
    """Lines below the command: process, duration, resources, probe."""
    process = profile.process
    parts = [f"PID {process.pid}", "Python" if process.version is None else f"Python {process.version}"]
    if process.free_threaded:
        gil = {True: ["GIL enabled"], False: ["GIL disabled"], None: []}[process.gil_enabled]
        parts += ["free-threaded", *gil]
    yield ", ".join(parts)
    yield ", ".join(_times(profile))
    if used := list(_resources(profile)):
        yield ", ".join(used)
    probe = profile.probe
    error = "" if probe.error is None else f", ±{write(probe.error, 'fraction')} (95% interval)"
    lost = f", {probe.lost} events lost" if probe.lost else ""
    reason = f"; {probe.reason}" if probe.reason else ""
    yield Text(f"Probe: {probe.name}{error}{lost}{reason}", "faint")


def _times(profile: Profile) -> Iterator[str]:
    process = profile.process
    duration = write(profile.duration, "s") if profile.duration >= SHORTEST else "less than 1 ms"
    parts = [f"{write(process.start_up, 's')} of startup"] if process.start_up else []
    if process.gil_switch is not None and process.gil_switch.left_out:
        parts.append(f"{write(process.gil_switch.left_out, 's')} until the GIL was enabled and probed")
    without = f" (excluding {' and '.join(parts)})" if parts else ""
    yield f"Profiled {duration}{without}"
    if process.status is not None:
        yield f"ended by signal {-process.status}" if process.status < 0 else f"exit status {process.status}"


def _resources(profile: Profile) -> Iterator[str]:
    process, counted = profile.process, profile.counted
    if process.cpu is not None:
        cpus = f" ({process.cpu / counted:.2f} CPUs)" if profile.duration >= SHORTEST else ""
        differs = abs(counted - profile.duration) > _SAME * profile.duration
        within = f" in {write(counted, 's')}{' with startup' if process.start_up else ''}" if differs else ""
        yield f"CPU time {write(process.cpu, 's')}{within}{cpus}"
    if process.memory_peak is not None:
        yield f"peak memory {write(process.memory_peak, 'B')}"
    if process.voluntary_switches is not None and process.involuntary_switches is not None:
        yield (
            f"{process.voluntary_switches} voluntary and {process.involuntary_switches} involuntary "
            "context switches"
        )


def _parts(profile: Profile) -> Iterator[Part]:
    if profile.duration >= SHORTEST:
        yield from _tables(profile)
    if profile.findings:
        yield Sentences("Findings", tuple(map(_sentence, profile.findings)))
    if profile.caveats:
        yield Sentences("Not observed", tuple(map(_sentence, profile.caveats)), tone="warning")


def _sentence(told: Finding | Caveat) -> str:
    stop = "" if told.text.endswith(".") else "."
    return f"{told.text}{stop} {told.next}" if told.next else told.text


def _tables(profile: Profile) -> Iterator[Table]:
    locks = profile.process.gil_enabled is False
    if profile.threads:
        yield threads_table(profile, THREADS, "Threads (% of wall time)")
    if locks and (kinds := parked_by_kind(profile.threads)):
        yield parked_table(kinds)
    if buckets := waits_of(profile.threads):
        yield waits_table("Parked (by length)" if locks else "GIL waits (by length)", buckets)
    if blames := blames_table(profile.blames, rows_of(profile.threads)):
        yield blames
    if profile.functions:
        title, share = ("Parking functions", "parked time") if locks else ("GIL-holding functions", "samples")
        yield functions_table(title, share, profile.functions)
    if (sleeps := blockings(profile)).rows:
        yield blocked_table(sleeps)
    if profile.native:
        yield functions_table("C functions that held the GIL", "samples", profile.native)
    if locks and profile.stacks:
        yield functions_table("Functions on the CPU", "samples", innermost(profile.stacks))
    if profile.syscalls:
        yield calls_table(profile.syscalls, profile.counted)
    if profile.what_if is not None:
        yield what_if_table(profile.what_if)
        if profile.what_if.curve:
            yield replay_table(profile.what_if.curve)
    if profile.observers:
        yield observers_table(profile.observers)
    if profile.costs:
        yield costs_table(profile.costs)


def _row(thread: ProfiledThread) -> dict[str, Any]:
    names = (name for name in thread.__struct_fields__ if name not in {"waits", "parked", "looks"})
    return {name: getattr(thread, name) for name in names}
