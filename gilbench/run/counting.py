"""Runs the counted cases of a plan: instructions per operation, from two lengths of the work.

The instructions of a process with 2n operations, minus those of one with n, are those of n operations. What happens
once, such as starting, loading, and specializing bytecode, is in both.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.study import Case, Failure, Interpreter, Plan, Reading, Run, Workload
from gilbench.observe.instructions import Counter, Trapped, choose
from gilbench.plan.counting import INSTRUCTIONS, METRIC, REPEATS, is_counted, uncountable
from gilbench.run.counted_work import CountedWork, Work, length_of, untrapped, work_of
from gilbench.run.session import Hooks


def needed_counter(plan: Plan, earlier: Iterable[Run] = ()) -> Counter | None:
    """Choose the tool that counts; None if no counts of the plan are missing.

    Args:
        plan: The plan.
        earlier: Runs of the same plan that are not repeated.

    Raises:
        UsageError: No tool counts instructions on this machine.
    """
    done = Tally(run.case for run in earlier)
    if not any(is_counted(case) and done[index] < REPEATS for index, case in enumerate(plan.cases)):
        return None
    chosen = choose()
    if chosen.counter is None:
        raise UsageError(
            f"no tool counts instructions on this machine ({chosen.reason})\n"
            "Install valgrind (Debian: apt-get install valgrind), or leave out --count."
        )
    return chosen.counter


def run_counts(
    plan: Plan,
    interpreters: Mapping[str, Interpreter],
    workloads: Mapping[str, Workload],
    hooks: Hooks,
    counter: Counter,
    earlier: Iterable[Run] = (),
) -> None:
    """Run the missing counts of a plan. The block of such a run is the number of its repeat.

    Args:
        plan: The plan.
        interpreters: The interpreters of the plan by name.
        workloads: Declarations by name.
        hooks: Called with runs and progress; asked when to stop, between counts.
        counter: The tool.
        earlier: Runs of the same plan that are not repeated.
    """
    tallies = _Tallies(plan, interpreters, workloads, earlier)
    missing = tallies.missing()
    for number, index in enumerate(missing):
        case = plan.cases[index]
        hooks.progress(f"counting {case.workload} on {case.interpreter}", number / len(missing))
        for run in tallies.of_case(index, counter):
            hooks.save(run)
            if hooks.stop():
                return


class _Tallies:
    """The counts of a plan that are done, and those that are missing."""

    def __init__(
        self,
        plan: Plan,
        interpreters: Mapping[str, Interpreter],
        workloads: Mapping[str, Workload],
        earlier: Iterable[Run],
    ) -> None:
        self._plan, self._interpreters = plan, interpreters
        self._counted = CountedWork(interpreters, workloads)
        self._done: set[tuple[int, int]] = set()  # case and repeat
        self._given_up: set[int] = set()
        self._lengths: dict[Work, int] = {}
        for run in earlier:
            if is_counted(plan.cases[run.case]):
                self._add(run)

    def missing(self) -> list[int]:
        """Return the cases with missing counts, by their index in the plan."""
        return [
            index
            for index, case in enumerate(self._plan.cases)
            if is_counted(case) and index not in self._given_up and self._repeats(index)
        ]

    def of_case(self, index: int, counter: Counter) -> Iterator[Run]:
        """Run the missing counts of a case, up to the first that fails."""
        for repeat in self._repeats(index):
            run = self._run(index, repeat, counter)
            self._add(run)
            yield run
            if index in self._given_up:
                return

    def _repeats(self, index: int) -> list[int]:
        return [repeat for repeat in range(REPEATS) if (index, repeat) not in self._done]

    def _add(self, run: Run) -> None:
        self._done.add((run.case, run.block))
        if run.failure or any(reading.unavailable for reading in run.readings):
            self._given_up.add(run.case)
        for reading in run.readings:
            if reading.samples:
                self._lengths.setdefault(work_of(self._plan.cases[run.case]), reading.samples)

    def _run(self, index: int, repeat: int, counter: Counter) -> Run:
        case = self._plan.cases[index]
        reason = uncountable(case, self._interpreters[case.interpreter].build)
        if reason is not None:
            nothing = Reading(observer=INSTRUCTIONS, unavailable=reason)
            return Run(case=index, block=repeat, attempt=0, readings=(nothing,))
        try:
            reading = untrapped(lambda folder: self._count(case, repeat, counter, folder))
        except (RunFailure, Trapped) as error:
            kind = error.kind if isinstance(error, RunFailure) else "crash"
            failure = Failure(kind=kind, message=str(error), output=self._counted.output)
            return Run(case=index, block=repeat, attempt=0, failure=failure)
        return Run(case=index, block=repeat, attempt=0, readings=(reading,))

    def _count(self, case: Case, seed: int, counter: Counter, folder: Path) -> Reading:
        work = work_of(case)
        if work not in self._lengths:
            first = self._counted.count(case, seed, counter, folder, 1)
            self._lengths[work] = length_of(first.instructions)
        length = self._lengths[work]
        found = self._counted.count(case, seed, counter, folder, length).instructions
        return Reading(
            observer=INSTRUCTIONS,
            figures={METRIC: found / length},
            samples=length,
            by=counter.tool.by,
        )
