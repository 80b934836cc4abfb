"""The findings of a profile: sentences with the values behind them.

A sampled value is given with its error, a value that no probe observed is called unknown, and a value within its error
of zero is left out.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

from gilbench.model.metrics import significant, write
from gilbench.model.profile import ASKED_FOR, SHORTEST, Blame, Parked, Profile, ProfiledThread, WhatIf
from gilbench.model.results import Finding

HARDLY = 0.01  # of the runnable time; a smaller share of waiting is negligible
WORTH = 1.05  # a smaller speedup is negligible
OWN_GAIN = 2.0  # a thread is named if it could gain this many times as much as its program
MOSTLY = 0.5  # of all waiting; a holder with a larger share is named
_LONG_COLLECTION = 0.01  # s; a shorter collection disturbs no one
_TWO_DIGITS = 0.1  # smaller shares are written with a decimal


def program_findings(profile: Profile) -> tuple[Finding, ...]:
    """Give the findings of a profile."""
    if profile.duration < SHORTEST:
        text = "The program ended within 1 ms of its start: there was nothing to profile."
        remedy = "Profile a longer run, or attach to the running program with --pid."
        return (Finding(kind="too_short", text=text, next=remedy),)
    return tuple(_locks(profile) if profile.process.gil_enabled is False else _gil(profile))


def thread_names(threads: Sequence[ProfiledThread]) -> dict[int, str]:
    """Give each thread a unique name, by tid."""
    shared: defaultdict[str | None, int] = defaultdict(int)
    for thread in threads:
        shared[thread.name] += 1
    return {
        thread.tid: f"thread {thread.tid}"
        if not thread.name
        else thread.name
        if shared[thread.name] == 1
        else f"{thread.name} ({thread.tid})"
        for thread in threads
    }


def parked_by_kind(threads: Sequence[ProfiledThread]) -> tuple[Parked, ...]:
    """Sum the parked time of all threads by kind of lock, longest first."""
    kinds: dict[str, Parked] = {}
    for parked in (one for thread in threads for one in thread.parked):
        known = kinds.get(parked.kind, Parked(kind=parked.kind, seconds=0.0, count=0, longest=0.0))
        kinds[parked.kind] = Parked(
            kind=parked.kind,
            seconds=known.seconds + parked.seconds,
            count=known.count + parked.count,
            longest=max(known.longest, parked.longest),
        )
    return tuple(sorted(kinds.values(), key=lambda one: -one.seconds))


# --- with a GIL -----------------------------------------------------------------------------------------


def _gil(profile: Profile) -> Iterator[Finding]:
    known = [thread for thread in profile.threads if thread.gil_held is not None]
    if not known:
        yield _unknown("Which threads held the GIL is unknown", profile)
        return
    names = thread_names(profile.threads)
    yield from _waiting(profile, known)
    yield from _holders(profile, known, names)
    yield from _collected(profile, known, names)
    yield from _longest_wait(known, names)
    yield from _blamed(profile.blames, names)
    if profile.what_if is not None:
        yield from _what_if(profile.what_if)
        yield from _starved(profile.what_if, known, names)


def _unknown(text: str, profile: Profile) -> Finding:
    reason = f": {profile.probe.reason}" if profile.probe.reason else "."
    return Finding(kind="unknown", text=f"{text}{reason}")


def _waiting(profile: Profile, threads: Sequence[ProfiledThread]) -> Iterator[Finding]:
    held = sum(thread.gil_held or 0.0 for thread in threads)
    if any(thread.gil_wait is None for thread in threads):
        share = _share(held, profile.probe.error)
        yield Finding(kind="holding", text=f"Threads held the GIL {share} of the time.")
        yield Finding(kind="unknown", text="GIL waits are unknown: no available probe records them.")
        return
    waited = sum(thread.gil_wait or 0.0 for thread in threads)
    runnable = waited + held + sum(thread.off_gil or 0.0 for thread in threads)
    if runnable <= 0:
        yield Finding(kind="idle", text="No thread was runnable.")
        return
    error = profile.probe.error / runnable if profile.probe.error else None
    only = "only " if waited / runnable < max(HARDLY, error or 0.0) else ""
    # Futex waits lack the shortest ones, and begin a little late.
    about = "about " if profile.probe.strength == "futex" else ""
    share = _share(waited / runnable, error)
    yield Finding(
        kind="waiting",
        text=f"Threads spent {only}{about}{share} of their runnable time waiting for the GIL.",
    )


def _holders(profile: Profile, threads: Sequence[ProfiledThread], names: dict[int, str]) -> Iterator[Finding]:
    longest = max(threads, key=lambda thread: thread.longest_hold or 0.0)
    most = max(threads, key=lambda thread: thread.gil_held or 0.0)
    hold = write(longest.longest_hold, "s") if longest.longest_hold else ""
    own = hold if longest is most else ""
    if most.gil_held:
        share = _share(most.gil_held, profile.probe.error)
        text = f"{names[most.tid]} held the GIL most: {share} of the time{own and f', up to {own} per hold'}."
        yield Finding(kind="holder", subject=names[most.tid], text=text)
    if hold and not (own and most.gil_held):
        text = f"{names[longest.tid]} had the longest hold: {hold}."
        yield Finding(kind="longest_hold", subject=names[longest.tid], text=text)
    yield from _top_function(profile, "GIL-holding", "samples")


def _collected(
    profile: Profile, threads: Sequence[ProfiledThread], names: dict[int, str]
) -> Iterator[Finding]:
    """Name garbage collection where it made a thread's longest hold, or took a share of the time."""
    collecting = [(one, one.collections) for one in threads if one.collections is not None]
    if not collecting:
        return
    total = sum(seen.seconds for _, seen in collecting)
    thread, longest = max(collecting, key=lambda pair: pair[1].longest)
    hold = thread.longest_hold or 0.0
    is_hold = hold > 0 and longest.longest >= MOSTLY * hold
    if total < HARDLY * profile.duration and not (is_hold and longest.longest >= _LONG_COLLECTION):
        return
    part = f", part of its longest hold of {write(hold, 's')}" if is_hold else ""
    yield Finding(
        kind="garbage_collection",
        subject=names[thread.tid],
        text=f"Garbage collection took {_share(total / profile.duration)} of the time; the longest was "
        f"{write(longest.longest, 's')} in {names[thread.tid]}{part}.",
        next="Collect less often with gc.set_threshold(), or move live objects out of its way with gc.freeze().",
    )


def _top_function(profile: Profile, doing: str, of_what: str) -> Iterator[Finding]:
    if profile.functions:
        top = max(profile.functions, key=lambda share: share.value)
        text = f"Top {doing} function: {top.name}, {_share(top.value)} of {of_what}."
        yield Finding(kind="function", subject=top.name, text=text)


def _longest_wait(threads: Sequence[ProfiledThread], names: dict[int, str]) -> Iterator[Finding]:
    longest = max(threads, key=lambda thread: thread.longest_wait or 0.0)
    if longest.longest_wait:
        name = names[longest.tid]
        text = f"{name} had the longest GIL wait: {write(longest.longest_wait, 's')}."
        yield Finding(kind="longest_wait", subject=name, text=text)


def _blamed(blames: Sequence[Blame], names: dict[int, str]) -> Iterator[Finding]:
    by_holder: defaultdict[int, float] = defaultdict(float)
    for blame in blames:
        by_holder[blame.holder] += blame.seconds
    total = sum(by_holder.values())
    if len(by_holder) < 2 or not total:  # noqa: PLR2004 - a single holder is no news
        return
    holder, seconds = max(by_holder.items(), key=lambda item: item[1])
    if seconds > MOSTLY * total:
        name = names.get(holder, f"thread {holder}")
        text = f"{_share(seconds / total)} of the GIL wait time began while {name} held the GIL."
        yield Finding(kind="blame", subject=name, text=text)


def _what_if(answer: WhatIf) -> Iterator[Finding]:
    cpus = "1 CPU" if answer.cores == 1 else f"{answer.cores} CPUs"
    bound = f"is at most {write(answer.bound, 'x')}"
    if answer.bound < WORTH:
        text = f"Without the GIL, the program would gain nothing on {cpus}: the speedup {bound}"
    else:
        text = f"Without the GIL, the speedup on {cpus} {bound}"
    if answer.predicted is not None:
        cost = "excluding the unmeasured cost of a free-threaded build"
        if answer.one_thread_cost is not None:
            cost = f"with Python code taking {write(answer.one_thread_cost, 'x')} as long"
        text += f"; predicted {write(answer.predicted, 'x')}, {cost}"
    worth = answer.measured is None and answer.bound >= WORTH
    remedy = "Measure the speedup: gilbench profile --verify 3.13t -- COMMAND" if worth else None
    yield Finding(kind="what_if", text=f"{text}.", next=remedy)
    if answer.curve:
        equal = itertools.groupby(answer.curve, lambda point: write(point.speedup, "x"))
        ranges = ((gain, [point.cores for point in points]) for gain, points in equal)
        gains = ", ".join(
            f"{gain} on {cpus[0]}{f' to {cpus[-1]}' if len(cpus) > 1 else ''} CPUs" for gain, cpus in ranges
        )
        yield Finding(kind="replay", text=f"Replayed without the GIL, the speedup is {gains}.")
    if answer.measured is not None:
        ends = ""
        if answer.measured_lo is not None and answer.measured_hi is not None:
            ends = f" (95% interval {write(answer.measured_lo, 'x')} to {write(answer.measured_hi, 'x')})"
        where = f" on {answer.measured_on}" if answer.measured_on else ""
        text = f"Measured{where}: speedup {write(answer.measured, 'x')}{ends}."
        yield Finding(kind="measured", subject=answer.measured_on, text=text)


def _starved(answer: WhatIf, threads: Sequence[ProfiledThread], names: dict[int, str]) -> Iterator[Finding]:
    """Threads that could gain far more than the program."""
    for thread in threads:
        rest = thread.alive - (thread.gil_wait or 0.0)
        if thread.gil_wait and rest > 0 and thread.alive / rest > OWN_GAIN * answer.bound:
            name, gain = names[thread.tid], write(thread.alive / rest, "x")
            text = (
                f"{name} waited for the GIL {_share(thread.gil_wait / thread.alive)} of its lifetime; "
                f"without waits it could run up to {gain} as fast."
            )
            yield Finding(kind="starved", subject=name, text=text)


# --- free-threaded --------------------------------------------------------------------------------------


def _locks(profile: Profile) -> Iterator[Finding]:
    known = [thread for thread in profile.threads if thread.gil_wait is not None]
    if known:
        yield _parking(known)
    else:
        yield _unknown("The time parked on locks is unknown", profile)
    yield from _top_function(profile, "parking", "parked time")
    if profile.pauses is not None and profile.pauses.count:
        pauses = profile.pauses
        many = "1 stop-the-world pause" if pauses.count == 1 else f"{pauses.count} stop-the-world pauses"
        text = f"{many}: {write(pauses.seconds, 's')} total, longest {write(pauses.longest, 's')}."
        yield Finding(kind="pauses", text=text)


def _parking(threads: Sequence[ProfiledThread]) -> Finding:
    waited = sum(thread.gil_wait or 0.0 for thread in threads)
    runnable = waited + sum(thread.off_gil or 0.0 for thread in threads)
    if not runnable:
        return Finding(kind="idle", text="No thread was runnable.")
    share = _share(waited / runnable)
    if waited / runnable < HARDLY:
        return Finding(
            kind="parked", text=f"Threads spent only {share} of their runnable time parked or stopped."
        )
    text = f"Threads spent {share} of their runnable time parked or stopped"
    contended = [one for one in parked_by_kind(threads) if one.kind not in ASKED_FOR and one.seconds]
    if not contended:
        return Finding(kind="parked", text=f"{text}.")
    top = contended[0]
    detail = f"{write(top.seconds, 's')}, park count {top.count}, longest {write(top.longest, 's')}"
    return Finding(kind="parked", subject=top.kind, text=f"{text}, mostly on: {top.kind} ({detail}).")


def _share(value: float, error: float | None = None) -> str:
    """Write a share in percent, with the half width of its interval."""
    if error is not None:
        return f"{value:.0%} (±{significant(error * 100, 1)}%)"
    return f"{value:.1%}" if value < _TWO_DIGITS else f"{value:.0%}"
