"""The speedup of a program without a GIL: a bound that holds, and a prediction that can err.

Both follow the critical path. At each moment the end of the program depends on one thread, which computes, waits for
the GIL, or waits for something else. Only the GIL waits disappear without a GIL.

**Bound.** The time saved is at most the time in which at least one thread waited for the GIL: the union of all waits.
It includes the time in which no thread held the GIL although threads waited, because the next holder had not yet woken
up. If only the sum of the waits is known, the sum is the limit; if no waits are known, there is no such limit. The
program lasts at least as long as its busiest thread computes, and at least its CPU time divided by the CPUs. Blocked
time does not count: a blocked thread may be waiting for another thread (a join, a lock, a queue) that would finish
sooner. Startup is left out, since it can only lower the speedup. The bound does not cover work whose order or amount
changes without a GIL: a thread that polls, or that works until another thread is done; nor the order in which threads
get CPUs.

**Prediction.** If one thread holds the GIL and ``k - 1`` wait for it, ``k`` could run, on the CPUs that the threads
outside the GIL leave. The profile holds how long each thread waited, not how long ``k`` of them did: ``k`` is taken to
be the same in all of the time in which threads waited. Phases of a program differ, so a profile with segments is
predicted segment by segment. Time in which no thread held the GIL although threads waited is saved as a whole. If the
union of waits is unknown, the threads are assumed to acquire the GIL independently, within the limits of the measured
shares.

A recorded timeline is replayed instead (``replay``), which also gives the speedup on more CPUs.

Compared with ``--verify`` on the ten programs of ``ci/bench_whatif.py`` (3.13.5 and 3.13.5t, two CPUs), predictions
were 5% too low to 16% too high, and no program exceeded its bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.stats.estimates import ratio_interval
from gilbench.model.profile import Profile, ProfiledThread, WhatIf

_TELLING = 0.1  # share of GIL held; below it the slowdown of a program says nothing about Python code
_NOTHING = 1e-3  # of the wall time; keeps the speedup of an idle program finite


class Demand(NamedTuple):
    """Demand of all threads for the GIL and for CPUs, relative to the wall time."""

    held: float  # all threads together
    wait: float | None  # all threads together, can exceed 1; None: waits are unknown
    off: float  # on the CPU without the GIL, all threads together
    contended: float  # share of the time in which at least one thread waited
    free: float  # its part in which no thread held the GIL


def what_if(
    profile: Profile, cores: int, *, segments: Sequence[Profile] = (), cost: float | None = None
) -> WhatIf | None:
    """Bound and predict the speedup of a program without a GIL.

    Args:
        profile: The whole profile.
        cores: CPUs that the program may use.
        segments: Profiles of consecutive segments of the same time; empty: the whole is one segment.
        cost: Single-threaded time of Python code on the free-threaded build / on this build; None: unknown, the
            prediction ignores the cost.

    Returns:
        None if there is no GIL to remove, or its holders are unknown. There is no prediction if waits are unknown,
        or for several processes, each of which has its own GIL.
    """
    demand = demand_of(profile)
    if demand is None or profile.process.gil_enabled is False:
        return None
    start_up = profile.process.excluded
    whole = start_up + profile.duration
    bound = max(1.0, 1.0 / _shortest(profile, demand, cores))
    predicted = None
    processes = {thread.pid for thread in profile.threads if thread.gil_held}
    if demand.wait is not None and len(processes) <= 1:
        slowed = cost or 1.0
        seconds = sum(_segment_seconds(segment, cores, slowed) for segment in segments or (profile,))
        least = max(_busiest(profile, slowed), _on_cores(profile, slowed) / cores) * profile.duration
        predicted = min(bound, whole / (start_up * slowed + max(seconds, least)))
    return WhatIf(cores=cores, bound=bound, predicted=predicted, one_thread_cost=cost)


def program_cost(profile: Profile, slow_down: float) -> float:
    """Convert the slowdown of a program into the slowdown of its Python code, which holds the GIL.

    Args:
        profile: Profile on the GIL-enabled build.
        slow_down: Wall time on the free-threaded build *with its GIL enabled* / on this build.

    Returns:
        The same ratio for Python code alone.
    """
    demand = demand_of(profile)
    held = min(1.0, demand.held) if demand else 1.0
    start_up = profile.process.excluded
    share = (start_up + held * profile.duration) / (start_up + profile.duration)
    return 1.0 + (slow_down - 1.0) / max(share, _TELLING)


def demand_of(profile: Profile) -> Demand | None:
    """Add up the shares of all threads; None if the holders of the GIL are unknown."""
    threads = [thread for thread in profile.threads if thread.gil_held is not None]
    if not threads or profile.duration <= 0:
        return None
    seen = all(thread.gil_wait is not None for thread in threads)
    contended = _contended(threads) if profile.contended is None and seen else profile.contended or 0.0
    return Demand(
        held=sum(thread.gil_held or 0.0 for thread in threads),
        wait=sum(thread.gil_wait or 0.0 for thread in threads) if seen else None,
        off=sum(thread.off_gil or 0.0 for thread in threads),
        contended=contended,
        free=min(profile.free_wanted or 0.0, contended),
    )


def _contended(threads: Sequence[ProfiledThread]) -> float:
    """Estimate the share of the time with at least one waiting thread: two or more threads needed the GIL."""
    total, held = (
        sum(getattr(thread, name) or 0.0 for thread in threads) for name in ("gil_wait", "gil_held")
    )
    if not total:
        return 0.0
    none, one = 1.0, 0.0  # probability that no thread, or one, needs the GIL
    for thread in threads:
        wants = min(1.0, ((thread.gil_held or 0.0) + (thread.gil_wait or 0.0)) / thread.count)
        others = (1 - wants) ** (thread.count - 1)
        none, one = none * others * (1 - wants), (one * (1 - wants) + none * thread.count * wants) * others
    # A waiting thread needs a holder, so at most n - 1 of n threads wait at a time.
    longest = max((thread.gil_wait or 0.0) / thread.count for thread in threads)
    least = max(longest, total / max(1, sum(thread.count for thread in threads) - 1))
    most = min(1.0, total, held)
    return min(most, max(least, 1.0 - none - one))


def _shortest(profile: Profile, demand: Demand, cores: int) -> float:
    """Least time without a GIL, relative to the wall time; a sampling error widens the bound."""
    error = profile.probe.error or 0.0
    if profile.contended is not None:
        saved = profile.contended
    elif demand.wait is not None:
        saved = min(1.0, demand.wait + error)
    else:  # threads may have waited all the time, unless there was only one
        saved = min(1.0, sum(thread.count for thread in profile.threads if thread.gil_held is not None) - 1.0)
    return max(1.0 - saved, _busiest(profile) - error, _on_cores(profile) / cores, _NOTHING)


def _busiest(profile: Profile, cost: float = 1.0) -> float:
    """Time in which the busiest thread computes, at least, relative to the wall time."""
    return max(
        ((thread.gil_held or 0.0) * cost + (thread.off_gil or 0.0)) / thread.count
        for thread in profile.threads
    )


def _on_cores(profile: Profile, cost: float = 1.0) -> float:
    """CPU time of all threads, relative to the wall time.

    A thread that sleeps while holding the GIL needs no CPU. The CPU time of waiting itself disappears with the GIL.
    """
    total = 0.0
    for thread in profile.threads:
        held, off = (thread.gil_held or 0.0), thread.off_gil or 0.0
        share = 1.0
        if thread.cpu is not None and held + off:
            share = (thread.cpu / profile.duration - _waking(profile, thread)) / (held + off)
        total += min(1.0, max(0.0, share)) * (held * cost + off)
    return total


def _waking(profile: Profile, thread: ProfiledThread) -> float:
    """CPU time at most of waiting for the GIL, relative to the wall time.

    A thread that waits wakes up after every switch interval: a context switch. Its other switches are counted, too.
    """
    spent = (profile.wake_up or 0.0) * (thread.context_switches or 0) / profile.duration
    return min(spent, thread.gil_wait or 0.0)


def _segment_seconds(segment: Profile, cores: int, cost: float) -> float:
    """Seconds that one segment takes without a GIL if Python code takes ``cost`` times as long."""
    demand = demand_of(segment)
    if demand is None or demand.wait is None:
        return segment.duration
    held = min(1.0, demand.held)
    shared = min(held, demand.contended - demand.free)  # held, and wanted by others
    python = held - shared
    if shared:
        wanting = (shared + demand.wait) / (shared + demand.free)
        running = min(float(cores), wanting + demand.off)
        python += shared * min(1.0, (1.0 + demand.off) / running)
    return segment.duration * (max(0.0, 1.0 - held - demand.free) + cost * python)


def with_measured(answer: WhatIf, original: Sequence[float], threaded: Sequence[float], where: str) -> WhatIf:
    """Add the measured speedup.

    Args:
        answer: Bound and prediction.
        original: Wall time in s of each round on the GIL-enabled build.
        threaded: Wall time in s of the same rounds on the free-threaded build.
        where: Name of the free-threaded interpreter.
    """
    ratios = [math.log(before / after) for before, after in zip(original, threaded, strict=True)]
    measured = ratio_interval(ratios)
    return msgspec.structs.replace(
        answer,
        measured=measured.value if ratios else None,
        measured_lo=measured.lo,
        measured_hi=measured.hi,
        measured_on=where,
    )
