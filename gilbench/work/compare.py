"""Compares the interpreters of a study with its reference, or one study, foreign result, or profile with another."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gilbench.analyse.printed import NO_INTERVAL, compare_printed
from gilbench.analyse.profile.compare import compare_profiles, differing
from gilbench.analyse.stats.layout import LAYOUT_SD
from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_hosts, compare_interpreters, compare_studies
from gilbench.analyse.study.differences import across_times, differences
from gilbench.analyse.study.host_findings import differing_rows
from gilbench.analyse.study.hosts import host_parts, kinds_of
from gilbench.analyse.study.layout import small_changes
from gilbench.analyse.study.report import build_report
from gilbench.model.errors import UsageError
from gilbench.model.metrics import METRICS
from gilbench.model.printed import PrintedResults
from gilbench.model.profile_results import PROFILE_METRICS, ProfileComparison
from gilbench.model.results import ByHost, Caveat, Comparison, Comparisons
from gilbench.model.study import Struct, Study
from gilbench.store.profile import read_profile
from gilbench.store.pyperf_study import KIND as PYPERF
from gilbench.work.read import kind_of, read_measured


class Limits(Struct, frozen=True):
    """What counts as a change, and in which metrics."""

    metric: tuple[str, ...] = ()  # names or patterns; empty: the default metrics
    threshold: float = 0.02  # smallest change that matters, a fraction
    fdr: float = 0.05  # false discovery rate, a fraction
    strict: bool = False  # a check that is inconclusive, or has no baseline, is no success
    layout: float = LAYOUT_SD  # standard deviation between builds of one source, a fraction; 0: ignore layout
    allow_unpaired: bool = False  # also judge rows across times and hosts, at the risk of false verdicts

    @classmethod
    def in_percent(
        cls,
        metric: Sequence[str] | None,
        threshold: float,
        fdr: float,
        *,
        strict: bool = False,
        layout: float | None = None,
        allow_unpaired: bool = False,
    ) -> Limits:
        """The same from percentages; ``layout`` None: the default."""
        return cls(
            metric=tuple(metric or ()),
            threshold=threshold / 100,
            fdr=fdr / 100,
            strict=strict,
            layout=LAYOUT_SD if layout is None else layout / 100,
            allow_unpaired=allow_unpaired,
        )

    def metrics(self, known: Sequence[str], default: Sequence[str]) -> list[str]:
        """Return the names of the metrics that match.

        Raises:
            UsageError: A pattern matches no metric.
        """
        for pattern in self.metric:
            if not fnmatch.filter(known, pattern):
                raise UsageError(f"--metric {pattern}: no such metric; use {', '.join(known)}")
        if not self.metric:
            return list(default)
        return [name for name in known if any(fnmatch.fnmatch(name, one) for one in self.metric)]


def compare(
    study: Path, candidate: Path | None = None, limits: Limits | None = None
) -> Comparisons | ProfileComparison:
    """Compare the interpreters of a study with its reference, one study with another, or one profile with another.

    Args:
        study: A study, a file of pyperf, what ftscalingbench or ccbench printed, or a profile; the baseline, if there
            is a candidate.
        candidate: File to compare with the baseline; None: compare the interpreters of ``study``.
        limits: What counts as a change; None: 2%, with a false discovery rate of 5%.

    Raises:
        StudyError: A file cannot be read.
        UsageError: There is nothing to compare, or a metric is unknown.
    """
    limits = limits or Limits()
    files = [study] if candidate is None else [study, candidate]
    profiles = [path for path in files if kind_of(path) == "profile"]
    if profiles:
        other = next((path for path in files if path not in profiles), None)
        if candidate is None or other is not None:
            lacking = "" if other is None else f", but {other} is not"
            raise UsageError(
                f"{profiles[0]} is a profile{lacking}; compare two profiles: gilbench compare BEFORE.json AFTER.json"
            )
        return _profiles(study, candidate, limits)
    return _studies(study, candidate, limits)


def _profiles(before: Path, after: Path, limits: Limits) -> ProfileComparison:
    first, second = read_profile(before), read_profile(after)
    judged, names = limits.allow_unpaired, list(PROFILE_METRICS)
    metrics = limits.metrics(names, names)
    rows = compare_profiles(first, second, metrics=metrics, threshold=limits.threshold, judged=judged)
    return ProfileComparison(
        before=str(before),
        after=str(after),
        rows=tuple(rows),
        caveats=tuple(differing(first, second, judged=judged)),
        threshold=limits.threshold,
    )


def _studies(study: Path, candidate: Path | None, limits: Limits) -> Comparisons:
    metrics = limits.metrics(list(METRICS), list(METRICS))
    first = read_measured(study)
    if candidate is None:
        return _interpreters(study, first, limits, metrics)
    second = read_measured(candidate)
    if isinstance(first, PrintedResults) or isinstance(second, PrintedResults):
        rows, found = _printed(first, second, metrics)
    else:
        if {kind_of(study), kind_of(candidate)} == {PYPERF}:
            first, second = as_one_interpreter(first, second)
        rows, changes = between(first, second, limits, metrics)
        found = (*changes, *caveats(second))
    if not rows:
        raise nothing_in_common(study, candidate)
    return Comparisons(rows=rows, caveats=found, threshold=limits.threshold, fdr=limits.fdr)


def by_host(
    study: Study,
    rows: Sequence[Comparison],
    limits: Limits,
    metrics: Sequence[str],
    layout: float = 0.0,
) -> ByHost | None:
    """Compare the interpreters of a fleet's study on each host, and find where hosts differ from each other.

    Args:
        study: The study.
        rows: Its comparison over hosts.
        limits: What counts as a change.
        metrics: Names of the compared metrics.
        layout: Standard deviation between code layouts, as for ``compare_interpreters``.

    Returns:
        None: One host measured the study.
    """
    host_rows = compare_hosts(
        study, metrics=metrics, threshold=limits.threshold, fdr=limits.fdr, layout=layout
    )
    if not host_rows:
        return None
    kinds = kinds_of([part.host for part in host_parts(study)])
    return ByHost(kinds=kinds, rows=host_rows, findings=differing_rows(rows, host_rows, kinds))


def _interpreters(
    path: Path, study: Study | PrintedResults, limits: Limits, metrics: Sequence[str]
) -> Comparisons:
    """Compare the interpreters of a study with its reference; printed results are of one interpreter."""
    if isinstance(study, Study):
        rows = compare_interpreters(study, metrics=metrics, threshold=limits.threshold, fdr=limits.fdr)
        if rows:
            return Comparisons(
                rows=rows,
                caveats=(*small_changes(study, rows), *caveats(study)),
                threshold=limits.threshold,
                fdr=limits.fdr,
                hosts=by_host(study, rows, limits, metrics),
            )
    raise UsageError(f"{path} has no interpreter to compare with its reference; pass a second study")


def _printed(
    before: Study | PrintedResults, after: Study | PrintedResults, metrics: Sequence[str]
) -> tuple[tuple[Comparison, ...], tuple[Caveat, ...]]:
    """Compare results of which at least one was printed; return the rows, and what makes them less reliable."""
    results = [one if isinstance(one, PrintedResults) else build_report(one) for one in (before, after)]
    rows = compare_printed(results[0].cells, results[1].cells, metrics)
    found = dict.fromkeys((NO_INTERVAL, *(caveat for one in results for caveat in one.caveats)))
    return rows, tuple(found)


def between(
    baseline: Study, candidate: Study, limits: Limits, metrics: Sequence[str]
) -> tuple[tuple[Comparison, ...], tuple[Caveat, ...]]:
    """Compare two studies; return the rows, and what makes them less reliable."""
    rows = compare_studies(
        baseline,
        candidate,
        metrics=metrics,
        threshold=limits.threshold,
        fdr=limits.fdr,
        allow_unpaired=limits.allow_unpaired,
    )
    unsure = across_times(baseline, candidate, rows, allow_unpaired=limits.allow_unpaired)
    return rows, (*unsure, *differences(baseline, candidate))


def as_one_interpreter(first: Study, second: Study) -> tuple[Study, Study]:
    """Give the interpreters of two files of pyperf one name, since such files are compared whatever measured them."""
    names = [study.header.plan.reference for study in (second, first)]
    if names[0] == names[1]:
        return first, second
    return _renamed(first, " vs ".join(names)), _renamed(second, " vs ".join(names))


def _renamed(study: Study, name: str) -> Study:
    header = study.header
    cases = tuple(msgspec.structs.replace(case, interpreter=name) for case in header.plan.cases)
    plan = msgspec.structs.replace(header.plan, cases=cases, reference=name)
    interpreters = tuple(msgspec.structs.replace(one, name=name) for one in header.interpreters)
    header = msgspec.structs.replace(header, plan=plan, interpreters=interpreters)
    return msgspec.structs.replace(study, header=header)


def nothing_in_common(study: Path, other: Path) -> UsageError:
    """Return the error for two studies that share no case."""
    return UsageError(f"{study} and {other} share no case (workload, interpreter, and threads)")
