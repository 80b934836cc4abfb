"""Runs of a command: each slice is one run, from its start to its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

from gilbench.host.placement import Placement, set_affinity
from gilbench.host.topology import allowed_cpus
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.study import Case, Command, Environment, Interpreter, Slice, Workload
from gilbench.observe.running import descendants, find_python
from gilbench.plan.axes import environment, options
from gilbench.plan.commands import THREADS, fill, parameters_of, program_words, uses
from gilbench.run.server import Server, free_port
from gilbench.run.starter import THE_COMMAND, CommandEnd, Start, Starter, problem_of
from gilbench.run.worker import overridden

_LOOKS = (0.005, 0.05)  # s between two looks at the GIL of a program that runs: at first, and at most
_BRIEF = 1.0  # s, the longest run that is repeated for its memory
_CLOCK = "CLOCK_MONOTONIC"


class CommandSession:
    """What the commands of a session share."""

    def __init__(self) -> None:
        self.starter = Starter()
        self.gil: dict[Case, bool | None] = {}  # whether it was enabled in the untimed first run

    def close(self) -> None:
        """End all processes."""
        self.starter.close()


class CommandRunner:
    """Runs the command of one case. Nothing stays alive between its slices.

    Args:
        case: The case.
        interpreter: Interpreter of the case.
        workload: Declaration of the command.
        shared: What the commands of the session share.
    """

    def __init__(
        self, case: Case, interpreter: Interpreter, workload: Workload, shared: CommandSession
    ) -> None:
        assert workload.command is not None  # noqa: S101 - the driver needs it
        self.case, self.pid = case, os.getpid()
        self._interpreter, self._shared = interpreter, shared
        self._command: Command = workload.command
        self._name, self._values = parameters_of(workload, case.parameters)
        self._environment = {**dict(interpreter.environment), **environment(case)}
        self._output = ""
        self._started = False
        self._memory: int | None = None  # of a run for it

    def prepare(self) -> Environment:
        """Run the command untimed: once in a session to see its GIL, and then as often as it is to be warmed up.

        Raises:
            RunFailure: The command cannot be started, fails, or takes too long.
        """
        if self.case not in self._shared.gil:
            self._shared.gil[self.case] = self._look()
        found = Environment(pid=self.pid, clock=_CLOCK, loops=1, gil_enabled=self._shared.gil[self.case])
        problem = overridden(self.case, found)
        if problem is not None:
            raise RunFailure("mode", problem)
        if not self._command.load:  # a server is warmed up each time
            for _ in range(self._command.warmup):
                self._run_once(())
        return found

    def measure(
        self,
        round_: int,
        place: Placement,
        _seconds: float = 0.0,
        _latency_seconds: float = 0.0,
        _seed: int = 0,
    ) -> Slice:
        """Measure one run, which is as long as it is.

        Raises:
            RunFailure: The command cannot be started, fails, or takes too long.
        """
        ended, cpu, memory = self._run_once(place.cpus)
        gil = self._shared.gil.get(self.case)
        return Slice(
            round=round_,
            start=ended.start,
            end=ended.end,
            window=ended.end - ended.start,
            operations=1.0,
            checksum="",
            gil_enabled=None if gil is None else (gil, gil),
            cpus=ended.cpus,
            cpu=cpu,
            system=None if self._command.load else ended.system,
            memory=memory,
        )

    def output(self) -> str:
        """Return the end of the output of a run that failed."""
        return self._output

    def close(self) -> None:
        """Clean up after the runs.

        Raises:
            RunFailure: The command for that failed.
        """
        if self._started:
            self._started = False
            self._aside(self._command.cleanup, "--cleanup")

    def _run_once(self, cpus: Sequence[int]) -> tuple[CommandEnd, float, int | None]:
        """Run the command once, or the load of a server.

        Returns:
            Its end, and the CPU time in s and the peak memory in bytes of the command, or of the server.
        """
        self._begin()
        if not self._command.load:
            ended = self._start(self._words(), cpus)
            self._refuse_failed(ended)
            return ended, ended.user + ended.system, self._weighed(ended, cpus)
        values = self._with_port()
        with self._serving(values) as server:
            if cpus:
                set_affinity(server.pid, tuple(cpus))
            load = fill(self._command.load, values, self._python(), shell=self._command.shell)
            for _ in range(self._command.warmup):
                self._refuse_failed(self._start(load), "--load")
            before = server.cpu()
            ended = self._start(load)
            cpu = server.cpu() - before
            self._refuse_failed(ended, "--load")
            server.refuse_ended()
            return ended, cpu, server.memory()

    def _look(self) -> bool | None:
        """Run the command untimed, and return whether its GIL is enabled; None: that cannot be told."""
        self._begin()
        if self._command.load:
            values = self._with_port()
            with self._serving(values) as server:
                load = fill(self._command.load, values, self._python(), shell=self._command.shell)
                self._refuse_failed(self._start(load), "--load")
                seen = _gil_of(server.pid)
        else:
            seen = self._watch()
        if seen is not None or not uses(self._command, "python"):
            return seen
        # It was too short to be looked at.
        build = self._interpreter.build
        default = self._interpreter.gil_enabled if self.case.gil is None else self.case.gil
        return default if build.free_threaded else True if build.implementation == "CPython" else None

    def _watch(self) -> bool | None:
        starter = self._shared.starter
        pid = starter.begin(self._to_start(self._words()), allowed_cpus())
        pause, seen = _LOOKS[0], None
        while (ended := starter.ended(pause)) is None:
            seen, pause = _gil_of(pid, seen), min(2 * pause, _LOOKS[1])
        self._refuse_failed(ended)
        return seen

    def _begin(self) -> None:
        self._started = True
        self._aside(self._command.prepare, "--prepare")

    def _aside(self, words: Sequence[str], option: str) -> None:
        """Run a command that is not measured."""
        if words:
            filled = fill(words, self._texts(), self._python(), shell=self._command.shell)
            self._refuse_failed(self._start(filled), option)

    def _start(self, words: Sequence[str], cpus: Sequence[int] = ()) -> CommandEnd:
        return self._shared.starter.run(self._to_start(words), cpus or allowed_cpus())

    def _to_start(self, words: Sequence[str]) -> Start:
        command = self._command
        return Start(words, self._environment, command.folder, command.timeout, command.input)

    def _weighed(self, ended: CommandEnd, cpus: Sequence[int]) -> int | None:
        """Return the peak memory of a run. If it is unknown, a short command runs again for it, once a block."""
        if ended.memory is None and self._memory is None and ended.end - ended.start < _BRIEF:
            self._aside(self._command.prepare, "--prepare")
            self._memory = self._shared.starter.weigh(self._to_start(self._words()), cpus or allowed_cpus())
        return self._memory if ended.memory is None else ended.memory

    def _refuse_failed(self, ended: CommandEnd, option: str | None = None) -> None:
        command = self._command
        if ended.timed_out or (ended.status and (option or not command.ignore_failure)):
            self._output = self._shared.starter.output()
            raise problem_of(
                ended.status,
                self._output,
                option or THE_COMMAND,
                timed_out=ended.timed_out,
                limit=command.timeout,
            )
        if ended.left and not (option or command.ignore_failure):
            processes = "1 process" if ended.left == 1 else f"{ended.left} processes"
            raise RunFailure(
                "children", f"the command left {processes} behind, now ended; let it wait for them"
            )

    def _serving(self, values: Mapping[str, str]) -> Server:
        command = self._command
        words = fill(program_words(command, self._name), values, self._python(), shell=command.shell)
        (ready,) = fill((command.ready or "",), values, self._python(), shell=False)
        return Server(self._to_start(words), ready)

    def _words(self) -> list[str]:
        words = program_words(self._command, self._name)
        return fill(words, self._texts(), self._python(), shell=self._command.shell)

    def _texts(self) -> dict[str, str]:
        return {**self._values, THREADS: str(self.case.threads), "port": ""}

    def _with_port(self) -> dict[str, str]:
        return {**self._texts(), "port": str(free_port())}

    def _python(self) -> tuple[str, ...]:
        return (*self._interpreter.command, *options(self.case, self._interpreter.build))


def _gil_of(pid: int, known: bool | None = None) -> bool | None:
    """Return whether the GIL of a process, or of the first CPython that it has started, is enabled now."""
    for one in (pid, *descendants(pid)):
        with contextlib.suppress(UsageError, OSError):
            return find_python(one).gil_enabled
    return known
