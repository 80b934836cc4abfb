"""Concurrency and single-thread speed, read from a study of the cpu family."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from gilbench.analyse.properties.judged import Judged
from gilbench.analyse.properties.reference import reference_of, without_reference
from gilbench.analyse.stats.estimates import Interval
from gilbench.analyse.stats.medians import median_interval, median_ratio
from gilbench.analyse.stats.scaling import FEWEST_COUNTS, fit_laws
from gilbench.analyse.study.index import BlockKey, Blocks, throughput
from gilbench.model.metrics import significant
from gilbench.model.scores import Configuration, Verdict
from gilbench.model.study import Case, Interpreter, Study, Workload
from gilbench.plan.experiments import configurations

SCALES = 1.3
"""Speedup of the family on as many threads as CPUs. A GIL gives at most 1.0, two CPUs without one nearly 2; even on a
host that preempts one of them it is above this limit."""
SLOWER = 0.9
"""Single-thread speed relative to the reference: a loss of 10% is noticed. Builds with equal flags differ by less."""
CONTENTION = 0.4
"""Sigma, the share of the work that is serialized: with a GIL 0.8 to 1.3, without one at most 0.1."""
COHERENCE = 0.06
"""Kappa, the loss by coordination: with the new GIL 0.01, on PyPy 0.02, with the old GIL 0.11 to 0.16."""
SCALING: Final = ("countdown", "pidigits")  # of the cpu family: those that share next to nothing
_Row = tuple[str, str, Judged, str | None]


def property_cases(
    interpreters: Sequence[Interpreter], workloads: Mapping[str, Workload], cores: int
) -> tuple[Case, ...]:
    """All cases that concurrency and speed stand on, those of one workload next to each other."""
    several, tried = max(2, cores), configurations(interpreters)
    # One that is its own reference is as fast as itself; another implementation is held against by what there is.
    held = [(configuration, reference_of(configuration, tried)) for configuration in tried]
    compared = {
        one.name
        for configuration, reference in held
        if reference is not None and reference is not configuration and _alike(configuration, reference)
        for one in (configuration, reference)
    }
    return tuple(
        Case(
            workload=name, interpreter=configuration.interpreter.name, threads=threads, gil=configuration.gil
        )
        for name, workload in workloads.items()
        if workload.family == "cpu"
        for threads in ((1, several, 2 * several) if name in SCALING else (1,))
        for configuration in tried
        if name in SCALING or configuration.name in compared
    )


def _alike(one: Configuration, other: Configuration) -> bool:
    return one.interpreter.build.implementation == other.interpreter.build.implementation


def one_thread(study: Study | None, configuration: Configuration, reference: Configuration | None) -> _Row:
    """Speed of one thread against the reference: the geometric mean over the cpu family."""
    return "speed.one_thread", "one thread, cpu family", _one_thread(study, configuration, reference), None


def _one_thread(study: Study | None, configuration: Configuration, reference: Configuration | None) -> Judged:
    if reference is None:
        return Judged("not here", reason=without_reference(configuration))
    measured = "speed of one thread in times of the GIL build of its version, median over rounds of slices"
    if reference is configuration:
        return Judged("yes", measured, 1.0, "x", reason="it is the reference itself")
    if study is None:
        return Judged("not here", reason="no study of the cpu family")
    blocks = Blocks(study.header.plan, study.runs)
    ratios = [
        blocks.slice_log_ratios(case, other, throughput)
        for case in _cases(study, blocks, configuration)
        if case.threads == 1
        and (other := blocks.sibling(case, interpreter=reference.interpreter.name, gil=reference.gil))
    ]
    # Of a round in which not every workload was measured the mean would be one over other workloads.
    means = [
        [
            sum(one[key][number] for one in ratios) / len(ratios)
            for number in ratios[0][key]
            if all(number in one.get(key, {}) for one in ratios)
        ]
        for key in (ratios[0] if ratios else ())
    ]
    found = median_ratio(means)
    if math.isnan(found.value):
        return Judged("not here", reason=f"the study has no block of the cpu family with {reference.name}")
    slowdown = f"geometric mean of {len(ratios)} workloads; {significant(1 / found.value)} times the time"
    return Judged(_side(found, SLOWER), measured, found.value, "x", found.lo, found.hi, slowdown)


def concurrency(study: Study | None, configuration: Configuration) -> Iterator[_Row]:
    """Speed-up of the cpu family with threads, and the parameters of the Universal Scalability Law."""
    names = (
        ("concurrency.speedup", "speedup (cpu family)"),
        ("concurrency.contention", "contention (USL sigma)"),
        ("concurrency.coherence", "coherency (USL kappa)"),
    )
    rounds = () if study is None else _rounds(study, configuration)
    counts = sorted({count for one in rounds for count in one.logs})
    if study is None or not counts:
        for identity, part in names:
            reason = "no study of the cpu family with threads"
            yield identity, part, Judged("not here", reason=reason), None
        return
    cores = len(study.header.plan.cpus)
    widest = max((count for count in counts if count <= max(2, cores)), default=counts[0])
    speedup = median_ratio(_by_block((one.block, one.logs[widest]) for one in rounds if widest in one.logs))
    over = f"median over slices of {' and '.join(SCALING)}"
    measured = f"speedup on {widest} threads, {over}"
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
        described = f"{part}, {over}"
        judged = Judged(verdict, described, interval.value, "fraction", interval.lo, interval.hi)
        yield identity, part, judged, SCALING[0]


def undecided_property_cases(study: Study) -> frozenset[Case]:
    """The cases of which another block could decide how threads scale, or how fast one is."""
    blocks, tried = Blocks(study.header.plan, study.runs), configurations(study.header.interpreters)
    found: set[Case] = set()
    for configuration in tried:
        cases, reference = _cases(study, blocks, configuration), reference_of(configuration, tried)
        if any(judged.verdict == "inconclusive" for _, _, judged, _ in concurrency(study, configuration)):
            found |= {case for case in cases if case.workload in SCALING}
        if _one_thread(study, configuration, reference).verdict == "inconclusive" and reference is not None:
            both = (*cases, *_cases(study, blocks, reference))
            found |= {case for case in both if case.threads == 1}
    return frozenset(found)


class _Round(NamedTuple):
    """Interleaved slices of one workload, one for each number of threads."""

    block: BlockKey
    number: int
    workload: str
    logs: dict[int, float]  # of the speedup, by thread count


def _rounds(study: Study, configuration: Configuration) -> tuple[_Round, ...]:
    """All rounds of the workloads that scale."""
    blocks = Blocks(study.header.plan, study.runs)
    found: dict[tuple[BlockKey, int, str], dict[int, float]] = {}
    for case in _cases(study, blocks, configuration):
        single = blocks.sibling(case, threads=1)
        if case.workload in SCALING and case.threads > 1 and single is not None:
            for key, block in blocks.slice_log_ratios(case, single, throughput).items():
                for number, log in block.items():
                    found.setdefault((key, number, case.workload), {})[case.threads] = log
    return tuple(_Round(*key, logs) for key, logs in found.items())


def _cases(study: Study, blocks: Blocks, configuration: Configuration) -> list[Case]:
    """The plain cases of the cpu family of one configuration."""
    cpu = {workload.name for workload in study.header.workloads if workload.family == "cpu"}
    return [
        case
        for case in blocks.cases()
        if case.workload in cpu
        and case
        == msgspec.structs.replace(
            Case(workload=case.workload, interpreter=configuration.interpreter.name, threads=case.threads),
            gil=configuration.gil,
        )
    ]


def _by_block(values: Iterable[tuple[BlockKey, float]]) -> list[list[float]]:
    """The values of each block."""
    found: dict[BlockKey, list[float]] = {}
    for block, value in values:
        found.setdefault(block, []).append(value)
    return list(found.values())


def _side(interval: Interval, limit: float) -> Verdict:
    """Yes above a limit, no below, inconclusive if the interval includes it."""
    if interval.lo is None or interval.hi is None:
        return "inconclusive"
    return "yes" if interval.lo > limit else "no" if interval.hi < limit else "inconclusive"


def _flipped(verdict: Verdict) -> Verdict:
    flipped: dict[Verdict, Verdict] = {"yes": "no", "no": "yes"}
    return flipped.get(verdict, verdict)
