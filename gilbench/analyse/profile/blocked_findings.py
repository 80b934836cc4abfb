"""The finding about the lock of a program for which threads wait, so that it is not taken for the GIL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gilbench.analyse.profile.blocked import Sleeping, blockings
from gilbench.analyse.profile.groups import rows_of
from gilbench.model.profile import Profile
from gilbench.model.results import Finding

_MOSTLY = 0.5  # of the sleep of a thread; it is named if it waited longer than that for one lock
_NOTABLE = 0.05  # of the life of a thread; a shorter wait is no finding
_NAMED = 3  # threads, at most


def lock_findings(profile: Profile) -> Iterator[Finding]:
    """Name the lock for which threads waited most, if they slept mostly for it and took turns.

    One of the threads that use a lock for their work holds it. If all of them wait nearly always, they are idle, and
    the lock hands them work.
    """
    sleeps = blockings(profile).rows
    totals = {row.label: row.total for row in rows_of(profile.threads).rows}
    asleep: defaultdict[str, float] = defaultdict(float)
    for one in sleeps:
        asleep[one.label] += one.share
    waits: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for (lock, label), share in _by_lock(sleeps).items():
        if share >= max(_MOSTLY * asleep[label], _NOTABLE * totals[label].alive):
            waits[lock][label] = share
    for lock, shares in sorted(waits.items(), key=lambda item: -sum(item[1].values())):
        count = sum(totals[label].count for label in shares)
        part = sum(shares.values()) / sum(totals[label].alive for label in shares)
        if count > 1 and part <= 1 - 0.5 / count:
            function = next((one.function for one in sleeps if one.lock == lock and one.function), None)
            place = f", in {function}" if function else ""
            yield Finding(
                kind="program_lock",
                subject=max(shares, key=lambda label: shares[label]),
                text=f"{_listed(list(shares))} waited for a lock of the program {part:.0%} of the time{place}. "
                "That lock is not the GIL.",
                next="Hold the lock for a shorter time, or let fewer threads use it.",
            )
            return


def _by_lock(sleeps: Sequence[Sleeping]) -> dict[tuple[int, str], float]:
    """Sum the shares of the threads by lock and label."""
    sums: defaultdict[tuple[int, str], float] = defaultdict(float)
    for one in sleeps:
        if one.lock is not None:
            sums[one.lock, one.label] += one.share
    return sums


def _listed(labels: Sequence[str]) -> str:
    shown = (
        list(labels)
        if len(labels) <= _NAMED
        else [*labels[: _NAMED - 1], f"{len(labels) - _NAMED + 1} others"]
    )
    *others, last = shown
    return f"{', '.join(others)}{',' if len(others) > 1 else ''} and {last}" if others else last
