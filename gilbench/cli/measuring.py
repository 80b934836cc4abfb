"""A study measured for real, with progress, interruption and a budget of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from gilbench import scratch
from gilbench import workloads as catalogue
from gilbench.analyse.effort import FIRST_BLOCKS, undecided
from gilbench.cli.interrupt import Interrupt
from gilbench.cli.progress import SessionProgress
from gilbench.model import Case, Header, Run, Study
from gilbench.plan import Group
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.store.study import StudyWriter, read_study


class Measured(NamedTuple):
    """What a session has left in its file."""

    study: Study
    interrupted: bool


class Effort(NamedTuple):
    """How the time of a budget is given out."""

    first_blocks: int  # that everything gets
    undecided: Callable[[Study], frozenset[Case]]  # what another block could decide


COMPARING = Effort(FIRST_BLOCKS, undecided)


def measure_study(
    header: Header,
    path: Path,
    notes: Console,
    *,
    earlier: tuple[Run, ...] | None = None,
    quiet: bool,
    effort: Effort = COMPARING,
) -> Measured:
    """Run a plan and save each run as it is finished.

    Args:
        header: Of the study.
        path: Its file; made new unless ``earlier`` is given.
        notes: Where progress is drawn.
        earlier: Runs that the file holds already; None: a new file.
        quiet: Draw no progress.
        effort: How the time is given out where the plan has a budget.

    Raises:
        StudyError: The file cannot be written, or could no longer be written; what was finished is in it.
    """
    scratch.clear()
    budget = _Budget(header, earlier or (), effort)
    with (
        StudyWriter(path, header if earlier is None else None) as writer,
        SessionProgress(notes, header.plan.seconds, quiet=quiet) as progress,
        Interrupt() as interrupt,
    ):

        def save(run: Run) -> None:
            writer.add(run)
            budget.add(run)

        hooks = Hooks(
            save=save,
            stop=lambda: interrupt.asked,
            progress=lambda text, share: progress.update(text, budget.share(share)),
            choose=budget.choose,
        )
        workloads = {**catalogue.catalogue(), **{workload.name: workload for workload in header.workloads}}
        try:
            run_plan(header.plan, header.interpreters, workloads, hooks, earlier=earlier or ())
        except KeyboardInterrupt:
            interrupt.asked = True
    return Measured(read_study(path), interrupt.asked)


class _Budget:
    """Gives the next block to what is still undecided, while there is time; without a budget, to everything."""

    def __init__(self, header: Header, earlier: tuple[Run, ...], effort: Effort = COMPARING) -> None:
        self._header, self._effort = header, effort
        self._seconds = header.plan.budget
        self._runs = list(earlier)
        self._started = time.monotonic()
        self._begun: tuple[Group, float] | None = None
        self._lengths: dict[str, float] = {}  # s for one case of each workload, in its last block
        self._open: tuple[int, frozenset[Case]] = (-1, frozenset())  # before this block, these were undecided

    def add(self, run: Run) -> None:
        """Take note of a finished run."""
        self._runs.append(run)

    def choose(self, group: Group) -> Group:
        """The cases of a group that should be run now; none, where the time is up or they are all decided."""
        if self._seconds is None:
            return group
        now = time.monotonic()
        if self._begun is not None:
            last, begun = self._begun
            self._lengths[last.workload] = (now - begun) / len(last.cases)
            self._begun = None
        if group.block >= self._effort.first_blocks:
            if self._open[0] != group.block:
                self._open = group.block, self._effort.undecided(self._study())
            cases = self._header.plan.cases
            group = group._replace(
                cases=tuple(index for index in group.cases if cases[index] in self._open[1])
            )
        length = len(group.cases) * self._lengths.get(group.workload, 0.0)
        if now - self._started + length > self._seconds:
            return group._replace(cases=())
        if group.cases:
            self._begun = group, time.monotonic()
        return group

    def _study(self) -> Study:
        return Study(header=self._header, runs=tuple(self._runs))

    def share(self, planned: float) -> float:
        """Share of the work that lies behind: of the plan, or of the time there is."""
        if self._seconds is None:
            return planned
        return min(1.0, (time.monotonic() - self._started) / self._seconds)
