"""Simplicity, by a proxy: the share of the public headers that depends on the GIL."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Judged
from gilbench.model.scores import HeaderLines

SIMPLE = 0.05
"""Of the lines of the headers. 3.13 has 3.3%, older builds none; one line in twenty is still readable."""


def simple(counted: HeaderLines | None) -> Judged:
    """Judge the fraction of lines that are conditional on ``Py_GIL_DISABLED``, which is an exact count."""
    if counted is None or not counted.lines:
        return Judged("not here", reason="no public C headers")
    share = counted.conditional / counted.lines
    return Judged(
        "yes" if share <= SIMPLE else "no",
        "public header lines conditional on Py_GIL_DISABLED (a proxy)",
        share,
        "fraction",
        reason=f"{counted.conditional} of {counted.lines} lines, in {counted.conditional_files} of "
        f"{counted.files} files",
    )
