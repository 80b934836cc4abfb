"""Checks whether the values of a slice are physically possible.

Every slice is checked when it is measured and when a study is read. A study therefore never contains a slice that
could not be read back.
"""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.model.study import Case, Driver, Slice, ThreadSlice

ALIKE: frozenset[Driver] = frozenset({"parallel", "processes", "subinterpreters", "cooperative"})
"""Drivers in which every thread (or its replacement) repeats the operation."""
CLOCK = 1e-3  # s by which two reads of one clock may be out of order, by different functions and rounding
TICK = 0.02  # s by which a tick-based CPU clock may be ahead
MARGIN = 0.25  # s of CPU time before and after a slice that may be counted: a JVM continues to compile
FASTEST = 1e11  # 1/s; an operation takes at least one cycle on any CPU
_ELSEWHERE: frozenset[Driver] = frozenset({"processes", "cooperative"})
"""Drivers whose CPU time of threads is not that of threads of the worker, each for itself."""
_ROUNDING = 1e-6


def impossibility(slice_: Slice, case: Case, driver: Driver, cores: int) -> str | None:
    """Return the first impossible field of a slice, and why; None: the slice is possible.

    Args:
        slice_: The slice.
        case: Case of the slice.
        driver: Driver of the case's workload.
        cores: CPUs of the host, for a slice with unknown CPUs.
    """
    return next(_impossibilities(slice_, case, driver, cores), None)


def _impossibilities(slice_: Slice, case: Case, driver: Driver, cores: int) -> Iterator[str]:
    length = slice_.end - slice_.start
    if length <= 0:
        yield f"`.end` {slice_.end:g} is not after `.start` {slice_.start:g}"
        return
    if slice_.window > length + CLOCK:
        yield f"`.window` is {slice_.window:g} s in a slice of {length:g} s"
    if slice_.operations > FASTEST * slice_.window:
        yield f"`.operations` is {slice_.operations:g} in a window of {slice_.window:g} s"
    if len(set(slice_.cpus)) < len(slice_.cpus):
        yield "`.cpus` has a duplicate CPU"
    cpus = len(slice_.cpus) or cores
    if slice_.cpu is not None and slice_.cpu > cpus * (length + MARGIN):
        yield f"`.cpu` is {slice_.cpu:g} s in a slice of {length:g} s on {cpus} CPUs"
    if slice_.system is not None and slice_.system > (slice_.cpu or 0.0) + TICK:
        yield f"`.system` is {slice_.system:g} s, but `.cpu` is {slice_.cpu or 0.0:g} s"
    wanted = {case.threads} if driver in ALIKE else {0, case.threads}
    if len(slice_.threads) not in wanted:
        yield f"`.threads` has {len(slice_.threads)} of {case.threads} threads"
    for number, thread in enumerate(slice_.threads):
        for problem in _of_a_thread(thread, slice_):
            yield f"`.threads[{number}]{problem}"
    tids = [thread.tid for thread in slice_.threads if thread.tid is not None]
    if driver != "cooperative" and len(set(tids)) < len(tids):
        yield "`.threads` has a duplicate thread"
    used = sum(thread.cpu or 0.0 for thread in slice_.threads)
    if (
        driver == "parallel"
        and slice_.cpu is not None
        and used > slice_.cpu + (len(slice_.threads) + 1) * TICK
    ):
        yield f"`.cpu` is {slice_.cpu:g} s, but the threads used {used:g} s"
    together = sum(thread.operations for thread in slice_.threads)
    if driver in ALIKE and abs(slice_.operations - together) > _ROUNDING * max(1.0, together):
        yield f"`.operations` is {slice_.operations:g}, but the threads add up to {together:g}"
    yield from _of_the_schedule(slice_, driver)


def _of_the_schedule(slice_: Slice, driver: Driver) -> Iterator[str]:
    """Check requests or signals: the numbers sent and handled, and the latencies."""
    length, seen = slice_.end - slice_.start, len(slice_.latencies)
    offered, served = slice_.offered or 0, slice_.served or 0
    if (slice_.offered is None) is not (slice_.served is None):
        yield "only one of `.offered` and `.served` is known"
    if offered > FASTEST * length:
        yield f"`.offered` is {offered} in a slice of {length:g} s"
    if served > offered:
        yield f"`.served` is {served} of {offered} offered"
    if seen > offered:
        yield f"`.latencies` has {seen} of {offered} offered"
    # One call of a handler can handle several merged signals.
    if served != seen and (driver != "signals" or not served):
        yield f"`.served` is {served}, but `.latencies` has {seen}"
    slowest = max(slice_.latencies, default=0.0)
    if slowest > length + CLOCK:
        yield f"`.latencies` has {slowest:g} s in a slice of {length:g} s"


def _of_a_thread(thread: ThreadSlice, slice_: Slice) -> Iterator[str]:
    length = thread.finish - thread.start
    if length <= 0:
        yield f".finish` {thread.finish:g} is not after the start {thread.start:g}"
    if thread.start < slice_.start - CLOCK or thread.finish > slice_.end + CLOCK:
        yield f".start` {thread.start:g} or the finish {thread.finish:g} is outside the slice"
    if thread.total > FASTEST * length:
        yield f".total` is {thread.total} in {length:g} s"
    if thread.operations > thread.total + 1:
        yield f".operations` is {thread.operations:g} of {thread.total} in total"
    if thread.cpu is not None and thread.cpu > length + TICK:
        yield f".cpu` is {thread.cpu:g} s in {length:g} s"
