"""Generates noise on this machine: other processes that take CPU time or cache, or a CPU quota.

bursts  bursts of CPU time on random CPUs, 0.1 to 50 ms long (log-uniform), with exponential pauses; as many processes
        as CPUs, each of which takes a quarter of a CPU
pinned  the same, but each process keeps to one CPU, and each CPU has lengths of its own: with two CPUs, 0.1 to 2.2 ms
        and 2.2 to 50 ms
cache   a process that copies memory twice as large as the last-level cache, on CPUs that are idle
quota   a cgroup with a quota of 75 ms of CPU time in 100 ms, to which gilbench and its children belong; needs root
all     all four

The shares are those of free CPUs: a busy machine gives the processes less.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator

from gilbench.host.environment import without_site
from gilbench.host.process import Process
from gilbench.model.errors import GilbenchError, UsageError

_SOURCES = ("bursts", "pinned", "cache", "quota")  # the quota last, so that it does not limit the others
_NOISES = {**{source: (source,) for source in _SOURCES}, "all": _SOURCES}
_PATIENCE = 10.0  # s, for an answer of a process


def refuse_unknown(name: str) -> None:
    """Check the name of a noise.

    Raises:
        UsageError: The name is unknown.
    """
    if name not in _NOISES:
        raise UsageError(f"unknown noise: {name}; choose one of: {', '.join(_NOISES)}")


@contextlib.contextmanager
def generated_noise(name: str, seed: int = 1) -> Iterator[dict[str, float]]:
    """Generate noise while the context is entered.

    Args:
        name: bursts, pinned, cache, quota, or all.
        seed: Seed of the random lengths and pauses.

    Yields:
        For each source, the CPU time that it took or withheld, in seconds per second; 0 until the context is left.

    Raises:
        UsageError: The name is unknown, or this machine cannot have this noise.
        GilbenchError: A source has ended early.
    """
    refuse_unknown(name)
    if sys.platform != "linux":
        raise UsageError("noise can be generated only on Linux; remove --noise")
    cpus = sorted(os.sched_getaffinity(0))
    taken = dict.fromkeys(_NOISES[name], 0.0)
    with contextlib.ExitStack() as running:
        for source in taken:
            if source == "cache" and len(cpus) == 1:
                raise UsageError("cannot generate the noise cache: it needs two CPUs; choose another noise")
            for index in range(len(cpus) if source in {"bursts", "pinned"} else 1):
                arguments = (source, str(seed), str(index), ",".join(map(str, cpus)), str(os.getpid()))
                running.enter_context(_running(arguments, taken))
        yield taken


@contextlib.contextmanager
def _running(arguments: tuple[str, ...], taken: dict[str, float]) -> Iterator[None]:
    """Run one source, and add its share to ``taken``."""
    source = arguments[0]
    control, theirs = socket.socketpair()
    with control:
        control.settimeout(_PATIENCE)
        with theirs:
            argv, environment = without_site("gilbench.host.noise_main")
            words = [*argv, str(theirs.fileno()), *arguments]
            process = Process(words, env=environment, pass_fds=[theirs.fileno()])
        try:
            if not _answer(control):
                raise UsageError(
                    f"cannot generate the noise {source}: {_last_line(process)}; choose another noise"
                )
            yield
            control.shutdown(socket.SHUT_WR)
            share = _answer(control)
            if not share:
                raise GilbenchError(f"the noise {source} ended early: {_last_line(process)}; try again")
            taken[source] += float(share)
        finally:
            control.close()
            process.end(grace=_PATIENCE)  # "quota" ignores SIGTERM, and ends when it has removed its cgroup
            process.close()


def _answer(control: socket.socket) -> bytes:
    """Return the next answer of a source; empty: it has ended or does not answer."""
    try:
        return control.recv(64)
    except OSError:  # a timeout, or a connection reset
        return b""


def _last_line(process: Process) -> str:
    process.wait(_PATIENCE)
    return (process.output().strip().splitlines() or [f"exit status {process.poll()}"])[-1]
