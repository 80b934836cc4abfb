"""Concurrency, and the speed of one thread: read from a study of the cpu family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gilbench.analyse.blocks import BlockKey, Blocks, throughput
from gilbench.analyse.claims.medians import median_interval
from gilbench.analyse.estimates import Interval, mean_interval
from gilbench.analyse.geomean import geometric_mean
from gilbench.analyse.properties.judged import Judged
from gilbench.analyse.properties.reference import reference_of, without_reference
from gilbench.analyse.scaling import FEWEST_COUNTS, fit_laws
from gilbench.metrics import significant
from gilbench.model import Case, Interpreter, Study, Workload
from gilbench.run.properties import Column, columns_of
from gilbench.scores import Verdict

SCALES = 1.3
"""Speed-up of the family on as many threads as there are processors. A GIL gives 1.0 at most, and two processors
nearly 2; a host that gives one of them to somebody else still shows more than this."""
SLOWER = 0.9
"""Speed of one thread in times of the reference's: a tenth less is felt. Builds with the same flags differ by less."""
CONTENTION = 0.3
"""Sigma, the share of the work that threads do one after the other: a GIL has 1 or more, own work without one next
to nothing, 0.05 at most."""
COHERENCE = 0.1
"""Kappa, what threads lose by having to agree: at a tenth the second thread adds nothing on two processors."""
_BEST = "; where a build compiles as it runs, by the best slice of each block"
SCALING: Final = ("countdown", "pidigits")  # of the cpu family: those that share next to nothing
_Row = tuple[str, str, Judged, str | None]


def property_cases(
    interpreters: Sequence[Interpreter], workloads: Mapping[str, Workload], cores: int
) -> tuple[Case, ...]:
    """All cases that concurrency and speed stand on, those of one workload next to each other."""
    several, columns = max(2, cores), columns_of(interpreters)
    # One that is its own reference is as fast as itself; another implementation is held against by what there is.
    held = [(column, reference_of(column, columns)) for column in columns]
    compared = {
        one.name
        for column, reference in held
        if reference is not None and reference is not column and _alike(column, reference)
        for one in (column, reference)
    }
    return tuple(
        Case(workload=name, interpreter=column.interpreter.name, threads=threads, gil=column.gil)
        for name, workload in workloads.items()
        if workload.family == "cpu"
        for threads in ((1, several, 2 * several) if name in SCALING else (1,))
        for column in columns
        if name in SCALING or column.name in compared
    )


def _alike(one: Column, other: Column) -> bool:
    return one.interpreter.build.implementation == other.interpreter.build.implementation


def one_thread(study: Study | None, column: Column, reference: Column | None) -> _Row:
    """Speed of one thread against the reference: the geometric mean over the cpu family."""
    return "speed.one_thread", "one thread, cpu family", _one_thread(study, column, reference), None


def _one_thread(study: Study | None, column: Column, reference: Column | None) -> Judged:
    if reference is None:
        return Judged("not here", reason=without_reference(column))
    measured = f"speed of one thread in times of the GIL build of its version{_BEST}"
    if reference is column:
        return Judged("yes", measured, 1.0, "x", reason="it is the reference itself")
    if study is None:
        return Judged("not here", reason="no study of the cpu family was made")
    blocks = Blocks(study.header.plan, study.runs)
    logs = [
        list(_log_ratios(blocks, column, case, other).values())
        for case in _cases(study, blocks, column)
        if case.threads == 1
        and (other := blocks.sibling(case, interpreter=reference.interpreter.name, gil=reference.gil))
    ]
    # One that was given more blocks than the others has no more to say.
    common = min(map(len, logs), default=0)
    mean = geometric_mean([series[:common] for series in logs]).interval()
    if not logs or math.isnan(mean.value):
        return Judged("not here", reason=f"the study holds no block of the cpu family with {reference.name}")
    slowdown = f"geometric mean of {len(logs)} workloads; {significant(1 / mean.value)} times the time"
    return Judged(_side(mean, SLOWER), measured, mean.value, "x", mean.lo, mean.hi, slowdown)


def concurrency(study: Study | None, column: Column) -> Iterator[_Row]:
    """Speed-up of the cpu family with threads, and the parameters of the Universal Scalability Law."""
    names = (
        ("concurrency.speedup", "speed-up, cpu family"),
        ("concurrency.contention", "contention (sigma)"),
        ("concurrency.coherence", "coherence (kappa)"),
    )
    logs = {} if study is None else _speedups(study, column)
    if study is None or not logs:
        for identity, part in names:
            yield (
                identity,
                part,
                Judged("not here", reason="no study of the cpu family on threads was made"),
                None,
            )
        return
    cores = len(study.header.plan.cpus)
    counts = sorted(logs)
    widest = max((count for count in counts if count <= max(2, cores)), default=counts[0])
    mean = _median_speedup(study, column, widest)
    measured = f"speed-up on {widest} threads, median over slices of {' and '.join(SCALING)}"
    yield (
        *names[0],
        Judged(_side(mean, SCALES), measured, mean.value, "x", mean.lo, mean.hi),
        SCALING[0],
    )
    common = [key for key in logs[widest] if all(key in logs[count] for count in counts)]
    if len(counts) + 1 < FEWEST_COUNTS or not common:
        for identity, part in names[1:]:
            reason = f"fewer than {FEWEST_COUNTS} thread counts were measured"
            yield identity, part, Judged("not here", reason=reason), None
        return
    fits = [fit_laws({count: math.exp(logs[count][key]) for count in counts}, cores) for key in common]
    for (identity, part), values, limit in zip(
        names[1:], list(zip(*fits, strict=True))[1:], (CONTENTION, COHERENCE), strict=True
    ):
        # Nothing at all in every block is the bound of the fit, and no sign that nothing was measured.
        nothing = len(values) > 1 and not any(values)
        interval = Interval(0.0, 0.0, 0.0, len(values)) if nothing else mean_interval(values)
        verdict = _flipped(_side(interval, limit))
        described = f"{part} of the Universal Scalability Law{_BEST}"
        yield (
            identity,
            part,
            Judged(verdict, described, interval.value, "fraction", interval.lo, interval.hi),
            SCALING[0],
        )


def _speedups(study: Study, column: Column) -> dict[int, dict[BlockKey, float]]:
    """Log of the speed-up by thread count and block, the mean over the workloads that scale."""
    blocks = Blocks(study.header.plan, study.runs)
    found: dict[int, list[dict[BlockKey, float]]] = {}
    for case in _cases(study, blocks, column):
        single = blocks.sibling(case, threads=1)
        if case.workload in SCALING and case.threads > 1 and single is not None:
            found.setdefault(case.threads, []).append(_log_ratios(blocks, column, case, single))
    means = {
        count: {
            key: sum(one[key] for one in series) / len(series)
            for key in series[0]
            if all(key in one for one in series)
        }
        for count, series in found.items()
    }
    return {count: series for count, series in means.items() if series}


def _log_ratios(blocks: Blocks, column: Column, case: Case, other: Case) -> dict[BlockKey, float]:
    """Log of the throughput of a case over that of another, by block.

    A build that compiles as it runs is taken by its best slice of each: Jython was seen to go back to interpreting, at
    a tenth of its speed, and to stay there for slices on end, whatever it had been warmed up with.
    """
    if not column.interpreter.build.jit:
        return dict(blocks.keyed_log_ratios(case, other, throughput))
    ours, theirs = (
        {key: max(map(throughput, run.slices)) for key, run in blocks.runs(one).items()}
        for one in (case, other)
    )
    return {
        key: math.log(ours[key] / theirs[key]) for key in ours if min(ours[key], theirs.get(key, 0.0)) > 0
    }


def _cases(study: Study, blocks: Blocks, column: Column) -> list[Case]:
    """The plain cases of the cpu family of one column."""
    cpu = {workload.name for workload in study.header.workloads if workload.family == "cpu"}
    return [
        case
        for case in blocks.cases()
        if case.workload in cpu
        and case
        == msgspec.structs.replace(
            Case(workload=case.workload, interpreter=column.interpreter.name, threads=case.threads),
            gil=column.gil,
        )
    ]


def _median_speedup(study: Study, column: Column, threads: int) -> Interval:
    """The speed-up as claims take it: a host that takes a processor away disturbs slices, and no median of them."""
    blocks = Blocks(study.header.plan, study.runs)
    logs: dict[BlockKey, list[float]] = {}
    for case in _cases(study, blocks, column):
        single = blocks.sibling(case, threads=1)
        if case.workload in SCALING and case.threads == threads and single is not None:
            for key, block in blocks.slice_log_ratios(case, single, throughput).items():
                logs.setdefault(key, []).extend(block.values())
    found = median_interval(list(logs.values()))
    lo, hi = (None if end is None else math.exp(end) for end in (found.lo, found.hi))
    return Interval(value=math.exp(found.value), lo=lo, hi=hi, blocks=found.blocks)


def _side(interval: Interval, limit: float) -> Verdict:
    """Yes above a limit, no below; neither while the interval reaches to both sides."""
    if interval.lo is None or interval.hi is None:
        return "inconclusive"
    return "yes" if interval.lo > limit else "no" if interval.hi < limit else "inconclusive"


def _flipped(verdict: Verdict) -> Verdict:
    flipped: dict[Verdict, Verdict] = {"yes": "no", "no": "yes"}
    return flipped.get(verdict, verdict)
