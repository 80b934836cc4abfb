"""Runs that a CPU quota stopped: the kernel freezes all threads of a container that has used up its quota.

A frozen worker shows the quota and not the interpreter: its requests are late, and several threads are frozen sooner
than one. So sentences and verdicts leave such slices out. Short slices are compared with their neighbors, and frozen
ones are ignored, so they stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gilbench.model.metrics import write
from gilbench.model.results import Caveat
from gilbench.model.study import Run, Study


def is_throttled(run: Run) -> bool:
    """Return whether the quota stopped gilbench in the block of a run."""
    return run.noise is not None and bool(run.noise.throttled)


def without_throttled(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield all runs, those that the quota stopped without their long slices."""
    for run in runs:
        yield msgspec.structs.replace(run, slices=()) if is_throttled(run) else run


def throttling(study: Study) -> Iterator[Caveat]:
    """Say in how many blocks of workloads the quota stopped gilbench."""
    cases = study.header.plan.cases
    blocks: dict[tuple[int, str], float] = {}
    for run in study.runs:
        if run.slices and run.noise is not None and run.noise.throttled is not None:
            key = run.block, cases[run.case].workload
            blocks[key] = max(run.noise.throttled, blocks.get(key, 0.0))
    stopped = [share for share in blocks.values() if share > 0]
    if stopped:
        quota = study.header.host.quota
        name = "the CPU quota" if quota is None else f"the quota of {quota:g} CPUs"
        yield Caveat(
            kind="throttled",
            text=f"{name} stopped gilbench in {len(stopped)} of {len(blocks)} blocks of a workload, for up to "
            f"{write(max(stopped), 'fraction')} of the periods; findings leave these blocks out",
            next="Measure with a larger quota, or with fewer threads.",
        )
