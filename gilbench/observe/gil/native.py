"""Names of the machine code in which a process was sampled: C functions, by the symbols of their files."""

from __future__ import annotations

import bisect
import contextlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gilbench.interpreters.image import read_image
from gilbench.model.study import Share

_KERNEL = 1 << 63  # addresses from here up
_MOST = 20  # functions that are kept
_FEWEST = 20  # samples; of fewer, no share can be told


class _Mapping(NamedTuple):
    start: int
    end: int
    offset: int  # in the file
    file: str


class NativeNames:
    """Names the code of one process by address, also after it has ended.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, _Mapping] = {}

    def learn(self) -> None:
        """Read what the process has mapped now."""
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/proc/{self._pid}/maps").read_text("utf-8", "replace")
            for words in (line.split(maxsplit=5) for line in text.splitlines()):
                if "x" in words[1]:
                    start, end = (int(bound, 16) for bound in words[0].split("-"))
                    file = words[5] if len(words) > 5 else ""  # noqa: PLR2004
                    self._known[start] = _Mapping(start, end, int(words[2], 16), file)

    def forget(self) -> None:
        """Forget all: the process has replaced its program."""
        self._known.clear()

    def shares(self, counts: Mapping[str, int]) -> tuple[Share, ...]:
        """Sum samples up by function.

        Args:
            counts: Samples by address, as bpftrace writes them.
        """
        total = sum(counts.values())
        if total < _FEWEST or not self._known:
            return ()
        starts = sorted(self._known)
        functions: Counter[str] = Counter()
        for address, count in counts.items():
            functions[self._name(int(address) % (1 << 64), starts)] += count  # it writes them with a sign
        return tuple(Share(name=name, value=count / total) for name, count in functions.most_common(_MOST))

    def _name(self, address: int, starts: list[int]) -> str:
        if address >= _KERNEL:
            return "the kernel"
        index = bisect.bisect_right(starts, address) - 1
        mapping = self._known[starts[index]] if index >= 0 else None
        if mapping is not None and address < mapping.end and mapping.file.startswith("["):
            return mapping.file  # [vdso], in which clocks are read
        if mapping is None or address >= mapping.end or not mapping.file.startswith("/"):
            return "code generated at run time"
        file = Path(f"/proc/{self._pid}/root{mapping.file}")
        path = file if file.exists() else Path(mapping.file)
        short = Path(mapping.file).name
        with contextlib.suppress(OSError, ValueError):
            image = read_image(path)
            place = image.address_of(address - mapping.start + mapping.offset)
            function = image.function_at(place) if place is not None else None
            if function is not None:
                return f"{function} ({short})"
        return short
