"""What a reader must know before the figures are believed: warnings as data, written down by the renderers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gilbench.analyse.comparability import comparability
from gilbench.model import Study

STEAL = 0.02  # of CPU time; less is lost in the spread between blocks
_FEW_BLOCKS = 3


def caveats(study: Study) -> tuple[str, ...]:
    """Collect the warnings of a study."""
    return (*study.warnings, *_builds(study), *_state(study), *_noise(study), *_readings(study))


def differences(baseline: Study, candidate: Study) -> tuple[str, ...]:
    """Say what else changed between two studies than what is compared."""
    ours, theirs = candidate.header, baseline.header
    facts = {
        "CPU": (theirs.host.cpu_model, ours.host.cpu_model),
        "number of cores": (theirs.host.cores, ours.host.cores),
        "kernel": (theirs.host.kernel, ours.host.kernel),
        "frequency governor": (theirs.host.governor, ours.host.governor),
    }
    found = [f"another {what}: {before}, now {now}" for what, (before, now) in facts.items() if before != now]
    clocks = _clocks(baseline)
    found += [
        f"{name} has another clock: {clocks[name]}, now {clock}"
        for name, clock in _clocks(candidate).items()
        if clocks.get(name, clock) != clock
    ]
    builds = {interpreter.name: interpreter.build for interpreter in theirs.interpreters}
    for interpreter in ours.interpreters:
        if interpreter.name in builds:
            reasons = comparability(builds[interpreter.name], interpreter.build)
            found += [f"{interpreter.name} is another kind of build: {reason}" for reason in reasons]
    digests = {workload.name: workload.digest for workload in theirs.workloads}
    found += [
        f"{workload.name} is another workload: its file has changed"
        for workload in ours.workloads
        if digests.get(workload.name, workload.digest) != workload.digest
    ]
    return tuple(found)


def _clocks(study: Study) -> dict[str, str]:
    """The clock that each interpreter was timed by."""
    cases = study.header.plan.cases
    return {
        cases[run.case].interpreter: run.environment.clock
        for run in study.runs
        if run.environment is not None
    }


def _builds(study: Study) -> Iterator[str]:
    interpreters = {interpreter.name: interpreter for interpreter in study.header.interpreters}
    reference = interpreters.get(study.header.plan.reference)
    for name, interpreter in interpreters.items():
        if reference is None or name == reference.name:
            continue
        reasons = comparability(reference.build, interpreter.build)
        if reasons:
            yield f"{name} should not be compared with {reference.name} as a build: {'; '.join(reasons)}"


def _state(study: Study) -> Iterator[str]:
    cases = study.header.plan.cases
    for name in sorted(
        {
            cases[run.case].interpreter
            for run in study.runs
            if any(piece.gil_enabled[0] != piece.gil_enabled[1] for piece in run.slices)
        }
    ):
        yield f"the GIL of {name} was switched while it ran"
    if any(not piece.cpus for run in study.runs for piece in run.slices):
        yield "CPU sets could not be set on this host: comparisons are noisier than they need be"
    interrupted = sum(run.interrupted for run in study.runs)
    if interrupted:
        yield f"{interrupted} run(s) were interrupted and have fewer slices than planned"
    finished = {run.block for run in study.runs if run.slices and not run.interrupted}
    if len(finished) < min(_FEW_BLOCKS, study.header.plan.profile.blocks):
        yield f"only {len(finished)} block(s) were finished: too few for an interval that can be trusted"


def _noise(study: Study) -> Iterator[str]:
    by_block = {run.block: run.noise for run in study.runs if run.noise is not None}
    steals = [noise.steal for noise in by_block.values() if noise.steal is not None]
    if steals and max(steals) > STEAL:
        yield f"the hypervisor took up to {max(steals):.0%} of the CPU time in a block"
    governor = study.header.host.governor
    if governor and governor != "performance":
        yield f"the CPU frequency governor is {governor!r}; 'performance' measures more steadily"


def _readings(study: Study) -> Iterator[str]:
    """Each observer that saw nothing, once for each interpreter and reason."""
    cases = study.header.plan.cases
    reasons = Counter(
        (reading.observer, cases[run.case].interpreter, reading.unavailable)
        for run in study.runs
        for reading in run.readings
        if reading.unavailable
    )
    for observer, interpreter, reason in reasons:
        yield f"{observer} is unavailable on {interpreter}: {reason}"
