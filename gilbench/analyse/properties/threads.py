"""Concurrency, and the speed of one thread: read from a study of the cpu family."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from gilbench.analyse.blocks import BlockKey, Blocks, throughput
from gilbench.analyse.claims.medians import median_interval, median_ratio
from gilbench.analyse.estimates import Interval
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
CONTENTION = 0.4
"""Sigma, the share of the work that threads do one after the other: under a GIL 0.8 to 1.3, own work without one 0.1 at
most."""
COHERENCE = 0.06
"""Kappa, what threads lose by having to agree: under the new GIL 0.01, on PyPy 0.02, under the old one 0.11 to 0.16."""
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
    measured = "speed of one thread in times of the GIL build of its version, median over rounds of slices"
    if reference is column:
        return Judged("yes", measured, 1.0, "x", reason="it is the reference itself")
    if study is None:
        return Judged("not here", reason="no study of the cpu family was made")
    blocks = Blocks(study.header.plan, study.runs)
    ratios = [
        blocks.slice_log_ratios(case, other, throughput)
        for case in _cases(study, blocks, column)
        if case.threads == 1
        and (other := blocks.sibling(case, interpreter=reference.interpreter.name, gil=reference.gil))
    ]
    # Of a round in which not every workload was measured the mean would be one over other workloads.
    means = [
        [
            sum(one[key][turn] for one in ratios) / len(ratios)
            for turn in ratios[0][key]
            if all(turn in one.get(key, {}) for one in ratios)
        ]
        for key in (ratios[0] if ratios else ())
    ]
    found = median_ratio(means)
    if math.isnan(found.value):
        return Judged("not here", reason=f"the study holds no block of the cpu family with {reference.name}")
    slowdown = f"geometric mean of {len(ratios)} workloads; {significant(1 / found.value)} times the time"
    return Judged(_side(found, SLOWER), measured, found.value, "x", found.lo, found.hi, slowdown)


def concurrency(study: Study | None, column: Column) -> Iterator[_Row]:
    """Speed-up of the cpu family with threads, and the parameters of the Universal Scalability Law."""
    names = (
        ("concurrency.speedup", "speed-up, cpu family"),
        ("concurrency.contention", "contention (sigma)"),
        ("concurrency.coherence", "coherence (kappa)"),
    )
    rounds = () if study is None else _rounds(study, column)
    counts = sorted({count for one in rounds for count in one.logs})
    if study is None or not counts:
        for identity, part in names:
            reason = "no study of the cpu family on threads was made"
            yield identity, part, Judged("not here", reason=reason), None
        return
    cores = len(study.header.plan.cpus)
    widest = max((count for count in counts if count <= max(2, cores)), default=counts[0])
    speedup = median_ratio(_by_block((one.block, one.logs[widest]) for one in rounds if widest in one.logs))
    over = f"median over slices of {' and '.join(SCALING)}"
    measured = f"speed-up on {widest} threads, {over}"
    yield (
        *names[0],
        Judged(_side(speedup, SCALES), measured, speedup.value, "x", speedup.lo, speedup.hi),
        SCALING[0],
    )
    whole = [one for one in rounds if len(one.logs) == len(counts)]
    if len(counts) + 1 < FEWEST_COUNTS or not whole:
        for identity, part in names[1:]:
            reason = f"fewer than {FEWEST_COUNTS} thread counts were measured"
            yield identity, part, Judged("not here", reason=reason), None
        return
    fits = [fit_laws({count: math.exp(log) for count, log in one.logs.items()}, cores) for one in whole]
    for place, ((identity, part), limit) in enumerate(
        zip(names[1:], (CONTENTION, COHERENCE), strict=True), start=1
    ):
        interval = median_interval(
            _by_block((one.block, fit[place]) for one, fit in zip(whole, fits, strict=True))
        )
        verdict = _flipped(_side(interval, limit))
        described = f"{part} of the Universal Scalability Law, {over}"
        judged = Judged(verdict, described, interval.value, "fraction", interval.lo, interval.hi)
        yield identity, part, judged, SCALING[0]


def undecided_property_cases(study: Study) -> frozenset[Case]:
    """The cases of which another block could decide how threads scale, or how fast one is."""
    blocks, columns = Blocks(study.header.plan, study.runs), columns_of(study.header.interpreters)
    found: set[Case] = set()
    for column in columns:
        cases, reference = _cases(study, blocks, column), reference_of(column, columns)
        if any(judged.verdict == "inconclusive" for _, _, judged, _ in concurrency(study, column)):
            found |= {case for case in cases if case.workload in SCALING}
        if _one_thread(study, column, reference).verdict == "inconclusive" and reference is not None:
            both = (*cases, *_cases(study, blocks, reference))
            found |= {case for case in both if case.threads == 1}
    return frozenset(found)


class _Round(NamedTuple):
    """Slices of one workload on each number of threads, taken side by side."""

    block: BlockKey
    turn: int
    workload: str
    logs: dict[int, float]  # of the speed-up, by thread count


def _rounds(study: Study, column: Column) -> tuple[_Round, ...]:
    """All rounds of the workloads that scale."""
    blocks = Blocks(study.header.plan, study.runs)
    found: dict[tuple[BlockKey, int, str], dict[int, float]] = {}
    for case in _cases(study, blocks, column):
        single = blocks.sibling(case, threads=1)
        if case.workload in SCALING and case.threads > 1 and single is not None:
            for key, block in blocks.slice_log_ratios(case, single, throughput).items():
                for turn, log in block.items():
                    found.setdefault((key, turn, case.workload), {})[case.threads] = log
    return tuple(_Round(*key, logs) for key, logs in found.items())


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


def _by_block(values: Iterable[tuple[BlockKey, float]]) -> list[list[float]]:
    """The values of each block."""
    found: dict[BlockKey, list[float]] = {}
    for block, value in values:
        found.setdefault(block, []).append(value)
    return list(found.values())


def _side(interval: Interval, limit: float) -> Verdict:
    """Yes above a limit, no below; neither while the interval reaches to both sides."""
    if interval.lo is None or interval.hi is None:
        return "inconclusive"
    return "yes" if interval.lo > limit else "no" if interval.hi < limit else "inconclusive"


def _flipped(verdict: Verdict) -> Verdict:
    flipped: dict[Verdict, Verdict] = {"yes": "no", "no": "yes"}
    return flipped.get(verdict, verdict)
