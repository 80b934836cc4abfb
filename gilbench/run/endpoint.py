"""A child process that speaks JSON lines on descriptors of its own, and our patience with it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gilbench.errors import RunFailure
from gilbench.process import Process, ProcessError

_LONGEST_LINE = 64 << 20


class Endpoint:
    """A child process that answers requests.

    Args:
        argv: The command; the numbers of its two descriptors are added at the end.
        env: Its whole environment.

    Raises:
        RunFailure: It cannot be started.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        child_reads, self._requests = os.pipe()
        self._replies, child_writes = os.pipe()
        self._buffer = b""
        self.failed = False
        try:
            self.process = Process(
                [*argv, str(child_reads), str(child_writes)], env=env, pass_fds=(child_reads, child_writes)
            )
        except ProcessError as error:
            self._close_descriptors()
            raise RunFailure("crash", str(error)) from error
        finally:
            os.close(child_reads)
            os.close(child_writes)
        self.pid = self.process.pid

    def send(self, request: Mapping[str, Any]) -> None:
        """Send a request; a child that has gone is found out by the reply that does not come."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._requests, msgspec.json.encode(request) + b"\n")

    def receive(self, seconds: float) -> dict[str, Any]:
        """Wait for one message.

        Raises:
            RunFailure: Nothing came in time, the child has ended, or what came is not a message.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not _readable(self._replies, left):
                raise self._failure("timeout", f"no answer within {seconds:.0f} s")
            piece = os.read(self._replies, 1 << 20)
            if not piece:
                raise self._how_it_ended()
            self._buffer += piece
            if len(self._buffer) > _LONGEST_LINE:
                raise self._failure("protocol", "an answer without end")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise self._failure(
                "protocol", f"wrote rubbish where an answer should be: {line[:60]!r}"
            ) from error
        if "error" in message:
            told = message["error"] if isinstance(message["error"], dict) else {}
            raise self._failure(
                str(told.get("kind", "workload")), str(told.get("message", "no reason given"))
            )
        return message

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and return what the child answers under ``ok``."""
        self.send(request)
        return self.expect("ok", seconds)

    def expect(self, key: str, seconds: float) -> dict[str, Any]:
        """Wait for a message that carries ``key`` and return its value."""
        message = self.receive(seconds)
        if not isinstance(message.get(key), dict):
            raise self._failure("protocol", f"answered {str(message)[:60]} where {key!r} was due")
        value: dict[str, Any] = message[key]
        return value

    def close(self) -> None:
        """End the child: politely where it still answers, by force otherwise."""
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
            return self._failure("protocol", "closed its answers and went on")
        if status < 0:
            try:
                name = signal.Signals(-status).name
            except ValueError:  # a real-time signal has none
                name = f"signal {-status}"
            return self._failure("crash", f"was ended by {name}")
        return self._failure("exit", f"exited with status {status} in the middle of a run")


def _readable(descriptor: int, seconds: float) -> bool:
    """Wait for something to read; poll, since a large plan has more descriptors than select can name."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
