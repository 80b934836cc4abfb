"""Explains regressions: observes the cases of both sides once more, interleaved, and compares what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gilbench.analyse.explain.causes import explain
from gilbench.model.explanation import Explanation
from gilbench.model.observed import Observation, Observed
from gilbench.model.results import Comparison
from gilbench.model.study import Case, Header, Plan, Run, Workload
from gilbench.observe import Watch
from gilbench.observe.thorough import NAME, ThoroughObserver
from gilbench.plan import catalogue
from gilbench.plan.blocks import EXPLAINING, make_plan
from gilbench.run.function_counts import FunctionCounts, count_functions
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.work.listener import Listener

MOST = 8  # cases; each takes about a minute


def explained_cases(regressed: Sequence[Comparison]) -> tuple[Case, ...]:
    """Return the cases of regressed rows, each once, the largest regressions first, without family means."""
    ranked = sorted(regressed, key=lambda row: -abs(_size(row)))
    plain = (msgspec.structs.replace(row.case, observers=()) for row in ranked if not row.is_mean)
    return tuple(dict.fromkeys(plain))


def explain_regressions(
    header: Header,
    cases: Sequence[Case],
    listener: Listener,
    *,
    threshold: float,
    fdr: float,
    counts: bool = False,
) -> tuple[Explanation, ...]:
    """Observe some cases of the candidate and their counterparts of the baseline, and explain the differences.

    Args:
        header: Of the study that was measured: the baseline is its reference.
        cases: Cases of the candidate.
        listener: Receives progress, and can stop the work.
        threshold: Smallest difference that matters, as a fraction of the time of an operation.
        fdr: False discovery rate among the differences of a case.
        counts: Also count instructions by function, which takes about as long as observing.

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
    runs, observed = _observe(header, plan, listener)
    found = []
    for number, pair in enumerate(pairs):
        counted = _count(header, pair, plan, listener) if counts and not listener.stop() else FunctionCounts()
        failures = _failures([run for run in runs if run.case // 2 == number])
        uncounted = [f"instructions by function: {counted.missing}"] if counted.missing else []
        found.append(
            explain(
                pair[1],
                _rounds(observed, 2 * number),
                threshold=threshold,
                fdr=fdr,
                counts=counted.sides,
                missing=[*failures, *uncounted],
            )
        )
    return tuple(found)


def _count(header: Header, pair: tuple[Case, Case], plan: Plan, listener: Listener) -> FunctionCounts:
    listener.progress(f"counting instructions of {pair[1].workload}", 1.0, plan.seconds)
    interpreters = {one.name: one for one in header.interpreters}
    return count_functions(pair, interpreters, _workloads(header), listener.stop)


def _workloads(header: Header) -> dict[str, Workload]:
    return {**catalogue.catalogue(), **{workload.name: workload for workload in header.workloads}}


def _observe(
    header: Header, plan: Plan, listener: Listener
) -> tuple[list[Run], dict[tuple[int, int], Observed]]:
    """Run a plan. Return its runs, and what was observed, by case and block."""
    seen: dict[int, Observation] = {}
    runs: list[Run] = []
    hooks = Hooks(
        save=runs.append,
        stop=listener.stop,
        progress=lambda text, share: listener.progress(f"explaining {text}", share, plan.seconds),
    )
    watch = Watch(lambda pid: ThoroughObserver(pid, seen.__setitem__), "all that can be observed")
    try:
        run_plan(
            plan,
            header.interpreters,
            _workloads(header),
            hooks,
            host=header.host,
            observers={NAME: watch},
        )
    except KeyboardInterrupt:
        if not listener.stop():  # the listener did not request it
            raise
    return runs, {
        (run.case, run.block): Observed(run.slices[0], seen[run.environment.pid])
        for run in runs
        if run.failure is None and run.environment is not None and run.environment.pid in seen and run.slices
    }


def _rounds(observed: Mapping[tuple[int, int], Observed], before: int) -> list[tuple[Observed, Observed]]:
    """Return the rounds in which both sides were observed; the candidate's case follows the baseline's."""
    blocks = range(EXPLAINING.blocks)
    pairs = [(observed.get((before, one)), observed.get((before + 1, one))) for one in blocks]
    return [(one, other) for one, other in pairs if one is not None and other is not None]


def _failures(runs: Sequence[Run]) -> list[str]:
    """Return why runs were not observed."""
    failed = [run.failure.message for run in runs if run.failure is not None]
    return failed + [reading.unavailable for run in runs for reading in run.readings if reading.unavailable]


def _size(row: Comparison) -> float:
    """Return by how much a row regressed: 1 for half or double."""
    if not row.ratio:
        return 0.0
    return max(row.ratio, 1 / row.ratio) - 1
