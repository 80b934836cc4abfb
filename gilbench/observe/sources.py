"""The lines of source code at which frames were sampled, where their files can be read."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gilbench.model.profile import SourceLine

_MOST = 2000  # lines
_LONGEST = 200  # letters of a line
_LARGEST = 4 << 20  # bytes of a file


class SourcePlace(NamedTuple):
    """Where a frame was."""

    file: str
    line: int


class SourceFiles:
    """The files of Python code that a process has loaded.

    The names of files come from the process, which can choose them. So root reads only files that everyone may read: no
    secret of another user gets into a profile.

    Args:
        pid: The process. If it sees another file system, as in a container, nothing is read.
    """

    def __init__(self, pid: int) -> None:
        self._seen = all(_link(pid, name) == _link("self", name) for name in ("ns/mnt", "root"))

    def lines(self, places: Mapping[str, SourcePlace]) -> tuple[SourceLine, ...]:
        """Return the lines of frames, by their names."""
        return tuple(self._lines(places)) if self._seen else ()

    def _lines(self, places: Mapping[str, SourcePlace]) -> Iterator[SourceLine]:
        wanted: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for frame, place in list(places.items())[:_MOST]:
            wanted[place.file][frame] = place.line
        for file, frames in wanted.items():
            code = _code(Path(file)).splitlines()
            for frame, number in frames.items():
                if 0 < number <= len(code) and (text := code[number - 1].strip()):
                    yield SourceLine(frame=frame, text=text[:_LONGEST])


def _link(pid: int | str, name: str) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return None


def _code(path: Path) -> str:
    """Return the text of a file of Python code; empty: it cannot be read, or should not."""
    if not path.is_absolute() or path.suffix != ".py":
        return ""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if _may_be_read(os.fstat(descriptor)):
                with open(descriptor, "rb", closefd=False) as file:
                    return file.read(_LARGEST).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    return ""


def _may_be_read(known: os.stat_result) -> bool:
    public = os.geteuid() != 0 or bool(known.st_mode & stat.S_IROTH)
    return public and stat.S_ISREG(known.st_mode) and known.st_size <= _LARGEST
