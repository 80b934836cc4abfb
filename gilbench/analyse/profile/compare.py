"""Compares two profiles: the program, its threads by groups, and the functions that held the GIL.

Each profile is one run, so its values also differ by what differs from run to run. Rows are therefore *inconclusive*
unless the caller accepts that. A sampled value also has the error of its samples.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from gilbench.analyse.profile.figures import figures, whole
from gilbench.analyse.profile.groups import SINGLE
from gilbench.model.metrics import Metric
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.profile_results import PROFILE_METRICS, UNDIRECTED, Difference, ProfileFigure
from gilbench.model.results import Caveat
from gilbench.model.threads import pattern_of

_OF_THREADS = ("gil_held", "gil_wait", "parked", "off_gil", "longest_hold", "longest_wait", "acquires", "cpu")
_FUNCTIONS = 10
_LITTLE = 1e-3  # of the wall time; groups and functions below it on both sides are left out
_NORMAL = 1.96  # standard deviations of half a 95% interval
_LONGER = 1.2  # ratio of two durations from which they are worth a warning

Word = Literal["improved", "regressed", "equivalent", "inconclusive"]


class Judgement(NamedTuple):
    """A verdict, and why it is inconclusive."""

    verdict: Word
    reason: str | None = None


def compare_profiles(
    before: Profile,
    after: Profile,
    *,
    metrics: Collection[str],
    threshold: float,
    judged: bool,
) -> Iterator[Difference]:
    """Yield the differences of two profiles: of the program, of groups of threads, and of functions.

    Args:
        before: The baseline.
        after: The candidate.
        metrics: Names of ``PROFILE_METRICS``.
        threshold: Smallest change that matters, as a fraction of the wall time for shares, else of the value.
        judged: Judge the rows although each profile is only one run.
    """

    def differences(
        kind: Literal["program", "threads"],
        subject: str,
        sides: tuple[Mapping[str, ProfileFigure], Mapping[str, ProfileFigure]],
        names: Collection[str],
    ) -> Iterator[Difference]:
        for name in names:
            first, second = (side.get(name) for side in sides)
            if name in metrics and (first is not None or second is not None):
                metric = PROFILE_METRICS[name]
                found = judge(first, second, metric, threshold=threshold, judged=judged)
                yield Difference(
                    kind=kind,
                    subject=subject,
                    metric=name,
                    unit=metric.unit,
                    before=first,
                    after=second,
                    verdict=found.verdict,
                    reason=found.reason,
                )

    yield from differences("program", "", (whole(before), whole(after)), PROFILE_METRICS)
    for label, (first, second) in _groups(before, after).items():
        if _weight((first, second)) < _LITTLE:
            continue
        sides = figures(before, first), figures(after, second)
        yield from differences("threads", label, sides, _OF_THREADS)
    yield from _functions(before, after)


def judge(
    before: ProfileFigure | None,
    after: ProfileFigure | None,
    metric: Metric,
    *,
    threshold: float,
    judged: bool,
) -> Judgement:
    """Judge one difference; see ``compare_profiles``."""
    if before is None or after is None:
        return Judgement("inconclusive", "only in one profile")
    if not judged:
        return Judgement("inconclusive", "unpaired")
    if metric.better == "neither":
        return Judgement("inconclusive", UNDIRECTED)
    change, error = after.value - before.value, math.hypot(_half(before), _half(after))
    if metric.unit != "fraction":
        size = max(abs(before.value), 1e-12)
        change, error = change / size, error / size
    if abs(change) + error <= threshold:
        return Judgement("equivalent")
    if abs(change) - error <= threshold:
        return Judgement("inconclusive", "interval too wide")
    return Judgement("regressed" if (change > 0) == (metric.better == "lower") else "improved")


def differing(before: Profile, after: Profile, *, judged: bool) -> Iterator[Caveat]:
    """Yield what makes a comparison of two profiles less reliable."""
    doubt = "these verdicts are often wrong" if judged else "no row is judged"
    yield Caveat(
        kind="unpaired",
        text=f"each profile is one run, and runs of one program differ, so {doubt}",
        next=None if judged else "To judge the rows all the same, add --allow-unpaired",
    )
    for kind, text in _facts(before, after):
        yield Caveat(kind=kind, text=text)


def _facts(before: Profile, after: Profile) -> Iterator[tuple[str, str]]:
    first, second = before.process, after.process
    if before.probe.strength != after.probe.strength:
        yield "probe", f"the probes differ: {before.probe.name}, and {after.probe.name}"
    if (first.version, first.gil_enabled) != (second.version, second.gil_enabled):
        yield "build", f"the interpreters differ: {_interpreter(before)}, and {_interpreter(after)}"
    if first.command != second.command:
        yield "command", "the commands differ"
    longer, shorter = max(before.duration, after.duration), min(before.duration, after.duration)
    if longer > _LONGER * shorter:
        yield "duration", f"the profiled times differ: {before.duration:.3g} s, and {after.duration:.3g} s"
    if before.probe.lost or after.probe.lost:
        yield "lost", f"events were lost: {before.probe.lost}, and {after.probe.lost}"


def _interpreter(profile: Profile) -> str:
    process = profile.process
    state = ", GIL disabled" if process.gil_enabled is False else ""
    return f"Python {process.version or '(unknown)'}{state}"


def _half(figure: ProfileFigure) -> float:
    return 0.0 if figure.lo is None or figure.hi is None else (figure.hi - figure.value)


Sides = tuple[list[ProfiledThread], list[ProfiledThread]]


def _groups(before: Profile, after: Profile) -> dict[str, Sides]:
    """Pair the threads: by their names if both profiles have the same few, else by the pattern of the names."""
    patterns: defaultdict[str | None, Sides] = defaultdict(lambda: ([], []))
    for side, profile in enumerate((before, after)):
        for thread in profile.threads:
            patterns[pattern_of(thread.name)][side].append(thread)
    groups: dict[str, Sides] = {}
    for pattern, (first, second) in patterns.items():
        names = [sorted(thread.name or "" for thread in side) for side in (first, second)]
        if pattern is not None and names[0] == names[1] and len(set(names[0])) == len(first) <= SINGLE:
            for name in names[0]:
                groups[name] = ([_named(first, name)], [_named(second, name)])
        elif pattern is None:
            groups["unnamed threads"] = (first, second)
        else:
            single = {thread.name for thread in (*first, *second)} == {pattern}
            groups[pattern if single else f"{pattern} ({_counts(first, second)})"] = (first, second)
    return dict(sorted(groups.items(), key=lambda item: -_weight(item[1])))


def _named(threads: Sequence[ProfiledThread], name: str) -> ProfiledThread:
    return next(thread for thread in threads if thread.name == name)


def _counts(first: Sequence[ProfiledThread], second: Sequence[ProfiledThread]) -> str:
    counts = [sum(thread.count for thread in side) for side in (first, second)]
    return f"{counts[0]} threads" if counts[0] == counts[1] else f"{counts[0]} and {counts[1]} threads"


def _weight(sides: Sides) -> float:
    threads = [thread for side in sides for thread in side]
    return sum((one.gil_held or 0.0) + (one.gil_wait or 0.0) + (one.off_gil or 0.0) for one in threads)


def _functions(before: Profile, after: Profile) -> Iterator[Difference]:
    """Yield the functions with the largest shares of samples."""
    shares = [{function.name: function.value for function in one.functions} for one in (before, after)]
    names = sorted({*shares[0], *shares[1]}, key=lambda name: -max(one.get(name, 0.0) for one in shares))
    for name in names[:_FUNCTIONS]:
        found = [
            None if name not in one else _sampled(one[name], profile)
            for one, profile in zip(shares, (before, after), strict=True)
        ]
        if max(one.value for one in found if one is not None) < _LITTLE:
            continue
        yield Difference(
            kind="function",
            subject=name,
            metric="share",
            unit="fraction",
            before=found[0],
            after=found[1],
            verdict="inconclusive",
            reason=UNDIRECTED,
        )


def _sampled(share: float, profile: Profile) -> ProfileFigure:
    """Give a share of samples with its interval, if the number of samples is known."""
    samples = profile.duration * (profile.stack_rate or 0)
    if samples < 1:
        return ProfileFigure(value=share)
    half = _NORMAL * math.sqrt(max(share * (1 - share), 0.0) / samples)
    return ProfileFigure(value=share, lo=max(0.0, share - half), hi=share + half)
