"""Measures a study: runs a plan, saves each finished run, and allots the time of a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.analyse.stats.sequential import LOOKS
from gilbench.analyse.study.effort import undecided
from gilbench.host import scratch
from gilbench.model.study import Case, Header, Run, Study
from gilbench.observe.instructions import Counter
from gilbench.plan import catalogue
from gilbench.plan.blocks import Group
from gilbench.run.counting import needed_counter
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.store.names import default_study_path
from gilbench.store.study import StudyWriter, read_study
from gilbench.work.calls import tried
from gilbench.work.commands import tried_commands
from gilbench.work.listener import SILENT, Listener
from gilbench.work.planning import MeasureRequest, plan_study
from gilbench.work.unfinished import read_unfinished


class Measured(NamedTuple):
    """A measured study, as saved in its file."""

    study: Study
    path: Path
    interrupted: bool  # stopped by its listener; ``run --resume`` completes it


class Allotment(NamedTuple):
    """How the time of a budget is allotted to cases."""

    looks: Sequence[int]  # numbers of blocks after which decided cases are left out, in ascending order
    undecided: Callable[[Study], frozenset[Case]]  # cases that another block could decide


COMPARING = Allotment(LOOKS, undecided)


def measure(request: MeasureRequest, output: Path | None = None, listener: Listener = SILENT) -> Measured:
    """Measure interpreters side by side and save a study.

    Args:
        request: What to measure.
        output: File of the study; None: a new file in ``reports/``.
        listener: Receives notes and progress, and can stop the work.

    Raises:
        UsageError: The request is invalid.
        InterpreterError: An interpreter is missing.
        StudyError: The file cannot be written; finished runs are in it.
    """
    header = tried(plan_study(request, listener), listener)
    header = tried_commands(header, request.command, listener)
    return run_study(header, output or default_study_path(), listener)


def resume_study(
    path: Path,
    listener: Listener = SILENT,
    *,
    python: tuple[str, ...] = (),
    environment: tuple[str, ...] = (),
    workload: tuple[str, ...] = (),
    trusted: bool = False,
) -> Measured:
    """Resume an interrupted study with its own plan.

    Args:
        path: File of the study.
        listener: Receives progress, and can stop the work.
        python: SPECs of trusted interpreters, in addition to those that are found on this machine.
        environment: Trusted variables of every interpreter, as ``NAME=VALUE``.
        workload: Files of trusted workloads, in addition to the catalogue.
        trusted: Trust every interpreter and workload in the study.

    Raises:
        StudyError: The file cannot be read or written, or a workload or interpreter has changed.
    """
    unfinished = read_unfinished(
        path, python=python, environment=environment, workload=workload, trusted=trusted
    )
    return run_study(unfinished.header, path, listener, earlier=unfinished.runs)


def run_study(
    header: Header,
    path: Path,
    listener: Listener = SILENT,
    *,
    earlier: tuple[Run, ...] | None = None,
    allotment: Allotment = COMPARING,
) -> Measured:
    """Run a plan and save each finished run.

    Args:
        header: Header of the study.
        path: File of the study; it must not exist unless ``earlier`` is given.
        listener: Receives progress, and can stop the work.
        earlier: Runs in the existing file; None: a new file.
        allotment: How time is allotted if the plan has a budget.

    Raises:
        StudyError: The file cannot be written; finished runs are in it.
        UsageError: The plan has counted cases, and no tool counts instructions.
    """
    scratch.clear()
    before = earlier or ()
    counter = needed_counter(header.plan, before)
    budget = _Budget(header, before, allotment)
    with StudyWriter(path, header if earlier is None else None) as writer:

        def save(run: Run) -> None:
            writer.add(run)
            budget.add(run)

        hooks = Hooks(
            save=save,
            stop=listener.stop,
            progress=lambda text, share: listener.progress(text, budget.share(share), header.plan.seconds),
            choose=budget.choose,
        )
        listener.progress("starting", 0.0, header.plan.seconds)
        try:
            _run(header, hooks, before, counter)
        except KeyboardInterrupt:
            if not listener.stop():  # the listener did not request it
                raise
        interrupted = listener.stop()
    return Measured(read_study(path), path, interrupted)


def _run(header: Header, hooks: Hooks, earlier: Sequence[Run], counter: Counter | None) -> None:
    run_plan(
        header.plan,
        header.interpreters,
        {**catalogue.catalogue(), **{workload.name: workload for workload in header.workloads}},
        hooks,
        host=header.host,
        earlier=earlier,
        counter=counter,
    )


class _Budget:
    """Selects the cases of the next block: undecided ones while there is time; without a budget, all cases.

    The study is looked at only after the blocks of the allotment, and each look sees only the blocks before it. A
    resumed study therefore continues with the same cases.
    """

    def __init__(self, header: Header, earlier: tuple[Run, ...], allotment: Allotment = COMPARING) -> None:
        self._header, self._allotment = header, allotment
        self._seconds = header.plan.budget
        self._runs = list(earlier)
        self._started = time.monotonic()
        self._begun: tuple[Group, float] | None = None
        self._lengths: dict[str, float] = {}  # s per case of each workload, in its last block
        self._last: tuple[int, frozenset[Case]] = (
            0,
            frozenset(),
        )  # a look, and the cases that it left undecided

    def add(self, run: Run) -> None:
        """Add a finished run."""
        self._runs.append(run)

    def choose(self, group: Group) -> Group:
        """Return the cases of a group to run now; none if the time is up or all are decided."""
        if self._seconds is None:
            return group
        now = time.monotonic()
        if self._begun is not None:
            last, begun = self._begun
            self._lengths[last.workload] = (now - begun) / len(last.cases)
            self._begun = None
        look = max((blocks for blocks in self._allotment.looks if blocks <= group.block), default=0)
        if look:
            undecided, cases = self._undecided(look), self._header.plan.cases
            group = group._replace(cases=tuple(index for index in group.cases if cases[index] in undecided))
        length = len(group.cases) * self._lengths.get(group.workload, 0.0)
        if now - self._started + length > self._seconds:
            return group._replace(cases=())
        if group.cases:
            self._begun = group, time.monotonic()
        return group

    def _undecided(self, look: int) -> frozenset[Case]:
        if self._last[0] != look:
            runs = tuple(run for run in self._runs if run.block < look)
            self._last = look, self._allotment.undecided(Study(header=self._header, runs=runs))
        return self._last[1]

    def share(self, planned: float) -> float:
        """Return the fraction of the work that is done: of the plan, or of the budget."""
        if self._seconds is None:
            return planned
        return min(1.0, (time.monotonic() - self._started) / self._seconds)
