"""Judges whether a call scales: its speedup on several threads, relative to what the host gives to processes."""

from __future__ import annotations

import math

import msgspec

from gilbench.analyse.fitness import why_one
from gilbench.analyse.study.cells import all_cells
from gilbench.analyse.study.disturbance import is_disturbed
from gilbench.analyse.study.host_speedup import host_speedup, one_core
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.throttling import is_throttled, without_throttled
from gilbench.model.releases import Answer
from gilbench.model.results import Cell
from gilbench.model.scaling import Scaling
from gilbench.model.study import Case, Host, Study


def one_core_only(host: Host) -> str | None:
    """Return why no call can scale on a host; None: the host has several cores."""
    return None if host.cores > 1 else f"only one core is available{why_one(host)}"


def judge_scaling(study: Study, case: Case, code: str, at_least: float) -> Scaling:
    """Judge one call.

    The required speedup is relative to the control: 1 and a share of what processes gain on the same CPUs. Blocks that
    a CPU quota stopped are left out. If other programs took CPU time from the call, the answer is undecided instead of
    no.

    Args:
        study: Runs of the call on one thread and on several.
        case: The case with several threads.
        code: The call, as the user names it.
        at_least: Smallest share of the host's gain that is a yes.
    """
    runs = tuple(without_throttled(study.runs))
    blocks = Blocks(study.header.plan, runs)
    workloads = {workload.name: workload for workload in study.header.workloads}
    cells = list(all_cells(blocks, workloads, study.header.host.cores))
    speedup = _cell(cells, case, "speedup")
    alone_case = msgspec.structs.replace(case, threads=1)
    alone = _cell(cells, alone_case, "time_per_operation")
    found = Scaling(
        code=code,
        threads=case.threads,
        at_least=at_least,
        answer="n/a",
        case=case,
        seconds=alone.value if alone else None,
        blocks=alone.blocks if alone else 0,
    )
    if case.threads == 1:
        return msgspec.structs.replace(found, remark="one thread has no speedup; it is only measured")
    if speedup is None:
        return msgspec.structs.replace(found, answer=_unmeasured(study), remark=_why_unmeasured(study))
    gain = host_speedup(blocks.runs(case).values())
    found = msgspec.structs.replace(
        found, speedup=speedup.value, lo=speedup.lo, hi=speedup.hi, blocks=speedup.blocks, host=gain
    )
    if (reason := one_core(gain)) is not None:
        return msgspec.structs.replace(found, remark=reason)
    if gain is None:
        return msgspec.structs.replace(found, remark="the speedup that the host gives could not be measured")
    required = 1 + at_least * (gain - 1)
    answer, remark = _answer(speedup, required)
    if answer == "no" and is_disturbed(blocks.runs(alone_case).values()):
        answer, remark = "undecided", "other programs took CPU time from the call; measure on an idle host"
    return msgspec.structs.replace(found, answer=answer, required=required, remark=remark)


def _cell(cells: list[Cell], case: Case, metric: str) -> Cell | None:
    return next((cell for cell in cells if cell.case == case and cell.metric == metric), None)


def _answer(speedup: Cell, required: float) -> tuple[Answer, str | None]:
    if speedup.lo is None or speedup.hi is None or not math.isfinite(speedup.hi):
        return "undecided", "too few blocks"
    if speedup.lo >= required:
        return "yes", None
    if speedup.hi < required:
        return "no", None
    return "undecided", "the interval includes the limit; use a higher effort level"


def _unmeasured(study: Study) -> Answer:
    return "failed" if any(run.failure is not None for run in study.runs) else "n/a"


def _why_unmeasured(study: Study) -> str:
    for run in study.runs:
        if run.failure is not None:
            return run.failure.message
    if any(map(is_throttled, study.runs)):
        quota = study.header.host.quota
        return f"the CPU quota{'' if quota is None else f' of {quota:g} CPUs'} stopped the threads in every block"
    return "nothing was measured"
