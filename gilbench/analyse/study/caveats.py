"""Caveats of a study: what makes its results less reliable or harder to compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gilbench.analyse.study.comparability import comparability
from gilbench.analyse.study.counts import count_differences
from gilbench.model.results import Caveat
from gilbench.model.study import Study

STEAL = 0.02  # of CPU time; less is hidden by the variation between blocks
_FEW_BLOCKS = 3


def caveats(study: Study) -> tuple[Caveat, ...]:
    """Collect the caveats of a study."""
    read = (Caveat(kind="file", text=warning) for warning in study.warnings)
    return (*read, *_builds(study), *_state(study), *_noise(study), *_readings(study))


def differences(baseline: Study, candidate: Study) -> tuple[Caveat, ...]:
    """List other changes between two studies than those that are compared."""
    return (
        *_host_changes(baseline, candidate),
        *_build_changes(baseline, candidate),
        *count_differences(baseline, candidate),
    )


def _host_changes(baseline: Study, candidate: Study) -> Iterator[Caveat]:
    before, now = baseline.header.host, candidate.header.host
    facts = {
        "CPU": (before.cpu_model, now.cpu_model),
        "number of CPUs": (before.cores, now.cores),
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


def _builds(study: Study) -> Iterator[Caveat]:
    interpreters = {interpreter.name: interpreter for interpreter in study.header.interpreters}
    reference = interpreters.get(study.header.plan.reference)
    for name, interpreter in interpreters.items():
        if reference is None or name == reference.name:
            continue
        reasons = comparability(reference.build, interpreter.build)
        if reasons:
            text = f"{name} and {reference.name} are built differently: {'; '.join(reasons)}"
            yield Caveat(kind="build", subject=name, text=text, next="Compare builds with the same flags.")


def _state(study: Study) -> Iterator[Caveat]:
    cases = study.header.plan.cases
    switched = {
        cases[run.case].interpreter
        for run in study.runs
        if any(slice_.gil_enabled[0] != slice_.gil_enabled[1] for slice_ in run.slices)
    }
    for name in sorted(switched):
        yield Caveat(kind="gil_switched", subject=name, text=f"the GIL of {name} was switched during a run")
    if any(not slice_.cpus for run in study.runs for slice_ in run.slices):
        yield Caveat(kind="affinity", text="CPU affinity could not be set; results are noisier")
    interrupted = sum(run.interrupted for run in study.runs)
    if interrupted:
        runs = "1 run was" if interrupted == 1 else f"{interrupted} runs were"
        yield Caveat(kind="interrupted", text=f"{runs} interrupted, with fewer slices than planned")
    finished = {run.block for run in study.runs if run.slices and not run.interrupted}
    if len(finished) < min(_FEW_BLOCKS, study.header.plan.effort.blocks):
        blocks = "1 block was" if len(finished) == 1 else f"{len(finished)} blocks were"
        yield Caveat(
            kind="few_blocks",
            text=f"only {blocks} finished, too few for a reliable interval",
            next="Resume the study, or run more blocks.",
        )


def _noise(study: Study) -> Iterator[Caveat]:
    by_block = {run.block: run.noise for run in study.runs if run.noise is not None}
    steals = [noise.steal for noise in by_block.values() if noise.steal is not None]
    if steals and max(steals) > STEAL:
        text = f"the hypervisor took up to {max(steals):.0%} of the CPU time of a block"
        yield Caveat(kind="steal", text=text, next="Use a less busy machine, or more blocks.")
    governor = study.header.host.governor
    if governor and governor != "performance":
        yield Caveat(
            kind="governor",
            text=f"the CPU frequency governor is {governor!r}; 'performance' gives steadier results",
            next="Set the CPU frequency governor to performance.",
        )


def _readings(study: Study) -> Iterator[Caveat]:
    """List each observer without a reading, once per interpreter and reason."""
    cases = study.header.plan.cases
    reasons = Counter(
        (reading.observer, cases[run.case].interpreter, reading.unavailable)
        for run in study.runs
        for reading in run.readings
        if reading.unavailable
    )
    for observer, interpreter, reason in reasons:
        text = f"{observer} is unavailable on {interpreter}: {reason}"
        yield Caveat(kind="unavailable", subject=observer, text=text)
