"""Counts two lengths of the work of a case, each in a process of its own, and checks what the processes answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from gilbench.host.process import ProcessError
from gilbench.host.scratch import scratch
from gilbench.model.errors import RunFailure
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Case, Interpreter, Parameters, Workload
from gilbench.observe.instructions import Counter, Counting, Trapped
from gilbench.plan import calls
from gilbench.plan.axes import environment, options

LEAST = 16
"""Minimum number of operations of a length. CPython 3.11 specializes a function after 8 calls: countdown took 4.25
million instructions in each of the first 4 operations, and 3.06 million from the 9th on."""
ENOUGH = 1 << 25
"""Minimum number of instructions of a length: 34 million, half the number of starting an interpreter."""
MOST = 1 << 32
"""Maximum number of instructions of a length, which take about a minute under callgrind on an idle host."""
NAMES = "names"  # file of the names of trampolines
_TARGET = Path(__file__).parent.parent / "target"
_ANSWER = "answer"
_LIMIT = 900.0  # s for two lengths on a busy host
_ATTEMPTS = 4  # at a count that a probe of somebody else ends
_PAUSE = 2.0  # s between two attempts; a probe is gone after seconds
_T = TypeVar("_T")

Work = tuple[str, Parameters]  # a workload and its parameters: the same work for all interpreters


class CountedProcess(NamedTuple):
    """One process that ended well."""

    instructions: int
    folder: Path  # with the files that the process and the tool wrote


class BothLengths(NamedTuple):
    """The processes of a length and of twice as much."""

    short: CountedProcess
    long: CountedProcess

    @property
    def instructions(self) -> int:
        """Instructions of the operations by which the lengths differ."""
        return self.long.instructions - self.short.instructions


class CountedWork:
    """Counts the work of cases, with equal checksums on all interpreters.

    Args:
        interpreters: The interpreters by name.
        workloads: Declarations by name.
        trampolines: Whether each Python function gets a trampoline, and the folder a file of their names.
    """

    def __init__(
        self,
        interpreters: Mapping[str, Interpreter],
        workloads: Mapping[str, Workload],
        *,
        trampolines: bool = False,
    ) -> None:
        self._interpreters, self._workloads = interpreters, workloads
        self._script = ("counted_functions.py", NAMES) if trampolines else ("counted.py",)
        self.output = ""  # end of the output of the last process
        self._checksums: dict[Work, str] = {
            (one.name, ()): one.checksum for one in workloads.values() if one.checksum
        }

    def count(self, case: Case, seed: int, counter: Counter, folder: Path, length: int) -> BothLengths:
        """Count some operations, and twice as many. Both processes run at the same time, which changes no count.

        Args:
            case: The case.
            seed: Hash seed.
            counter: The tool.
            folder: Gets a folder per process.
            length: Number of operations.

        Raises:
            RunFailure: A process failed, or the count is impossible.
            Trapped: A process ended at the breakpoint of a probe.
        """
        with contextlib.ExitStack() as leaving:
            begun = []
            for operations in (length, 2 * length):
                place = folder / str(operations)
                place.mkdir(exist_ok=True)
                begun.append((self._begin(case, seed, counter, place, operations), place))
                leaving.callback(begun[-1][0].close)
            found = BothLengths(*(CountedProcess(self._end(case, one, place), place) for one, place in begun))
        if found.instructions <= 0:
            raise RunFailure("protocol", f"{counter.tool.by} counted fewer instructions for more operations")
        return found

    def _begin(self, case: Case, seed: int, counter: Counter, place: Path, operations: int) -> Counting:
        interpreter, workload = self._interpreters[case.interpreter], self._workloads[case.workload]
        parameters = {**workload.parameters, **dict(case.parameters)}
        words = [
            word
            for name, value in sorted(parameters.items())
            for word in (name, type(value).__name__, str(value))
        ]
        script, *before = self._script
        command = [
            *interpreter.command,
            *options(case, interpreter.build),
            *([] if _has_packages(workload) else ["-S"]),
            str(_TARGET / script),
            *before,
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
            self.output = counting.output()
        try:
            kind, _, told = (place / _ANSWER).read_text("utf-8", "replace").partition("\n")
        except OSError as error:
            raise RunFailure("protocol", f"wrote no answer: {error.strerror}") from error
        if kind != "ok":
            raise RunFailure(kind[:20], told.strip())
        checksum = told.strip()
        known = self._checksums.setdefault(work_of(case), checksum)
        if checksum != known:
            raise RunFailure("checksum", f"checksum {excerpt(checksum, 40)} instead of {excerpt(known, 40)}")
        return found


def length_of(operation: int, enough: int = ENOUGH) -> int:
    """Return the number of operations of a length: a power of two, so that a few instructions do not change it.

    Args:
        operation: Instructions of one operation, about.
        enough: Minimum number of instructions of a length.

    Raises:
        RunFailure: The operation is too long.
    """
    if LEAST * operation > MOST:
        raise RunFailure("unsupported", f"not counted: an operation takes {operation:.3g} instructions")
    length = LEAST
    while length * operation < enough and length < enough:
        length *= 2
    return length


def work_of(case: Case) -> Work:
    """Return what a case does, on whatever interpreter."""
    return case.workload, case.parameters


def untrapped(count: Callable[[Path], _T]) -> _T:
    """Count in a new folder; in another one if a probe of somebody else ended the process.

    Raises:
        RunFailure: As ``CountedWork.count``.
        Trapped: The process was ended each time.
    """
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(Trapped), scratch() as folder:
            return count(folder)
        time.sleep(_PAUSE)
    with scratch() as folder:
        return count(folder)


def _has_packages(workload: Workload) -> bool:
    """Return whether a workload may import packages.

    They need the site module, which costs more instructions than the rest of starting, and packages can add to it.
    """
    return workload.family == calls.FAMILY or any(not need.startswith("python") for need in workload.requires)
