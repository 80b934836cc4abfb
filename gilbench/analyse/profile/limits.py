"""Limits of a profile, such as ``gil_wait<20%`` or ``worker-*: longest_hold<10ms``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from gilbench.analyse.profile.figures import figures, whole
from gilbench.analyse.profile.groups import rows_of
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.metrics import Metric
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.profile_results import PROFILE_METRICS, Limited, ProfileFigure, ProfileLimit

_LIMIT = re.compile(r"\s*(\w+)\s*(<=?|>=?)\s*(\d+(?:\.\d*)?|\.\d+)\s*(%|[A-Za-zµ]*)\s*")
_UNITS: dict[str, dict[str, float]] = {  # of a metric's unit: what may be written, in that unit
    "fraction": {"%": 0.01},
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9},
    "B": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "1/s": {"": 1.0},
    "cores": {"": 1.0},
}
_OF_THREADS = 5  # names that are told if a pattern matches none
_OF_PROGRAM = ("memory_peak", "duration")  # of the program only


def parse_limit(
    text: str,
    option: str = "--limit",
    metrics: Mapping[str, Metric] = PROFILE_METRICS,
    of_program: Collection[str] = _OF_PROGRAM,
) -> ProfileLimit:
    """Read a limit: ``[THREADS:] METRIC < VALUE UNIT``.

    Args:
        text: The limit.
        option: The option that it was given to.
        metrics: The metrics that can be limited.
        of_program: Those of them that are of the whole program only.

    Raises:
        UsageError: It is none, the metric is unknown, or the unit does not suit the metric.
    """
    threads, _, rest = text.rpartition(":")
    found = _LIMIT.fullmatch(rest)
    if found is None:
        raise UsageError(
            f"{option} {excerpt(text, 60)!r}: not a limit; write for example 'gil_wait<20%' or 'worker-*: gil_held<50%'"
        )
    name, relation, number, unit = found.groups()
    metric = metrics.get(name)
    if metric is None:
        raise UsageError(
            f"{option} {excerpt(text, 60)!r}: unknown metric {excerpt(name, 20)}; use {', '.join(metrics)}"
        )
    units = _UNITS[metric.unit]
    if unit not in units:
        known = ", ".join(filter(None, units))
        remedy = f"use {known}" if known else "leave it out"
        raise UsageError(f"{option} {excerpt(text, 60)!r}: unit {unit!r} does not suit {name}; {remedy}")
    pattern = threads.strip() or None
    if pattern is not None and name in of_program:
        raise UsageError(
            f"{option} {excerpt(text, 60)!r}: {name} is of the whole program; "
            f"leave out {excerpt(pattern, 40)!r}"
        )
    return ProfileLimit(
        text=text.strip(),
        metric=name,
        most=relation.startswith("<"),
        value=float(number) * units[unit],
        threads=pattern,
    )


def judge(profile: Profile, limit: ProfileLimit) -> Limited:
    """Hold a profile to a limit.

    Raises:
        UsageError: No thread matches, or the profile does not have the value.
    """
    threads = [one for one in profile.threads if limit.threads is None or _matches(one, limit.threads)]
    if not threads:
        names = [row.label for row in rows_of(profile.threads).rows]
        more = ", ..." if len(names) > _OF_THREADS else ""
        raise UsageError(
            f"--limit {excerpt(limit.text, 60)!r}: no thread matches; "
            f"the profile has {', '.join(names[:_OF_THREADS])}{more}"
        )
    known = whole(profile) if limit.threads is None else figures(profile, threads)
    figure = known.get(limit.metric)
    if figure is None:
        raise UsageError(f"--limit {excerpt(limit.text, 60)!r}: {_unknown(profile, limit.metric)}")
    return Limited(
        limit=limit,
        figure=figure,
        count=sum(thread.count for thread in threads),
        verdict=_verdict(figure, limit),
    )


def _verdict(figure: ProfileFigure, limit: ProfileLimit) -> Literal["pass", "exceeded", "inconclusive"]:
    least = figure.value if figure.lo is None else figure.lo
    most = figure.value if figure.hi is None else figure.hi
    if not limit.most:
        least, most = -most, -least
    bound = limit.value if limit.most else -limit.value
    return "exceeded" if least > bound else "pass" if most <= bound else "inconclusive"


def _matches(thread: ProfiledThread, pattern: str) -> bool:
    # Brackets of a name are no set of letters.
    return fnmatch.fnmatchcase(thread.name or f"thread {thread.tid}", pattern.replace("[", "[[]"))


def _unknown(profile: Profile, metric: str) -> str:
    """Explain why a profile does not have a value, with the next step."""
    locks = profile.process.gil_enabled is False
    if locks and metric in {"gil_held", "gil_wait", "longest_hold", "acquires", "wait_share"}:
        return f"the profiled interpreter has no GIL, so {metric} is unknown; use parked or longest_wait"
    if not locks and metric == "parked":
        return "the profiled interpreter has a GIL; use gil_wait"
    return (
        f"the probe did not measure {metric} ({profile.probe.name}); "
        "profile again as root with bpftrace, or leave out this limit"
    )


def exit_code(results: Sequence[Limited], *, strict: bool) -> int:
    """Return 1 if a limit is exceeded, and 3 if one is inconclusive and ``strict``."""
    verdicts = {one.verdict for one in results}
    if "exceeded" in verdicts:
        return 1
    return 3 if strict and "inconclusive" in verdicts else 0
