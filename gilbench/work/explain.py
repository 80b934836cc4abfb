"""Explains regressions: runs the cases of both sides once more, observed and interleaved, and compares what was seen."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.analyse.explain.causes import explain
from gilbench.model.explanation import Explanation
from gilbench.model.observed import Observed, Seen
from gilbench.model.results import Comparison
from gilbench.model.study import Case, Header, Run
from gilbench.observe import Watch
from gilbench.observe.thorough import NAME, ThoroughObserver
from gilbench.plan import catalogue
from gilbench.plan.blocks import EXPLAINING, make_plan
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.work.listener import Listener

MOST = 8  # cases; each takes half a minute


def explained_cases(regressed: Sequence[Comparison]) -> tuple[Case, ...]:
    """Return the cases of regressed rows, each once, the largest regressions first. Counted cases are those of timed ones."""
    ranked = sorted(regressed, key=lambda row: -abs(_size(row)))
    plain = (msgspec.structs.replace(row.case, observers=()) for row in ranked if not row.is_mean)
    return tuple(dict.fromkeys(plain))


def explain_regressions(
    header: Header, cases: Sequence[Case], listener: Listener, *, threshold: float, fdr: float
) -> tuple[Explanation, ...]:
    """Observe some cases of the candidate and their counterparts of the baseline, and explain the differences.

    Args:
        header: Of the study that was measured: the baseline is its reference.
        cases: Cases of the candidate.
        listener: Receives progress, and can stop the work.
        threshold: Smallest difference that matters, as a fraction of the time of an operation.
        fdr: False discovery rate among the differences of a case.

    Returns:
        One explanation per case that was observed on both sides.
    """
    pairs = [(msgspec.structs.replace(case, interpreter=header.plan.reference), case) for case in cases]
    planned = [msgspec.structs.replace(case, observers=(NAME,)) for pair in pairs for case in pair]
    plan = make_plan(
        planned,
        effort=EXPLAINING,
        interpreters=header.interpreters,
        workloads=header.workloads,
        reference=header.plan.reference,
        seed=header.plan.seed,
        cpus=header.plan.cpus,
    )
    seen: dict[int, Seen] = {}
    runs: list[Run] = []
    run_plan(
        plan,
        header.interpreters,
        {**catalogue.catalogue(), **{workload.name: workload for workload in header.workloads}},
        Hooks(
            save=runs.append,
            stop=listener.stop,
            progress=lambda text, share: listener.progress(f"explaining {text}", share, plan.seconds),
        ),
        host=header.host,
        observers={NAME: Watch(lambda pid: ThoroughObserver(pid, seen.__setitem__), "all of it")},
    )
    observed = {
        (run.case, run.block): Observed(run.slices[0], seen[run.environment.pid])
        for run in runs
        if run.failure is None and run.environment is not None and run.environment.pid in seen and run.slices
    }
    return tuple(
        explain(
            case,
            [
                (observed[2 * number, block], observed[2 * number + 1, block])
                for block in range(EXPLAINING.blocks)
                if {(2 * number, block), (2 * number + 1, block)} <= observed.keys()
            ],
            threshold=threshold,
            fdr=fdr,
        )
        for number, (_, case) in enumerate(pairs)
    )


def _size(row: Comparison) -> float:
    """Return by how much a row regressed: 1 for half or double."""
    if not row.ratio:
        return 0.0
    return max(row.ratio, 1 / row.ratio) - 1
