"""Ways in which a command can be starved of what it needs: wrappers of its command line."""

from __future__ import annotations

import functools
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

SYSTEM = "/usr/bin/python3"  # which every user may run
Prepare = Callable[[], None]  # in the child, before the exec


class Limit(NamedTuple):
    """One way to starve a command."""

    name: str
    prepare: Prepare | None = None
    before: tuple[str, ...] = ()  # words before the command
    unset: tuple[str, ...] = ()  # variables
    set_to: tuple[tuple[str, str], ...] = ()
    other_user: bool = False  # which root's Python may be out of reach of


def _of(kind: int, most: int) -> Prepare:
    return lambda: resource.setrlimit(kind, (most, most))


def _closed(*numbers: int) -> Prepare:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def _onto(path: str, *numbers: int) -> Prepare:
    def redirect() -> None:
        opened = os.open(path, os.O_RDWR)
        for number in numbers:
            os.dup2(opened, number)

    return redirect


_NO_PROC = 'mount -t tmpfs none /proc && exec "$@"'
_FULL = 'mount -t tmpfs -o size=16k none "$TMPDIR" && exec "$@"'
_READ_ONLY = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" && exec "$@"'
_SHELL = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
_STRANGER = ("setpriv", "--reuid=64123", "--regid=64123", "--clear-groups")  # who is in no list of users
_HOMES = ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")

LIMITS: tuple[Limit, ...] = (
    *(Limit(f"{most} open files", _of(resource.RLIMIT_NOFILE, most)) for most in (8, 12, 16, 24, 32, 48, 64)),
    *(
        Limit(f"{most >> 20} MiB of address space", _of(resource.RLIMIT_AS, most))
        for most in (96 << 20, 256 << 20, 512 << 20)
    ),
    *(Limit(f"files of {most} bytes", _of(resource.RLIMIT_FSIZE, most)) for most in (0, 1, 1000, 100_000)),
    Limit("5 s of CPU time", _of(resource.RLIMIT_CPU, 5)),
    Limit("a stack of 256 KiB", _of(resource.RLIMIT_STACK, 256 << 10)),
    *(
        Limit(f"closed streams {numbers}", _closed(*numbers))
        for numbers in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2))
    ),
    Limit("a full stdout", _onto("/dev/full", 1)),
    Limit("full streams", _onto("/dev/full", 1, 2)),
    Limit("no HOME", unset=_HOMES),
    Limit("a HOME that is missing", set_to=tuple((name, "/nonexistent/home") for name in _HOMES)),
    Limit("a HOME that is a file", set_to=tuple((name, "/etc/passwd") for name in _HOMES)),
    Limit("a TMPDIR that is missing", set_to=(("TMPDIR", "/nonexistent/tmp"),)),
    Limit("no PATH", unset=("PATH",)),
    Limit("one CPU", before=("taskset", "-c", "0")),
    Limit("no /proc", before=(*_SHELL, _NO_PROC, "sh")),
    Limit("a full TMPDIR", before=(*_SHELL, _FULL, "sh")),
    Limit("a HOME that is read-only", before=(*_SHELL, _READ_ONLY, "sh")),
    Limit("no network", before=("unshare", "--net")),
    Limit("no capabilities", before=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")),
    Limit("another user", before=_STRANGER, other_user=True),
    *(
        Limit(f"{most} processes", _of(resource.RLIMIT_NPROC, most), _STRANGER, other_user=True)
        for most in (1, 2, 4, 8, 16)
    ),
)


def usable(limit: Limit) -> bool:
    """Return whether this machine has the tools of a limit, and the right to use them."""
    if limit.other_user and not _same_version(SYSTEM):
        return False
    return not limit.before or (os.geteuid() == 0 and shutil.which(limit.before[0]) is not None)


def open_to_all(place: Path) -> None:
    """Let every user write in a folder of the campaign's temporary one, and reach it."""
    place.parent.chmod(0o755)
    for path in (place, *place.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


@functools.cache
def _same_version(python: str) -> bool:
    """Return whether an interpreter can use the libraries of this one."""
    ask = [python, "-c", "import sys; print(sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return False
    return answer == str(sys.version_info[:2])
