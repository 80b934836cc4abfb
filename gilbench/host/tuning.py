"""Tunes this system with pyperf, and reads pyperf's suggestions."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from gilbench.host.capture import capture
from gilbench.host.process import Process, ProcessError
from gilbench.model.errors import GilbenchError, UsageError

_LIMIT = 30.0  # s
_PYPERF = (sys.executable, "-P", "-m", "pyperf", "system")
_HELPFUL = frozenset({"Advices", "Warnings", "Errors"})  # sections of its output with suggestions
_DONE = frozenset({"Actions"})
_IN_HARDWARE = re.compile(r"\bMSR\b|/dev/cpu/|msr kernel module|Turbo Boost", re.IGNORECASE)
"""Advice on model-specific registers: those of a virtual machine are the hypervisor's."""


def tuning_advice(*, virtual: bool = False) -> tuple[str, ...]:
    """Return the suggestions of ``pyperf system show``, one sentence each. Its failure is one sentence, too.

    Args:
        virtual: This is a virtual machine; leave out what only its host can do.
    """
    try:
        done = capture([*_PYPERF, "show"], seconds=_LIMIT)
    except ProcessError as error:
        return (f"cannot check the system: {error}",)
    advice = tuple(read_sections(done.stdout, _HELPFUL))
    if done.status and not advice:
        return (f"cannot check the system: {done.reason}",)
    return tuple(line for line in advice if not (virtual and _IN_HARDWARE.search(line)))


@contextlib.contextmanager
def tuned() -> Iterator[tuple[str, ...]]:
    """Tune the system by ``pyperf system tune`` while the context is entered, and reset it afterwards.

    A process of its own resets the system, also if gilbench is killed.

    Yields:
        What pyperf has changed, one sentence each.

    Raises:
        UsageError: gilbench is not root.
        GilbenchError: The process that resets the system, or pyperf, cannot be started.
    """
    if os.geteuid() != 0:
        raise UsageError("--tune needs root; run gilbench with sudo")
    script = str(Path(__file__).with_name("tuning_main.py"))
    control, theirs = socket.socketpair()
    with control:
        control.settimeout(_LIMIT)
        with theirs:
            argv = [sys.executable, "-I", "-S", script, str(theirs.fileno()), *_PYPERF, "reset"]
            guard = Process(argv, pass_fds=[theirs.fileno()])
        try:
            if not control.recv(16):
                raise GilbenchError(f"cannot tune the system: {guard.output().strip()[-200:]}")
            done = capture([*_PYPERF, "tune"], seconds=_LIMIT)
            yield tuple(read_sections(done.stdout, _DONE))
        finally:
            control.close()
            guard.wait(_LIMIT)
            guard.close()


def read_sections(text: str, wanted: frozenset[str]) -> Iterator[str]:
    """Read some sections of pyperf's output; the title of each is underlined with ``=``."""
    title, inside = "", False
    before = ""
    for line in text.splitlines():
        if line and set(line) == {"="}:
            title, inside = before, False
        elif line and title in wanted:
            inside = True
            yield line.strip()
        elif not line and inside:  # text after the last section belongs to none
            title = ""
        before = line
