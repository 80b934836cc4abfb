"""Starts a program, or finds one that runs, and watches it until it ends or has been watched for long enough."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import psutil

from gilbench.analyse.pieces import pieces
from gilbench.cli import output
from gilbench.errors import UsageError
from gilbench.observe.program_watch import ProgramWatch
from gilbench.observe.running import RunningPython, about_to_run, find_python
from gilbench.observe.stacks import Stack
from gilbench.observe.timeline import Recording
from gilbench.process import Program
from gilbench.program import ProgramProfile
from gilbench.render.live import show_live
from gilbench.render.profile_json import render_profile_json
from gilbench.render.speedscope import render_speedscope
from gilbench.store.perfetto import TimelineWriter

_STEP = 0.1  # s between two looks at whether it has ended
_PIECE = 1.0  # s between two looks at its figures
_MOST_PIECES = 600  # kept; of a longer profile they are longer
_SHORT = 0.005  # s between two looks at what it runs
_START_LIMIT = 20.0  # s for a launcher to come to its Python


class Seen(NamedTuple):
    """What was seen of a program."""

    profile: ProgramProfile
    pieces: tuple[ProgramProfile, ...]
    stacks: tuple[Stack, ...]
    untraced: UsageError | None = None  # why there is no trace, or only its beginning

    def save(self, judged: ProgramProfile, path: Path) -> None:
        """Write a file; a trace has been written while the program ran, and only its error is left.

        Raises:
            UsageError: It cannot be written.
        """
        if self.untraced is not None:
            raise self.untraced
        try:
            if path.name.endswith(".speedscope.json"):
                path.write_bytes(render_speedscope(self.stacks, " ".join(judged.process.command)))
            elif path.name.endswith(".json"):
                path.write_text(render_profile_json(judged) + "\n", "utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error


class Profiling:
    """How programs are watched.

    Args:
        observers: What is watched beside the GIL.
        children: Also the processes that it starts.
        live: Draw a table again and again.
        trace: A file for a timeline; None: none is written.
    """

    def __init__(
        self,
        observers: Sequence[str],
        *,
        children: bool = False,
        live: bool = False,
        trace: Path | None = None,
    ) -> None:
        self._observers, self._children, self._live = observers, children, live
        self._trace_path = trace
        self._trace: TimelineWriter | None = None
        self._pieces: list[ProgramProfile] = []

    def attach(self, pid: int, duration: float | None) -> Seen:
        """Watch a process that runs; Ctrl-C ends the profile and leaves it running.

        Raises:
            UsageError: It cannot be watched.
        """
        python = find_python(pid)
        process = psutil.Process(pid)
        watch = self._watch(python, ())
        with contextlib.suppress(KeyboardInterrupt):
            self._follow(
                watch, lambda: process.is_running() and process.status() != psutil.STATUS_ZOMBIE, duration
            )
        return self._finish(watch)

    def launch(self, command: Sequence[str], duration: float | None, then: Callable[[Seen], None]) -> int:
        """Start a program, watch it, and return its exit status when it has ended.

        Args:
            command: The program and its arguments.
            duration: s after which it is watched no more; it goes on to its own end.
            then: Takes what was seen, as soon as it is known.

        Raises:
            UsageError: It cannot be started or watched.
        """
        if shutil.which(command[0]) is None:
            raise UsageError(
                f"there is no program {command[0]}; write the command as it is run without gilbench"
            )
        program = Program(command)
        try:
            with _passed_on(program):
                watch = self._begin(program, command)
                self._follow(watch, lambda: program.poll() is None, duration)
                then(self._finish(watch, program))
                while (status := program.wait(_PIECE)) is None:
                    pass
                return status
        finally:
            program.end()

    def _begin(self, program: Program, command: Sequence[str]) -> ProgramWatch:
        """Let the program go, the probes in place before it where it can be told what it will run."""
        expected = about_to_run(program.pid, command, os.environ)
        if expected is None:
            program.let_go()
            found = _python_of(program)
            if found is None:
                raise UsageError(
                    f"{command[0]} did not run a CPython; give the python's command itself, or its --pid"
                )
            return self._watch(found, command)
        watch = self._watch(expected, command)
        program.let_go()
        found = _python_of(program)
        if found is not None and (found.pid, found.executable) != (expected.pid, expected.executable):
            watch.finish()
            return self._watch(found, command)
        watch.started()
        return watch

    def _watch(self, python: RunningPython, command: Sequence[str]) -> ProgramWatch:
        recording = None
        if self._trace_path is not None:
            if self._trace is not None:  # of a launcher
                self._trace.close()
            self._trace = TimelineWriter(self._trace_path, python.pid, command)
            recording = Recording(self._trace.add, self._trace_path.parent)
        return ProgramWatch(
            python._replace(children=self._children),
            command,
            observers=self._observers,
            live=True,
            recording=recording,
        )

    def _follow(self, watch: ProgramWatch, running: Callable[[], bool], duration: float | None) -> None:
        until = time.monotonic() + duration if duration is not None else math.inf
        looks = self._looks(watch, running, until)
        self._pieces.clear()
        if self._live:
            show_live(looks, output.console(error=not sys.stdout.isatty()))
        else:
            for _ in looks:
                pass

    def _looks(
        self, watch: ProgramWatch, running: Callable[[], bool], until: float
    ) -> Iterator[ProgramProfile]:
        step, then = _PIECE, time.monotonic() + _PIECE
        while running() and (now := time.monotonic()) < until:
            time.sleep(min(_STEP, max(until - now, 0.0)))
            watch.tick()
            if time.monotonic() >= then:
                then += step if not self._live else _PIECE
                look = watch.look()
                self._pieces.append(look)
                if len(self._pieces) > _MOST_PIECES:
                    del self._pieces[::2]
                    step *= 2
                yield look

    def _finish(self, watch: ProgramWatch, program: Program | None = None) -> Seen:
        status = program.poll() if program is not None else None
        profile = watch.finish(status, program.rusage if program is not None else None)
        untraced = None
        if self._trace is not None:
            self._trace.name({thread.tid: thread.name for thread in profile.threads})
            self._trace.lose(profile.probe.lost)
            try:
                self._trace.close()
            except UsageError as error:
                untraced = error
        return Seen(profile, pieces((*self._pieces, profile)), watch.stacks, untraced)


def _python_of(program: Program) -> RunningPython | None:
    """What a program runs once it has begun: itself, or the first process below it that is a CPython."""
    limit = time.monotonic() + _START_LIMIT
    while program.poll() is None and time.monotonic() < limit:
        for pid in (program.pid, *_descendants(program.pid)):
            with contextlib.suppress(UsageError):
                return find_python(pid)
        time.sleep(_SHORT)
    return None


def _descendants(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


@contextlib.contextmanager
def _passed_on(program: Program) -> Iterator[None]:
    """Pass on to the program what asks us to end; the terminal's Ctrl-C has reached it anyway."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT or not _in_the_foreground():
            program.signal(number)

    before = {
        number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_the_foreground() -> bool:
    """Whether the terminal's signals come to our process group."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
