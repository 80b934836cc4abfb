"""Differences between two studies that make their comparison less reliable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from gilbench.analyse.study.comparability import comparability
from gilbench.analyse.study.counts import count_differences
from gilbench.analyse.study.host_caveats import caveats_of_hosts
from gilbench.analyse.study.hosts import host_parts
from gilbench.analyse.study.matched_rows import are_elsewhere, on_shared_hosts
from gilbench.analyse.study.sentences import listed
from gilbench.model.results import Caveat, Comparison
from gilbench.model.study import Study


def differences(baseline: Study, candidate: Study) -> tuple[Caveat, ...]:
    """List other changes between two studies than those that are compared; of two fleets, on the hosts of both."""
    before, now = on_shared_hosts(baseline, candidate)
    if before.hosts and now.hosts and not are_elsewhere(before, now):
        earlier = {part.host.name: part.study for part in host_parts(before)}
        found = {part.host.name: _changes(earlier[part.host.name], part.study) for part in host_parts(now)}
        return (*_other_hosts(baseline, candidate, found), *caveats_of_hosts(found))
    if before.hosts or now.hosts:
        text = "a fleet measured at least one of the studies, and they have no host in common"
        return (Caveat(kind="host", subject="hosts", text=text), *_build_changes(before, now))
    return _changes(before, now)


def _changes(baseline: Study, candidate: Study) -> tuple[Caveat, ...]:
    return (
        *_host_changes(baseline, candidate),
        *_build_changes(baseline, candidate),
        *count_differences(baseline, candidate),
    )


def _other_hosts(baseline: Study, candidate: Study, shared: Collection[str]) -> Iterator[Caveat]:
    """Name the hosts that only one of two fleets has."""
    for study, of in ((baseline, "baseline"), (candidate, "candidate")):
        others = [part.host.name for part in host_parts(study) if part.host.name not in shared]
        if others:
            text = f"only the {of} has {listed(others)}, which are not compared (hosts of the same name and kind are)"
            yield Caveat(kind="host", subject="hosts", text=text)


def across_times(
    baseline: Study, candidate: Study, rows: Sequence[Comparison], *, allow_unpaired: bool
) -> Iterator[Caveat]:
    """Explain the rows of two studies that are unpaired, or from different hosts.

    Args:
        baseline: The earlier study.
        candidate: The later study.
        rows: Their comparison.
        allow_unpaired: Whether these rows have a verdict; see ``compare_studies``.
    """
    unpaired = sum(not row.paired for row in rows)
    elsewhere = len(rows) - unpaired if are_elsewhere(baseline, candidate) else 0
    verdicts = "their verdicts are often wrong" if allow_unpaired else "they are at most inconclusive"
    step = "Measure both builds now, interleaved: gilbench check --python NEW --against OLD."
    if not allow_unpaired:
        step += " --allow-unpaired judges these rows anyway."
    for kind, count, why in (
        ("unpaired", unpaired, "without a common reference, absolute values of two times are compared"),
        ("other_host", elsewhere, "the ratio of two builds depends on the host, which changed"),
    ):
        if count:
            of = f"{count} of {len(rows)} row{'s'[: len(rows) != 1]}"
            yield Caveat(kind=kind, text=f"{of}: {why}; {verdicts}", next=step)


def _host_changes(baseline: Study, candidate: Study) -> Iterator[Caveat]:
    before, now = baseline.header.host, candidate.header.host
    facts = {
        "CPU": (before.cpu_model, now.cpu_model),
        "number of cores": (before.cores, now.cores),
        "CPU quota": (before.quota, now.quota),
        "kernel": (before.kernel, now.kernel),
        "frequency governor": (before.governor, now.governor),
    }
    for what, (old, new) in facts.items():
        if old != new and None not in {old, new}:  # an unknown fact is no change
            yield Caveat(kind="host", subject=what, text=f"the {what} changed from {old} to {new}")
    clocks = _clocks(baseline)
    for name, clock in _clocks(candidate).items():
        if clocks.get(name, clock) != clock:
            text = f"{name} was timed by another clock: {clocks[name]}, then {clock}"
            yield Caveat(kind="clock", subject=name, text=text)


def _build_changes(baseline: Study, candidate: Study) -> Iterator[Caveat]:
    builds = {interpreter.name: interpreter.build for interpreter in baseline.header.interpreters}
    for interpreter in candidate.header.interpreters:
        name = interpreter.name
        for reason in comparability(builds[name], interpreter.build) if name in builds else ():
            yield Caveat(
                kind="build", subject=name, text=f"{name} is built differently than before: {reason}"
            )
    digests = {workload.name: workload.digest for workload in baseline.header.workloads}
    for workload in candidate.header.workloads:
        if digests.get(workload.name, workload.digest) != workload.digest:
            text = f"workload {workload.name} changed between the studies"
            yield Caveat(kind="workload", subject=workload.name, text=text)


def _clocks(study: Study) -> dict[str, str]:
    """Name the clock that timed each interpreter."""
    cases = study.header.plan.cases
    return {
        cases[run.case].interpreter: run.environment.clock
        for run in study.runs
        if run.environment is not None
    }
