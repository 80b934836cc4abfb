"""Caveats of a study: what makes its results less reliable or harder to compare."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from gilbench.analyse.study.comparability import comparability
from gilbench.analyse.study.host_caveats import caveats_of_hosts, unlike_builds
from gilbench.analyse.study.hosts import host_parts, of_one_host
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.open_loop import open_loop
from gilbench.analyse.study.throttling import throttling
from gilbench.analyse.study.trains import pauses
from gilbench.model.metrics import write
from gilbench.model.results import Caveat
from gilbench.model.study import Study
from gilbench.plan.axes import variant

STEAL = 0.02  # of CPU time; less is hidden by the variation between blocks
_FEW_BLOCKS = 3
_BUSY = 0.1  # of CPU time; an idle machine uses 1 or 2%
_WORKERS = 2  # cores of a worker with CPU-bound threads; on a third one, the load generator is alone


def caveats(study: Study) -> tuple[Caveat, ...]:
    """Collect the caveats of a study; those of a fleet name the hosts that they are about."""
    study = of_one_host(study)
    read = (Caveat(kind="file", text=warning) for warning in study.warnings)
    parts = host_parts(study)
    if not parts:
        return (*read, *_of_one(study))
    found = {part.host.name: _of_one(part.study) for part in parts}
    return (*read, *unlike_builds(parts), *caveats_of_hosts(found))


def _of_one(study: Study) -> tuple[Caveat, ...]:
    return (
        *_builds(study),
        *_state(study),
        *_noise(study),
        *throttling(study),
        *_shared_core(study),
        *_overloads(study),
        *_readings(study),
        *pauses(study),
    )


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
        if any(len({*(slice_.gil_enabled or ())}) > 1 for slice_ in run.slices)
    }
    for name in sorted(switched):
        yield Caveat(kind="gil_switched", subject=name, text=f"the GIL of {name} was switched during a run")
    if any(not slice_.cpus for run in study.runs for slice_ in run.slices):
        yield Caveat(kind="affinity", text="CPU affinity could not be set; results are noisier")
    if study.header.plan.budget is not None:
        text = (
            "the time budget ends each workload at its first clear result; intervals are wider, and verdicts "
            "stricter, to allow for the repeated tests"
        )
        yield Caveat(kind="budget", text=text)
    interrupted = sum(run.interrupted for run in study.runs)
    if interrupted:
        runs = "1 run was" if interrupted == 1 else f"{interrupted} runs were"
        yield Caveat(kind="interrupted", text=f"{runs} interrupted, with fewer slices than planned")
    finished = {run.block for run in study.runs if run.slices and not run.interrupted}
    effort = study.header.plan.effort
    if len(finished) < min(_FEW_BLOCKS, math.ceil(effort.blocks / effort.long_every)):
        blocks = "1 block was" if len(finished) == 1 else f"{len(finished)} blocks were"
        yield Caveat(
            kind="few_blocks",
            text=f"only {blocks} finished, too few for a reliable interval",
            next="Resume the study, or run more blocks.",
        )


def _noise(study: Study) -> Iterator[Caveat]:
    busy = study.header.host.busy
    if busy is not None and busy > _BUSY:
        text = f"other programs used {busy:.0%} of the CPU time just before the study"
        yield Caveat(kind="busy", text=text, next="Stop them, or measure later.")
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


def _shared_core(study: Study) -> Iterator[Caveat]:
    """Say which hosts are too small to keep the load generator apart."""
    host = study.header.host
    loaded = {workload.name for workload in study.header.workloads if workload.peer is not None}
    cores, kinds = ({getattr(cpu, name) for cpu in host.cpus} for name in ("core", "kind"))
    small = 0 < len(cores) <= _WORKERS and len(kinds) == 1  # a core of another kind is the load generator's
    if small and any(case.workload in loaded and case.threads for case in study.header.plan.cases):
        of = "the only core" if len(cores) == 1 else "a core that CPU-bound threads use, too"
        yield Caveat(
            kind="shared_core",
            text=f"the load generator ran on {of}; latencies include its wait for the CPU",
            next="To keep the load generator apart, use a machine with three or more cores.",
        )


def _overloads(study: Study) -> Iterator[Caveat]:
    """List the cases without latencies, once per workload, parameters, and thread count."""
    blocks = Blocks(study.header.plan, study.runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    found: dict[tuple[str, str, float], list[str]] = {}
    for case in blocks.cases():
        loop = None if case.observers else open_loop(blocks, case, workloads[case.workload])
        if loop is not None and loop.overloaded:
            settings = [f"{name}={value}" for name, value in case.parameters]
            threads = f"{case.threads} thread{'s' * (case.threads != 1)}"
            key = case.workload, f"{' '.join([case.workload, *settings])}, {threads}", loop.offered
            found.setdefault(key, []).append(f"{write(loop.served, '1/s')} served on {variant(case)}")
    for (workload, name, offered), served in found.items():
        text = f"{name}: overloaded, {write(offered, '1/s')} offered, {', '.join(served)}"
        yield Caveat(
            kind="overloaded",
            subject=workload,
            text=f"{text}; latencies are left out, since they would measure the length of the schedule",
            next="Offer less to overloaded cases: a lower rate, or a longer interval, with --set.",
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
