"""Reads the blocks of a study for each configuration of the scorecard, and says why a figure is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from gilbench.analyse.figures import Figure, fraction_figure, mean_figure
from gilbench.analyse.stats.fractions import fraction_interval
from gilbench.analyse.study.index import BlockKey, Blocks, block_logs, log, throughput
from gilbench.analyse.study.open_loop import is_overloaded, served_of_offered
from gilbench.analyse.study.samples import latencies
from gilbench.analyse.study.throttling import is_throttled, without_throttled
from gilbench.model.scores import Configuration, Verdict
from gilbench.model.study import Case, Failure, Parameters, Run, Study, Workload
from gilbench.plan.axes import lacks
from gilbench.plan.experiments import configured

_RESULTS: dict[str, Verdict] = {"timeout": "hangs", "crash": "crashes", "unsupported": "not here"}
_NEW_GIL = (3, 2)
_CPYTHON = ("CPython", "Stackless")  # Stackless has the GIL of the CPython that it is made from
_PACKAGES = {"PIL": "pillow"}  # packages that are not named like their module


Series = Mapping[BlockKey, float]
"""One value per block, on the scale of ``mean_figure``."""


class Spot(NamedTuple):
    """A case template: a case without its configuration."""

    workload: str
    threads: int
    parameters: Parameters = ()
    cpus: int | None = None

    def case(self, configuration: Configuration) -> Case:
        """Return the case of a configuration."""
        return Case(
            workload=self.workload,
            interpreter=configuration.interpreter.name,
            threads=self.threads,
            parameters=self.parameters,
            gil=configuration.gil,
            cpus=self.cpus,
        )


class Missing(Exception):
    """There is no figure. The result is a verdict with its reason."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict: Verdict = verdict
        self.reason = reason


def has_new_gil(configuration: Configuration) -> bool:
    """Return whether a configuration has the GIL of CPython 3.2 and later."""
    build = configuration.interpreter.build
    free = build.free_threaded and not configuration.gil
    return build.implementation in _CPYTHON and build.version_info >= _NEW_GIL and not free


def has_old_gil(configuration: Configuration) -> bool:
    """Return whether a configuration has the GIL of CPython before 3.2."""
    build = configuration.interpreter.build
    return build.implementation in _CPYTHON and build.version_info < _NEW_GIL


class Evidence:
    """Reads a study by configuration and case template. The block is the unit of all figures.

    Args:
        study: A study with the cases of the claims, and perhaps others.
    """

    def __init__(self, study: Study) -> None:
        plan = study.header.plan
        self.configurations = tuple(
            configured(interpreter, gil)
            for interpreter in study.header.interpreters
            for gil in dict.fromkeys(case.gil for case in plan.cases if case.interpreter == interpreter.name)
        )
        self.cores = study.header.host.cores
        self._cases = frozenset(plan.cases)
        self._workloads = {workload.name: workload for workload in study.header.workloads}
        self._blocks = Blocks(plan, without_throttled(study.runs))
        self._throttled = {plan.cases[run.case] for run in study.runs if is_throttled(run)}
        self._failures: dict[Case, Failure] = {}
        self._backends: dict[Case, str] = {}
        for run in study.runs:
            case = plan.cases[run.case]
            if run.failure is not None:
                self._failures.setdefault(case, run.failure)
            if run.environment is not None and run.environment.backend:
                self._backends[case] = run.environment.backend

    def figure(self, series: Series, unit: str, back: Callable[[float], float] = np.exp) -> Figure:
        """Return the mean over blocks; arguments as in ``mean_figure``.

        Raises:
            Missing: There is no block, or the value of a block is unknown.
        """
        found = mean_figure(series.values(), unit, back)
        if math.isnan(found.value):
            raise Missing("inconclusive", found.doubt or "no common block")
        return found

    def scaled(self, configuration: Configuration, spot: Spot, threads: int) -> Series:
        """Return the log of throughput relative to that with another number of threads, by block.

        Args:
            configuration: Configuration of both.
            spot: Case template.
            threads: Threads of the other case: 1 for a speedup, 0 for throughput vs unloaded.

        Raises:
            Missing: A case was not run, or its run failed; as in all methods.
        """
        base = spot._replace(threads=threads, cpus=None)  # one thread is on one CPU
        self.check(configuration, spot)
        self.check(configuration, base)
        cases = spot.case(configuration), base.case(configuration)
        return dict(self._blocks.keyed_log_ratios(*cases, throughput))

    def rates(self, configuration: Configuration, spot: Spot) -> Series:
        """Return the log of the throughput of a case, by block."""
        runs = self.runs(configuration, spot)
        return dict(zip(runs, block_logs(runs, throughput), strict=True))

    def lateness(self, configuration: Configuration, spot: Spot) -> float:
        """Return the median lateness in s of this host's timers in the blocks of a case; 0: unknown."""
        runs = self.runs(configuration, spot).values()
        found = [run.control.lateness for run in runs if run.control is not None]
        return float(np.median([late for late in found if late is not None] or [0.0]))

    def delays(self, configuration: Configuration, spot: Spot, share: float) -> Series:
        """Return the log of a percentile of latency, by block.

        If the request or signal at the percentile was never handled, it waited until the end of the slice. The length
        of the slice then stands for its latency.
        """
        runs = self.runs(configuration, spot)
        if is_overloaded(self._blocks, spot.case(configuration), self._workloads[spot.workload]):
            raise Missing(
                "inconclusive", f"{spot.workload} is overloaded, so its latency is that of the schedule"
            )
        return {key: _log_delay(run, share) for key, run in runs.items()}

    def handled(self, configuration: Configuration, spot: Spot) -> Figure:
        """Return the fraction of requests or signals that were handled."""
        counts = [served_of_offered(run) for run in self.runs(configuration, spot).values()]
        hits, trials = (list(numbers) for numbers in zip(*counts, strict=True))
        if not sum(trials):
            raise Missing("inconclusive", "nothing was sent")
        return fraction_figure(fraction_interval(hits, trials))

    def runs(self, configuration: Configuration, spot: Spot) -> Mapping[BlockKey, Run]:
        """Return the runs of a case, by block."""
        self.check(configuration, spot)
        return self._blocks.runs(spot.case(configuration))

    def observed(self, configuration: Configuration, spot: Spot, observer: str) -> Mapping[BlockKey, Run]:
        """Return the runs of a case with an observer, by block; none if the study lacks them."""
        case = msgspec.structs.replace(spot.case(configuration), observers=(observer,))
        return self._blocks.runs(case)

    def check(self, configuration: Configuration, spot: Spot) -> None:
        """Check that a case was run and did not fail.

        Raises:
            Missing: The case was not run, or failed.
        """
        case = spot.case(configuration)
        workload = self._workloads.get(spot.workload)
        if workload is None:
            raise Missing("not here", f"{spot.workload} is not in this study")
        failure = self._failures.get(case)
        if failure is not None:
            raise Missing(_RESULTS.get(failure.kind, "fails"), _why(failure, workload, configuration))
        need = lacks(workload, configuration.interpreter.build)
        if need is not None:
            raise Missing("not here", f"{spot.workload} needs {need}")
        if case not in self._cases:
            raise Missing("not here", f"this study lacks the case of {spot.workload}")
        if not self._blocks.runs(case):
            if case in self._throttled:
                raise Missing("not here", f"the CPU quota stopped {spot.workload} in each block")
            raise Missing("not here", f"the study ended before it ran {spot.workload}")

    def backend(self, configuration: Configuration, spot: Spot) -> str | None:
        """Return the library that did the work; None: the workload does not report it."""
        return self._backends.get(spot.case(configuration))


def minus(series: Series, other: Series) -> Series:
    """Return the difference in each common block: on a log scale, the log of the ratio."""
    return {key: value - other[key] for key, value in series.items() if key in other}


def _log_delay(run: Run, share: float) -> float:
    delay = latencies(run).quantile(share)
    longest = max(slice_.end - slice_.start for slice_ in run.slices)
    return log(longest if math.isinf(delay) else delay)


def _why(failure: Failure, workload: Workload, configuration: Configuration) -> str:
    lines = failure.message.splitlines()
    reason = lines[0] if lines else failure.kind
    packages = [_PACKAGES.get(need, need) for need in workload.requires if need.isidentifier()]
    if failure.kind == "unsupported" and packages:
        reason += f"; try {configuration.interpreter.executable} -m pip install {' '.join(packages)}"
    return reason


Reader = Callable[[Evidence, Configuration], Figure]
