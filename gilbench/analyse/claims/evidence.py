"""The figures of a study for each configuration of the scorecard, and why a figure is missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gilbench.analyse.stats.estimates import ratio_interval
from gilbench.analyse.stats.medians import median_ratio, quantile_between
from gilbench.analyse.stats.quantiles import pool
from gilbench.analyse.study.cells import all_cells
from gilbench.analyse.study.index import BlockKey, Blocks, log, throughput
from gilbench.analyse.study.open_loop import is_overloaded, served_of_offered
from gilbench.analyse.study.samples import latencies, pairs
from gilbench.model.metrics import METRICS
from gilbench.model.scores import Configuration, Verdict
from gilbench.model.study import Case, Failure, Parameters, Run, Study, Workload
from gilbench.plan.axes import lacks
from gilbench.plan.experiments import configured

_RESULTS: dict[str, Verdict] = {"timeout": "hangs", "crash": "crashes", "unsupported": "not here"}
_NEW_GIL = (3, 2)
_PACKAGES = {"PIL": "pillow"}  # that have another name than the module


class Spot(NamedTuple):
    """A case without its configuration: what each configuration runs."""

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


class Figure(NamedTuple):
    """A measured figure with its 95 % interval."""

    value: float
    lo: float | None
    hi: float | None
    unit: str

    def inverse(self) -> Figure:
        """One over it: the time that belongs to a speed."""
        lo, hi = (1 / end if end else None for end in (self.hi, self.lo))
        return Figure(1 / self.value, lo, hi, self.unit)


class Missing(Exception):
    """There is no figure; the verdict and the reason are the result."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict: Verdict = verdict
        self.reason = reason


def has_new_gil(configuration: Configuration) -> bool:
    """Whether it runs with the GIL that CPython has since 3.2."""
    build = configuration.interpreter.build
    free = build.free_threaded and not configuration.gil
    return build.implementation == "CPython" and build.version_info >= _NEW_GIL and not free


def has_old_gil(configuration: Configuration) -> bool:
    """Whether it runs with the GIL that CPython had before 3.2."""
    build = configuration.interpreter.build
    return build.implementation == "CPython" and build.version_info < _NEW_GIL


class Evidence:
    """Figures of a study by case and metric.

    Args:
        study: Made with the cases of the claims, and perhaps with others.
    """

    def __init__(self, study: Study) -> None:
        plan = study.header.plan
        self.configurations = tuple(
            configured(interpreter, gil)
            for interpreter in study.header.interpreters
            for gil in dict.fromkeys(case.gil for case in plan.cases if case.interpreter == interpreter.name)
        )
        self.cpus = len(plan.cpus)
        self._cases = frozenset(plan.cases)
        self._workloads = {workload.name: workload for workload in study.header.workloads}
        self._blocks = Blocks(plan, study.runs)
        self._cells = {
            (
                Case(
                    workload=cell.case.workload,
                    interpreter=cell.case.interpreter,
                    threads=cell.case.threads,
                    parameters=cell.case.parameters,
                    gil=cell.case.gil,
                    switch_interval=cell.case.switch_interval,
                    cpus=cell.case.cpus,
                ),
                cell.metric,
            ): cell
            for cell in all_cells(self._blocks, self._workloads)
            if not cell.case.observers
        }
        self._failures: dict[Case, Failure] = {}
        self._backends: dict[Case, str] = {}
        for run in study.runs:
            case = plan.cases[run.case]
            if run.failure is not None:
                self._failures.setdefault(case, run.failure)
            if run.environment is not None and run.environment.backend:
                self._backends[case] = run.environment.backend

    def figure(self, configuration: Configuration, spot: Spot, metric: str) -> Figure:
        """One figure of one case.

        Raises:
            Missing: It was not measured, or the run hung, crashed or failed.
        """
        self.check(configuration, spot)
        cell = self._cells.get((spot.case(configuration), metric))
        if cell is None:
            raise Missing("not here", f"{METRICS[metric].title} of {spot.workload} is unknown")
        return Figure(cell.value, cell.lo, cell.hi, cell.unit)

    def speedup(self, configuration: Configuration, spot: Spot) -> Figure:
        """Speedup of the threads of a case relative to one thread: the median over interleaved slices.

        Raises:
            Missing: As for ``figure``.
        """
        return self._median_of(configuration, spot, 1)

    def kept(self, configuration: Configuration, spot: Spot) -> Figure:
        """Throughput relative to that without the threads of a case: the median over interleaved slices.

        Raises:
            Missing: As for ``figure``.
        """
        return self._median_of(configuration, spot, 0)._replace(unit="fraction")

    def speedup_against(self, configuration: Configuration, other: Configuration, spot: Spot) -> Figure:
        """The same, divided by that of another configuration in the same round.

        Raises:
            Missing: As for ``figure``, of either configuration.
        """
        ours, theirs = self._ratios(configuration, spot, 1), self._ratios(other, spot, 1)
        return _median(
            [
                [log - theirs[key][turn] for turn, log in block.items() if turn in theirs[key]]
                for key, block in ours.items()
                if key in theirs
            ]
        )

    def _median_of(self, configuration: Configuration, spot: Spot, threads: int) -> Figure:
        return _median(
            [list(block.values()) for block in self._ratios(configuration, spot, threads).values()]
        )

    def _ratios(
        self, configuration: Configuration, spot: Spot, threads: int
    ) -> dict[BlockKey, dict[int, float]]:
        """Logs of the throughput of slices, divided by that with other ``threads``, by block and round."""
        base = spot._replace(threads=threads)
        self.check(configuration, spot)
        self.check(configuration, base)
        return self._blocks.slice_log_ratios(spot.case(configuration), base.case(configuration), throughput)

    def wait(self, configuration: Configuration, spot: Spot, share: float) -> Figure:
        """A percentile of latency over all blocks, with the distribution-free interval.

        The limit of a claim is many times away from what is seen, so each latency counts, as if blocks did not differ.

        Raises:
            Missing: As for ``figure``.
        """
        self.check(configuration, spot)
        case = spot.case(configuration)
        if is_overloaded(self._blocks, case, self._workloads[spot.workload]):
            raise Missing(
                "inconclusive", f"{spot.workload} is overloaded, so its latency is that of the schedule"
            )
        runs = self._blocks.runs(case).values()
        interval = quantile_between(pool(map(latencies, runs)), share)
        return Figure(interval.value, interval.lo, interval.hi, "s")

    def wait_against(
        self, configuration: Configuration, other: Configuration, spot: Spot, share: float
    ) -> Figure:
        """The same, divided by that of another configuration; each end by the far end of the other, so it is wide.

        Raises:
            Missing: As for ``figure``, of either configuration.
        """
        ours, theirs = self.wait(configuration, spot, share), self.wait(other, spot, share)
        known = None not in {ours.lo, ours.hi, theirs.lo, theirs.hi}
        lo = (ours.lo or 0.0) / (theirs.hi or math.inf) if known else None
        hi = (ours.hi or 0.0) / (theirs.lo or math.inf) if known else None
        return Figure(ours.value / theirs.value, lo, hi, "x")

    def served(self, configuration: Configuration, spot: Spot) -> Figure:
        """The fraction of requests or signals that was handled, over all blocks.

        As in ``wait`` each of them counts.

        Raises:
            Missing: As for ``figure``.
        """
        from scipy.stats import binomtest  # noqa: PLC0415 - scipy is slow to import

        self.check(configuration, spot)
        counts = [served_of_offered(run) for run in self._blocks.runs(spot.case(configuration)).values()]
        served, offered = (sum(numbers) for numbers in zip(*counts, strict=True))
        ends = binomtest(served, offered).proportion_ci(method="wilson")
        return Figure(served / offered, float(ends.low), float(ends.high), "fraction")

    def against(
        self, configuration: Configuration, other: Configuration, spots: tuple[Spot, ...], metric: str
    ) -> Figure:
        """A figure divided by that of another configuration, inside the blocks that both were run in.

        Args:
            configuration: Whose figure it is.
            other: The configuration that it is compared with.
            spots: The case of the figure, then those that it is based on.
            metric: A metric that ``samples.pairs`` knows.

        Raises:
            Missing: As for ``figure``, of either configuration.
        """
        for spot in spots:
            self.check(configuration, spot)
            self.check(other, spot)
        cases = [spots[0].case(one) for one in (configuration, other)]
        workload = self._workloads[spots[0].workload]
        for pair in pairs(self._blocks, cases[0], cases[1], workload):
            if pair.metric == metric:
                interval = pair.estimate().interval()
                return Figure(interval.value, interval.lo, interval.hi, "x")
        raise Missing("not here", f"{metric} of {spots[0].workload}: no common block with {other.name}")

    def ratio(
        self, configuration: Configuration, spot: Spot, base: Spot, value: Callable[[Run], float]
    ) -> Figure:
        """What a figure of a whole run is at one spot, divided by what it is at another, inside blocks.

        Args:
            configuration: Of both.
            spot: Whose figure it is.
            base: What it is divided by.
            value: A positive figure of a run, NaN where it is not known.

        Raises:
            Missing: As for ``figure``, of either spot.
        """
        self.check(configuration, spot)
        self.check(configuration, base)
        above, below = (
            self._blocks.runs(spot.case(configuration)),
            self._blocks.runs(base.case(configuration)),
        )
        logs = [log(value(above[key])) - log(value(below[key])) for key in above if key in below]
        interval = ratio_interval(logs)
        if math.isnan(interval.value):
            raise Missing("not here", f"the kernel did not count context switches of {spot.workload}")
        return Figure(interval.value, interval.lo, interval.hi, "x")

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
            raise Missing("not here", f"the study ended before it ran {spot.workload}")

    def backend(self, configuration: Configuration, spot: Spot) -> str | None:
        """Which library did the work, where the workload says."""
        return self._backends.get(spot.case(configuration))


def _median(logs: Sequence[Sequence[float]]) -> Figure:
    found = median_ratio(logs)
    if math.isnan(found.value):
        raise Missing("inconclusive", "no interleaved slices")
    return Figure(found.value, found.lo, found.hi, "x")


def _why(failure: Failure, workload: Workload, configuration: Configuration) -> str:
    lines = failure.message.splitlines()
    reason = lines[0] if lines else failure.kind
    packages = [_PACKAGES.get(need, need) for need in workload.requires if need.isidentifier()]
    if failure.kind == "unsupported" and packages:
        reason += f"; try {configuration.interpreter.executable} -m pip install {' '.join(packages)}"
    return reason


Reader = Callable[[Evidence, Configuration], Figure]
