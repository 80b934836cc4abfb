"""Runs bpftrace scripts: the one place that knows bpftrace's options, output and limits.

    script = Script(text, pid=1234, on_line=heard)   # returns when every probe is attached
    ...                               # each printf of the script comes to ``heard``, in a thread of its own
    maps = script.finish()            # {"@held": {"1234": 5}, "@total": 7, "@waits": {"1234": [{"min": ..}]}}
    script.lost                       # events that did not reach us

The kernel keeps a script's maps, so that memory is bounded there; here only the last value of each map is
kept, and a line lives until ``on_line`` returns. Who is slower than the events loses some, which is counted; a
script that tells of each event therefore writes to a file, where lines wait until there is time for them.

Probes belong to the perf descriptors of bpftrace: they go when it goes, and it goes with gilbench
(``process.Process``), with ``finish``, and, given ``pid``, when that process ends.

A script whose probes have to begin, or to end, to count at one moment waits for ``call``, since they are attached
and removed one after the other. Their removal goes on for up to a second after ``finish`` (``kernel_probes``).

``nsecs`` in a script is CLOCK_MONOTONIC, as ``time.monotonic_ns()``. BEGIN runs *before* the other probes are
attached, ``attached`` is taken after that. Names of symbols may hold dots (``take_gil.constprop.0``).
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import mmap
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil

from gilbench.host.environment import clean_environment
from gilbench.host.process import Process, ProcessError, cpu_time
from gilbench.host.topology import parse_list
from gilbench.model.errors import GilbenchError
from gilbench.observe.bpftrace_access import read_text
from gilbench.observe.kernel_probes import KernelProbes, ProbeTimes
from gilbench.observe.spool import followed, spooled

_ATTACHED = b"__BPFTRACE_NOTIFY_PROBES_ATTACHED"  # it prints this when asked to by the environment
_ATTACH_LIMIT = 30.0  # s, for a busy machine; 0.3 s is usual
_STOP_LIMIT = 10.0  # s
_AGAIN = 1.0  # s until it is told once more to stop
_NOT_IN_PLACES = '"\\:*?[]'  # ends a name, escapes, separates, or matches other files
_KEYS = 16384  # of a map
_PIPE = 1 << 20  # bytes
_PAGES = 512  # of the ring that carries lines, for each CPU: 2 MiB
_FEWEST_PAGES, _FEWEST_KEYS = 16, 4096
_MOST_RINGS = 64 << 20  # bytes of the rings of all CPUs together
_MOST_COUNTS = 64 << 20  # bytes of all maps that have a value for each CPU
_COUNTING_MAPS = 4  # maps of a script that have a value for each CPU (counts, sums, histograms)
_VALUE = 8  # bytes
_NUMBERS = itertools.count(1 << 16)  # none is a kind of priority
ENDLESS = 1 << 63  # end of the last bucket of a histogram


class BpftraceError(GilbenchError):
    """A script that could not be started; one line."""


def quoted(text: str) -> str:
    """Return a path or the name of a function as an attach point has it.

    Raises:
        BpftraceError: bpftrace would read it as something else.
    """
    refused = next((letter for letter in text if letter in _NOT_IN_PLACES or not letter.isprintable()), None)
    if refused is not None:
        raise BpftraceError(
            f"bpftrace cannot probe {text!r}, which contains {refused!r}; copy the file elsewhere"
        )
    return f'"{text}"'


def call(number: int, word: int) -> None:
    """Let a script hear a number from us, at once and in the kernel.

    It hears it by ``tracepoint:syscalls:sys_enter_getpriority /pid == OURS && args->which == NUMBER/`` as
    ``args->who``. The system call itself fails.

    Args:
        number: Number of the script, as ``new_number`` gave it.
        word: What it hears, of 31 bits.
    """
    with contextlib.suppress(OSError):
        os.getpriority(number, word)


def new_number() -> int:
    """Return a number for a script that hears ``call``, different from those of our other scripts."""
    return next(_NUMBERS)


def bounded(keys: int, pages: int, cpus: int) -> tuple[int, int]:
    """Return how many keys a map and how many pages a ring may have, so that memory is bounded on any number of CPUs.

    The kernel allocates a ring, and each value of a map that counts, for each possible CPU.
    """
    most_keys = _MOST_COUNTS // (_COUNTING_MAPS * _VALUE * cpus)
    most_pages = 1 << (_MOST_RINGS // (mmap.PAGESIZE * cpus)).bit_length() >> 1  # a power of two
    return min(keys, max(_FEWEST_KEYS, most_keys)), min(pages, max(_FEWEST_PAGES, most_pages))


def _possible_cpus() -> int:
    """Return the number of CPUs that the kernel allocates memory for."""
    try:
        return len(parse_list(read_text("/sys/devices/system/cpu/possible"))) or 1
    except ValueError:
        return os.cpu_count() or 1


class Script:
    """A bpftrace script that runs.

    Args:
        text: The script.
        pid: A process: the script ends when it ends, and its uprobes are placed in that process alone, also
            across its next exec. None: they are placed in every process that has mapped the file.
        on_line: Called with each printf, in a thread of its own, one after the other.
        keys: How many keys a map may have.
        pages: Size of the ring for lines, for each CPU, a power of two.
        spool: A folder for a file without a name, in which lines wait; None: they wait in a pipe, which is small.
        wait: Return when all probes are attached; else ``ready`` has to be called.

    Raises:
        BpftraceError: It could not be started, with bpftrace's own reason.
    """

    def __init__(
        self,
        text: str,
        *,
        pid: int | None = None,
        on_line: Callable[[str], None] | None = None,
        keys: int = _KEYS,
        pages: int = _PAGES,
        spool: Path | None = None,
        wait: bool = True,
    ) -> None:
        self.lost = 0
        self.maps: dict[str, Any] = {}  # the latest that was printed, also by print() in the script
        self.attached = 0.0  # s, CLOCK_MONOTONIC
        self._probes: KernelProbes | None = None
        self._pid = pid
        self._stopping = False
        self._used: tuple[ProbeTimes | None, float] | None = None  # when it was stopped
        self._compiled = 0.0  # s of CPU time that it took to start
        self._on_line = on_line
        self._ready = threading.Event()
        self._said: deque[str] = deque(maxlen=50)  # what is not JSON: warnings and errors
        command = ["bpftrace", "-f", "json", "-B", "line", "-e", text]
        if pid is not None:
            command[1:1] = ["-p", str(pid)]
        keys, pages = bounded(keys, pages, _possible_cpus())
        sizes = {
            "BPFTRACE_MAP_KEYS_MAX": keys,
            "BPFTRACE_MAX_MAP_KEYS": keys,
            "BPFTRACE_PERF_RB_PAGES": pages,
        }
        environment = clean_environment({name: str(value) for name, value in sizes.items()})
        environment[_ATTACHED.decode()] = "1"
        reader, writer = _large_pipe() if spool is None else spooled(spool)
        try:
            self._process = Process(command, env=environment, output=writer)
        except ProcessError as error:
            os.close(reader)
            raise BpftraceError(str(error)) from error
        finally:
            os.close(writer)
        # Woken for each event, it would preempt the program, which is the next event.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(self._process.pid, os.SCHED_BATCH, os.sched_param(0))
        lines = _piped(reader) if spool is None else followed(reader, self.running)
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()
        if wait:
            self.ready()

    def ready(self) -> None:
        """Return when all probes are attached.

        Raises:
            BpftraceError: They could not be attached, with bpftrace's own reason.
        """
        if not self._ready.wait(_ATTACH_LIMIT) or not self.attached:
            self.close()
            raise BpftraceError(f"bpftrace: {_complaint(self._said) or 'it ended while attaching'}")
        self._compiled = cpu_time(self._process.pid) or 0.0
        self._probes = KernelProbes(self._process.pid)

    def used(self, trapped: float = 0.0) -> float | None:
        """Return the CPU time in s that the probes, and bpftrace itself, have used since they were attached.

        Args:
            trapped: Seconds that the program was in probes on functions, with entering and leaving them.

        Returns:
            Until the script was stopped; None where the kernel does not tell.
        """
        times, beside = self._used or self._measured()
        if times is None:
            return None
        return max(times.in_uprobes, trapped) + times.elsewhere + beside

    def _measured(self) -> tuple[ProbeTimes | None, float]:
        """Return the times of the probes, and the CPU time that bpftrace has used since they were attached."""
        rusage = self._process.rusage
        whole = cpu_time(self._process.pid) if rusage is None else rusage.ru_utime + rusage.ru_stime
        times = self._probes.times() if self._probes is not None else None
        return times, max(0.0, (whole or self._compiled) - self._compiled)

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Begin to finish, which takes some time.

        bpftrace ends by itself with the process that it was given. SIGINT would end it without its maps if it comes
        while it prints them.
        """
        if self._stopping:
            return
        self._stopping = True
        self._used = self._used or self._measured()
        if self._pid is None or not _has_ended(self._pid):
            self._process.signal(signal.SIGTERM)

    def failure(self) -> str | None:
        """Return why bpftrace ended on its own, in its words; None: it runs, or ended as it should."""
        status = self._process.poll()
        return None if status in {None, 0} else _complaint(self._said) or f"exit status {status}"

    def finish(self) -> dict[str, Any]:
        """Run END, remove the probes and return the maps; values as bpftrace writes them. Safe to call again.

        Before 0.20, bpftrace does not see a signal that comes while it reads events.
        """
        self.stop()
        limit = time.monotonic() + _STOP_LIMIT
        while self._process.wait(_AGAIN) is None and time.monotonic() < limit:
            self._process.signal(signal.SIGTERM)
        self.close()
        return self.maps

    def close(self) -> None:
        """Remove the probes at once, whatever they still had to say, and take in what waits."""
        self._process.end(grace=0)
        if self._probes is not None:
            self._probes.close()
        self._reader.join()
        self._process.close()

    def _read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if line.startswith(_ATTACHED):
                self.attached = time.monotonic()
                self._ready.set()
            elif line.startswith(b"{"):
                with contextlib.suppress(ValueError, KeyError, TypeError):  # a line torn by its end
                    self._take(json.loads(line))
            else:
                self._said.append(line.decode("utf-8", "replace"))
        self._ready.set()

    def _take(self, message: dict[str, Any]) -> None:
        kind, data = message["type"], message["data"]
        if kind == "printf":
            if self._on_line is not None:
                self._on_line(data)
        elif kind == "lost_events":
            self.lost += int(data["events"])
        elif kind == "hist":
            self.maps.update({name: _bounded_histograms(found) for name, found in data.items()})
        elif kind in {"map", "lhist", "stats"}:
            self.maps.update(data)


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _bounded_histograms(found: Any) -> Any:
    """Return the histograms of a map with true bounds; by key, if the map has keys.

    Before 0.20, bpftrace puts all values from 2^31 on into one bucket, and writes the bounds of it in 32 bits: from
    -2147483648 to 0. That bucket has no end. A bucket without a lower bound is of negative values, which no time is.
    """
    if isinstance(found, dict):
        return {key: _bounded_histograms(buckets) for key, buckets in found.items()}
    found = [bucket for bucket in found if "min" in bucket]
    small = list(itertools.takewhile(lambda bucket: bucket["min"] >= 0, found))
    large = sum(bucket["count"] for bucket in found[len(small) :])
    return [*small, *([{"min": 1 << 31, "max": ENDLESS - 1, "count": large}] if large else [])]


def _large_pipe() -> tuple[int, int]:
    """A pipe that does not fill up: a signal during a write into a full one silences bpftrace, which prints no maps."""
    reader, writer = os.pipe()
    with contextlib.suppress(OSError):  # more than users may have
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
    return reader, writer


def _piped(descriptor: int) -> Iterator[bytes]:
    """The lines that come through a pipe."""
    with open(descriptor, "rb") as lines:
        yield from lines


def _complaint(said: Iterable[str]) -> str | None:
    lines = [line.strip() for line in said if "RLIMIT_MEMLOCK" not in line and line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    if not errors and any("WARNING" in line for line in lines):  # which it prints with parts of the script
        lines = []
    return (errors or lines or [""])[0].removeprefix("ERROR: ")[:200] or None
