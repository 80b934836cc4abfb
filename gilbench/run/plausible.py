"""Whether a slice can have been: what its figures say together, whoever wrote them.

A worker is asked when it has served a slice, so that none goes into a study that could not be read again.
"""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.model import Case, Driver, Slice, ThreadSlice

ALIKE: frozenset[Driver] = frozenset({"parallel", "processes", "subinterpreters", "cooperative"})
"""Drivers of which each of the case's threads (or what stands for one) repeats the operation."""
CLOCK = (
    1e-3  # s by which two readings of one clock may be in the wrong order: other functions, other roundings
)
TICK = 0.02  # s by which a CPU clock that counts in ticks may be ahead
BESIDE = (
    0.25  # s before and after a slice in which its process may run and is counted: a JVM goes on compiling
)
FASTEST = 1e11  # 1/s: of anything that takes a cycle at least, on any processor
_ROUNDING = 1e-6


def impossibility(piece: Slice, case: Case, driver: Driver, cores: int) -> str | None:
    """What of a slice cannot have been, if anything: the field and why.

    Args:
        piece: The slice.
        case: Of which it is one.
        driver: Of the case's workload.
        cores: CPUs of the host, for a slice that does not say on which it ran.
    """
    return next(_impossibilities(piece, case, driver, cores), None)


def _impossibilities(piece: Slice, case: Case, driver: Driver, cores: int) -> Iterator[str]:
    length = piece.end - piece.start
    if length <= 0:
        yield f"`.end` {piece.end:g} is not after `.start` {piece.start:g}"
        return
    if piece.window > length + CLOCK:
        yield f"`.window` is {piece.window:g} s in a slice of {length:g} s"
    if piece.operations > FASTEST * piece.window:
        yield f"`.operations` is {piece.operations:g} in a window of {piece.window:g} s"
    if len(set(piece.cpus)) < len(piece.cpus):
        yield "`.cpus` names a CPU twice"
    processors = len(piece.cpus) or cores
    if piece.cpu is not None and piece.cpu > processors * (length + BESIDE):
        yield f"`.cpu` is {piece.cpu:g} s in a slice of {length:g} s on {processors} CPU(s)"
    wanted = {case.threads} if driver in ALIKE else {0, case.threads}
    if len(piece.threads) not in wanted:
        yield f"`.threads` has {len(piece.threads)} of {case.threads} threads"
    for number, thread in enumerate(piece.threads):
        for problem in _of_a_thread(thread, piece):
            yield f"`.threads[{number}]{problem}"
    together = sum(thread.operations for thread in piece.threads)
    if driver in ALIKE and abs(piece.operations - together) > _ROUNDING * max(1.0, together):
        yield f"`.operations` is {piece.operations:g}, and {together:g} of all threads together"
    yield from _of_the_schedule(piece, driver)


def _of_the_schedule(piece: Slice, driver: Driver) -> Iterator[str]:
    """Requests or signals: sent, served, and how late each was."""
    length, seen = piece.end - piece.start, len(piece.latencies)
    offered, served = piece.offered or 0, piece.served or 0
    if (piece.offered is None) is not (piece.served is None):
        yield "`.offered` and `.served` are not both known"
    if offered > FASTEST * length:
        yield f"`.offered` is {offered} in a slice of {length:g} s"
    if served > offered:
        yield f"`.served` is {served} of {offered} that were offered"
    if seen > offered:
        yield f"`.latencies` has {seen} of {offered} that were offered"
    # A call of a handler may serve several signals that were merged into one.
    if served != seen and (driver != "signals" or not served):
        yield f"`.served` is {served}, and {seen} have a latency"
    slowest = max(piece.latencies, default=0.0)
    if slowest > length + CLOCK:
        yield f"`.latencies` has {slowest:g} s in a slice of {length:g} s"


def _of_a_thread(thread: ThreadSlice, piece: Slice) -> Iterator[str]:
    length = thread.finish - thread.start
    if length <= 0:
        yield f".finish` {thread.finish:g} is not after its start {thread.start:g}"
    if thread.start < piece.start - CLOCK or thread.finish > piece.end + CLOCK:
        yield f".start` {thread.start:g} and its finish {thread.finish:g} are not in the slice"
    if thread.total > FASTEST * length:
        yield f".total` is {thread.total} in {length:g} s"
    if thread.operations > thread.total + 1:
        yield f".operations` is {thread.operations:g} of {thread.total} in all"
    if thread.cpu is not None and thread.cpu > length + TICK:
        yield f".cpu` is {thread.cpu:g} s in {length:g} s"
