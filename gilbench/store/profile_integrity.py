"""Checks whether the values of a profile agree with each other and with its duration.

The margins are wide. Observers start and end one after another, read threads one after another, and sample.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

from gilbench.model.profile import Bucket, Collections, Lane, Parked, Pause, Profile, ProfiledThread

FRACTION = 1.05  # maximum of a fraction
_SLACK = 0.1  # of a thread's life, and s
_FACTOR = 1.5  # between two observers of the same times
_SHARES = ("gil_held", "gil_wait", "off_gil", "blocked")


def contradictions(profile: Profile) -> Iterator[str]:
    """Yield values that contradict each other, one text each."""
    for number, thread in enumerate(profile.threads):
        for fault in _of_a_thread(thread, profile):
            yield f"threads[{number}]{fault}"
    yield from _duplicates(profile)
    yield from _of_the_gil(profile)
    yield from _of_waits(profile)
    yield from _of_samples(profile)
    yield from _of_lanes(profile)
    for number, call in enumerate(profile.syscalls):
        if not call.count and call.seconds:
            yield f"syscalls[{number}] takes {call.seconds:.6g} s without a call"
    for fault in _of_times(profile.pauses, _longest(profile)) if profile.pauses else ():
        yield f"pauses{fault}"
    answer = profile.what_if
    if answer is not None:
        limits = (answer.measured_lo, answer.measured, answer.measured_hi)
        known = [one for one in limits if one is not None]
        if known != sorted(known):
            yield "what_if.measured is outside its interval"


def _longest(profile: Profile) -> float:
    """Return the time in s that one thing can take at most."""
    return (profile.duration + profile.process.excluded) * FRACTION + _SLACK


def _duplicates(profile: Profile) -> Iterator[str]:
    lists: dict[str, Iterable[Hashable]] = {
        "threads": ((thread.pid, thread.tid) for thread in profile.threads),
        "syscalls": (call.name for call in profile.syscalls),
        "lanes.threads": (lane.tid for lane in profile.lanes.threads) if profile.lanes else (),
        "what_if.curve": (point.cores for point in profile.what_if.curve) if profile.what_if else (),
    }
    for field, values in lists.items():
        if max(Counter(values).values(), default=0) > 1:
            yield f"{field} has a duplicate entry"


def _of_a_thread(thread: ProfiledThread, profile: Profile) -> Iterator[str]:
    count, longest = thread.count, _longest(profile)
    if thread.alive > FRACTION * count:
        yield f".alive is {thread.alive:.6g}"
    slack = _SLACK * (1 + 1 / profile.duration if profile.duration else 1) + 2 * (profile.probe.error or 0.0)
    life = FRACTION * thread.alive + count * slack
    shares = {name: getattr(thread, name) or 0.0 for name in _SHARES}
    for name, share in shares.items():
        if share > min(life, FRACTION * count):
            yield f".{name} is {share:.6g}"
    if sum(shares.values()) > life:
        yield f" has shares of {sum(shares.values()):.6g} in {thread.alive:.6g}"
    for name in ("longest_hold", "longest_wait"):
        if (getattr(thread, name) or 0.0) > longest:
            yield f".{name} is longer than the profile"
    if (thread.cpu or 0.0) > count * (FRACTION * profile.counted + _SLACK):
        yield f".cpu is {thread.cpu:.6g} in {profile.counted:.6g} s"
    yield from _of_buckets(thread.waits)
    if thread.gil_wait is not None:
        least = sum(bucket.lo * bucket.count for bucket in thread.waits)
        if least > _FACTOR * thread.gil_wait * longest + count * _SLACK:
            yield f".waits add up to at least {least:.6g} s"
    timed: list[tuple[str, Parked | Collections]] = [(".parked", one) for one in thread.parked]
    if thread.collections is not None:
        timed.append((".collections", thread.collections))
    for field, one in timed:
        for fault in _of_times(one, longest * count):
            yield f"{field}{fault}"


def _of_buckets(buckets: Sequence[Bucket]) -> Iterator[str]:
    before = -1.0
    for number, bucket in enumerate(buckets):
        if bucket.lo > bucket.hi:
            yield f".waits[{number}] ends at {bucket.hi}, before its start"
        if bucket.lo <= before:  # the first, of very short waits, may overlap others
            yield f".waits[{number}] does not start after the previous one"
        before = bucket.lo


def _of_times(one: Pause | Parked | Collections, most: float) -> Iterator[str]:
    """Check a number of times with their sum and the longest of them."""
    if one.seconds > most:
        yield f".seconds is {one.seconds:.6g}"
    if one.longest > one.seconds * FRACTION + 1e-6:
        yield f".longest is {one.longest:.6g} of {one.seconds:.6g} s"
    if one.seconds > one.count * one.longest * FRACTION + 1e-6:
        yield f".seconds is {one.seconds:.6g}, but {one.count} are at most {one.longest:.6g} s long"


def _of_the_gil(profile: Profile) -> Iterator[str]:
    process = profile.process
    if not process.free_threaded and process.gil_enabled is False:
        yield "process.gil_enabled is false, but the build has a GIL"
    if not process.free_threaded and process.gil_switch is not None:
        yield "process.gil_switch is set, but the build has a GIL"
    if (profile.free_wanted or 0.0) > FRACTION * (profile.contended or 0.0) + 1e-6:
        yield f"free_wanted is {profile.free_wanted:.6g}, a part of contended"


def _of_waits(profile: Profile) -> Iterator[str]:
    known = {thread.tid: thread for thread in profile.threads}
    longest = _longest(profile)
    waited: defaultdict[int, float] = defaultdict(float)
    for number, blame in enumerate(profile.blames):
        if not {blame.holder, blame.waiter} <= known.keys():
            yield f"blames[{number}] has a thread that is not in the profile"
            return
        if blame.seconds and not blame.count:
            yield f"blames[{number}] takes {blame.seconds:.6g} s without a wait"
        waited[blame.waiter] += blame.seconds
    for tid, seconds in waited.items():
        thread = known[tid]
        most = longest * (thread.count if thread.gil_wait is None else _FACTOR * thread.gil_wait)
        if seconds > most + thread.count * _SLACK:
            yield f"blames of thread {tid} add up to {seconds:.6g} s"


def _of_samples(profile: Profile) -> Iterator[str]:
    known = {thread.tid: thread for thread in profile.threads}
    slept: defaultdict[int, float] = defaultdict(float)
    for number, sleep in enumerate(profile.blocked):
        if sleep.tid not in known:
            yield f"blocked[{number}] has a thread that is not in the profile"
        slept[sleep.tid] += sleep.samples
    for tid, samples in slept.items():
        looks = known[tid].looks if tid in known else None
        if looks is not None and known[tid].count == 1 and samples > FRACTION * looks + 1:
            yield f"blocked samples of thread {tid} add up to {samples:.6g} of {looks}"
    for number, holder in enumerate(profile.lock_holders):
        if holder.tid not in known:
            yield f"lock_holders[{number}] has a thread that is not in the profile"
    shared = sum(share.value for share in profile.functions)
    if shared > FRACTION + _SLACK:
        yield f"functions add up to {shared:.6g}"
    if profile.stacks and profile.stack_rate is None:
        yield "stack_rate is missing"
        return
    taken = sum(stack.samples for stack in profile.stacks)
    threads = max(1, sum(thread.count for thread in profile.threads))
    if taken > _FACTOR * (profile.stack_rate or 0) * threads * (_longest(profile) + 1):
        yield f"stacks have {taken} samples, more than stack_rate allows"


def _of_lanes(profile: Profile) -> Iterator[str]:
    if profile.lanes is None:
        return
    if profile.lanes.seconds > _longest(profile):
        yield f"lanes.seconds is {profile.lanes.seconds:.6g}, longer than the profile"
    known = {thread.tid for thread in profile.threads}
    pieces = {len(column) for lane in profile.lanes.threads for column in _columns(lane)}
    if len(pieces) > 1:
        yield "lanes.threads have different lengths"
        return
    for number, lane in enumerate(profile.lanes.threads):
        if lane.tid not in known:
            yield f"lanes.threads[{number}] has a thread that is not in the profile"
        if max(map(sum, zip(*_columns(lane), strict=True)), default=0.0) > FRACTION:
            yield f"lanes.threads[{number}] has shares that add up to more than 1"


def _columns(lane: Lane) -> tuple[tuple[float, ...], ...]:
    return lane.held, lane.wait, lane.off, lane.blocked
