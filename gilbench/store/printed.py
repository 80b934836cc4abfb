"""Reads the printed results of CPython's own benchmarks of threads, which save no file: a registry of the readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gilbench.model.errors import StudyError
from gilbench.model.printed import PrintedResults
from gilbench.store import ccbench, ftscalingbench
from gilbench.store.pyperf_study import read_packed


class _PrintedReader(NamedTuple):
    is_output: Callable[[str], bool]
    read_output: Callable[[Path, str], PrintedResults]


_READERS = {
    ftscalingbench.TOOL: _PrintedReader(ftscalingbench.is_output, ftscalingbench.read_output),
    ccbench.TOOL: _PrintedReader(ccbench.is_output, ccbench.read_output),
}


def printed_by(data: bytes) -> str | None:
    """Return the benchmark that printed a text; None: none that is known."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return next((tool for tool, reader in _READERS.items() if reader.is_output(text)), None)


def read_printed(path: Path) -> PrintedResults:
    """Read the output of a benchmark from a file, which may be compressed.

    Raises:
        StudyError: The file cannot be read, is not the output of a known benchmark, or has no results.
    """
    data = read_packed(path)
    tool = printed_by(data)
    if tool is None:
        raise StudyError(f"{path} is not the output of {' or '.join(_READERS)}; choose another file")
    results = _READERS[tool].read_output(path, data.decode("utf-8-sig"))
    if not results.cells:
        raise StudyError(f"{path} has no results; run {tool} to its end, and save what it prints")
    return results
