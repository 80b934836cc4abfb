"""The quantities of one observed slice, per operation: what its threads did with their time, and what they called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from gilbench.model.explanation import Quantity
from gilbench.model.observed import Observed
from gilbench.model.profile import Profile, ProfiledThread, Stack

UNITS: dict[Quantity, str] = {
    **dict.fromkeys(("time", "held", "wait", "off", "blocked"), "s"),
    **dict.fromkeys(("lock_wait", "collecting", "call_time", "function", "native", "place"), "s"),
    **dict.fromkeys(("instructions", "calls", "lock_waits", "collections", "switches", "acquires"), "count"),
    "memory": "B",
}
_HARNESS = "gilbench/target/"
_RESTING = f"{_HARNESS}crew.py"  # where a thread waits for the next slice
_LINE = re.compile(r":\d+\)$")


class Key(NamedTuple):
    """One quantity of one subject."""

    quantity: Quantity
    subject: str = ""

    @property
    def whole(self) -> Quantity | None:
        """The quantity to which differences are relative, before; None: the larger side."""
        if UNITS[self.quantity] == "s":
            return "time"
        return "instructions" if self.quantity == "instructions" else None


def quantities(observed: Observed) -> dict[Key, float]:
    """Return the quantities of an observed slice per operation, but peak memory as it is; empty: no operations.

    Times are those of all threads that work, without the time in which they were runnable but had no CPU: that is the
    host's. A quantity that was not observed is missing, as is one that was not seen in this slice.
    """
    slice_, profile = observed.slice, observed.seen.profile
    operations = sum(thread.total for thread in slice_.threads)
    workers = {thread.tid for thread in slice_.threads if thread.tid is not None}
    wall = sum(thread.finish - thread.start for thread in slice_.threads)
    if slice_.served is not None or (slice_.window and not operations):  # the main thread serves
        operations = round(slice_.operations) + (slice_.served or 0)
        workers, wall = {profile.process.pid}, slice_.end - slice_.start
    if not operations or not wall:
        return {}
    threads = [
        _with_a_cpu(thread, profile.duration, observed.seen.cpu_waits.get(thread.tid, 0.0))
        for thread in profile.threads
        if thread.tid in workers
    ]
    time = max(0.0, wall - sum(observed.seen.cpu_waits.get(tid, 0.0) for tid in workers))
    found = {Key("time"): time, **_of_threads(threads, profile.duration)}
    known = [found[Key(name)] for name in ("held", "wait", "off") if Key(name) in found]
    if known:
        found[Key("blocked")] = max(0.0, time - sum(known))
    found |= {
        **_of_locks(observed, workers),
        **_of_calls(profile),
        **_of_native(profile, found.get(Key("held"), 0.0)),
        **_divided(found.get(Key("held"), 0.0), "function", _samples(profile.stacks, workers)),
        **_divided(time, "place", _samples(_awake(observed.seen.stacks), workers)),
    }
    each = {key: value / operations for key, value in found.items()}
    if profile.process.memory_peak is not None:
        each[Key("memory")] = float(profile.process.memory_peak)
    return each


def _with_a_cpu(thread: ProfiledThread, duration: float, cpu_wait: float) -> ProfiledThread:
    """Leave out the time in which a thread held the GIL without a CPU: so far as it held it longer than it ran."""
    if thread.gil_held is None or thread.off_gil is None or thread.cpu is None:
        return thread
    longer = max(0.0, (thread.gil_held + thread.off_gil) * duration - thread.cpu)
    held = max(0.0, thread.gil_held - min(cpu_wait, longer) / duration)
    return msgspec.structs.replace(thread, gil_held=held)


def _of_threads(threads: Iterable[ProfiledThread], duration: float) -> dict[Key, float]:
    sums: defaultdict[Key, float] = defaultdict(float)
    fields: dict[str, Quantity] = {"gil_held": "held", "gil_wait": "wait", "off_gil": "off"}
    for thread in threads:
        for field, quantity in fields.items():
            if (share := getattr(thread, field)) is not None:
                sums[Key(quantity)] += share * duration
        if thread.switches is not None:
            sums[Key("acquires")] += thread.switches
        if thread.context_switches is not None:
            sums[Key("switches")] += thread.context_switches
        sums[Key("collections")] += thread.collections.count if thread.collections else 0
        sums[Key("collecting")] += thread.collections.seconds if thread.collections else 0.0
    return dict(sums)


def _of_locks(observed: Observed, workers: Collection[int]) -> dict[Key, float]:
    if observed.seen.locks is None:
        return {}
    waits = [wait for tid, wait in observed.seen.locks.items() if tid in workers]
    return {
        Key("lock_waits"): sum(wait.count for wait in waits),
        Key("lock_wait"): sum(wait.seconds for wait in waits),
    }


def _of_calls(profile: Profile) -> dict[Key, float]:
    """Return the system calls. Those on futexes are left out: they are waits for the GIL and for locks."""
    calls = [call for call in profile.syscalls if not call.name.startswith("futex")]
    return {
        **{Key("calls", call.name): float(call.count) for call in calls},
        **{Key("call_time", call.name): call.seconds for call in calls if call.seconds is not None},
    }


def _of_native(profile: Profile, held: float) -> dict[Key, float]:
    total = sum(share.value for share in profile.native)
    return {Key("native", share.name): held * share.value / total for share in profile.native}


def _awake(stacks: Iterable[Stack]) -> Iterator[Stack]:
    return (stack for stack in stacks if _RESTING not in stack.frames[-1])


def _divided(seconds: float, quantity: Quantity, samples: Counter[str]) -> dict[Key, float]:
    total = samples.total()
    return {Key(quantity, name): seconds * count / total for name, count in samples.items()}


def _samples(stacks: Iterable[Stack], workers: Collection[int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for stack in stacks:
        if stack.tid is None or stack.tid in workers:
            counts[function_of(stack.frames[-1])] += stack.samples
    return counts


def function_of(frame: str) -> str:
    """Return a frame without its line, which differs between versions: ``parse (module.py)``."""
    return _LINE.sub(")", frame)


def is_harness(function: str) -> bool:
    """Return whether a function is gilbench's own."""
    return _HARNESS in function


def lines_of(observed: Iterable[Observed]) -> dict[str, str]:
    """Return the most frequent frame of each function: ``parse (module.py:12)`` of ``parse (module.py)``."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in observed:
        for stack in (*one.seen.stacks, *one.seen.profile.stacks):
            counts[function_of(stack.frames[-1])][stack.frames[-1]] += stack.samples
    return {name: frames.most_common(1)[0][0] for name, frames in counts.items()}
