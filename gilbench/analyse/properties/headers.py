"""Simplicity, by a proxy: how much of the public headers is there twice, for builds with a GIL and without."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Judged
from gilbench.interpreters.headers import Counted

SIMPLE = 0.05
"""Of the lines of the headers. 3.13 has 3.3 %, builds before it none; one line in twenty can still be read over."""


def simple(counted: Counted | None) -> Judged:
    """Judge the share of lines that are conditional on ``Py_GIL_DISABLED``; they are counted, not estimated."""
    if counted is None or not counted.lines:
        return Judged("not here", reason="there are no public C headers to read")
    share = counted.conditional / counted.lines
    return Judged(
        "yes" if share <= SIMPLE else "no",
        "lines of the public headers that are conditional on Py_GIL_DISABLED (a proxy)",
        share,
        "fraction",
        reason=f"{counted.conditional} of {counted.lines} lines, in {counted.conditional_files} of "
        f"{counted.files} files",
    )
