"""The probe of a build without symbols: waits for the GIL by futex, exact; who holds it, by looking at it.

The kernel sees each wait, since a thread that does not get the GIL at once sleeps on a futex. Taking a free
GIL and dropping it where no one waits are no system calls, so how long it is held cannot be inferred from
them: the two words that say whether it is locked and whose it was last are read from the memory of the
process, at moments that are spread at random.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.observe import bpftrace
from gilbench.observe.gil_probe import GilFigures
from gilbench.observe.gil_words import GilWords
from gilbench.observe.running import RunningPython
from gilbench.observe.thread_clocks import Lived, ThreadClocks
from gilbench.program import Bucket, Probe, ProfiledThread

STEP = 0.002  # s between two looks at the GIL, on average
FIRST, LAST = (3, 7), (3, 13)  # versions whose GIL is laid out as gil_words reads it
_PATIENCE = 0.01  # s between two attempts to find the GIL of a process that has just begun
_SCRIPT = Path(__file__).with_suffix(".bt")
_LIVE = "\n\ninterval:ms:500 { print(@waited); print(@longest); print(@waits); }\n"
_NAME = "futex (bpftrace: waits on the GIL; held: samples of the GIL's own words)"


class Waits(NamedTuple):
    """Waits of one thread for the GIL, seconds."""

    seconds: float
    longest: float
    buckets: tuple[Bucket, ...]


class FutexProbe:
    """Places the futex probe on one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Say in one line why this probe cannot look at a process; None: it can."""
        if not python.gil_enabled:
            return "a free-threaded build has no GIL to wait for"
        if python.version is not None and not FIRST <= python.version <= LAST:
            return "where the GIL of {}.{} lies is not known".format(*python.version)
        try:
            image = read_image(python.code)
        except (OSError, ValueError) as error:
            return f"no symbols can be read: {error}"
        if image.place("_PyRuntime") is None:
            return f"{python.code.name} exports no _PyRuntime, where the GIL lies"
        return bpftrace.why_not()

    def watch(self, python: RunningPython, *, live: bool = False) -> FutexWatch:
        """Place the probe and return once it counts.

        Raises:
            GilbenchError: It could not be placed.
        """
        return FutexWatch(python, live=live)


class FutexWatch:
    """The futex probe of one process, placed."""

    def __init__(self, python: RunningPython, *, live: bool) -> None:
        self._pid = python.pid
        self._children = python.children
        text = bpftrace.filled(_SCRIPT.read_text("utf-8"), {"filter": f"pid == {python.pid}"})
        self._script = bpftrace.Script(text + (_LIVE if live else ""), pid=python.pid, keys=65536)
        self._began = time.monotonic()
        self._looks = _Looks(python)

    def so_far(self) -> GilFigures:
        """What was seen until now."""
        return self._figures(dict(self._script.maps))

    def finish(self) -> GilFigures:
        """Remove the probe and say what it saw."""
        self._looks.finish()
        return self._figures(self._script.finish())

    def _figures(self, maps: Mapping[str, Any]) -> GilFigures:
        looks = self._looks
        lived = looks.clocks.so_far() if looks.clocks is not None else {}
        duration = looks.clocks.duration() if looks.clocks is not None else time.monotonic() - self._began
        waits = read_waits(maps, looks.words) if looks.words is not None else {}
        threads = tuple(
            _thread(self._pid, tid, waits.get(tid), lived.get(tid, Lived(0.0, 0.0)), looks, duration)
            for tid in sorted(lived.keys() | waits.keys())
        )
        unavailable = []
        if looks.words is None:
            unavailable.append(f"held and wait: {looks.reason}")
        if self._children:
            unavailable.append("the GIL of child processes: the process itself alone is looked at")
        return GilFigures(
            probe=Probe(strength="futex", name=_NAME, error=looks.error(), lost=self._script.lost),
            duration=duration,
            threads=threads,
            start_up=looks.clocks.started - self._began if looks.held_back and looks.clocks else None,
            unavailable=tuple(unavailable),
        )


class _Looks:
    """Looks at the words of the GIL at random moments, in a thread of its own."""

    def __init__(self, python: RunningPython) -> None:
        self.words: GilWords | None = None
        self.clocks: ThreadClocks | None = None  # of the time since the GIL was found
        self.reason = "the process ended before its GIL was found"
        self.held_back = python.held
        self.count = 0
        self.holders: Counter[int] = Counter()  # looks at which a thread held it, by the kernel's number
        self._python = python
        self._image = read_image(python.code)
        self._states: dict[int, int | None] = {}
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def error(self) -> float | None:
        """Half of the 95 % interval of a held fraction, at its widest."""
        return 1.96 * math.sqrt(0.25 / self.count) if self.count else None

    def finish(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._watcher.join()
        if self.clocks is not None:
            self.clocks.finish()
        if self.words is not None:
            self.words.close()

    def _watch(self) -> None:
        while self.words is None:
            try:
                self.words = GilWords(self._python.pid, self._image, self._python.mapped)
            except (OSError, LookupError) as error:
                self.reason = str(error)
                if self._stop.wait(_PATIENCE):
                    return
        self.clocks = ThreadClocks(self._python.pid)
        when = random.Random()
        while not self._stop.wait(when.uniform(0.0, 2 * STEP)):
            try:
                state = self.words.holder()
            except OSError:  # it has ended
                return
            self.count += 1
            if state:
                thread = self._thread_of(self.words, state)
                if thread is not None:
                    self.holders[thread] += 1

    def _thread_of(self, words: GilWords, state: int) -> int | None:
        """A thread state's memory may serve another thread later, so it is asked again where that has ended."""
        known = self._states.get(state)
        if known is None or not Path(f"/proc/{self._python.pid}/task/{known}").exists():
            known = self._states[state] = words.thread_of(state)
        return known


def read_waits(maps: Mapping[str, Any], words: GilWords) -> dict[int, Waits]:
    """Read the maps of gil_futex.bt: waits on the GIL by thread, other futexes passed over."""
    seconds: Counter[int] = Counter()
    longest: dict[int, int] = {}
    buckets: dict[int, Counter[tuple[int, int]]] = {}
    for key, stats in maps.get("@waited", {}).items():
        tid, word = map(int, key.split(","))
        if words.is_ours(word):
            seconds[tid] += stats["total"]
            longest[tid] = max(longest.get(tid, 0), maps.get("@longest", {}).get(key, 0))
            histogram: Iterable[Mapping[str, int]] = maps.get("@waits", {}).get(key, ())
            buckets.setdefault(tid, Counter()).update(
                {(one.get("min", 0), one["max"] + 1): one["count"] for one in histogram if one["count"]}
            )
    return {
        tid: Waits(
            total * 1e-9,
            longest[tid] * 1e-9,
            tuple(
                Bucket(lo=lo * 1e-9, hi=hi * 1e-9, count=count)
                for (lo, hi), count in sorted(buckets[tid].items())
            ),
        )
        for tid, total in seconds.items()
    }


def _thread(
    pid: int, tid: int, waits: Waits | None, lived: Lived, looks: _Looks, duration: float
) -> ProfiledThread:
    if looks.words is None:
        return ProfiledThread(pid=pid, tid=tid, name=None, alive=lived.alive / duration, cpu=lived.cpu)
    alive = lived.alive / duration
    wait = min(waits.seconds / duration if waits else 0.0, alive)
    held = min(looks.holders[tid] / looks.count if looks.count else 0.0, alive - wait)
    off = min(max(0.0, lived.cpu / duration - held), alive - wait - held)
    return ProfiledThread(
        pid=pid,
        tid=tid,
        name=None,
        alive=alive,
        gil_held=held,
        gil_wait=wait,
        off_gil=off,
        blocked=alive - wait - held - off,
        cpu=lived.cpu,
        longest_wait=waits.longest if waits else 0.0,
        waits=waits.buckets if waits else (),
    )
