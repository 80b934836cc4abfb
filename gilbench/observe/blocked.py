"""In which functions threads sleep without the GIL, and on what: samples from outside, without stopping the process.

What a thread sleeps on is read from the kernel many times a second, of some threads at a time. In which function it
sleeps is told by a dump of py-spy, which costs more and is therefore rarer. A dump counts for a thread that slept on
the same object before and after it.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.model.profile import LOCK, UNKNOWN_WAIT, Blocked, LockHolder
from gilbench.observe.gil.futex_wait import SystemCall, system_call
from gilbench.observe.gil.gils import Gils, HoldingThreads, find_gils
from gilbench.observe.gil.memory import thread_at
from gilbench.observe.gil.rlocks import RLocks
from gilbench.observe.gil.standing import python_threads
from gilbench.observe.prompt import run_promptly
from gilbench.observe.running import RunningPython
from gilbench.observe.sleeps import FUTEX, Sleep, sleep_of
from gilbench.observe.wait_reasons import WaitReason, wait_reason

STEP = 0.04  # s between two samples, on average, or more, if they cost much
_LOOKS = 16  # threads that are looked at in a sample, at most
_LISTING = 0.2  # s after which the threads are listed anew, or more, if there are many
_WORK = 0.04  # of one CPU, at most: half of it for samples, half for dumps
_LISTING_WORK = 0.005
_SOON = 0.1  # s between two dumps, at least
_AT_ONCE = 0.1  # s of CPU time that dumps may take before they are earned, so that a short profile has some
_RETRY, _LAST_RETRY = 0.01, 1.0  # s between two attempts to find the GIL
_MOST_DUMPED = 2_000  # threads; py-spy takes about 1 s for 1000 of them
_MOST_PLACES = 50_000  # threads and objects that are kept apart


class BlockedSamples(NamedTuple):
    """What was seen."""

    blocked: tuple[Blocked, ...] = ()  # most samples first
    looks: Mapping[int, int] = {}  # samples by thread
    holders: tuple[LockHolder, ...] = ()
    unavailable: str | None = None  # why there is nothing, or less than there could be


class _Target(NamedTuple):
    """What is read of a process."""

    pid: int
    gils: Gils
    holding: HoldingThreads
    memory: int  # an open file
    rlocks: RLocks

    def sleeps(self, tids: Iterable[int]) -> dict[int, Sleep | None]:
        """Return what threads sleep on; None: on nothing, or while they hold the GIL or wait for it.

        Raises:
            OSError: The process has ended, or may not be read.
        """
        calls: dict[int, SystemCall | None] = {}
        for tid in tids:
            with contextlib.suppress(
                FileNotFoundError, ProcessLookupError, ValueError
            ):  # the thread has ended
                calls[tid] = system_call(self.pid, tid)
        holders = self.holding.now()
        return {
            tid: None
            if call is None or tid in holders or self.gils.is_ours(call.arguments[0])
            else sleep_of(self.pid, call, self.memory)
            for tid, call in calls.items()
        }


class BlockedSampler:
    """Samples one process in a thread of its own, until it is finished.

    Args:
        python: The process. One that is held is sampled as soon as its GIL exists.
        max_cost: CPU time that it may use, as a fraction of one CPU.
    """

    def __init__(self, python: RunningPython, max_cost: float = math.inf) -> None:
        self._python = python
        self._half = min(max_cost, _WORK) / 2  # of one CPU
        self._looks: Counter[int] = Counter()
        self._slept: Counter[tuple[int, Sleep]] = Counter()
        # By thread and sleep. Locks of the program also without the thread; others without their places.
        self._waits: defaultdict[tuple[int | None, Sleep], Counter[WaitReason]] = defaultdict(Counter)
        self._holders: Counter[tuple[int, int]] = Counter()  # by lock and thread
        self._tids: list[int] = []
        self._began, self._ended = time.monotonic(), 0.0
        self._next_listing = self._next_dump = 0.0
        self.dumps = 0  # that worked, so far
        self._sample_cost = self._dump_cost = 0.0  # s of CPU time
        self._reason: str | None = "the process ended before it could be read"
        self._random = random.Random()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Take no more samples; a dump that has begun is finished meanwhile."""
        self._ended = self._ended or time.monotonic()
        self._stop.set()

    def cost(self) -> float:
        """Return the CPU time that the samples took, as a fraction of the time since their start."""
        elapsed = (self._ended or time.monotonic()) - self._began
        return (self._sample_cost + self._dump_cost) / max(elapsed, STEP)

    def finish(self) -> BlockedSamples:
        """Stop sampling, and return what was seen."""
        self.stop()
        self._watcher.join()
        counts: Counter[tuple[int, WaitReason, int | None]] = Counter()
        for (tid, sleep), count in self._slept.items():
            keys = ((tid, sleep), (None, sleep), (tid, Sleep(sleep.kind)))
            known = next((self._waits[key] for key in keys if key in self._waits), None)
            for one, times in (known or _unknown(sleep)).items():
                part = count * times / (known.total() if known else 1)
                counts[tid, one, sleep.lock if one.kind == LOCK else None] += part  # type: ignore[assignment]
        reason = self._reason
        if reason is None and self._looks and not self.dumps:
            many = len(self._tids) > _MOST_DUMPED
            cause = f"takes too long for {len(self._tids)} threads" if many else "could not read them"
            reason = f"their functions are unknown: py-spy {cause}"
        return BlockedSamples(
            blocked=tuple(
                Blocked(tid=tid, kind=one.kind, function=one.function, samples=float(count), lock=lock)
                for (tid, one, lock), count in counts.most_common()
            ),
            looks=dict(self._looks),
            holders=tuple(
                LockHolder(lock=lock, tid=tid, samples=count)
                for (lock, tid), count in self._holders.most_common()
                if (None, Sleep(FUTEX, lock)) in self._waits
            ),
            unavailable=reason,
        )

    def _watch(self) -> None:
        run_promptly()
        gils = self._find()
        if gils is None:
            return
        try:
            memory = os.open(f"/proc/{self._python.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._reason = str(error.strerror)
            return
        try:
            self._reason = None
            self._began = time.monotonic()
            self._next_dump = self._began + _SOON
            image = read_image(self._python.code)
            target = _Target(
                self._python.pid, gils, HoldingThreads(self._python.pid, gils), memory, RLocks(memory, image)
            )
            step = STEP
            while not self._stop.wait(self._random.uniform(0.0, 2 * step)):
                worked = time.thread_time()
                self._sample(target)
                taken = time.thread_time() - worked
                self._sample_cost += taken
                step = max(STEP, taken / self._half)
                if time.monotonic() >= self._next_dump and len(self._tids) <= _MOST_DUMPED:
                    self._dump(target)
        except PermissionError:
            self._reason = f"no permission to read what the threads of process {self._python.pid} sleep on"
        except OSError:  # it has ended
            pass
        finally:
            os.close(memory)
            gils.close()

    def _find(self) -> Gils | None:
        """Find the GILs as soon as they exist: waits for them are not what is looked for."""
        pause = _RETRY
        while True:
            try:
                return find_gils(self._python.pid, read_image(self._python.code), self._python.mapped)
            except PermissionError:
                self._reason = f"no permission to read the memory of process {self._python.pid}"
                return None
            except (ValueError, LookupError) as error:
                self._reason = str(error)
            except OSError:  # it has not begun, or has ended
                pass
            if self._stop.wait(pause):
                return None
            pause = min(2 * pause, _LAST_RETRY)

    def _sample(self, target: _Target) -> None:
        self._list()
        some = self._tids if len(self._tids) <= _LOOKS else self._random.sample(self._tids, _LOOKS)
        seen = target.sleeps(some)
        self._looks.update(seen.keys())
        self._slept.update((tid, sleep) for tid, sleep in seen.items() if sleep is not None)
        for lock in {sleep.lock for sleep in seen.values() if sleep is not None and sleep.lock is not None}:
            if (holder := target.rlocks.holder(lock)) is not None:
                self._holders[lock, holder] += 1
        if len(self._slept) > _MOST_PLACES:
            self._forget_places()

    def _list(self) -> None:
        begun = time.monotonic()
        if begun < self._next_listing:
            return
        worked = time.thread_time()
        self._tids = [int(task.name) for task in Path(f"/proc/{self._python.pid}/task").iterdir()]
        self._next_listing = begun + max(_LISTING, (time.thread_time() - worked) / _LISTING_WORK)

    def _dump(self, target: _Target) -> None:
        """Learn in which functions the threads sleep."""
        worked = time.thread_time()
        before = target.sleeps(self._tids)
        dumped = python_threads(self._python.pid)
        after = target.sleeps(self._tids)
        self.dumps += bool(dumped.threads)
        frames = {_tid(thread, target.memory): thread.get("frames") or () for thread in dumped.threads}
        for tid, sleep in before.items():
            if dumped.threads and sleep is not None and sleep == after.get(tid):
                one = wait_reason(sleep.kind, frames.get(tid, ()))
                if one.kind == LOCK:
                    self._waits[tid, sleep][one] += 1
                    self._waits[None, sleep][one] += 1
                else:
                    self._waits[tid, Sleep(sleep.kind)][one] += 1
        self._dump_cost += time.thread_time() - worked + dumped.cpu
        earned = self._began + self._dump_cost / self._half if self._dump_cost > _AT_ONCE else 0.0
        self._next_dump = max(earned, time.monotonic() + _SOON)

    def _forget_places(self) -> None:
        """Add up sleeps on objects that no dump knows."""
        for key in [key for key in self._slept if key not in self._waits]:
            self._slept[key[0], Sleep(key[1].kind)] += self._slept.pop(key)


def _unknown(sleep: Sleep) -> Counter[WaitReason]:
    return Counter([WaitReason(UNKNOWN_WAIT if sleep.kind == FUTEX else sleep.kind, None)])


def _tid(thread: Mapping[str, Any], memory: int) -> int | None:
    """Return the number of a thread of a dump; py-spy does not know it of old versions."""
    tid, descriptor = thread.get("os_thread_id"), thread.get("thread_id")
    if isinstance(tid, int):
        return tid
    return thread_at(memory, descriptor) if isinstance(descriptor, int) else None
