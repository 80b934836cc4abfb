"""What observers must know of a processor architecture: numbers of system calls, and where C keeps things.

A new architecture needs an entry here, and a table of its system calls beside this file.
"""

from __future__ import annotations

import functools
import platform
from pathlib import Path
from typing import NamedTuple


class Architecture(NamedTuple):
    """The facts of one architecture."""

    futex: int  # number of the system call, as /proc/PID/syscall shows it
    bpf: int  # number of the system call
    of_probes: frozenset[int] = frozenset()  # system calls by which probed functions return; no program's own
    knows_glibc: bool = False  # whether the offsets in glibc's structures are known; see ``searched.py``
    returns_on_stack: bool = (
        False  # whether a call leaves its return address on the stack; see ``parking.bt``
    )
    calls_by_distance: bool = False  # whether the machine code of calls is known; see ``calls.py``


_KNOWN = {
    "x86_64": Architecture(
        futex=202,
        bpf=321,
        of_probes=frozenset({335, 336}),
        knows_glibc=True,
        returns_on_stack=True,
        calls_by_distance=True,
    ),
    "aarch64": Architecture(futex=98, bpf=280),
}


def architecture() -> Architecture | None:
    """Return the facts of this machine's architecture; None: unknown."""
    return _KNOWN.get(platform.machine())


@functools.cache
def syscall_names(machine: str) -> dict[int, str]:
    """Return the names of a machine's system calls by number; none for a machine whose table is missing."""
    try:
        text = Path(__file__).with_name(f"syscalls_{machine}.txt").read_text("ascii")
    except FileNotFoundError:
        return {}
    pairs = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {int(number): name for number, name in pairs}
