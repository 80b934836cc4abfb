"""One source of noise: ``python -m gilbench.host.noise_main CONTROL SOURCE SEED INDEX CPU,... GILBENCH``.

It writes ``ready`` to the socket CONTROL and makes noise until gilbench closes its end. Then it writes the CPU time
that it took or withheld, in seconds per second. To start fast, it imports little, and is started without ``site``. The
kernel kills it when gilbench dies. Only ``quota`` lives on until it has removed its cgroup.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import random
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from gilbench.host.cgroups import find_hierarchy, read_throttling

SHORTEST, LONGEST = 100e-6, 50e-3  # s of CPU time; lengths of bursts are log-uniform
SHARE = 0.25  # of each CPU, taken by bursts; of one CPU, withheld by the quota
PERIOD = 100_000  # µs of a quota, the kernel's default
_CHUNK = 1 << 22  # bytes that are copied between two looks at the socket
_LAST_LEVEL = 32 << 20  # bytes of a last-level cache of unknown size
_PATIENCE = 5.0  # s, for the kernel to release a cgroup
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Lengths(NamedTuple):
    """Log-uniform lengths of bursts, in seconds."""

    shortest: float
    longest: float

    @property
    def mean(self) -> float:
        """The mean length."""
        return (self.longest - self.shortest) / math.log(self.longest / self.shortest)

    def part(self, index: int, count: int) -> Lengths:
        """Return one of ``count`` parts, which are equal on the logarithmic scale."""
        step = math.log(self.longest / self.shortest) / count
        return Lengths(self.shortest * math.exp(step * index), self.shortest * math.exp(step * (index + 1)))

    def draw(self, rng: random.Random) -> float:
        """Draw a length."""
        return math.exp(rng.uniform(math.log(self.shortest), math.log(self.longest)))


def has_ended(control: socket.socket, seconds: float) -> bool:
    """Wait, and return whether gilbench has closed its end."""
    return bool(select.select([control], [], [], seconds)[0])


def make_bursts(control: socket.socket, rng: random.Random, lengths: Lengths, cpus: Sequence[int]) -> float:
    """Compute in bursts, each on one of some CPUs, with exponential pauses."""
    pause = lengths.mean * (1 - SHARE) / SHARE
    with _CpuMeter() as meter:
        control.sendall(b"ready")
        while not has_ended(control, rng.expovariate(1 / pause)):
            os.sched_setaffinity(0, {rng.choice(cpus)})
            end = time.process_time() + lengths.draw(rng)
            while time.process_time() < end:
                pass
    return meter.share


def fill_cache(control: socket.socket) -> float:
    """Copy memory twice as large as the last-level cache, on CPUs that are idle."""
    half = last_level_cache()
    source, target = memoryview(bytearray(b"1") * half), memoryview(bytearray(b"2") * half)
    # This source is to take cache and bandwidth, but no CPU time. The scheduler of some kernels weighs whole sessions.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with _CpuMeter() as meter:
        control.sendall(b"ready")
        start = 0
        while not has_ended(control, 0):
            target[start : start + _CHUNK] = source[start : start + _CHUNK]
            start = (start + _CHUNK) % half
    return meter.share


def last_level_cache() -> int:
    """Return the size of the largest cache of the first CPU, in bytes."""
    sizes = [0]
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        size = re.fullmatch(r"(\d+)([KMG]?)", path.read_text().strip())
        if size:
            sizes.append(int(size[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[size[2]])
    return max(sizes) or _LAST_LEVEL


class _CpuMeter:
    """Measures this process's share of one CPU while it is entered."""

    def __enter__(self) -> Self:
        self._cpu, self._wall = time.process_time(), time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.share = (time.process_time() - self._cpu) / (time.monotonic() - self._wall)


def set_quota(control: socket.socket, gilbench: int) -> float:
    """Move gilbench to a cgroup with a CPU quota, and back when it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)  # the socket tells when gilbench dies
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    own = Path("/proc/self")
    hierarchy = find_hierarchy((own / "mountinfo").read_text(), (own / "cgroup").read_text())
    if hierarchy is None:
        sys.exit("it needs cgroups with the CPU controller, which are not mounted")
    # Version 2 permits no child with a quota in a cgroup that has processes, except in the root.
    parent = hierarchy.mount if hierarchy.unified else hierarchy.home
    group = parent / f"gilbench-noise-{gilbench}"
    began = time.monotonic()
    try:
        group.mkdir()
        _limit(group, gilbench, unified=hierarchy.unified)
        control.sendall(b"ready")
        has_ended(control, 1e6)
        done = read_throttling(group)
        return done.seconds / (time.monotonic() - began) if done else 0.0
    except OSError as error:
        where = error.filename or group
        sys.exit(f"it needs root, and cgroups with the CPU controller ({where}: {error.strerror})")
    finally:
        _release(group, hierarchy.home)


def _limit(group: Path, pid: int, *, unified: bool) -> None:
    quota = round((1 - SHARE) * PERIOD)
    if unified:
        group.joinpath("cpu.max").write_text(f"{quota} {PERIOD}")
    else:
        group.joinpath("cpu.cfs_period_us").write_text(str(PERIOD))
        group.joinpath("cpu.cfs_quota_us").write_text(str(quota))
    group.joinpath("cgroup.procs").write_text(str(pid))


def _release(group: Path, home: Path) -> None:
    """Move all processes of a cgroup back, and remove it."""
    deadline = time.monotonic() + _PATIENCE
    while group.exists() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            for pid in group.joinpath("cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):  # it has ended since
                    home.joinpath("cgroup.procs").write_text(pid)
        try:
            group.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:  # a process has not quite ended, or has just started
                return
            time.sleep(0.01)


def main(descriptor: str, source: str, seed: str, index: str, cpus: str, gilbench: str) -> None:
    """Make noise until gilbench, a PID, ends it."""
    number, usable = int(index), [int(cpu) for cpu in cpus.split(",")]
    rng, lengths = random.Random(f"{seed} {source} {index}"), Lengths(SHORTEST, LONGEST)
    with socket.socket(fileno=int(descriptor)) as control:
        if source == "bursts":
            share = make_bursts(control, rng, lengths, usable)
        elif source == "pinned":
            share = make_bursts(control, rng, lengths.part(number, len(usable)), [usable[number]])
        elif source == "cache":
            share = fill_cache(control)
        else:
            share = set_quota(control, int(gilbench))
        control.sendall(str(share).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
