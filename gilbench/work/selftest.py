"""Measures the promises of the method: in simulated studies, and with an interpreter against itself."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.analyse.selftest import real_check, simulated_checks, smallest_effect
from gilbench.analyse.stats.estimates import mean_estimate
from gilbench.analyse.stats.verdicts import THRESHOLD, verdict
from gilbench.analyse.study.index import Blocks
from gilbench.analyse.study.pyperf_suites import train_run
from gilbench.host.capture import capture
from gilbench.host.description import describe_host
from gilbench.host.noise import generated_noise, refuse_unknown
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.pyperf import PyperfBenchmark
from gilbench.model.selftest import GeneratedNoise, Promise, Selftest
from gilbench.model.study import Case, Interpreter, Run
from gilbench.plan import catalogue
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.store.pyperf_json import write_benchmark
from gilbench.work.listener import SILENT, Listener

_WORKLOAD, _LENGTH = "countdown", "start"  # a workload, and a parameter proportional to its work
_STUDIES, _STUDIES_QUICK = 4000, 1000


class _Trial(NamedTuple):
    """Real studies of one kind: an interpreter against itself, and against itself with more work."""

    effort: str
    slowed: float  # additional work, a fraction
    threshold: float
    studies: int
    studies_quick: int
    found: float  # promised fraction of studies that find the additional work


_TRIALS = (
    _Trial("quick", 0.10, THRESHOLD, 20, 4, 0.95),
    _Trial("standard", 0.05, THRESHOLD, 20, 4, 0.9),
    _Trial("rigorous", 0.02, 0.01, 20, 2, 0.8),
)
_FALSE = 0.05  # promised maximum fraction of false verdicts


class _Compared(NamedTuple):
    """A candidate compared with the reference: log-ratios over blocks, and whether pyperf finds a difference."""

    logs: list[float]
    significant: bool


def selftest(
    python: str = "3",
    listener: Listener = SILENT,
    *,
    noise: str | None = None,
    quick: bool = False,
    refresh: bool = False,
) -> Selftest:
    """Measure the verdicts' error rate and power, simulated and on this machine.

    Args:
        python: SPEC of the interpreter to compare with itself.
        listener: Receives progress.
        noise: Noise to generate during the real studies: bursts, pinned, cache, quota, or all; None: none.
        quick: Use fewer studies: about 4 minutes instead of 25.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        GilbenchError: The interpreter is missing, this machine cannot have the noise, or a run fails.
    """
    if noise is not None:
        refuse_unknown(noise)
    interpreter = select([python], refresh=refresh).interpreters[0]
    # The real studies are first, so that a noise that this machine cannot have fails at once.
    real, generated = _real_part(interpreter, listener, noise, quick=quick)
    listener.progress("simulating studies")
    simulated = simulated_checks(_STUDIES_QUICK if quick else _STUDIES)
    return Selftest(promises=(*simulated, *real), noise=generated)


def _real_part(
    interpreter: Interpreter, listener: Listener, noise: str | None, *, quick: bool
) -> tuple[list[Promise], GeneratedNoise | None]:
    """Measure real studies, under generated noise if there is a name."""
    if noise is None:
        return list(_real_checks(interpreter, listener, quick=quick)), None
    with generated_noise(noise) as taken:
        promises = list(_real_checks(interpreter, listener, quick=quick))
    return [msgspec.structs.replace(one, noise=noise) for one in promises], GeneratedNoise(noise, taken)


def _real_checks(interpreter: Interpreter, listener: Listener, *, quick: bool) -> Iterator[Promise]:
    same: dict[str, list[_Compared]] = {}
    for trial in _TRIALS:
        studies = trial.studies_quick if quick else trial.studies
        slowed: list[_Compared] = []
        same[trial.effort] = []
        for number in range(studies):
            listener.progress(f"effort {trial.effort}: study {number + 1} of {studies}")
            alike, more = _measure(interpreter, trial, seed=number)
            same[trial.effort].append(alike)
            slowed.append(more)
        threshold = "" if trial.threshold == THRESHOLD else f", threshold {trial.threshold:.0%}"
        yield from _counted(
            f"itself slowed by {trial.slowed:.0%}, effort {trial.effort}{threshold}",
            "power",
            [_verdict(one, trial) == "regressed" for one in slowed],
            slowed,
            at_least=math.ceil(trial.found * studies),
        )
    changed = [
        _verdict(one, trial) in {"improved", "regressed"} for trial in _TRIALS for one in same[trial.effort]
    ]
    everything = [one for trial in _TRIALS for one in same[trial.effort]]
    name = "itself, all efforts"
    yield from _counted(
        name, "false_positive_rate", changed, everything, at_most=math.floor(_FALSE * len(everything))
    )
    for trial in _TRIALS:
        logs = [one.logs for one in same[trial.effort]]
        yield smallest_effect(EFFORTS[trial.effort], logs, trial.threshold)


def _verdict(one: _Compared, trial: _Trial) -> str:
    return verdict(mean_estimate(one.logs), "higher", threshold=trial.threshold).verdict


def _counted(
    name: str,
    figure: str,
    ours: Sequence[bool],
    compared: Sequence[_Compared],
    *,
    at_least: int | None = None,
    at_most: int | None = None,
) -> Iterator[Promise]:
    yield real_check(name, figure, sum(ours), len(ours), at_least=at_least, at_most=at_most)
    pyperfs = sum(one.significant for one in compared)
    yield real_check(f"{name}, by pyperf", figure, pyperfs, len(ours), at_least=None, at_most=None)


def _measure(interpreter: Interpreter, trial: _Trial, seed: int) -> tuple[_Compared, _Compared]:
    """Compare an interpreter with itself, and with itself doing more work, in one study."""
    workload = catalogue.catalogue()[_WORKLOAD]
    again, slowed = (
        msgspec.structs.replace(interpreter, name=f"{interpreter.name} {what}")
        for what in ("again", "slowed")
    )
    more = ((_LENGTH, round(int(workload.parameters[_LENGTH]) * (1 + trial.slowed))),)
    reference, *candidates = cases = [
        Case(workload=workload.name, interpreter=interpreter.name, threads=1),
        Case(workload=workload.name, interpreter=again.name, threads=1),
        Case(workload=workload.name, interpreter=slowed.name, threads=1, parameters=more),
    ]
    interpreters = [interpreter, again, slowed]
    plan = make_plan(
        cases,
        effort=EFFORTS[trial.effort],
        interpreters=interpreters,
        workloads=[workload],
        reference=interpreter.name,
        seed=seed,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, interpreters, {workload.name: workload}, hooks, host=describe_host())
    blocks = Blocks(plan, runs)
    alike, changed = (_compared(blocks, reference, candidate) for candidate in candidates)
    return alike, changed


def _compared(blocks: Blocks, reference: Case, candidate: Case) -> _Compared:
    logs = list(blocks.throughput_log_ratios(candidate, reference).values())
    if len(logs) < blocks.plan.effort.blocks:
        raise GilbenchError(
            f"{reference.interpreter} cannot run {_WORKLOAD}; see the failure: "
            f"gilbench run --python {reference.interpreter} --workload {_WORKLOAD}"
        )
    return _Compared(logs, _is_significant(blocks, reference, candidate))


def _is_significant(blocks: Blocks, reference: Case, candidate: Case) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference.json", "candidate.json")]
        for path, case in zip(paths, (reference, candidate), strict=True):
            runs = tuple(train_run(train, {}) for train in blocks.trains(case))
            write_benchmark(path, PyperfBenchmark(name=_WORKLOAD, runs=runs))
        done = capture([sys.executable, "-P", "-m", "pyperf", "compare_to", *map(str, paths)], seconds=60)
    if done.status != 0:
        raise GilbenchError(f"pyperf compare_to failed: {done.reason}; reinstall pyperf")
    return "not significant" not in done.stdout.lower()
