"""Observes a program as a whole: its GIL by the strongest probe, and what else is requested."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from gilbench.host.process import Program
from gilbench.host.wake_up import wake_up
from gilbench.model.errors import UsageError
from gilbench.model.events import Events
from gilbench.model.profile import (
    Blame,
    GilSwitch,
    ObserverCost,
    Profile,
    ProfiledThread,
    ProgramProcess,
    Stack,
)
from gilbench.model.results import Caveat
from gilbench.model.study import Share
from gilbench.model.threads import summed_up
from gilbench.observe.blocked import BlockedSampler, BlockedSamples
from gilbench.observe.costs import too_costly
from gilbench.observe.gil.choose import watch_gil
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.gil.probe import GilFigures, Watching
from gilbench.observe.own_sampler import OwnSampler
from gilbench.observe.paced_stacks import PacedStacks
from gilbench.observe.program_counts import ProgramCounts
from gilbench.observe.running import RunningPython
from gilbench.observe.sources import SourceFiles
from gilbench.observe.stacks import RATE, shares
from gilbench.observe.syscalls import Counted, SyscallCounter
from gilbench.observe.thread_names import ThreadNames
from gilbench.observe.timeline import Recording

OBSERVERS = ("stacks", "syscalls", "blocked")  # in addition to the GIL
_SINGLE = 4096  # threads of one pattern of names that a profile keeps singly
_SHARES = ("alive", "gil_held", "gil_wait", "off_gil", "blocked")


class ProgramWatch:
    """Observes a program from now on.

    Args:
        python: The process.
        command: The user's command; empty: as the system knows it.
        observers: Observers of ``OBSERVERS`` in addition to the GIL.
        live: Whether ``look`` will be called.
        max_cost: CPU time that each observer may use, as a fraction of one CPU.
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
        max_cost: float = math.inf,
        recording: Recording | None = None,
    ) -> None:
        self._python = python
        self._max_cost = max_cost
        self._uncounted: str | None = None  # why system calls are no longer counted
        self._command = tuple(map(_utf8, command)) or _command_of(python.pid)
        self.names: dict[int, str | None] = {}  # of all threads by tid, after ``finish``
        self._observers = observers
        self._stacks: PacedStacks | OwnSampler | None = None
        self._sources: SourceFiles | None = None
        self._calls: SyscallCounter | None = None
        self._blocked: BlockedSampler | None = None
        self.events: Events | None = None  # recorded; known after ``finish``
        self.began = 0.0  # CLOCK_MONOTONIC in s; a profile of some seconds ends so many after this
        if not python.held:
            self.started()
        try:
            if "syscalls" in observers:
                self._calls = SyscallCounter(python.pid, wait=False)
            # Last, so that its time is that of the profile: with thousands of threads the others take seconds to start.
            self._gil = _watch(python, live, max_cost, recording)
            if self._calls is not None:
                self._calls.ready()
        except BaseException:
            self._stop_others()
            raise
        self.began = time.monotonic()
        self._names = ThreadNames(python)
        self._counts = ProgramCounts(python)

    def started(self) -> None:
        """Start the observers that need a running interpreter; of a held process: once it runs."""
        self.began = time.monotonic()
        if "blocked" in self._observers and self._blocked is None and not self._python.free_threaded:
            self._blocked = BlockedSampler(self._python, self._max_cost)
        if "stacks" not in self._observers or self._stacks is not None:
            return
        self._sources = SourceFiles(self._python.pid)
        if not self._python.free_threaded:
            self._stacks = PacedStacks(self._python.pid, children=self._python.children)
        else:
            self._stacks = OwnSampler(self._python, "gil" if self._python.gil_enabled else "cpu")

    def tick(self) -> None:
        """Read what would be gone with the process; call this several times a second."""
        self._counts.tick()
        self._names.tick()

    def look(self) -> Profile:
        """Give the profile from the start to now. Observers that use more CPU time than they may are slowed down."""
        if isinstance(self._stacks, PacedStacks):
            self._stacks.pace(self._max_cost)
        cost = self._calls.cost() if self._calls is not None else None
        if self._calls is not None and cost is not None and cost > self._max_cost:
            self._calls.finish()
            self._calls = None
            self._uncounted = too_costly("counting them", cost, self._max_cost)
        return self._profile(self._gil.so_far())

    def finish(self, program: Program | None = None) -> Profile:
        """Stop observing, leave nothing behind, and give the profile.

        Args:
            program: The program, if it is one of ours.
        """
        status = program.poll() if program is not None else None
        if self._blocked is not None:
            self._blocked.stop()
        self._counts.finish(program)
        figures = self._gil.finish()
        self._names.finish(figures.threads, ended=status is not None)
        self.events = figures.events
        asleep = self._blocked.finish() if self._blocked is not None else None
        observers = tuple(self._costs(figures))
        stacks = self._stacks.finish() if self._stacks is not None else ()
        places = self._stacks.places if self._stacks is not None else {}
        self._names.learn(stacks)
        profile = self._profile(figures, status, asleep)
        counted = self._calls.finish() if self._calls is not None else None
        if self._python.free_threaded:
            stacks = _renamed(stacks, profile.threads)
        return msgspec.structs.replace(
            profile,
            functions=profile.functions or self._holding(stacks, figures.duration),
            syscalls=counted.calls if counted is not None else (),
            caveats=(*profile.caveats, *self._missing(counted, asleep)),
            stacks=stacks,
            observers=observers,
            stack_rate=RATE if stacks else None,
            sources=self._sources.lines(places) if self._sources is not None else (),
        )

    def _costs(self, figures: GilFigures) -> Iterator[ObserverCost]:
        if figures.cost is not None:
            yield ObserverCost(observer=f"GIL: {figures.probe.name.partition(' (')[0]}", cpu=figures.cost)
        if self._stacks is not None and (cost := self._stacks.cost()) is not None:
            rate = self._stacks.rate if isinstance(self._stacks, PacedStacks) else RATE
            yield ObserverCost(observer="stacks", cpu=cost, rate=rate if rate < RATE else None)
        if self._calls is not None and (cost := self._calls.cost()) is not None:
            yield ObserverCost(observer="system calls", cpu=cost)
        if self._blocked is not None:
            yield ObserverCost(observer="blocked", cpu=self._blocked.cost())

    def _holding(self, stacks: Sequence[Stack], duration: float) -> tuple[Share, ...]:
        """Return the functions that held the GIL; stacks of threads on the CPU do not tell."""
        samples = sum(stack.samples for stack in stacks)
        if isinstance(self._stacks, OwnSampler):
            return shares(stacks, samples).functions if self._python.gil_enabled else ()
        # py-spy begins a little before the probe, and ends a little after it.
        return shares(stacks, max(round(duration * RATE), samples)).functions

    def _stop_others(self) -> None:
        if self._stacks is not None:
            self._stacks.finish()
        if self._calls is not None:
            self._calls.finish()
        if self._blocked is not None:
            self._blocked.finish()

    def _missing(self, counted: Counted | None, asleep: BlockedSamples | None) -> Iterator[Caveat]:
        if self._stacks is not None and self._stacks.unavailable:
            yield _unavailable("stacks", f"functions: {self._stacks.unavailable}")
        names = self._names
        if not self._python.children and (names.children or names.others):
            text = "child processes, which also run Python; to profile them, add --children"
            yield _unavailable("children", text)
        elif names.others:
            text = f"children that run another interpreter: {', '.join(sorted(names.others))}"
            yield _unavailable("children", text)
        if self._uncounted is not None:
            yield _unavailable("syscalls", f"system calls: {self._uncounted}")
        if counted is not None and counted.reason:
            yield _unavailable("syscalls", f"system calls: {counted.reason}")
        if asleep is not None and asleep.unavailable:
            yield _unavailable("blocked", f"threads that sleep: {asleep.unavailable}")

    def _profile(
        self, figures: GilFigures, status: int | None = None, asleep: BlockedSamples | None = None
    ) -> Profile:
        python, counts = self._python, self._counts
        programs = self._names.of_programs(figures.threads)
        looks = asleep.looks if asleep is not None else None
        named = (self._named(one, programs, looks) for one in figures.threads)
        threads = sorted(named, key=_activity, reverse=True)
        self.names = {thread.tid: thread.name for thread in threads}
        blocked = [one for one in asleep.blocked if one.tid in self.names] if asleep is not None else []
        rows = summed_up(threads, _SINGLE, _between(threads, figures.blames), blocked)
        voluntary, involuntary = counts.switches
        returned = GilSwitch(after=None, module=None) if python.gil_returned else None
        cpu, counted = self._cpu(figures, status)
        return Profile(
            probe=figures.probe,
            duration=figures.duration,
            process=ProgramProcess(
                pid=python.pid,
                command=self._command,
                executable=_utf8(python.executable),
                version=python.release or _dotted(python.version),
                free_threaded=python.free_threaded,
                gil_enabled=python.gil_enabled or figures.switch is not None,
                gil_switch=figures.switch or returned,
                status=status,
                cpu=cpu,
                memory_peak=counts.peak,
                voluntary_switches=voluntary,
                involuntary_switches=involuntary,
                start_up=figures.start_up,
                counted=counted,
            ),
            threads=rows.threads,
            blames=rows.blames,
            pauses=figures.pauses,
            functions=figures.functions,
            native=figures.native,
            blocked=rows.blocked,
            lock_holders=asleep.holders if asleep is not None else (),
            caveats=tuple(_unavailable("gil", text) for text in figures.unavailable),
            contended=figures.contended,
            free_wanted=figures.free_wanted,
            wake_up=wake_up(),
        )

    def _cpu(self, figures: GilFigures, status: int | None) -> tuple[float | None, float | None]:
        """Return CPU time, and the seconds in which it was counted."""
        counts = self._counts
        if counts.cpu is None:
            return None, None
        if status is None or not self._python.held or figures.partial:
            return counts.cpu, counts.counted
        left_out = figures.switch.left_out if figures.switch is not None else 0.0
        whole = figures.duration + (figures.start_up or 0.0) + left_out
        if figures.probe.lost or figures.probe.strength != "exact" or self._python.free_threaded:
            return counts.cpu, whole  # not all threads were seen
        # Exec and exit cost CPU time, too, in which no thread of the program ran.
        lived = sum(one.alive for one in figures.threads) * figures.duration
        return min(counts.cpu, (figures.start_up or 0.0) + lived), whole

    def _named(
        self, one: ProfiledThread, programs: frozenset[str | None], looks: Mapping[int, int] | None
    ) -> ProfiledThread:
        """Add what the kernel and the interpreter know about a thread."""
        counts = self._counts.of(one.tid) if one.count == 1 else None
        # A probe reads thread after thread, so a share can be a little more than all of the time.
        known = {name: share for name in _SHARES if (share := getattr(one, name)) is not None}
        return msgspec.structs.replace(
            one,
            name=self._names.of(one, programs),
            cpu=one.cpu if one.cpu is not None or counts is None else counts.cpu,
            looks=None if looks is None else looks.get(one.tid, 0) if one.count == 1 else 0,
            context_switches=None if counts is None else counts.voluntary + counts.involuntary,
            **{name: min(max(share, 0.0), float(one.count)) for name, share in known.items()},
        )


def _watch(python: RunningPython, live: bool, max_cost: float, recording: Recording | None) -> Watching:
    if recording is None:
        return watch_gil(python, live=live, max_cost=max_cost)
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


def _renamed(stacks: Sequence[Stack], threads: Sequence[ProfiledThread]) -> tuple[Stack, ...]:
    """Return stacks with the names of the threads that they are of."""
    names = {thread.tid: thread.name for thread in threads}
    return tuple(
        msgspec.structs.replace(stack, thread=name, named=True)
        if stack.tid is not None and (name := names.get(stack.tid))
        else stack
        for stack in stacks
    )
