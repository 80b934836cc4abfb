"""The exact probe: every acquisition and release of the GIL, timed and summed in the kernel by bpftrace.

On 3.x the functions ``take_gil`` and ``drop_gil`` are probed; on 2.7, which has neither, the functions of its
locks, restricted to the interpreter lock. The scheduler's switches show whether a thread that neither holds nor
waits is on the CPU. The probes are placed in the one process (or, with its children, in all processes of that
interpreter), and cost nothing elsewhere.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gilbench.model.events import Events, ThreadEvent
from gilbench.model.profile import Probe
from gilbench.model.threads import merged
from gilbench.observe.bpftrace import BpftraceError, Script, call, new_number
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.gil.contention import contended, unseen_wait
from gilbench.observe.gil.exact_rows import blames, fault, profiled
from gilbench.observe.gil.exact_script import FAST, OFF, ON, probe_name, probed, script_for, threads_of
from gilbench.observe.gil.lines import ExactLine
from gilbench.observe.gil.native import NativeNames
from gilbench.observe.gil.probe import GilFigures, without_sums
from gilbench.observe.gil.standing import Standing, standing_threads
from gilbench.observe.gil.thread_sums import HOLDING, RUNNING, WAITING, EndedThreads, ThreadSums
from gilbench.observe.running import RunningPython
from gilbench.observe.timeline import Recording, State, Timeline

_UNSEEN = 16  # the largest state in the script that has no moment
_STATES: dict[int, State] = {0: "blocked", 1: "off", 2: "wait", 3: "held", 5: "off", 6: "off"}
_DOING = {
    WAITING: ThreadEvent.WAIT,
    HOLDING: ThreadEvent.HELD,
    **dict.fromkeys(RUNNING, ThreadEvent.OFF),
}
_ANSWER = 5.0  # s for the script to answer
_A_TURN = 4  # probes from one acquisition to the next
_STEP = 0.02  # s between two looks whether it has ended
_AT_THE_END = "@on"  # a map that is printed at the end only


class ExactProbe:
    """See the module."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed; None: it can; empty: it has no GIL."""
        if not python.gil_enabled:
            return ""
        reason = why_not()
        if reason is None and probed(python) is None:
            return f"{python.code} has no symbols take_gil and drop_gil; install its debug symbols"
        return reason

    def watch(
        self,
        python: RunningPython,
        *,
        live: bool = False,
        max_cost: float = math.inf,
        recording: Recording | None = None,
    ) -> ExactWatching:
        """Place the probes.

        Args:
            python: The process.
            live: ``so_far`` will be called.
            max_cost: It is for the caller to replace this probe.
            recording: Receives every event of a thread, which costs more.

        Raises:
            BpftraceError: The probes could not be placed.
        """
        del max_cost
        return ExactWatching(python, live=live, recording=recording)


class ExactWatching:
    """The probes while they are placed.

    Args:
        python: The process.
        live: Print the maps every second.
        recording: Receives every event of a thread.
    """

    def __init__(
        self,
        python: RunningPython,
        *,
        live: bool = False,
        recording: Recording | None = None,
    ) -> None:
        self._python = python
        self._timeline = Timeline(recording.add) if recording is not None and recording.add else None
        self._log = recording.log if recording is not None else None
        self._lock = threading.Lock()
        self._ended = EndedThreads()
        self._start = self._end = self._snapshot = self._called_off = 0
        self._execs = self._exits = 0
        self._start_up: float | None = None
        self._failure: str | None = None
        self._begun, self._stopped = threading.Event(), threading.Event()
        self._number = new_number()
        self._native = NativeNames(python.pid)
        self._script = Script(
            script_for(python, self._number, live=live, stream=recording is not None),
            pid=None if python.children else python.pid,
            on_line=self._heard,
            spool=recording.folder if recording is not None else None,
        )
        self._standing: Standing = {}
        call(self._number, ON)
        named = list(threads_of(python))
        for tid in named:
            call(self._number, tid)
        # The script would take these for threads that sleep.
        self._gone = {tid for tid in named if not Path(f"/proc/{tid}").exists()}
        if not self._begun.wait(_ANSWER):
            self._script.close()
            raise BpftraceError("bpftrace attached its probes, but they report nothing")

    def so_far(self) -> GilFigures:
        """Return the values of the maps as last printed; none before that."""
        self._native.learn()
        return self._figures(self._snapshot or self._start)

    def finish(self) -> GilFigures:
        """Remove the probes and return the final values."""
        if self._script.running():
            self._native.learn()
            self._standing = standing_threads(self._python, self._untouched())
            call(self._number, OFF)
            self._await_end()
        maps = self._script.finish()
        self._failure = self._script.failure() or (None if _AT_THE_END in maps else "it printed no sums")
        if self._timeline is not None:
            states, ends = maps.get("@s", {}), maps.get("@until", {})
            self._timeline.close(
                [
                    (ends[tid], int(tid), "ended")
                    if tid in ends
                    else (state >> 3, int(tid), _STATES[state & 7])
                    for tid, state in states.items()
                    if state > _UNSEEN or tid in ends
                ]
            )
            self._timeline = None
        ended = int(maps.get("@until", {}).get(str(self._python.pid), 0))
        last = self._snapshot if self._failure else time.monotonic_ns()
        end = self._end or ended or self._called_off or last
        figures = self._figures(end)._replace(events=self._events(maps, end))
        if self._failure is None or self._snapshot:
            return figures
        return without_sums(figures, f"GIL held and GIL wait: the exact probe lost them ({self._failure})")

    def _await_end(self) -> None:
        """Return when the script has stopped counting, or has ended with the program."""
        limit = time.monotonic() + _ANSWER
        while not self._stopped.wait(_STEP) and self._script.running() and time.monotonic() < limit:
            pass

    def _unheard(self, maps: Mapping[str, Any]) -> int:
        """Return how many threads ended of which no line came; 0 before the end."""
        return max(0, int(maps.get("@exits", 0)) - self._exits)

    def _untouched(self) -> list[int] | None:
        """Return the threads without events, as last printed, if others have acquired the GIL; None: nobody has."""
        takes, states = self._script.maps.get("@n", {}), self._script.maps.get("@s", {})
        if not any(takes.values()):
            return None
        return [int(tid) for tid, state in states.items() if not takes.get(tid) and state & 7 < WAITING]

    def _heard(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        with self._lock:
            if kind == ExactLine.BEGIN:
                self._start = int(rest)
                self._begun.set()
            elif kind == ExactLine.EXIT:
                self._exits += 1
                one = ThreadSums.ended(rest)
                self._ended.add(one)
                if one.pid == one.tid == self._python.pid:
                    self._end = one.until
            elif kind == ExactLine.MAIN:
                now = int(rest.split()[1])
                self._start_up = (now - self._start) * 1e-9 if self._start else None
                self._start = now
                self._native.learn()
                self._ended.forget_before(now)  # lines come out of order
            elif kind == ExactLine.SNAPSHOT:
                self._snapshot = int(rest)
            elif kind == ExactLine.EXEC:
                self._execs += 1
                self._native.forget()
                if self._python.held and self._execs == 1:
                    self._start = int(rest.split()[1])
            elif kind == ExactLine.FINISH:
                self._called_off = int(rest)
                self._stopped.set()
        if self._timeline is not None:
            self._timeline.hear(line)
        if self._log is not None:
            self._log.hear(line)

    def _events(self, maps: Mapping[str, Any], end: int) -> Events | None:
        if self._log is None:
            return None
        last = [
            (state >> 3, int(tid), _DOING[state & 7])
            for tid, state in maps.get("@s", {}).items()
            if state & 7 in _DOING
        ]
        return self._log.finish(self._start, max(end, self._start), self._python.pid, last)

    def _figures(self, end: int) -> GilFigures:
        maps = dict(self._script.maps)
        with self._lock:
            start, ended = self._start, self._ended.rows()
        end = max(end, start + 1)
        ends = maps.get("@until", {})
        alive = [
            ThreadSums.alive(self._process_of(int(tid)), int(tid), maps, int(ends.get(tid, end)))
            for tid, state in maps.get("@s", {}).items()
            if int(ends.get(tid, end)) >= start and not (state == _UNSEEN and int(tid) in self._gone)
        ]
        # The maps were printed before the latest threads ended, or while they did: then only some maps have them.
        gone = {(tid, born) for one in ended for tid in one.tids or {one.tid} for born in (0, one.born)}
        alive = [one for one in alive if (one.tid, one.born) not in gone]
        sums = (*ended, *alive)
        threads = [profiled(one, start, end, maps, self._standing) for one in sums]
        unseen = sum(map(unseen_wait, sums, threads, itertools.repeat(start), itertools.repeat(end)))
        return GilFigures(
            probe=Probe(
                strength="exact", name=probe_name(self._python), lost=self._script.lost + self._unheard(maps)
            ),
            duration=(end - start) * 1e-9,
            threads=tuple(threads),
            blames=merged(blames(maps), {tid: one.tid for one in ended for tid in one.tids}),
            start_up=self._start_up,
            unavailable=self._gaps(),
            native=self._native.shares(maps.get("@native", {})),
            fault=fault(maps, end - start),
            contended=min(1.0, (contended(maps, end) + unseen) / (end - start)),
            cost=self._cost(maps, sum(one.takes for one in sums), (end - start) * 1e-9),
            free_wanted=min(1.0, sum(maps.get("@wanted", {}).values()) / (end - start)),
        )

    def _cost(self, maps: Mapping[str, Any], takes: int, seconds: float) -> float | None:
        """Return the CPU time of the probe. The shortest acquisition was all a probe's: out of one, into the next."""
        used = self._script.used(_A_TURN * takes * int(maps.get("@fast", FAST)) / 2 * 1e-9)
        return None if used is None else used / seconds

    def _process_of(self, tid: int) -> int:
        if self._python.children:
            with contextlib.suppress(OSError, StopIteration, ValueError):
                lines = Path(f"/proc/{tid}/status").read_text("utf-8", "replace").splitlines()
                return int(next(line for line in lines if line.startswith("Tgid:")).split()[1])
        return self._python.pid

    def _gaps(self) -> tuple[str, ...]:
        gaps = []
        if self._failure is not None and self._snapshot:
            gaps.append(f"what came after the exact probe ended early (bpftrace: {self._failure})")
        if self._execs > (1 if self._python.held else 0):
            gaps.append("the program replaced itself (exec); after that, only the same interpreter is probed")
        return tuple(gaps)
