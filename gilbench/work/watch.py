"""Watches a program for months: figures of each interval, alerts, and a limit of what that may cost."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gilbench.analyse.watch.alerts import Alert, alert_value
from gilbench.analyse.watch.totals import WatchTotals
from gilbench.host.process import Program, cpu_time
from gilbench.host.signals import EndSignals
from gilbench.model.errors import UsageError
from gilbench.model.study import Struct
from gilbench.model.watch import AlertRule, WatchEvent, WatchInterval, WatchState
from gilbench.observe.gil.steady_samples import KINDS
from gilbench.observe.group_names import GroupLabels
from gilbench.observe.pace import Pace
from gilbench.observe.running import RunningPython, children_of
from gilbench.observe.watched import WatchedProcess
from gilbench.store.watch_file import WatchFile, firing_alerts
from gilbench.work.listener import WatchListener
from gilbench.work.started import in_the_foreground
from gilbench.work.watch_alarms import Alarms
from gilbench.work.watch_sources import Matching, OneProcess, ProgramSource, StartedProgram

_SIGNALLED = 128  # plus the signal's number: exit code of a program that was ended by a signal
_INTERRUPT = 2  # SIGINT
_READY = 10.0  # s for an interpreter to start
_SOON = 0.05  # s between two attempts meanwhile
_IDLE = (
    0.01  # CPU time / wall time of a process that only waits for its workers: not more than a watch may use
)
_TICK = 1.0  # s between two looks at processes of alerts
_PAGE = os.sysconf("SC_PAGE_SIZE")


class WatchRequest(Struct, frozen=True):
    """What to watch, and how."""

    command: tuple[str, ...] = ()  # a program and its arguments; or ``pid``, or ``match``
    pid: int | None = None
    match: str | None = None  # regular expression for command lines
    interval: float = 10.0  # s
    max_cost: float = 0.01  # CPU time of the whole watch, as a fraction of one CPU
    alerts: tuple[AlertRule, ...] = ()
    on_alert: str | None = None  # program and arguments
    annotate: Path | None = None
    profiles: Path | None = None  # folder
    file: Path | None = None
    file_size: int = 10_000_000  # B


def watch(request: WatchRequest, listener: WatchListener) -> int:
    """Watch a program until it ends, or until a signal asks for the end.

    A program that gilbench starts gets the signals, and runs to its end. No thread may have been started before.

    Returns:
        The exit code of a program that gilbench started, as in a shell; otherwise 0.

    Raises:
        UsageError: The request is wrong, or the program cannot be started or watched.
    """
    if sum((bool(request.command), request.pid is not None, request.match is not None)) != 1:
        raise UsageError(
            "pass one of: a command (gilbench watch -- python app.py), a process (--pid 1234), or --match REGEX"
        )
    with contextlib.ExitStack() as opened:
        watching = _ProgramWatcher(request, listener, opened)
        if not request.command:
            source = OneProcess(request.pid) if request.pid is not None else Matching(request.match or "")
            watching.follow(source, opened.enter_context(EndSignals()))
            return 0
        program = Program(request.command)
        opened.callback(program.end)
        signals = opened.enter_context(EndSignals(lambda number: _pass_on(program, number)))
        program.let_go()
        watching.follow(StartedProgram(program), signals)
        while (status := program.poll()) is None:  # a launcher that outlives its Python
            with _ended(program.pid) as ends:
                signals.wait(_READY, ends)
        return status if status >= 0 else _SIGNALLED - status


def _pass_on(program: Program, number: int) -> None:
    if number != _INTERRUPT or not in_the_foreground():
        program.signal(number)


class _ProgramWatcher:
    """The watch of one program, over its restarts."""

    def __init__(self, request: WatchRequest, listener: WatchListener, opened: contextlib.ExitStack) -> None:
        self._request, self._listener = request, listener
        self._file: WatchFile | None = None
        firing: set[str] = set()
        if request.file is not None:
            self._file = WatchFile(request.file, request.file_size)
            opened.callback(self._file.close)
            firing = firing_alerts(request.file)
        self._alerts = [Alert(rule, firing=rule.text in firing) for rule in request.alerts]
        self._alarms = Alarms(
            request.on_alert,
            request.annotate,
            request.profiles,
            failed=self._complain,
            profiled=lambda path: self._happened("profiled", f"saved {path}"),
        )
        opened.callback(self._alarms.close)
        self._created = time.time()
        self._labels, self._totals, self._starts = GroupLabels(), WatchTotals(), 0
        self._pace = Pace(request.max_cost, self._used, tuple(KINDS))
        self._kind = self._pace.kind
        self._cost = time.monotonic(), self._used()
        self._failed: str | None = None  # why the last line could not be written

    def follow(self, source: ProgramSource, signals: EndSignals) -> None:
        """Watch one process after another.

        Raises:
            UsageError: The first process cannot be watched.
        """
        self._signals = signals
        worker: RunningPython | None = None
        while not signals.asked:
            python, worker = worker or source.next(), None
            if python is not None:
                if not self._starts:
                    self._pace.begin()
                    self._cost = time.monotonic(), self._used()
                process = self._begin(python, restarts=source.pause() is not None)
                if process is not None:
                    worker = self._process(process, source)
            pause = source.pause()
            if pause is None:
                return
            if worker is None and not signals.asked:
                self._rest(pause)

    def _begin(self, python: RunningPython, *, restarts: bool) -> WatchedProcess | None:
        """Begin to watch a process as soon as its interpreter has started.

        Raises:
            UsageError: It cannot be watched, and there will be no other one.
        """
        limit = time.monotonic() + _READY
        while not self._signals.asked:
            try:
                process = WatchedProcess(python, self._labels, self._pace)
            except UsageError as error:
                with _ended(python.pid) as ends:
                    if not ends:
                        break
                    if time.monotonic() > limit:
                        if not restarts:
                            raise
                        self._complain(str(error))
                        break
                    self._signals.wait(_SOON, ends)
            else:
                self._starts += 1
                self._happened(
                    "started",
                    f"watching process {python.pid}, CPython {python.release or 'of unknown version'}",
                )
                return process
        return None

    def _process(self, process: WatchedProcess, source: ProgramSource) -> RunningPython | None:
        """Watch one process until it ends, or the watch does. If it only waits for its workers, return one to watch."""
        pid, told = process.python.pid, False
        try:
            with _ended(pid) as ends:
                alive = bool(ends)
                while alive and not self._signals.asked:
                    alive = self._wait(self._request.interval, ends, pid)
                    seen = process.take()
                    self._take(seen)
                    if not told and alive and (worker := _worker(process.python, seen)):
                        told = True
                        if (instead := source.instead_of(pid)) is not None:
                            self._happened("ended", f"process {pid} only waits; a worker is watched instead")
                            return instead
                        self._listener.note(
                            f"process {pid} only waits for its workers; to watch one: --pid {worker}"
                        )
        finally:
            process.close()
        if not alive:
            self._happened("ended", f"process {pid} ended")
        return None

    def _rest(self, pause: float) -> None:
        """Wait for a process to come."""
        if time.monotonic() >= self._cost[0] + self._request.interval:
            self._take(WatchInterval(start=time.time(), duration=0.0))
        self._wait(pause, [], None)

    def _wait(self, seconds: float, ends: list[int], pid: int | None) -> bool:
        """Wait for some time, and return whether the process lives then; return earlier if it ends."""
        until = time.monotonic() + seconds
        while not self._signals.asked and (left := until - time.monotonic()) > 0:
            self._signals.wait(min(left, _TICK) if self._alarms.busy else left, ends)
            if self._alarms.busy:
                self._alarms.tick()
            if pid is not None and _has_ended(ends):
                return False
        return True

    def _take(self, seen: WatchInterval) -> None:
        """Take an interval into account, and pass it on."""
        now, used = time.monotonic(), self._used()
        past, before = self._cost
        self._cost = now, used
        cost = max(used - before, 0.0) / max(now - past, 1e-9)
        interval = msgspec.structs.replace(seen, cost=cost, memory=_memory())
        self._totals.add(interval)
        if interval.pid is not None:
            self._write(interval)
        if self._pace.kind != self._kind:
            text = f"the samples look at: {self._pace.kind} (before: {self._kind}), to keep the limit of the cost"
            self._kind = self._pace.kind
            self._happened("probe", text)
        for alert in self._alerts:
            self._judge(alert, interval)
        self._listener.seen(self._state(interval))

    def _judge(self, alert: Alert, interval: WatchInterval) -> None:
        changed = alert.judge(interval)
        if changed is None:
            return
        event = self._happened(
            changed, alert.sentence(interval), rule=alert.rule.text, value=alert_value(alert.rule, interval)
        )
        told = {**msgspec.to_builtins(event), "interval": msgspec.to_builtins(interval)}
        self._alarms.raise_for(told, interval.pid if changed == "fired" else None)

    def _state(self, interval: WatchInterval) -> WatchState:
        return WatchState(
            created=self._created,
            interval=interval,
            groups=self._totals.groups(),
            alerts=tuple((alert.rule.text, alert.firing) for alert in self._alerts),
            watched=self._totals.watched,
            known=self._totals.known,
            switches=self._totals.switches,
            paused=self._totals.paused,
            starts=self._starts,
            cpu=self._used(),
            profile_cpu=self._alarms.cpu,
            waived=self._pace.paused,
            limit=self._request.max_cost,
        )

    def _complain(self, text: str) -> None:
        self._happened("failed", text)

    def _happened(
        self, event: str, text: str, *, rule: str | None = None, value: float | None = None
    ) -> WatchEvent:
        found = msgspec.convert(
            {"at": time.time(), "event": event, "text": text, "rule": rule, "value": value}, WatchEvent
        )
        self._write(found)
        self._listener.happened(found)
        return found

    def _write(self, value: WatchInterval | WatchEvent) -> None:
        """Write a line; what is wrong with the file is told once."""
        if self._file is None:
            return
        self._file.append(value)
        if self._file.failed is not None and self._file.failed != self._failed:
            self._listener.note(self._file.failed)
        self._failed = self._file.failed

    def _used(self) -> float:
        """Return the s of CPU time of the watch and its helpers, without profiles and commands of alerts."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime - self._alarms.cpu


def _worker(python: RunningPython, seen: WatchInterval) -> int | None:
    """Return the child that used the most CPU time, if it runs the same interpreter and its parent only waits."""
    if seen.cpus is None or seen.cpus >= _IDLE:
        return None
    used = {pid: cpu_time(pid) or 0.0 for pid in children_of(python)[0]}
    return max(used, key=used.__getitem__, default=None)


@contextlib.contextmanager
def _ended(pid: int) -> Iterator[list[int]]:
    """Open a descriptor that becomes readable when a process ends; none if it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        yield []
        return
    try:
        yield [descriptor]
    finally:
        os.close(descriptor)


def _has_ended(ends: list[int]) -> bool:
    return not ends or bool(select.select(ends, [], [], 0)[0])


def _memory() -> int:
    """Return the resident memory of this process, in B."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
