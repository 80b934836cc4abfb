"""Profiles a program: starts it or attaches to it, and observes it until its end or for some time."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from gilbench.analyse.profile.report import interpret
from gilbench.analyse.profile.segments import Segments
from gilbench.host.description import describe_host
from gilbench.host.process import Program
from gilbench.model.errors import GilbenchError, UsageError
from gilbench.model.events import Events
from gilbench.model.excerpt import excerpt
from gilbench.model.profile import Profile, Verified
from gilbench.model.results import Caveat
from gilbench.model.study import Struct
from gilbench.observe.event_log import EventLog
from gilbench.observe.kernel_probes import removed
from gilbench.observe.program import OBSERVERS, ProgramWatch
from gilbench.observe.running import RunningPython, about_to_run, find_python
from gilbench.observe.timeline import Recording
from gilbench.store.perfetto import TimelineWriter
from gilbench.work.listener import ProfileListener
from gilbench.work.started import passed_on, python_of
from gilbench.work.verification import plan_verification

_STEP = 0.1  # s between two checks whether the program has ended
_SAMPLE = 1.0  # s between two samples
_MOST_SEGMENTS = 600  # kept; in a longer profile, segments are longer
_WORK = 0.02  # of the time that samples may take; with many threads, samples are rarer
_SIGNALLED = 128  # plus the signal's number: exit code of a program that was ended by a signal


class ProfileRequest(Struct, frozen=True):
    """What to profile, and how."""

    command: tuple[str, ...] = ()  # a program and its arguments; empty: ``pid`` is given
    pid: int | None = None
    duration: float | None = None  # s to profile; None: until exit
    children: bool = False  # also profile child processes
    observe: str = "gil,stacks,syscalls,blocked"
    trace: Path | None = None  # file for a timeline; None: no timeline
    replay: bool = (
        False  # record the program's events, and replay them without a GIL; ``trace`` does that, too
    )
    max_cost: str = "5%"  # CPU time that each observer may use, in % of one CPU; none: no limit
    verify: str | None = None  # SPEC of a free-threaded interpreter that also runs the command
    live: bool = False  # take a sample every second, even in a long profile
    refresh: bool = False  # ask the interpreter of ``verify`` again, ignoring the cache


class Profiled(NamedTuple):
    """A profile, and the exit status of the program."""

    profile: Profile
    status: int | None = None  # exit status of a started program; negative: ended by this signal
    untraced: UsageError | None = None  # why the timeline is missing or incomplete

    @property
    def exit_code(self) -> int:
        """The program's exit code, as in a shell; 0 for a process that gilbench did not start."""
        status = self.status or 0
        return status if status >= 0 else _SIGNALLED - status


def profile(request: ProfileRequest, listener: ProfileListener | None = None) -> Profiled:
    """Profile a program's GIL use and estimate its speedup without the GIL.

    Args:
        request: What to profile.
        listener: Receives profiles while the program runs.

    Raises:
        UsageError: The program cannot be started or observed.
        InterpreterError: The interpreter of ``verify`` is missing.
    """
    listener = listener or ProfileListener()
    if (request.pid is None) == (not request.command):
        raise UsageError("pass a command (gilbench profile -- python app.py) or a process (--pid 1234)")
    verification = (
        plan_verification(request.command, request.verify, refresh=request.refresh)
        if request.verify is not None
        else None
    )
    profiling = _Profiling(request, listener)

    def finish(seen: _Seen) -> Profile:
        verified: Verified | None = None
        unverified: tuple[Caveat, ...] = ()
        if verification is not None:
            try:
                verified = verification.run(listener)
            except GilbenchError as error:  # the profile is still valid
                unverified = (Caveat(kind="verify", subject="--verify", text=f"--verify: {error}"),)
        found = interpret(
            msgspec.structs.replace(seen.profile, caveats=(*seen.profile.caveats, *unverified)),
            describe_host().cores,
            segments=seen.segments,
            verified=verified,
            verified_on=verification.threaded.name if verification else "",
            events=seen.events,
        )
        if seen.events is not None:
            listener.recorded(seen.events)
        listener.profiled(found)
        return found

    if request.pid is not None:
        profiled = Profiled(finish(profiling.attach(request.pid, request.duration)))
    else:
        profiled = profiling.launch(request.command, request.duration, finish)
    return profiled._replace(untraced=profiling.untraced)


class _Seen(NamedTuple):
    """The profile of a program before the analysis, its segments, and its events."""

    profile: Profile
    segments: tuple[Profile, ...]
    events: Events | None = None  # recorded


class _Profiling:
    """Observes one program."""

    def __init__(self, request: ProfileRequest, listener: ProfileListener) -> None:
        self._request, self._listener = request, listener
        self._observers = _observers(request.observe)
        self._max_cost = _read_cost(request.max_cost)
        self._trace: TimelineWriter | None = None
        self.untraced: UsageError | None = None
        self._segments = Segments(_MOST_SEGMENTS)

    def attach(self, pid: int, duration: float | None) -> _Seen:
        """Observe a running process. Ctrl-C ends the profile, but not the process.

        Raises:
            UsageError: The process cannot be observed.
        """
        python = find_python(pid)
        process = psutil.Process(pid)
        watch = self._watch(python, ())
        with contextlib.suppress(KeyboardInterrupt):
            self._listener.watching()
            self._follow(
                watch, lambda: process.is_running() and process.status() != psutil.STATUS_ZOMBIE, duration
            )
        return self._finish(watch)

    def launch(
        self, command: Sequence[str], duration: float | None, finish: Callable[[_Seen], Profile]
    ) -> Profiled:
        """Start a program, observe it, and wait until it ends.

        Args:
            command: The program and its arguments.
            duration: Seconds to observe it; None: until exit. The program itself always runs to its end.
            finish: Analyzes the profile as soon as it is complete.

        Raises:
            UsageError: The program cannot be started or observed.
        """
        if shutil.which(command[0]) is None:
            raise UsageError(f"command not found: {shlex.quote(command[0])}")
        removed()  # what an earlier profile removes in threads of its own
        program = Program(command)
        try:
            with passed_on(program):
                watch = self._begin(program, command)
                self._follow(watch, lambda: program.poll() is None, duration)
                profile = finish(self._finish(watch, program))
                while (status := program.wait(_SAMPLE)) is None:
                    pass
                return Profiled(profile, status)
        finally:
            program.end()

    def _begin(self, program: Program, command: Sequence[str]) -> ProgramWatch:
        """Start the program. If its interpreter is known in advance, place the probes first."""
        expected = about_to_run(program.pid, command, os.environ)
        if expected is None:
            program.let_go()
            found = python_of(program)
            if found is None:
                raise UsageError(f"{command[0]} started no CPython; pass the python command, or --pid")
            return self._watch(found, command)
        watch = self._watch(expected, command)
        program.let_go()
        found = python_of(program)
        if found is not None and (found.pid, found.executable) != (expected.pid, expected.executable):
            watch.finish()
            return self._watch(found, command)
        watch.started()
        return watch

    def _watch(self, python: RunningPython, command: Sequence[str]) -> ProgramWatch:
        recording = None
        if self._request.trace is not None:
            if self._trace is not None:  # the timeline of a launcher
                self._close_trace(self._trace)
            self._trace = TimelineWriter(self._request.trace, python.pid, command)
            recording = Recording(self._request.trace.parent, EventLog(), self._trace.add)
        elif self._request.replay:
            recording = Recording(Path(tempfile.gettempdir()), EventLog())
        return ProgramWatch(
            python._replace(children=self._request.children),
            command,
            observers=self._observers,
            live=True,
            max_cost=self._max_cost,
            recording=recording,
        )

    def _follow(self, watch: ProgramWatch, running: Callable[[], bool], duration: float | None) -> None:
        """Take samples until the program or the time ends, or the listener stops it; in a long profile, longer ones."""
        until = watch.began + duration if duration is not None else math.inf
        self._segments = Segments(_MOST_SEGMENTS)
        step, then = _SAMPLE, time.monotonic() + _SAMPLE
        while running() and not self._listener.stop() and (now := time.monotonic()) < until:
            self._listener.wait(min(_STEP, max(until - now, 0.0)))
            watch.tick()
            if (begun := time.monotonic()) < then:
                continue
            sample = watch.look()
            if self._segments.add(sample):
                step *= 2
            taken = time.monotonic() - begun
            then = max(then + (_SAMPLE if self._request.live else step), begun + taken / _WORK)
            self._listener.sample(sample)

    def _finish(self, watch: ProgramWatch, program: Program | None = None) -> _Seen:
        profile = watch.finish(program)
        if self._trace is not None:
            self._trace.name(watch.names)
            self._trace.lose(profile.probe.lost)
            self._close_trace(self._trace)
        return _Seen(profile, self._segments.finish(profile), watch.events)

    def _close_trace(self, trace: TimelineWriter) -> None:
        try:
            trace.close()
        except UsageError as error:  # what was seen of the program is as good as before
            self.untraced = error


def _observers(text: str) -> tuple[str, ...]:
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in {"gil", *OBSERVERS}:
            raise UsageError(
                f"--observe: unknown observer {excerpt(word, 20)!r}; use gil, {', '.join(OBSERVERS)}"
            )
    return tuple(word for word in words if word != "gil")


def _read_cost(text: str) -> float:
    """Read ``5%``, ``5``, or ``none`` as a fraction of one CPU.

    Raises:
        UsageError: The text is no positive percentage.
    """
    if text.strip().lower() == "none":
        return math.inf
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent < math.inf:
        raise UsageError(
            f"--max-cost: {excerpt(text, 20)!r} is not a percentage; use for example 5%, or none"
        )
    return percent / 100
