"""Reads what ``Tools/ccbench/ccbench.py`` of CPython prints, which was there until 3.12.

Two lines name the interpreter and the host. Up to three parts follow: throughput of threads that do the same task, mean
latency of a datagram, and packets per second, both with CPU-bound threads. Ratios are computed from the printed rates,
which have more digits than the printed percentages. Decimals of latencies are cut off, so 0 ms is less than 1 ms, and
is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.printed import PrintedResults, printed_cell
from gilbench.model.results import Caveat, Cell
from gilbench.model.study import MOST_THREADS, Family

TOOL = "ccbench"
_INTERPRETER = re.compile(r"== (\S{1,40} \S{1,40}) \(.{0,200}\) ==")
_HOST = re.compile(r"== (\S{1,40} \S{1,40}) on '(.{0,200})' ==")
_PART = re.compile(r"--- (Throughput|Latency|I/O bandwidth) ---")
_TASK = re.compile(r"(?:Background CPU task: )?([A-Z0-9a-z].{0,99})")
_RATE = re.compile(
    r"(?:CPU )?threads=(\d{1,5}): (\d{1,15}(?:\.\d)?) (?:(?:iterations|packets)/s\.|\( (\d{1,9}) %\))"
)
_LATENCY = re.compile(r"CPU threads=(\d{1,5}): (-?\d{1,12}) ms\. \(std dev: (\d{1,12}) ms\.\)")
_WARNING = re.compile(r".*:\d+: \w*Warning: .*|  .*")  # of newer interpreters on stderr, and its line of code
_CUT = Caveat(
    kind="rounded",
    text=f"{TOOL} cuts off decimals: latencies are up to 1 ms longer, and those of 0 ms are left out",
)
_PREFIXES = {"Throughput": "", "Latency": "latency, ", "I/O bandwidth": "bandwidth, "}


class _Above(NamedTuple):
    """What stands above a line."""

    interpreter: str | None
    part: str
    task: str


def is_output(text: str) -> bool:
    """Return whether the text can be the output of this benchmark."""
    lines = (line for line in text.splitlines() if line.strip() and not _WARNING.fullmatch(line))
    return _INTERPRETER.fullmatch(next(lines, "").rstrip()) is not None


def read_output(path: Path, text: str) -> PrintedResults:
    """Read the output.

    Raises:
        StudyError: A line is not of this benchmark, or the file has several runs.
    """
    above, host = _Above(None, "", ""), ""
    cells: list[Cell] = []
    for number, line in enumerate(map(str.rstrip, text.splitlines()), start=1):
        if found := _PART.fullmatch(line):
            above = above._replace(part=found[1], task="")
        elif above.task and (made := list(_row(line, above, cells))):
            if not _is_possible(line, above, made):
                raise StudyError(
                    f"{path}, line {number} is damaged: {excerpt(line, 60)!r} contradicts itself or an earlier line; "
                    f"save the output of {TOOL} again"
                )
            cells += made
        elif not line or _WARNING.fullmatch(line) or (above.task and _LATENCY.fullmatch(line)):
            continue
        elif found := _INTERPRETER.fullmatch(line):
            if above.interpreter is not None:
                raise StudyError(f"{path}, line {number}: a second run; save each run in a file of its own")
            above = above._replace(interpreter=found[1])
        elif found := _HOST.fullmatch(line):
            host = f"{found[1]}, {found[2] or 'CPU unknown'}"
        elif above.part and "threads=" not in line and (found := _TASK.fullmatch(line)):
            above = above._replace(task=found[1])
        else:
            raise StudyError(
                f"{path}, line {number} is damaged: {excerpt(line, 60)!r} is not a result; save the output of "
                f"{TOOL} again"
            )
    return PrintedResults(
        tool=TOOL,
        file=path.name,
        interpreter=above.interpreter,
        host=host or None,
        cells=tuple(cells),
        caveats=(_CUT,) if "--- Latency ---" in text else (),
    )


def _row(line: str, above: _Above, earlier: list[Cell]) -> Iterator[Cell]:
    """Yield the results of one line. The first rate of a task is the base of the others."""
    if found := _LATENCY.fullmatch(line):
        for metric, milliseconds in (("latency_mean", int(found[2])), ("latency_sd", int(found[3]))):
            if milliseconds > 0:
                yield _cell(above, int(found[1]), metric, milliseconds / 1000)
    elif found := _RATE.fullmatch(line):
        threads, rate = int(found[1]), float(found[2])
        cell = _cell(above, threads, "throughput", rate)
        yield cell
        base = next((one for one in earlier if one.case.workload == cell.case.workload), None)
        if base is not None and base.value:
            ratio = "speedup" if above.part == "Throughput" else "retained"
            yield _cell(above, threads, ratio, rate / base.value)


def _is_possible(line: str, above: _Above, cells: list[Cell]) -> bool:
    """Return whether the threads are few enough, and the printed percentage is that of the rates."""
    threads = cells[0].case.threads
    if threads > MOST_THREADS or (above.part == "Throughput" and not threads):
        return False
    found = _RATE.fullmatch(line)
    ratios = [cell.value for cell in cells if cell.metric in {"speedup", "retained"}]
    if found is None or found[3] is None or not ratios:
        return True
    rate = cells[0].value
    doubt = 1 + 100 * ratios[0] * (1 / rate + ratios[0] / rate if rate else 1.0)  # all are rounded
    return abs(float(found[3]) - 100 * ratios[0]) <= doubt


def _cell(above: _Above, threads: int, metric: str, value: float) -> Cell:
    name = f"{TOOL}:{_PREFIXES[above.part]}{above.task}"
    family: Family = "own" if above.part == "Throughput" else "mixed"
    return printed_cell(name, family, above.interpreter, threads, metric, value)
