"""Runs programs to their end, and reads what they write."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.host.process import Launched, ProcessError, launch


class Completed(NamedTuple):
    """The result of a program that has ended."""

    status: int  # exit status; negative: number of the signal that ended it
    stdout: str
    stderr: str
    cpu: float | None = None  # s of CPU time, with that of its own children; None: unknown

    @property
    def reason(self) -> str:
        """Why it failed: the last line of its stderr, else its exit status."""
        return (self.stderr.strip().splitlines() or [f"exit status {self.status}"])[-1]


def _pipes(program: str, *names: str) -> dict[str, tuple[int, int]]:
    """Make pipes for the streams of a program that will be started."""
    made: dict[str, tuple[int, int]] = {}
    try:
        for name in names:
            made[name] = os.pipe()
    except OSError as error:
        for end in itertools.chain(*made.values()):
            os.close(end)
        raise ProcessError(f"cannot start {program}: {error.strerror}") from error
    return made


def capture(
    argv: Sequence[str],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    limit: int = 1 << 20,
) -> Completed:
    """Run a program to its end and return its output.

    Args:
        argv: The program and its arguments.
        seconds: Timeout in seconds, after which the whole process group is killed.
        env: The whole environment; None: a clean copy of gilbench's.
        cwd: Its working folder; None: gilbench's.
        limit: Maximum number of bytes in each stream.

    Raises:
        ProcessError: The program cannot be started, times out, or writes more than the limit.
    """
    streams = _pipes(argv[0], "stdout", "stderr")
    chunks: dict[str, bytearray] = {name: bytearray() for name in streams}
    try:
        child = Launched(
            launch(argv, env=env, cwd=cwd, stdout=streams["stdout"][1], stderr=streams["stderr"][1])
        )
    except ProcessError:
        for reader, _ in streams.values():
            os.close(reader)
        raise
    finally:
        for _, writer in streams.values():
            os.close(writer)
    deadline = time.monotonic() + seconds
    try:
        for name, data in _chunks(child, {reader: name for name, (reader, _) in streams.items()}, deadline):
            chunks[name] += data
            if len(chunks[name]) > limit:
                raise ProcessError(f"{argv[0]} wrote more than {limit} bytes")
        status = _ended_by(child, deadline)
    except TimeoutError as error:
        raise ProcessError(f"{argv[0]} timed out after {seconds:g} s") from error
    finally:
        child.kill()
        for reader, _ in streams.values():
            os.close(reader)
    out, err = (bytes(chunks[name]).decode("utf-8", "replace") for name in ("stdout", "stderr"))
    return Completed(status, out, err, cpu=child.cpu_seconds())


def _ended_by(child: Launched, deadline: float) -> int:
    """Return the exit status of a child. TimeoutError: it has not ended by the deadline."""
    status = child.wait(max(0.0, deadline - time.monotonic()))
    if status is None:
        raise TimeoutError
    return status


def _chunks(child: Launched, readers: dict[int, str], deadline: float) -> Iterator[tuple[str, bytes]]:
    """Yield what a program writes, with the name of the stream, until it ends or closes both streams.

    Raises:
        TimeoutError: The deadline has passed.
    """
    # Do not wait for a grandchild that keeps the pipes open.
    while readers and (child.poll() is None or select.select(list(readers), [], [], 0)[0]):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        for descriptor in select.select(list(readers), [], [], min(left, 0.05))[0]:
            data = os.read(descriptor, 65536)
            if data:
                yield readers[descriptor], data
            else:
                del readers[descriptor]


def stream(
    argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: str | Path | None = None
) -> Iterator[str]:
    """Run a program, yield each line of its output, and append all lines to ``log``.

    Raises:
        ProcessError: The program cannot be started, or its exit status is not 0. The message names the log.
    """
    reader, writer = os.pipe()
    try:
        popen = launch(argv, env=env, cwd=cwd, stdout=writer, stderr=writer)
    except ProcessError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        with open(reader, "rb") as lines, log.open("ab") as kept:
            for line in lines:
                kept.write(line)
                yield line.decode("utf-8", "replace").rstrip("\n")
        status = popen.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
    if status != 0:
        raise ProcessError(f"{argv[0]} failed with exit status {status}; see {log}")
