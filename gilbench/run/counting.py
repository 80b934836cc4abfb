"""Runs the counted cases of a plan: instructions per operation, from two lengths of the work.

The instructions of a process with 2n operations, minus those of one with n, are those of n operations. What happens
once, such as starting, loading, and specializing bytecode, is in both.
"""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gilbench.host.process import ProcessError
from gilbench.host.scratch import scratch
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.study import Case, Failure, Interpreter, Parameters, Plan, Reading, Run, Workload
from gilbench.observe.instructions import Counter, Counting, Trapped, choose
from gilbench.plan.axes import environment, options
from gilbench.plan.counting import INSTRUCTIONS, METRIC, REPEATS, is_counted, uncountable
from gilbench.run.session import Hooks

LEAST = 16
"""Minimum number of operations of a length. CPython 3.11 specializes a function after 8 calls: countdown took 4.25
million instructions in each of the first 4 operations, and 3.06 million from the 9th on."""
ENOUGH = 1 << 25
"""Minimum number of instructions of a length: 34 million, half the number of starting an interpreter."""
MOST = 1 << 32
"""Maximum number of instructions of a length, which take about a minute under callgrind on an idle host."""
_SCRIPT = Path(__file__).parent.parent / "target" / "counted.py"
_ANSWER = "answer"
_ATTEMPTS = 3  # at a count that a probe of somebody else ends; it is gone after seconds
_LIMIT = 900.0  # s for two lengths on a busy host


_Work = tuple[str, Parameters]  # a workload and its parameters: the same work for all interpreters


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
        self._plan, self._interpreters, self._workloads = plan, interpreters, workloads
        self._done: set[tuple[int, int]] = set()  # case and repeat
        self._given_up: set[int] = set()
        self._output = ""  # end of the output of the last process
        self._lengths: dict[_Work, int] = {}
        self._checksums: dict[_Work, str] = {
            (one.name, ()): one.checksum for one in workloads.values() if one.checksum
        }
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
                self._lengths.setdefault(_work(self._plan.cases[run.case]), reading.samples)

    def _run(self, index: int, repeat: int, counter: Counter) -> Run:
        case = self._plan.cases[index]
        reason = uncountable(case, self._interpreters[case.interpreter].build)
        if reason is not None:
            nothing = Reading(observer=INSTRUCTIONS, unavailable=reason)
            return Run(case=index, block=repeat, attempt=0, readings=(nothing,))
        try:
            reading = self._count_again_if_trapped(case, repeat, counter)
        except (RunFailure, Trapped) as error:
            kind = error.kind if isinstance(error, RunFailure) else "crash"
            failure = Failure(kind=kind, message=str(error), output=self._output)
            return Run(case=index, block=repeat, attempt=0, failure=failure)
        return Run(case=index, block=repeat, attempt=0, readings=(reading,))

    def _count_again_if_trapped(self, case: Case, seed: int, counter: Counter) -> Reading:
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(Trapped), scratch() as folder:
                return self._count(case, seed, counter, folder)
        with scratch() as folder:
            return self._count(case, seed, counter, folder)

    def _count(self, case: Case, seed: int, counter: Counter, folder: Path) -> Reading:
        work = _work(case)
        if work not in self._lengths:
            self._lengths[work] = length_of(self._counted(case, seed, counter, folder, 1))
        length = self._lengths[work]
        found = self._counted(case, seed, counter, folder, length)
        return Reading(
            observer=INSTRUCTIONS,
            figures={METRIC: found / length},
            samples=length,
            by=counter.tool.by,
        )

    def _counted(self, case: Case, seed: int, counter: Counter, folder: Path, length: int) -> int:
        """Return the instructions of some operations, after as many that are not counted.

        Both processes run at the same time, which does not change their counts.
        """
        with contextlib.ExitStack() as leaving:
            counted = []
            for operations in (length, 2 * length):
                place = folder / str(operations)
                place.mkdir(exist_ok=True)
                counted.append((self._begin(case, seed, counter, place, operations), place))
                leaving.callback(counted[-1][0].close)
            short, long = (self._end(case, one, place) for one, place in counted)
        if long <= short:
            raise RunFailure("protocol", f"{counter.tool.by} counted fewer instructions for more operations")
        return long - short

    def _begin(self, case: Case, seed: int, counter: Counter, place: Path, operations: int) -> Counting:
        interpreter, workload = self._interpreters[case.interpreter], self._workloads[case.workload]
        parameters = {**workload.parameters, **dict(case.parameters)}
        words = [
            word
            for name, value in sorted(parameters.items())
            for word in (name, type(value).__name__, str(value))
        ]
        # The site module costs more instructions than the rest of starting, and packages can add to it.
        site = [] if any(not need.startswith("python") for need in workload.requires) else ["-S"]
        command = [
            *interpreter.command,
            *options(case, interpreter.build),
            *site,
            str(_SCRIPT),
            _ANSWER,
            workload.path,
            str(operations),
            *words,
        ]
        extra = {**dict(interpreter.environment), **environment(case), "PYTHONHASHSEED": str(seed)}
        try:
            return Counting(counter, command, place, extra)
        except ProcessError as error:
            raise RunFailure("crash", str(error)) from error

    def _end(self, case: Case, counting: Counting, place: Path) -> int:
        try:
            found = counting.finish(_LIMIT)
        except Trapped:
            raise
        except ProcessError as error:
            raise RunFailure("crash", str(error)) from error
        finally:
            self._output = counting.output()
        try:
            kind, _, told = (place / _ANSWER).read_text("utf-8", "replace").partition("\n")
        except OSError as error:
            raise RunFailure("protocol", f"wrote no answer: {error.strerror}") from error
        if kind != "ok":
            raise RunFailure(kind[:20], told.strip())
        checksum = told.strip()
        known = self._checksums.setdefault(_work(case), checksum)
        if checksum != known:
            raise RunFailure("checksum", f"checksum {checksum[:40]} instead of {known[:40]}")
        return found


def length_of(operation: int) -> int:
    """Return the number of operations of a length: a power of two, so that a few instructions do not change it.

    Args:
        operation: Instructions of one operation, about.

    Raises:
        RunFailure: The operation is too long.
    """
    if LEAST * operation > MOST:
        raise RunFailure("unsupported", f"not counted: an operation takes {operation:.3g} instructions")
    length = LEAST
    while length * operation < ENOUGH and length < ENOUGH:
        length *= 2
    return length


def _work(case: Case) -> _Work:
    return case.workload, case.parameters
