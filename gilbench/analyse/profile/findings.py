"""The findings of a profile: sentences with the values behind them.

A sampled value is given with its error, a value that no probe observed is called unknown, and a value within its error
of zero is left out. Nothing is said of the waits of a program that hardly ran, nor of functions if the samples do not
stand for the time in which the GIL was held.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence

from gilbench.analyse.profile.blocked_findings import lock_findings
from gilbench.analyse.profile.groups import Row, Rows, rows_of
from gilbench.analyse.profile.verify_findings import falls_short, measured_findings
from gilbench.model.metrics import significant, write
from gilbench.model.profile import ASKED_FOR, NO_FUNCTION, SHORTEST, Blame, Profile, ProfiledThread, WhatIf
from gilbench.model.results import Finding
from gilbench.model.threads import parked_by_kind

HARDLY = 0.01  # of the runnable time; a smaller share of waiting is negligible
WORTH = 1.05  # a smaller speedup is negligible
OWN_GAIN = 2.0  # a thread is named if it could gain this many times as much as its program
MOSTLY = 0.5  # of all waiting; a holder with a larger share is named
_BUSY = 0.5  # of the time; a program that ran so much has a share of waiting, however unsure it is
_RAN = 0.01  # of the time, all threads together; a program that ran less has no share of waiting
_UNSURE = 0.1  # half width of an interval; a share of the runnable time with a wider one says nothing
_STANDS = 0.5  # of the time in which the GIL was held; samples of less do not stand for it
_LONG_COLLECTION = 0.01  # s; a shorter collection disturbs no one
_NOTABLE = 0.05  # of the samples; a function with a smaller share is no finding
_TWO_DIGITS = 0.1  # smaller shares are written with a decimal


def program_findings(profile: Profile) -> tuple[Finding, ...]:
    """Give the findings of a profile."""
    if profile.duration < SHORTEST:
        text = "The program ended within 1 ms of its start: there was nothing to profile."
        remedy = "Profile a longer run, or attach to the running program with --pid."
        return (*_gil_switch(profile), Finding(kind="too_short", text=text, next=remedy))
    of_locks = profile.process.gil_enabled is False
    return (*_gil_switch(profile), *(_locks(profile) if of_locks else _gil(profile)))


def _gil_switch(profile: Profile) -> Iterator[Finding]:
    """How a free-threaded build came by its GIL."""
    switch = profile.process.gil_switch
    if switch is None:
        return
    when = "before the profile" if switch.after is None else f"{write(switch.after, 's')} after the start"
    cause = "an extension that does" if switch.module is None else f"{switch.module}, which does"
    yield Finding(
        kind="gil_enabled",
        subject=switch.module,
        text=(
            f"The GIL of this free-threaded build was enabled {when}, by an import of {cause} not declare that it "
            "runs without the GIL."
        ),
        next="To keep the GIL disabled, at your own risk, set PYTHON_GIL=0.",
    )


# --- with a GIL -----------------------------------------------------------------------------------------


def _gil(profile: Profile) -> Iterator[Finding]:
    if not any(thread.gil_held is not None for thread in profile.threads):
        yield _unknown("Which threads held the GIL is unknown", profile)
        return
    answer = profile.what_if
    if answer is not None and falls_short(answer):
        yield from measured_findings(answer)
    table = rows_of([thread for thread in profile.threads if thread.gil_held is not None])
    yield from _waiting(profile)
    yield from _holders(profile, table.rows)
    yield from lock_findings(profile)
    yield from _collected(profile, table)
    yield from _longest_wait(table.rows)
    yield from _blamed(profile.blames, table)
    if answer is not None:
        yield from _what_if(answer)
        yield from _starved(answer, table.rows)


def _unknown(text: str, profile: Profile) -> Finding:
    reason = f": {profile.probe.reason}" if profile.probe.reason else "."
    return Finding(kind="unknown", text=f"{text}{reason}")


def _waiting(profile: Profile) -> Iterator[Finding]:
    threads = [thread for thread in profile.threads if thread.gil_held is not None]
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
    if runnable < _RAN or (runnable < _BUSY and (error or 0.0) > _UNSURE):
        text = f"Threads were runnable for only {_share(runnable, profile.probe.error)} of the time."
        yield Finding(kind="idle", text=text)
        return
    only = "only " if waited / runnable < max(HARDLY, error or 0.0) else ""
    # Futex waits lack the shortest ones, and begin a little late.
    about = "about " if profile.probe.strength == "futex" else ""
    share = _share(waited / runnable, error)
    yield Finding(
        kind="waiting",
        text=f"Threads spent {only}{about}{share} of their runnable time waiting for the GIL.",
    )


def _holders(profile: Profile, rows: Sequence[Row]) -> Iterator[Finding]:
    longest = max(rows, key=lambda row: row.total.longest_hold or 0.0)
    most = max(rows, key=lambda row: row.total.gil_held or 0.0)
    hold = write(longest.total.longest_hold, "s") if longest.total.longest_hold else ""
    own = hold if longest is most else ""
    held = most.total.gil_held or 0.0
    told = held > (profile.probe.error or 0.0)
    if told:
        share = _share(held, profile.probe.error)
        text = f"{most.label} held the GIL most: {share} of the time{own and f', up to {own} per hold'}."
        yield Finding(kind="holder", subject=most.label, text=text)
    if hold and not (own and told):
        text = f"{_one_of(longest)} had the longest hold: {hold}."
        yield Finding(kind="longest_hold", subject=longest.label, text=text)
    if _sampled_share(profile) >= _STANDS * min(1.0, sum(row.total.gil_held or 0.0 for row in rows)):
        yield from _top_function(profile, "GIL-holding", "samples")


def _sampled_share(profile: Profile) -> float:
    """Return the part of the samples in which the GIL was held."""
    if profile.stacks and profile.stack_rate:
        return sum(stack.samples for stack in profile.stacks) / (profile.duration * profile.stack_rate)
    return sum(function.value for function in profile.functions)


def _collected(profile: Profile, table: Rows) -> Iterator[Finding]:
    """Name garbage collection where it made a thread's longest hold, or took a share of the time."""
    collecting = [(one, one.collections) for one in profile.threads if one.collections is not None]
    if not collecting:
        return
    total = sum(seen.seconds for _, seen in collecting)
    thread, longest = max(collecting, key=lambda pair: pair[1].longest)
    hold = thread.longest_hold or 0.0
    is_hold = hold > 0 and longest.longest >= MOSTLY * hold
    if total < HARDLY * profile.duration and not (is_hold and longest.longest >= _LONG_COLLECTION):
        return
    part = f", part of its longest hold of {write(hold, 's')}" if is_hold else ""
    name = table.label(thread.tid)
    yield Finding(
        kind="garbage_collection",
        subject=name,
        text=f"Garbage collection took {_share(total / profile.duration)} of the time; the longest was "
        f"{write(longest.longest, 's')} in {name}{part}.",
        next="Collect less often with gc.set_threshold(), or move live objects out of its way with gc.freeze().",
    )


def _top_function(profile: Profile, doing: str, of_what: str) -> Iterator[Finding]:
    functions = (share for share in profile.functions if share.name != NO_FUNCTION)
    top = max(functions, key=lambda share: share.value, default=None)
    if top is not None and top.value >= _NOTABLE:
        text = f"Top {doing} function: {top.name}, {_share(top.value)} of {of_what}."
        yield Finding(kind="function", subject=top.name, text=text)


def _longest_wait(rows: Sequence[Row]) -> Iterator[Finding]:
    longest = max(rows, key=lambda row: row.total.longest_wait or 0.0)
    if longest.total.longest_wait:
        text = f"{_one_of(longest)} had the longest GIL wait: {write(longest.total.longest_wait, 's')}."
        yield Finding(kind="longest_wait", subject=longest.label, text=text)


def _one_of(row: Row) -> str:
    return f"One of {row.label}" if row.many else row.label


def _blamed(blames: Sequence[Blame], table: Rows) -> Iterator[Finding]:
    by_holder: defaultdict[int, float] = defaultdict(float)
    for blame in table.blames(blames):
        by_holder[blame.holder] += blame.seconds
    total = sum(by_holder.values())
    if len(by_holder) < 2 or not total:  # noqa: PLR2004 - a single holder is no news
        return
    holder, seconds = max(by_holder.items(), key=lambda item: item[1])
    if seconds > MOSTLY * total:
        name = table.rows[holder].label
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
    if not falls_short(answer):
        yield from measured_findings(answer)


def _starved(answer: WhatIf, rows: Sequence[Row]) -> Iterator[Finding]:
    """Threads that could gain far more than the program."""
    for label, total, _ in rows:
        rest = total.alive - (total.gil_wait or 0.0)
        if total.gil_wait and rest > 0 and total.alive / rest > OWN_GAIN * answer.bound:
            gain = write(total.alive / rest, "x")
            text = (
                f"{label} waited for the GIL {_share(total.gil_wait / total.alive)} of "
                f"{'their lifetimes' if total.count > 1 else 'its lifetime'}; "
                f"without waits {'they' if total.count > 1 else 'it'} could run up to {gain} as fast."
            )
            yield Finding(kind="starved", subject=label, text=text)


# --- free-threaded --------------------------------------------------------------------------------------


def _locks(profile: Profile) -> Iterator[Finding]:
    known = [thread for thread in profile.threads if thread.gil_wait is not None]
    if known:
        yield _parking(known)
    else:
        yield _unknown("The time parked on locks is unknown", profile)
    if not known or _parked_share(known) >= HARDLY:
        yield from _top_function(profile, "parking", "parked time")
    if profile.pauses is not None and profile.pauses.count:
        pauses = profile.pauses
        many = "1 stop-the-world pause" if pauses.count == 1 else f"{pauses.count} stop-the-world pauses"
        text = f"{many}: {write(pauses.seconds, 's')} total, longest {write(pauses.longest, 's')}."
        yield Finding(kind="pauses", text=text)


def _parked_share(threads: Sequence[ProfiledThread]) -> float:
    waited = sum(thread.gil_wait or 0.0 for thread in threads)
    runnable = waited + sum(thread.off_gil or 0.0 for thread in threads)
    return waited / runnable if runnable else 0.0


def _parking(threads: Sequence[ProfiledThread]) -> Finding:
    if not any(thread.gil_wait or thread.off_gil for thread in threads):
        return Finding(kind="idle", text="No thread was runnable.")
    parked = _parked_share(threads)
    share = _share(parked)
    if parked < HARDLY:
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
