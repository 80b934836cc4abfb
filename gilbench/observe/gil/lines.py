"""The lines that the probes' scripts print, by their first word. The futex probe prints none.

A script has the words by placeholders: ``${line_held}`` is ``ExactLine.HELD``.
"""

from __future__ import annotations

from enum import StrEnum


class ExactLine(StrEnum):
    """Lines of ``exact.bt``, one letter each since a timeline has millions; times in ns."""

    BEGIN = "a"  # time: the probe counts from now on
    FINISH = "z"  # time: the probe counts no longer
    MAIN = "m"  # thread, time: the program begins
    SNAPSHOT = "p"  # time: the maps are printed
    EXEC = "e"  # process, time
    EXIT = "x"  # process, thread, time, sums, name: a thread ended
    HELD = "h"  # thread, from, to: it held the GIL
    FOUND = "u"  # thread, from, to: the same, of a thread that held or waited before the probe
    WAITED = "w"  # thread, from, to: it waited for the GIL in take_gil, and holds it now
    HANDED = "d"  # thread, from, to: it waited for another thread to acquire the GIL in drop_gil
    PREEMPTED = "l"  # thread, from, to: it lost the CPU in drop_gil
    BLOCKED = "o"  # thread, time, 1 if it could still run: it left the CPU without the GIL
    RUNNING = "i"  # thread, time: it came onto the CPU without the GIL
    PAUSED = "s"  # thread, time, 1 if it could still run: it left the CPU, holding the GIL
    RESUMED = "r"  # thread, time: it came onto the CPU, holding the GIL
    WOKEN = "k"  # thread, time, thread of the program or 0: it was woken
    BORN = "n"  # thread, time, thread: it was created


class ParkingLine(StrEnum):
    """Lines of ``parking.bt``."""

    MAIN = "begin"  # the program begins
    CODE = "code"  # address, line, name, tab, file: a code object seen for the first time
    NAME = "name"  # thread, name: the kernel was told the name of a thread
    GIL = "gil"  # time in ns, module: an import has enabled the GIL


def placeholders(lines: type[StrEnum]) -> dict[str, str]:
    """Return the words by the placeholders that stand for them."""
    return {f"line_{line.name.lower()}": line.value for line in lines}
