"""What a program could gain without a GIL: a bound that holds, and a prediction that may err.

Both stand on the picture of a critical path. At each moment the end of the program hangs on one of its
threads, and that thread computes, waits for the GIL, or waits for something outside. Without a GIL only the
second kind of time goes; what a thread computes, and what it waits for outside, stays as it is.

**The bound.** Nothing is saved in a moment in which nobody waits for the GIL, so at most as much as all threads
waited, and at most as long as the GIL was held. A thread does its own work one piece after the other: the
program lasts at least as long as its busiest thread computes. And no more than the cores can be had at once:
it lasts at least as long as all its CPU time takes on all of them. Blocked time has no part in this, because
a thread that is blocked may be waiting for another one (a join, a lock, a queue), which would be done sooner.
What may happen in another order or amount without a GIL is not bounded: a thread that polls, or that works
until another one is done.

**The prediction.** In a moment in which a thread holds the GIL and ``k - 1`` wait for it, ``k`` could run, on as
many cores as the threads outside the GIL leave them. How long such moments lasted altogether is not among the
figures, only how long each thread waited; it is taken as if threads came to the GIL independently of each
other, within what the figures allow. Phases of a program are not independent, which is why a profile that was
taken in pieces is predicted piece by piece.

Held against ``--verify`` on the ten programs of ``ci/bench_whatif.py``, with 3.13.5 and 3.13.5t on two cores: all were
predicted 1 to 14 % too high, and no bound was exceeded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.estimates import ratio_interval
from gilbench.program import ProfiledThread, ProgramProfile, WhatIf

_TELLING = 0.1  # share of its time in which a program holds the GIL, below which its slow-down tells nothing
_NOTHING = 1e-3  # a program that computes nothing is not infinitely fast


class Demand(NamedTuple):
    """What the threads of a program did to its GIL and to its cores, in units of the wall time."""

    held: float  # all threads together
    wait: float | None  # all threads together, can be more than 1; None: waits were not seen
    off: float  # on the CPU without the GIL, all threads together
    contended: float  # share of the time in which at least one thread waited


def what_if(
    profile: ProgramProfile, cores: int, *, pieces: Sequence[ProgramProfile] = (), cost: float | None = None
) -> WhatIf | None:
    """Bound and predict the speed-up of a program without a GIL.

    Args:
        profile: Of the whole program.
        cores: That the program may use.
        pieces: Profiles of consecutive pieces of the same time; empty: it is taken as one piece.
        cost: Time of Python code on the free-threaded build over that on this one, on one thread; None: not
            known, and the prediction is made without it.

    Returns:
        None where there is no GIL to remove, or nothing is known of who held it. Nothing is predicted where
        waits were not seen, or where there are several processes, each with a GIL of its own.
    """
    demand = demand_of(profile)
    if demand is None or profile.process.gil_enabled is False:
        return None
    start_up = profile.process.start_up or 0.0
    whole = start_up + profile.duration
    bound = max(1.0, whole / (start_up + profile.duration * _shortest(profile, demand, cores)))
    predicted = None
    processes = {thread.pid for thread in profile.threads if thread.gil_held}
    if demand.wait is not None and len(processes) <= 1:
        slowed = cost or 1.0
        seconds = sum(_piece_seconds(piece, cores, slowed) for piece in pieces or (profile,))
        least = max(_busiest(profile, slowed), _on_cores(profile, slowed) / cores) * profile.duration
        predicted = min(bound, whole / (start_up * slowed + max(seconds, least)))
    return WhatIf(cores=cores, bound=bound, predicted=predicted, one_thread_cost=cost)


def program_cost(profile: ProgramProfile, slow_down: float) -> float:
    """Turn the slow-down of a whole program into that of its Python code, which holds the GIL.

    Args:
        profile: On the build with a GIL.
        slow_down: Wall time on the free-threaded build *with its GIL switched on* over that on this build.

    Returns:
        Time of Python code over time of Python code; the same as ``slow_down`` where that is all there is.
    """
    demand = demand_of(profile)
    held = min(1.0, demand.held) if demand else 1.0
    start_up = profile.process.start_up or 0.0
    share = (start_up + held * profile.duration) / (start_up + profile.duration)
    # A program that holds it seldom says little of what its code costs.
    return 1.0 + (slow_down - 1.0) / max(share, _TELLING)


def demand_of(profile: ProgramProfile) -> Demand | None:
    """Add up what the threads did; None where it is not known who held the GIL."""
    threads = [thread for thread in profile.threads if thread.gil_held is not None]
    if not threads or profile.duration <= 0:
        return None
    seen = all(thread.gil_wait is not None for thread in threads)
    return Demand(
        held=sum(thread.gil_held or 0.0 for thread in threads),
        wait=sum(thread.gil_wait or 0.0 for thread in threads) if seen else None,
        off=sum(thread.off_gil or 0.0 for thread in threads),
        contended=_contended(threads) if seen else 0.0,
    )


def _contended(threads: Sequence[ProfiledThread]) -> float:
    """Share of the time in which at least one thread waited: that in which two or more wanted the GIL."""
    waits = [thread.gil_wait or 0.0 for thread in threads]
    total, held = sum(waits), sum(thread.gil_held or 0.0 for thread in threads)
    if not total:
        return 0.0
    none, one = 1.0, 0.0  # probabilities that so many want it, thread after thread
    for thread in threads:
        wants = min(1.0, (thread.gil_held or 0.0) + (thread.gil_wait or 0.0))
        none, one = none * (1 - wants), one * (1 - wants) + none * wants
    # One that waits needs another that holds, so of n threads at most n - 1 wait at a time.
    least = max(*waits, total / max(1, len(waits) - 1))
    most = min(1.0, total, held)
    return min(most, max(least, 1.0 - none - one))


def _shortest(profile: ProgramProfile, demand: Demand, cores: int) -> float:
    """Least time without a GIL, in units of the wall time; the error of a sampled figure is given to it."""
    error = profile.probe.error or 0.0
    saved = min(1.0, demand.held + error, math.inf if demand.wait is None else demand.wait + error)
    return max(1.0 - saved, _busiest(profile) - error, _on_cores(profile) / cores, _NOTHING)


def _busiest(profile: ProgramProfile, cost: float = 1.0) -> float:
    """Time that the busiest thread computes, in units of the wall time."""
    return max((thread.gil_held or 0.0) * cost + (thread.off_gil or 0.0) for thread in profile.threads)


def _on_cores(profile: ProgramProfile, cost: float = 1.0) -> float:
    """CPU time of all threads, in units of the wall time.

    A thread that sleeps with the GIL needs no core; and one that queues for it uses one for a moment, which
    goes with the GIL.
    """
    total = 0.0
    for thread in profile.threads:
        held, off = (thread.gil_held or 0.0), thread.off_gil or 0.0
        share = 1.0 if thread.cpu is None or not held + off else thread.cpu / profile.duration / (held + off)
        total += min(1.0, share) * (held * cost + off)
    return total


def _piece_seconds(piece: ProgramProfile, cores: int, cost: float) -> float:
    """Time without a GIL, in s, of one piece of a program, with Python code that takes ``cost`` times as long."""
    demand = demand_of(piece)
    if demand is None or demand.wait is None:
        return piece.duration
    contended, held = demand.contended, min(1.0, demand.held)
    python = held - contended
    if contended:
        wanting = 1.0 + demand.wait / contended
        running = min(float(cores), wanting + demand.off)
        python += contended * min(1.0, (1.0 + demand.off) / running)
    return piece.duration * (1.0 - held + cost * python)


def with_measured(answer: WhatIf, original: Sequence[float], threaded: Sequence[float], where: str) -> WhatIf:
    """Put beside a prediction what was measured.

    Args:
        answer: Bound and prediction.
        original: Wall time in s of each round, on the interpreter with a GIL.
        threaded: Of the same rounds, on the free-threaded one.
        where: Name of the second.
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
