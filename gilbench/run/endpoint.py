"""A child process that exchanges JSON lines over its own descriptors, with timeouts."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gilbench.host.process import Process, ProcessError, signal_name
from gilbench.model.errors import RunFailure
from gilbench.model.excerpt import excerpt

_LONGEST_LINE = 64 << 20


class Endpoint:
    """A child process that answers requests.

    Args:
        argv: The command; the numbers of the two descriptors are appended.
        env: The whole environment.
        adopts: As for ``Process``.

    Raises:
        RunFailure: The process cannot be started.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], *, adopts: bool = False) -> None:
        child_reads, self._requests = os.pipe()
        self._replies, child_writes = os.pipe()
        self._buffer = b""
        self.failed = False
        try:
            self.process = Process(
                [*argv, str(child_reads), str(child_writes)],
                env=env,
                pass_fds=(child_reads, child_writes),
                adopts=adopts,
            )
        except ProcessError as error:
            self._close_descriptors()
            raise RunFailure("crash", str(error)) from error
        finally:
            os.close(child_reads)
            os.close(child_writes)
        self.pid = self.process.pid

    def send(self, request: Mapping[str, Any] | msgspec.Struct | msgspec.Raw) -> None:
        """Send a request. If the child has ended, the next ``receive`` fails."""
        with contextlib.suppress(BrokenPipeError):
            line = msgspec.json.encode(request) + b"\n"
            while line:  # a signal can end the write of a line that is longer than the pipe
                line = line[os.write(self._requests, line) :]

    def fileno(self) -> int:
        """Return the descriptor of the replies."""
        return self._replies

    def receive(self, seconds: float) -> dict[str, Any]:
        """Wait for one message.

        Raises:
            RunFailure: The child timed out, ended, or sent an invalid message.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not _readable(self._replies, left):
                raise self._failure("timeout", f"no answer within {seconds:.0f} s")
            slice_ = os.read(self._replies, 1 << 20)
            if not slice_:
                raise self._how_it_ended()
            self._buffer += slice_
            if len(self._buffer) > _LONGEST_LINE:
                raise self._failure("protocol", f"answered with more than {_LONGEST_LINE >> 20} MiB")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise self._failure(
                "protocol", f"answered with invalid JSON: {excerpt(line.decode(errors='replace'), 60)!r}"
            ) from error
        if "error" in message:
            told = message["error"] if isinstance(message["error"], dict) else {}
            raise self._failure(
                str(told.get("kind", "workload")), str(told.get("message", "no reason given"))
            )
        return message

    def has_answer(self, seconds: float) -> bool:
        """Wait at most so many seconds until ``receive`` has a message, or the end of the child, to read."""
        return b"\n" in self._buffer or _readable(self._replies, seconds)

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and return the answer in the field ``ok``."""
        self.send(request)
        return self.expect("ok", seconds)

    def expect(self, key: str, seconds: float) -> dict[str, Any]:
        """Wait for a message with the field ``key`` and return its value."""
        message = self.receive(seconds)
        if not isinstance(message.get(key), dict):
            raise self._failure("protocol", f"answered {excerpt(str(message), 60)} instead of {key!r}")
        value: dict[str, Any] = message[key]
        return value

    def close(self) -> None:
        """End the child: ask it to stop, unless it has failed, and then kill it."""
        if not self.failed:
            self.send({"do": "stop"})
        self._close_descriptors()
        if not self.failed:
            self.process.wait(0.5)
        self.process.close()

    def _close_descriptors(self) -> None:
        for descriptor in (self._requests, self._replies):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._replies = -1

    def _failure(self, kind: str, message: str) -> RunFailure:
        self.failed = True
        return RunFailure(kind, message)

    def _how_it_ended(self) -> RunFailure:
        status = self.process.wait(1.0)
        if status is None:
            return self._failure("protocol", "closed its reply descriptor but did not exit")
        if status < 0:
            return self._failure("crash", f"ended by {signal_name(-status)}")
        return self._failure("exit", f"exited with status {status} during a run")


def _readable(descriptor: int, seconds: float) -> bool:
    """Wait until a descriptor is readable. A large plan has more descriptors than ``select.select`` supports."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
