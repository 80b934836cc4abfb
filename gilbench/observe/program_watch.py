"""Watches a program as a whole: its GIL by the strongest probe, and beside it what else is asked for."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from gilbench.errors import UsageError
from gilbench.model import Share
from gilbench.observe.cpu import Counts, read_counts
from gilbench.observe.gil import watch_gil
from gilbench.observe.gil_exact import ExactProbe
from gilbench.observe.gil_probe import GilFigures, Watching
from gilbench.observe.gil_standing import python_threads
from gilbench.observe.running import RunningPython, other_pythons
from gilbench.observe.stacks import RATE, Stack, StackSampler, shares
from gilbench.observe.syscalls import SyscallCounter
from gilbench.observe.timeline import Recording
from gilbench.program import ProfiledThread, ProgramProcess, ProgramProfile

OBSERVERS = ("stacks", "syscalls")  # beside the GIL
_NAMES_FIRST = 0.3  # s until threads are asked for their names, then after twice as long each time
_NAMES_LAST = 20.0


class ProgramWatch:
    """A program that is watched from now on.

    Args:
        python: The process.
        command: How the user called it; empty: as the system knows it.
        observers: Of ``OBSERVERS``, what is watched beside the GIL.
        live: ``look`` will be called.
        recording: Of every change of a thread's state, which the exact probe alone can tell.

    Raises:
        UsageError: Nothing can look at it.
    """

    def __init__(
        self,
        python: RunningPython,
        command: Sequence[str] = (),
        *,
        observers: Collection[str] = OBSERVERS,
        live: bool = False,
        recording: Recording | None = None,
    ) -> None:
        self._python = python
        self._command = tuple(command) or _command_of(python.pid)
        self._names: dict[int, str] = {}
        self._unseen: set[str] = set()
        self._observers = observers
        self._stacks: StackSampler | None = None
        self._calls: SyscallCounter | None = None
        self._gil = _watch(python, live, recording)
        self._began = time.monotonic()
        self._before = self._counts = read_counts(python.pid)
        self._next_names = self._began + _NAMES_FIRST
        self.stacks: tuple[Stack, ...] = ()  # after ``finish``
        if "syscalls" in observers:
            self._calls = SyscallCounter(python.pid)
        if not python.held:
            self.started()

    def started(self) -> None:
        """Watch what can be watched only when the interpreter is up; of a held process: once it is."""
        if "stacks" in self._observers and not self._python.free_threaded and self._stacks is None:
            self._stacks = StackSampler(self._python.pid)

    def tick(self) -> None:
        """Keep what would be gone with the process; to be called some times a second."""
        now = time.monotonic()
        self._counts = self._counts.followed_by(read_counts(self._python.pid))
        if now >= self._next_names:
            self._next_names = now + min(2 * (now - self._began), _NAMES_LAST)
            self._ask_names()
            if self._python.children:
                self._unseen |= other_pythons(self._python)

    def look(self) -> ProgramProfile:
        """What was seen until now."""
        return self._profile(self._gil.so_far(), None, None)

    def finish(
        self, status: int | None = None, rusage: resource.struct_rusage | None = None
    ) -> ProgramProfile:
        """Stop watching, and leave nothing behind.

        Args:
            status: Exit status of a program of ours that has ended.
            rusage: What the kernel counted for it.
        """
        if status is None:
            self._next_names = 0.0
            self.tick()
        functions: tuple[Share, ...] = ()
        unavailable: list[str] = []
        figures = self._gil.finish()
        if self._stacks is not None:
            self.stacks = self._stacks.finish()
            # py-spy looks a little before and after the probe does.
            samples = max(round(figures.duration * RATE), sum(stack.samples for stack in self.stacks))
            functions = shares(self.stacks, samples).functions
            self._names |= {
                stack.tid: stack.thread
                for stack in self.stacks
                if stack.tid is not None and stack.named and stack.tid not in self._names
            }
            if self._stacks.unavailable:
                unavailable.append(f"functions: {self._stacks.unavailable}")
        profile = self._profile(figures, status, rusage)
        if self._unseen:
            unavailable.append(f"children that run another interpreter: {', '.join(sorted(self._unseen))}")
        if self._calls is not None:
            counted = self._calls.finish()
            profile = msgspec.structs.replace(profile, syscalls=counted.calls)
            if counted.reason:
                unavailable.append(f"system calls: {counted.reason}")
        return msgspec.structs.replace(
            profile,
            functions=profile.functions or functions,
            unavailable=(*profile.unavailable, *unavailable),
        )

    def _ask_names(self) -> None:
        for thread in python_threads(self._python.pid):
            tid, name = thread.get("os_thread_id"), thread.get("thread_name")
            if isinstance(tid, int) and name:
                self._names[tid] = str(name)

    def _profile(
        self, figures: GilFigures, status: int | None, rusage: resource.struct_rusage | None
    ) -> ProgramProfile:
        python = self._python
        before, after = self._before, self._counts
        return ProgramProfile(
            probe=figures.probe,
            duration=figures.duration,
            process=ProgramProcess(
                pid=python.pid,
                command=self._command,
                executable=python.executable,
                version=python.release or _dotted(python.version),
                free_threaded=python.free_threaded,
                gil_enabled=python.gil_enabled,
                status=status,
                cpu=rusage.ru_utime + rusage.ru_stime if rusage else _gained(before.on_cpu, after.on_cpu),
                memory_peak=after.peak,  # rusage would count what it was before its exec, a copy of us
                voluntary_switches=rusage.ru_nvcsw
                if rusage
                else round(_gained(before.voluntary, after.voluntary)),
                involuntary_switches=(
                    rusage.ru_nivcsw if rusage else round(_gained(before.involuntary, after.involuntary))
                ),
                start_up=figures.start_up,
            ),
            threads=tuple(
                sorted(
                    (self._named(one, before, after) for one in figures.threads), key=_activity, reverse=True
                )
            ),
            blames=figures.blames,
            pauses=figures.pauses,
            functions=figures.functions,
            unavailable=figures.unavailable,
        )

    def _named(self, one: ProfiledThread, before: Counts, after: Counts) -> ProfiledThread:
        """Add what the kernel and the interpreter tell of a thread."""
        tid = one.tid
        name = self._names.get(tid)
        if name is None and tid == one.pid:
            name = "MainThread"
        cpu = one.cpu
        if cpu is None and tid in after.on_cpu:
            cpu = after.on_cpu[tid] - before.on_cpu.get(tid, 0.0)
        switches = None
        if tid in after.voluntary:
            switches = (
                after.voluntary[tid]
                + after.involuntary[tid]
                - before.voluntary.get(tid, 0)
                - before.involuntary.get(tid, 0)
            )
        return msgspec.structs.replace(
            one, name=name or one.name or _comm(one.pid, tid), cpu=cpu, context_switches=switches
        )


def _watch(python: RunningPython, live: bool, recording: Recording | None) -> Watching:
    if recording is None:
        return watch_gil(python, live=live)
    probe = ExactProbe()
    reason = probe.why_not(python)
    if reason is not None:
        raise UsageError(f"no timeline: {reason or 'a free-threaded build has no GIL to show'}")
    return probe.watch(python, live=live, recording=recording)


def _activity(thread: ProfiledThread) -> float:
    return (thread.gil_held or 0.0) + (thread.gil_wait or 0.0) + (thread.off_gil or 0.0)


def _gained(before: dict[int, int] | dict[int, float], after: dict[int, int] | dict[int, float]) -> float:
    return sum(count - before.get(tid, 0) for tid, count in after.items())


def _dotted(version: tuple[int, int] | None) -> str | None:
    return None if version is None else f"{version[0]}.{version[1]}"


def _command_of(pid: int) -> tuple[str, ...]:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return tuple(words[:-1])
    return ()


def _comm(pid: int, tid: int) -> str | None:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/task/{tid}/comm").read_text("utf-8", "replace").strip()
    return None
