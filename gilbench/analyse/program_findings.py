"""A few plain sentences about a profiled program, each with the figures that it stands on.

A sentence says what was seen and how surely: a figure of a sampling probe carries its error, what no probe saw
is said to be unknown, and what is within its error of nothing is not told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gilbench.metrics import significant, write
from gilbench.program import ASKED_FOR, Blame, Parked, ProfiledThread, ProgramProfile, WhatIf

HARDLY = 0.01  # of the runnable time; less waiting than this is none
WORTH = 1.05  # a speed-up that stays below is none
OWN_GAIN = 2.0  # a thread that could gain so many times what its program can is named
TOO_SHORT = (
    "It ended as soon as it had begun: there was nothing to profile. Give it more to do, or profile it while it runs "
    "with --pid."
)
MOSTLY = 0.5  # of a sum; a share above it makes a culprit


def program_findings(profile: ProgramProfile) -> tuple[str, ...]:
    """Say what a profile shows."""
    sentences = _locks(profile) if profile.process.gil_enabled is False else _gil(profile)
    return tuple(sentences)


def thread_names(threads: Sequence[ProfiledThread]) -> dict[int, str]:
    """Name each thread so that no other has its name; by tid."""
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


def _gil(profile: ProgramProfile) -> Iterator[str]:
    known = [thread for thread in profile.threads if thread.gil_held is not None]
    if not known:
        reason = f": {profile.probe.reason}" if profile.probe.reason else ""
        yield f"Who held the GIL and who waited for it is unknown{reason}."
        return
    names = thread_names(profile.threads)
    yield from _waiting(profile, known)
    yield from _holders(profile, known, names)
    yield from _longest_wait(known, names)
    yield from _culprit(profile.blames, names)
    if profile.what_if is not None:
        yield from _what_if(profile.what_if)
        yield from _own_gains(profile.what_if, known, names)


def _waiting(profile: ProgramProfile, threads: Sequence[ProfiledThread]) -> Iterator[str]:
    held = sum(thread.gil_held or 0.0 for thread in threads)
    if any(thread.gil_wait is None for thread in threads):
        yield (
            f"The GIL was held {_share(held, profile.probe.error)} of the time; who waited for it is unknown, "
            "because no probe could see waits."
        )
        return
    waited = sum(thread.gil_wait or 0.0 for thread in threads)
    runnable = waited + held + sum(thread.off_gil or 0.0 for thread in threads)
    if runnable <= 0:
        yield "No thread wanted to run."
        return
    of_what = "of the time in which they wanted to run"
    error = profile.probe.error / runnable if profile.probe.error else None
    # By waits in the kernel the short ones are not seen, and what is seen is a little late.
    about = "about " if profile.probe.strength == "futex" else ""
    if waited / runnable < max(HARDLY, error or 0.0):
        yield f"Threads hardly waited for the GIL: {about}{_share(waited / runnable, error)} {of_what}."
    else:
        yield f"Threads waited {about}{_share(waited / runnable, error)} {of_what} for the GIL."


def _holders(
    profile: ProgramProfile, threads: Sequence[ProfiledThread], names: dict[int, str]
) -> Iterator[str]:
    longest = max(threads, key=lambda thread: thread.longest_hold or 0.0)
    most = max(threads, key=lambda thread: thread.gil_held or 0.0)
    parts = []
    if most.gil_held:
        parts.append(
            f"{names[most.tid]} held it most, {_share(most.gil_held, profile.probe.error)} of the time"
        )
    if longest.longest_hold:
        who = "" if parts and longest is most else f"{names[longest.tid]} held it "
        parts.append(f"{who}for up to {write(longest.longest_hold, 's')} at once")
    if parts:
        yield f"{', '.join(parts)}."
    if profile.functions:
        top = max(profile.functions, key=lambda share: share.value)
        yield f"By samples, it was held most in {top.name}: {_share(top.value)} of them."


def _longest_wait(threads: Sequence[ProfiledThread], names: dict[int, str]) -> Iterator[str]:
    longest = max(threads, key=lambda thread: thread.longest_wait or 0.0)
    if longest.longest_wait:
        yield f"The longest wait was {write(longest.longest_wait, 's')}, by {names[longest.tid]}."


def _culprit(blames: Sequence[Blame], names: dict[int, str]) -> Iterator[str]:
    by_holder: defaultdict[int, float] = defaultdict(float)
    for blame in blames:
        by_holder[blame.holder] += blame.seconds
    total = sum(by_holder.values())
    if len(by_holder) < 2 or not total:  # noqa: PLR2004 - of two, one can be the culprit
        return
    holder, seconds = max(by_holder.items(), key=lambda item: item[1])
    if seconds > MOSTLY * total:
        name = names.get(holder, f"thread {holder}")
        yield f"{_share(seconds / total)} of the waiting began while {name} held it."


def _what_if(answer: WhatIf) -> Iterator[str]:
    cores = "1 core" if answer.cores == 1 else f"{answer.cores} cores"
    if answer.bound < WORTH:
        text = f"Without a GIL this program would gain nothing on {cores}: at most {write(answer.bound, 'x')}"
    else:
        text = (
            f"Without a GIL and with {cores} this program could be at most {write(answer.bound, 'x')} faster"
        )
    if answer.predicted is not None:
        cost = "before the cost of a free-threaded build, which was not measured"
        if answer.one_thread_cost is not None:
            cost = f"with Python code at {write(answer.one_thread_cost, 'x')} its time"
        text += f"; {write(answer.predicted, 'x')} is predicted, {cost}"
    yield f"{text}."
    if answer.measured is not None:
        ends = ""
        if answer.measured_lo is not None and answer.measured_hi is not None:
            ends = f" (95 % interval {write(answer.measured_lo, 'x')} to {write(answer.measured_hi, 'x')})"
        where = f" on {answer.measured_on}" if answer.measured_on else ""
        yield f"Measured{where}, it runs at {write(answer.measured, 'x')} the speed{ends}."


def _own_gains(answer: WhatIf, threads: Sequence[ProfiledThread], names: dict[int, str]) -> Iterator[str]:
    """Threads that wait so much that their own work would go far faster than the program as a whole."""
    for thread in threads:
        rest = thread.alive - (thread.gil_wait or 0.0)
        if thread.gil_wait and rest > 0 and thread.alive / rest > OWN_GAIN * answer.bound:
            gain = write(thread.alive / rest, "x")
            yield (
                f"{names[thread.tid]} alone could do its work up to {gain} as fast: it waited for the GIL "
                f"{_share(thread.gil_wait / thread.alive)} of its life."
            )


def _locks(profile: ProgramProfile) -> Iterator[str]:
    known = [thread for thread in profile.threads if thread.gil_wait is not None]
    if not known:
        reason = f": {profile.probe.reason}" if profile.probe.reason else ""
        yield f"There is no GIL; how long threads were parked on locks is unknown{reason}."
    else:
        waited = sum(thread.gil_wait or 0.0 for thread in known)
        runnable = waited + sum(thread.off_gil or 0.0 for thread in known)
        contended = [one for one in parked_by_kind(known) if one.kind not in ASKED_FOR]
        if not runnable:
            yield "No thread wanted to run."
        elif waited / runnable < HARDLY:
            yield f"Threads hardly contended: {_share(waited / runnable)} of the time in which they wanted to run."
        else:
            yield (
                f"Threads were parked or stopped {_share(waited / runnable)} of the time in which they wanted "
                f"to run{_kind(contended)}."
            )
    if profile.functions:
        top = max(profile.functions, key=lambda share: share.value)
        yield f"Threads parked most in {top.name}: {_share(top.value)} of the parked time."
    if profile.pauses is not None and profile.pauses.count:
        pauses = profile.pauses
        times = "once" if pauses.count == 1 else f"{pauses.count} times"
        yield (
            f"The world was stopped {times}, {write(pauses.seconds, 's')} in all, for up to "
            f"{write(pauses.longest, 's')}."
        )


def parked_by_kind(threads: Sequence[ProfiledThread]) -> tuple[Parked, ...]:
    """Add up the parked time of all threads by the kind of lock, the most first."""
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


def _kind(kinds: Sequence[Parked]) -> str:
    if not kinds or not kinds[0].seconds:
        return ""
    top = kinds[0]
    return (
        f", most of it on: {top.kind} ({write(top.seconds, 's')} in {top.count} parks, "
        f"up to {write(top.longest, 's')})"
    )


def _share(value: float, error: float | None = None) -> str:
    """In per cent, with the half width of its interval where it has one."""
    if error is None:
        return f"{value:.1%}".replace("%", " %") if value < 0.1 else f"{value:.0%}".replace("%", " %")  # noqa: PLR2004
    return f"{value * 100:.0f} ± {significant(error * 100, 1)} %"
