"""Concurrency and single-thread speed, read from a study of the cpu family."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gilbench.analyse.figures import mean_figure
from gilbench.analyse.properties.judged import Judged
from gilbench.analyse.properties.reference import reference_of, without_reference
from gilbench.analyse.stats.scaling import FEWEST_COUNTS, Kept, predicted
from gilbench.analyse.study.host_speedup import PARALLEL, host_speedup, one_core, scaled_limit
from gilbench.analyse.study.index import Blocks, throughput
from gilbench.analyse.study.throttling import without_throttled
from gilbench.model.metrics import significant
from gilbench.model.scores import Configuration, Verdict
from gilbench.model.study import Case, Interpreter, Study, Workload
from gilbench.plan.experiments import configurations, several_threads

SLOWER = 0.9
"""Single-thread speed relative to the reference: a loss of 10% is noticed. Builds with equal flags differ by less."""
KEPT = math.sqrt(0.5)
"""Predicted throughput on all CPUs, relative to linear scaling. A GIL leaves at most a half, on two CPUs. The limit is
halfway to 1, as a ratio."""
SCALING: Final = ("countdown", "pidigits")  # of the cpu family: those that share next to nothing
_OVER: Final = f"geometric mean of {' and '.join(SCALING)}"
_CONCURRENCY: Final = (
    ("concurrency.speedup", "speedup (cpu family)"),
    ("concurrency.contention", "contention (USL sigma)"),
    ("concurrency.coherence", "coherency (USL kappa)"),
)
_Row = tuple[str, str, Judged, str | None]
_ByBlock = Mapping[int, float]  # one log per block


def property_cases(
    interpreters: Sequence[Interpreter], workloads: Mapping[str, Workload], cores: int
) -> tuple[Case, ...]:
    """Return all cases that concurrency and speed are based on, grouped by workload."""
    several, tried = several_threads(cores), configurations(interpreters)
    # A reference needs no comparison with itself, and another implementation is not compared with CPython.
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
    """Return the speed of one thread relative to the reference: the geometric mean over the cpu family."""
    return "speed.one_thread", "one thread, cpu family", _one_thread(study, configuration, reference), None


def _one_thread(study: Study | None, configuration: Configuration, reference: Configuration | None) -> Judged:
    if reference is None:
        return Judged("not here", reason=without_reference(configuration))
    measured = "speed of one thread relative to the GIL-enabled build of its version"
    if reference is configuration:
        return Judged("yes", measured, 1.0, "x", reason="this is the reference")
    if study is None:
        return Judged("not here", reason="no study of the cpu family")
    blocks = Blocks(study.header.plan, without_throttled(study.runs))
    series = [
        _log_ratios(blocks, case, other)
        for case in _cases(study, blocks, configuration)
        if case.threads == 1
        and (other := blocks.sibling(case, interpreter=reference.interpreter.name, gil=reference.gil))
    ]
    judged = _judged(_means(series), SLOWER, "x", measured)
    if judged.figure is None:
        return Judged("not here", reason=f"the study has no block of the cpu family with {reference.name}")
    slowdown = f"geometric mean of {len(series)} workloads; {significant(1 / judged.figure)} times the time"
    return judged._replace(reason="; ".join(text for text in (judged.reason, slowdown) if text))


def concurrency(study: Study | None, configuration: Configuration) -> Iterator[_Row]:
    """Yield the speedup of the cpu family with threads, and the losses by the Universal Scalability Law."""
    speedups = {} if study is None else _speedups(study, configuration)
    counts = sorted({count for by_count in speedups.values() for count in by_count})
    if study is None or not counts:
        reason = "no study of the cpu family with threads"
        for identity, part in _CONCURRENCY:
            yield identity, part, Judged("not here", reason=reason), None
        return
    cores = study.header.host.cores
    widest = max((count for count in counts if count <= several_threads(cores)), default=counts[0])
    gain = _gain(study, configuration, widest)
    blind = one_core(gain) if cores > 1 else "only one core is available"
    if blind is not None:
        for identity, part in _CONCURRENCY:
            yield identity, part, Judged("not here", reason=blind), None
        return
    measured = f"speedup on {widest} threads, {_OVER}"
    logs = _means([by_count[widest] for by_count in speedups.values() if widest in by_count])
    yield *_CONCURRENCY[0], _judged(logs, scaled_limit(PARALLEL, gain), "x", measured), SCALING[0]
    fitted = [by_count for by_count in speedups.values() if len(by_count) == len(counts)]
    few = len(counts) + 1 < FEWEST_COUNTS or not fitted
    losses = [] if few else [_losses(by_count, cores) for by_count in fitted]
    threads = min(2 * cores, counts[-1])
    on = f"{threads} threads on {min(threads, cores)} CPUs"
    for number, (identity, part) in enumerate(_CONCURRENCY[1:]):
        if not losses:
            reason = f"fewer than {FEWEST_COUNTS} thread counts were measured"
            yield identity, part, Judged("not here", reason=reason), None
            continue
        logs = _means([{block: kept[number] for block, kept in one.items()} for one in losses])
        measured = f"{part} alone: predicted throughput of {on} vs linear, {_OVER}"
        yield identity, part, _judged(logs, KEPT, "fraction", measured), SCALING[0]


def _gain(study: Study, configuration: Configuration, threads: int) -> float | None:
    """Return the speedup that the host gave on the CPUs of so many threads; None: unknown."""
    blocks = Blocks(study.header.plan, without_throttled(study.runs))
    cases = [case for case in _cases(study, blocks, configuration) if case.threads == threads]
    return host_speedup(run for case in cases for run in blocks.runs(case).values())


def _speedups(study: Study, configuration: Configuration) -> dict[str, dict[int, _ByBlock]]:
    """Return the logs of speedups of the workloads that scale: by workload, thread count, and block."""
    blocks = Blocks(study.header.plan, without_throttled(study.runs))
    found: dict[str, dict[int, _ByBlock]] = {}
    for case in _cases(study, blocks, configuration):
        single = blocks.sibling(case, threads=1)
        if case.workload in SCALING and case.threads > 1 and single is not None:
            found.setdefault(case.workload, {})[case.threads] = _log_ratios(blocks, case, single)
    return found


def _losses(by_count: Mapping[int, _ByBlock], cores: int) -> dict[int, Kept]:
    """Return the predicted losses of one workload in each block with all thread counts."""
    common = set.intersection(*(set(logs) for logs in by_count.values()))
    return {
        block: predicted({count: math.exp(logs[block]) for count, logs in by_count.items()}, cores)
        for block in sorted(common)
    }


def _cases(study: Study, blocks: Blocks, configuration: Configuration) -> list[Case]:
    """Return the unobserved cases of the cpu family of one configuration, without other axes."""
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


def _log_ratios(blocks: Blocks, case: Case, other: Case) -> _ByBlock:
    return {key.block: ratio for key, ratio in blocks.keyed_log_ratios(case, other, throughput)}


def _means(series: Sequence[_ByBlock]) -> list[float]:
    """Return the mean over workloads in each block that all of them have."""
    common = set.intersection(*(set(one) for one in series)) if series else set()
    return [sum(one[block] for one in series) / len(series) for block in sorted(common)]


def _judged(logs: Sequence[float], limit: float, unit: str, measured: str) -> Judged:
    """Judge the mean over blocks: yes above the limit, no below, inconclusive if the interval includes it."""
    found = mean_figure(logs, unit)
    verdict: Verdict = "inconclusive"
    if found.lo is not None and found.hi is not None:
        verdict = "yes" if found.lo > limit else "no" if found.hi < limit else "inconclusive"
    value = None if math.isnan(found.value) else found.value
    return Judged(verdict, measured, value, unit, found.lo, found.hi, found.doubt)
