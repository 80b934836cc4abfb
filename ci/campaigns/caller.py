"""Calls gilbench's command line many times a second, in a child that dies of what it should survive."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import resource
import select
import signal
import struct
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from gilbench.cli import run as run_command

CALLS = 150  # in one child
HUNG = 30.0  # s
SPACE = 4 << 30  # bytes that a child may allocate; its JavaScript engine reserves much more
MOST = 4 << 20  # bytes of output that are read


class Answer(NamedTuple):
    """What one command did."""

    command: tuple[str, ...]
    code: int | None  # None: it hung; negative: the signal that ended it
    out: bytes
    err: str
    peak: int  # KiB of resident memory at the highest

    @property
    def text(self) -> str:
        """Its stdout as a text."""
        return self.out.decode("utf-8", "replace")


class _Request(msgspec.Struct):
    argv: list[str]
    folder: str


class Caller:
    """A child that runs commands, one after the other. A new one takes over when it has ended.

    Args:
        environment: Variables of the commands.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._out, self._err = os.memfd_create("out"), os.memfd_create("err")
        self._pid = 0
        self._left = 0
        self._asks = self._answers = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def call(self, argv: Sequence[str | Path], folder: Path, seconds: float = HUNG) -> Answer:
        """Run one command in a folder, and wait for its end."""
        words = tuple(map(str, argv))
        if not self._left:
            self._end()
            self._start()
        self._left -= 1
        for stream in (self._out, self._err):
            os.ftruncate(stream, 0)
            os.lseek(stream, 0, os.SEEK_SET)
        request = msgspec.msgpack.encode(
            _Request(
                [word.encode("utf-8", "surrogateescape").decode("latin-1") for word in words], str(folder)
            )
        )
        os.write(self._asks, struct.pack("I", len(request)) + request)
        ready, _, _ = select.select([self._answers], [], [], seconds)
        if not ready:
            self._end()
            return Answer(words, None, *self._output(), 0)
        told = os.read(self._answers, 8)
        if len(told) < 8:
            status = self._end()
            return Answer(words, -(status or 1), *self._output(), 0)
        code, peak = struct.unpack("iI", told)
        return Answer(words, code, *self._output(), peak)

    def _output(self) -> tuple[bytes, str]:
        return os.pread(self._out, MOST, 0), os.pread(self._err, MOST, 0).decode("utf-8", "replace")

    def _end(self) -> int:
        """End the child; return the signal that ended it before."""
        if not self._pid:
            return 0
        found, status = os.waitpid(self._pid, os.WNOHANG)
        if not found:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            status = 0
        os.close(self._asks)
        os.close(self._answers)
        self._pid = self._left = 0
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    def _start(self) -> None:
        requests, self._asks = os.pipe()
        self._answers, answers = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid, self._left = os.fork(), CALLS
        if self._pid:
            os.close(requests)
            os.close(answers)
            return
        try:
            os.close(self._asks)
            os.close(self._answers)
            _serve(requests, answers, self._out, self._err, self._environment)
        except BaseException:  # noqa: BLE001 - the child has no other way to tell
            os.write(self._err, traceback.format_exc().encode())
        finally:
            os._exit(99)


def _serve(requests: int, answers: int, out: int, err: int, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    resource.setrlimit(resource.RLIMIT_DATA, (SPACE, SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    while head := os.read(requests, 4):
        (size,) = struct.unpack("I", head)
        body = b""
        while len(body) < size:
            body += os.read(requests, size - len(body))
        request = msgspec.msgpack.decode(body, type=_Request)
        argv = [word.encode("latin-1").decode("utf-8", "surrogateescape") for word in request.argv]
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(request.folder)
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak of memory begins anew
        code = _run(argv)
        os.write(answers, struct.pack("iI", code, _peak()))


def _run(argv: list[str]) -> int:
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace")
    try:
        return run_command(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _peak() -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0])
    return 0


def warm() -> None:
    """Import what the commands import, once for all children."""
    for module in (
        "scipy.stats",
        "sqlalchemy",
        "gilbench.cli.report",
        "gilbench.render.html",
        "gilbench.work.compare",
        "gilbench.work.history",
        "gilbench.work.read",
    ):
        importlib.import_module(module)
