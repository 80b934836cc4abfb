"""The process of one job of a host: reads a job, does it, writes its end. It ends with the host's main process."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import msgspec

from gilbench.model.errors import GilbenchError
from gilbench.work.fleet.jobs import do
from gilbench.work.fleet.messages import End, Fault, Job, Success
from gilbench.work.listener import Listener

_LONGEST_REASON = 500  # characters


class _Reporter(Listener):
    """Writes notes to the host."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def note(self, text: str) -> None:
        _write(self._descriptor, {"note": {"text": text}})


def main(requests: int, replies: int) -> None:
    """Do one job.

    Args:
        requests: Descriptor to read the job from, one line.
        replies: Descriptor to write notes and the end of the job to.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    with open(requests, "rb") as file:
        line = file.readline()
        _write(replies, {"ok": _end_of(line, _Reporter(replies))})


def _end_of(line: bytes, listener: Listener) -> End:
    try:
        job = msgspec.json.decode(line, type=Job)
        return Success(value=msgspec.Raw(msgspec.json.encode(do(job, listener))))
    except GilbenchError as error:
        return Fault(reason=str(error)[:_LONGEST_REASON])
    except (msgspec.DecodeError, OSError, MemoryError) as error:
        return Fault(reason=f"{type(error).__name__}: {error}"[:_LONGEST_REASON])


def _write(descriptor: int, message: object) -> None:
    line = msgspec.json.encode(message) + b"\n"
    while line:
        line = line[os.write(descriptor, line) :]


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave every block as it is, and end what it started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
