"""The probe of a build without symbols: exact waits for the GIL, by futex; its holders, by samples.

The kernel sees each wait, since a thread that does not acquire the GIL at once sleeps on a futex. Acquiring a free GIL
and releasing it while no thread waits are no system calls, so they do not show how long it is held. The two words
with its state and its last holder are read from the memory of the process instead, at random moments.
"""

from __future__ import annotations

import math
import platform
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.model.profile import Bucket, Probe, ProfiledThread
from gilbench.observe import bpftrace
from gilbench.observe.architecture import architecture
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.gil.words import GilWords
from gilbench.observe.running import RunningPython
from gilbench.observe.script import filled
from gilbench.observe.thread_clocks import Lived, ThreadClocks

STEP = 0.002  # s between two samples of the GIL, on average
FIRST, LAST = (3, 7), (3, 13)  # versions whose GIL is laid out as gil_words reads it
_RETRY = 0.01  # s between two attempts to find the GIL of a process that has just begun
_SCRIPT = Path(__file__).with_suffix(".bt")
_NAME = "futex (bpftrace: GIL waits; GIL held is sampled from memory)"


class Waits(NamedTuple):
    """Waits of one thread for the GIL, seconds."""

    seconds: float
    longest: float
    buckets: tuple[Bucket, ...]


class FutexProbe:
    """Places the futex probe on one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed; None: it can."""
        if not python.gil_enabled:
            return "a free-threaded build has no GIL"
        if python.version is not None and not FIRST <= python.version <= LAST:
            return "the address of the GIL of {}.{} is unknown".format(*python.version)
        try:
            image = read_image(python.code)
        except (OSError, ValueError) as error:
            return f"cannot read symbols: {error}"
        known = architecture()
        if known is None or not known.knows_glibc:
            return f"where the GIL lies is known on x86-64 with glibc, not on {platform.machine()}"
        if image.musl:
            return f"where the GIL lies is known with glibc, and {python.mapped} uses musl"
        if image.place("_PyRuntime") is None:
            return f"{python.mapped} exports no _PyRuntime, which contains the GIL"
        return bpftrace.why_not()

    def watch(self, python: RunningPython, *, live: bool = False) -> FutexWatch:
        """Place the probe and return as soon as it counts.

        Raises:
            GilbenchError: The probe could not be placed.
        """
        return FutexWatch(python, live=live)


class FutexWatch:
    """The futex probe of one process."""

    def __init__(self, python: RunningPython, *, live: bool) -> None:
        self._pid = python.pid
        self._children = python.children
        text = filled(_SCRIPT, {"pid": str(python.pid)}, ["live"] if live else [])
        self._script = bpftrace.Script(text, pid=python.pid, keys=65536)
        self._began = time.monotonic()
        self._samples = _Samples(python)

    def so_far(self) -> GilFigures:
        """Return the values so far."""
        return self._figures(dict(self._script.maps))

    def finish(self) -> GilFigures:
        """Remove the probe and return the final values."""
        self._samples.finish()
        return self._figures(self._script.finish())

    def _figures(self, maps: Mapping[str, Any]) -> GilFigures:
        samples = self._samples
        lived = samples.clocks.so_far() if samples.clocks is not None else {}
        duration = samples.clocks.duration() if samples.clocks is not None else time.monotonic() - self._began
        waits = read_waits(maps, samples.words) if samples.words is not None else {}
        threads = tuple(
            _thread(self._pid, tid, waits.get(tid), lived.get(tid, Lived(0.0, 0.0)), samples, duration)
            for tid in sorted(lived.keys() | waits.keys())
        )
        unavailable = []
        if samples.words is None:
            unavailable.append(f"GIL held and GIL wait: {samples.reason}")
        if self._children:
            unavailable.append("the GIL of child processes: only the process itself is probed")
        return GilFigures(
            probe=Probe(strength="futex", name=_NAME, error=samples.error(), lost=self._script.lost),
            duration=duration,
            threads=threads,
            start_up=samples.clocks.started - self._began if samples.held_back and samples.clocks else None,
            unavailable=tuple(unavailable),
        )


class _Samples:
    """Samples the words of the GIL at random moments, in a thread of its own."""

    def __init__(self, python: RunningPython) -> None:
        self.words: GilWords | None = None
        self.clocks: ThreadClocks | None = None  # of the time since the GIL was found
        self.reason = "the process ended before its GIL was found"
        self.held_back = python.held
        self.count = 0
        self.holders: Counter[int] = Counter()  # samples in which a thread held it, by the kernel's number
        self._python = python
        self._image = read_image(python.code)
        self._states: dict[int, int | None] = {}
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def error(self) -> float | None:
        """Return half of the 95% interval of a held fraction, at its widest."""
        return 1.96 * math.sqrt(0.25 / self.count) if self.count else None

    def finish(self) -> None:
        """Stop sampling."""
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
                if self._stop.wait(_RETRY):
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
        """Return the thread of a thread state, whose memory may serve another thread after its end."""
        known = self._states.get(state)
        if known is None or not Path(f"/proc/{self._python.pid}/task/{known}").exists():
            known = self._states[state] = words.thread_of(state)
        return known


def read_waits(maps: Mapping[str, Any], words: GilWords) -> dict[int, Waits]:
    """Read the maps of ``futex.bt``: waits for the GIL by thread, without those on other futexes."""
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
    pid: int, tid: int, waits: Waits | None, lived: Lived, samples: _Samples, duration: float
) -> ProfiledThread:
    if samples.words is None:
        return ProfiledThread(pid=pid, tid=tid, name=None, alive=lived.alive / duration, cpu=lived.cpu)
    alive = lived.alive / duration
    wait = min(waits.seconds / duration if waits else 0.0, alive)
    held = min(samples.holders[tid] / samples.count if samples.count else 0.0, alive - wait)
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
