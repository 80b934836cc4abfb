"""Reads what ``Tools/ftscalingbench/ftscalingbench.py`` of CPython prints.

After a line with the number of threads, each line is a benchmark with its speedup over one thread, rounded to a tenth.
With ``--baseline-only`` or ``--parallel-only``, it is the time in which each thread ran the benchmark once; the former
has one thread, and no first line. The interpreter, the host, and ``--scale`` are not printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.printed import PrintedResults, printed_cell
from gilbench.model.results import Caveat, Cell
from gilbench.model.study import MOST_THREADS

TOOL = "ftscalingbench"
_COLOR = re.compile(r"\x1b\[\d{0,3}m")
_THREADS = re.compile(r"Running benchmarks with ([1-9]\d{0,4}) threads")
_SPEEDUP = re.compile(r"([A-Za-z_]\w{0,99}) +(\d{1,9}(?:\.\d{1,9})?)x (faster|slower)")
_TIME = re.compile(r"([A-Za-z_]\w{0,99}) +(\d{1,12}\.\d) ms")
_ZERO = re.compile(r"\w{1,100} +0\.0 ms")
_GIL = re.compile(r"expected to be run with the +GIL disabled")
_ROUNDED = Caveat(kind="rounded", text=f"{TOOL} rounds speedups to tenths, for example 1.04x to 1.0x")
_SCALED = Caveat(
    kind="scale", text=f"{TOOL} does not print its --scale, on which the time of a benchmark depends"
)
_SHORT = Caveat(kind="rounded", text=f"times of 0.0 ms are left out; run {TOOL} with a larger --scale")
_WITH_GIL = Caveat(kind="gil", text=f"the GIL was enabled; {TOOL} is for free-threaded interpreters")


def is_output(text: str) -> bool:
    """Return whether the text can be the output of this benchmark."""
    lines = (line for line in _lines(text) if line and not _GIL.fullmatch(line))
    first = next(lines, "")
    return any(pattern.fullmatch(first) for pattern in (_THREADS, _TIME))


def read_output(path: Path, text: str) -> PrintedResults:
    """Read the output.

    Raises:
        StudyError: A line is not of this benchmark, or a benchmark is there twice.
    """
    cells: list[Cell] = []
    caveats: dict[Caveat, None] = {}
    threads = None
    for number, line in enumerate(_lines(text), start=1):
        if not line:
            continue
        if _GIL.fullmatch(line):
            caveats[_WITH_GIL] = None
        elif _ZERO.fullmatch(line):
            caveats[_SHORT] = None
        elif (started := _THREADS.fullmatch(line)) and int(started[1]) <= MOST_THREADS:
            threads = int(started[1])
        elif found := list(_row(line, threads)):
            if any(one.case == found[0].case for one in cells):
                raise StudyError(
                    f"{path}, line {number}: a second result of {found[0].case.workload}; save each run in "
                    "a file of its own"
                )
            cells += found
            caveats[_ROUNDED if found[0].metric == "speedup" else _SCALED] = None
        else:
            raise StudyError(
                f"{path}, line {number} is damaged: {excerpt(line, 60)!r} is not a result; save the output of "
                f"{TOOL} again"
            )
    return PrintedResults(
        tool=TOOL, file=path.name, interpreter=None, host=None, cells=tuple(cells), caveats=tuple(caveats)
    )


def _lines(text: str) -> list[str]:
    return [_COLOR.sub("", line).rstrip() for line in text.splitlines()]


def _row(line: str, threads: int | None) -> Iterator[Cell]:
    """Yield the results of one line; none if it is no result."""
    if found := _SPEEDUP.fullmatch(line):
        factor = float(found[2])
        if factor and threads is not None:
            speedup = factor if found[3] == "faster" else 1 / factor
            yield _cell(found[1], threads, "speedup", speedup)
    elif found := _TIME.fullmatch(line):
        count, seconds = threads or 1, float(found[2]) / 1000
        if count == 1:
            yield _cell(found[1], count, "time_per_operation", seconds)
        yield _cell(found[1], count, "throughput", count / seconds)


def _cell(name: str, threads: int, metric: str, value: float) -> Cell:
    return printed_cell(f"{TOOL}:{name}", "own", None, threads, metric, value)
