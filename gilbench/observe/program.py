"""Observes a program as a whole: its GIL by the strongest probe, and what else is requested."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.events import Events
from gilbench.model.profile import Blame, Profile, ProfiledThread, ProgramProcess
from gilbench.model.results import Caveat
from gilbench.observe.cpu import Counts, gained, read_counts
from gilbench.observe.gil.choose import watch_gil
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.gil.probe import GilFigures, Watching
from gilbench.observe.gil.standing import python_threads
from gilbench.observe.running import RunningPython, other_pythons
from gilbench.observe.stacks import RATE, StackSampler, shares
from gilbench.observe.syscalls import Counted, SyscallCounter
from gilbench.observe.timeline import Recording

OBSERVERS = ("stacks", "syscalls")  # in addition to the GIL
_NAMES_FIRST = 0.3  # s until the names of threads are read; then after twice as long each time
_NAMES_LAST = 20.0
_SHARES = ("alive", "gil_held", "gil_wait", "off_gil", "blocked")


class ProgramWatch:
    """Observes a program from now on.

    Args:
        python: The process.
        command: The user's command; empty: as the system knows it.
        observers: Observers of ``OBSERVERS`` in addition to the GIL.
        live: Whether ``look`` will be called.
        recording: Destination of every event of a thread; needs the exact probe.

    Raises:
        UsageError: No probe can observe the process.
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
        self._command = tuple(map(_utf8, command)) or _command_of(python.pid)
        self._names: dict[int, str] = {}
        self._unseen: set[str] = set()
        self._observers = observers
        self._stacks: StackSampler | None = None
        self._calls: SyscallCounter | None = None
        self._gil = _watch(python, live, recording)
        self.events: Events | None = None  # recorded; known after ``finish``
        self._began = time.monotonic()
        self._before = self._counts = read_counts(python.pid)
        self._next_names = self._began + _NAMES_FIRST
        if "syscalls" in observers:
            self._calls = SyscallCounter(python.pid)
        if not python.held:
            self.started()

    def started(self) -> None:
        """Start the observers that need a running interpreter; of a held process: once it runs."""
        if "stacks" in self._observers and not self._python.free_threaded and self._stacks is None:
            self._stacks = StackSampler(self._python.pid)

    def tick(self) -> None:
        """Read what would be gone with the process; call this several times a second."""
        now = time.monotonic()
        self._counts = self._counts.followed_by(read_counts(self._python.pid))
        if now >= self._next_names:
            self._next_names = now + min(2 * (now - self._began), _NAMES_LAST)
            self._ask_names()
            if self._python.children:
                self._unseen |= other_pythons(self._python)

    def look(self) -> Profile:
        """Give the profile from the start to now."""
        return self._profile(self._gil.so_far(), None, None)

    def finish(self, status: int | None = None, rusage: resource.struct_rusage | None = None) -> Profile:
        """Stop observing, leave nothing behind, and give the profile.

        Args:
            status: Exit status of a program of ours; None: it has not ended.
            rusage: The kernel's counts for it.
        """
        if status is None:
            self._next_names = 0.0
            self.tick()
        figures = self._gil.finish()
        self.events = figures.events
        stacks = self._stacks.finish() if self._stacks is not None else ()
        known = {stack.tid: stack.thread for stack in stacks if stack.tid is not None and stack.named}
        self._names = {**known, **self._names}
        # py-spy begins a little before the probe, and ends a little after it.
        samples = max(round(figures.duration * RATE), sum(stack.samples for stack in stacks))
        profile = self._profile(figures, status, rusage)
        counted = self._calls.finish() if self._calls is not None else None
        return msgspec.structs.replace(
            profile,
            functions=profile.functions or shares(stacks, samples).functions,
            syscalls=counted.calls if counted is not None else (),
            caveats=(*profile.caveats, *self._missing(counted)),
            stacks=stacks,
            stack_rate=RATE if stacks else None,
        )

    def _missing(self, counted: Counted | None) -> Iterator[Caveat]:
        if self._stacks is not None and self._stacks.unavailable:
            yield _unavailable("stacks", f"functions: {self._stacks.unavailable}")
        if self._unseen:
            names = ", ".join(sorted(self._unseen))
            yield _unavailable("children", f"children that run another interpreter: {names}")
        if counted is not None and counted.reason:
            yield _unavailable("syscalls", f"system calls: {counted.reason}")

    def _ask_names(self) -> None:
        for thread in python_threads(self._python.pid):
            tid, name = thread.get("os_thread_id"), thread.get("thread_name")
            if isinstance(tid, int) and name:
                self._names[tid] = str(name)

    def _profile(
        self, figures: GilFigures, status: int | None, rusage: resource.struct_rusage | None
    ) -> Profile:
        python = self._python
        before, after = self._before, self._counts
        named = (self._named(one, before, after) for one in figures.threads)
        threads = sorted(named, key=_activity, reverse=True)
        return Profile(
            probe=figures.probe,
            duration=figures.duration,
            process=ProgramProcess(
                pid=python.pid,
                command=self._command,
                executable=_utf8(python.executable),
                version=python.release or _dotted(python.version),
                free_threaded=python.free_threaded,
                gil_enabled=python.gil_enabled,
                status=status,
                cpu=rusage.ru_utime + rusage.ru_stime if rusage else gained(before.on_cpu, after.on_cpu),
                memory_peak=after.peak,  # rusage would include what it was before its exec: a copy of us
                voluntary_switches=rusage.ru_nvcsw
                if rusage
                else round(gained(before.voluntary, after.voluntary)),
                involuntary_switches=(
                    rusage.ru_nivcsw if rusage else round(gained(before.involuntary, after.involuntary))
                ),
                start_up=figures.start_up,
            ),
            threads=tuple(threads),
            blames=_between(threads, figures.blames),
            pauses=figures.pauses,
            functions=figures.functions,
            caveats=tuple(_unavailable("gil", text) for text in figures.unavailable),
            contended=figures.contended,
            free_wanted=figures.free_wanted,
        )

    def _named(self, one: ProfiledThread, before: Counts, after: Counts) -> ProfiledThread:
        """Add what the kernel and the interpreter know about a thread."""
        tid = one.tid
        name = self._names.get(tid)
        if name is None and tid == one.pid:
            name = "MainThread"
        cpu = one.cpu
        if cpu is None and tid in after.on_cpu:
            cpu = max(0.0, after.on_cpu[tid] - before.on_cpu.get(tid, 0.0))  # a tid can be used again
        switches = None
        if tid in after.voluntary:
            gained = after.voluntary[tid] - before.voluntary.get(tid, 0)
            switches = max(0, gained + after.involuntary[tid] - before.involuntary.get(tid, 0))
        # A probe reads thread after thread, so a share can be a little more than all of the time.
        known = {name: share for name in _SHARES if (share := getattr(one, name)) is not None}
        return msgspec.structs.replace(
            one,
            name=name or one.name or _comm(one.pid, tid),
            cpu=cpu,
            context_switches=switches,
            **{name: min(max(share, 0.0), 1.0) for name, share in known.items()},
        )


def _watch(python: RunningPython, live: bool, recording: Recording | None) -> Watching:
    if recording is None:
        return watch_gil(python, live=live)
    probe = ExactProbe()
    reason = probe.why_not(python)
    if reason is not None:
        raise UsageError(f"cannot record a timeline: {reason or 'a free-threaded build has no GIL'}")
    return probe.watch(python, live=live, recording=recording)


def _unavailable(observer: str, text: str) -> Caveat:
    return Caveat(kind="unavailable", subject=observer, text=text)


def _between(threads: Sequence[ProfiledThread], blames: Sequence[Blame]) -> tuple[Blame, ...]:
    """Blames between threads of the profile: a thread can be missing if events were lost."""
    known = {thread.tid for thread in threads}
    return tuple(blame for blame in blames if {blame.holder, blame.waiter} <= known)


def _utf8(text: str) -> str:
    """Text of a file name or an argument, which need not be UTF-8."""
    return os.fsencode(text).decode("utf-8", "replace")


def _activity(thread: ProfiledThread) -> float:
    return (thread.gil_held or 0.0) + (thread.gil_wait or 0.0) + (thread.off_gil or 0.0)


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
