"""API compatibility: what becomes of a C extension that knows nothing of free threading, and of one that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from gilbench.analyse.properties.judged import Figures, Judged, always
from gilbench.run.properties import Column

_PASSED = "checks of the extension that pass"
_ENABLED = "GIL enabled after the import"


class ExtensionPart(NamedTuple):
    """One experiment with the extension; what it means depends on the column."""

    id: str
    part: str
    trial: str
    judge: Callable[[Figures, Column], Judged]


def works(figures: Figures, column: Column) -> Judged:
    """Whether it was compiled, and does what it should."""
    del column
    passed, checks = figures["passed"], figures["checks"]
    return Judged(always(passed, checks), _PASSED, passed / checks, "fraction")


def leaves_gil_off(figures: Figures, column: Column) -> Judged:
    """Whether the import leaves the GIL off, where it is off."""
    before, after = figures["gil_enabled"]
    if before:
        why = "the GIL is forced on" if column.gil else "it has a GIL"
        return Judged(
            "not here", _ENABLED, float(after), "1", reason=f"{why}: there is nothing to switch back on"
        )
    reason = "the import switches the GIL back on, for the whole process" if after else "the GIL stays off"
    return Judged("no" if after else "yes", _ENABLED, float(after), "1", reason=reason)


def opt_in(figures: Figures, column: Column) -> Judged:
    """Whether an extension that says nothing of threads is kept safe from them."""
    del column
    before, after = figures["gil_enabled"]
    reason = (
        "the GIL is there anyway" if before else "it runs with the GIL switched back on" if after else None
    )
    return Judged(
        "yes" if after else "no", _ENABLED, float(after), "1", reason=reason or "it runs without a GIL"
    )


PARTS: Final = (
    ExtensionPart("api.builds", "an extension with borrowed references, unchanged", "api.plain", works),
    ExtensionPart("api.safe", "threads are opt-in: the extension as it is has a GIL", "api.plain", opt_in),
    ExtensionPart("api.stays_off", "the extension as it is leaves the GIL off", "api.plain", leaves_gil_off),
    ExtensionPart("api.slot", "with the slot Py_mod_gil it leaves the GIL off", "api.opt_in", leaves_gil_off),
    ExtensionPart("api.stable_abi", "the stable ABI (Py_LIMITED_API)", "api.stable_abi", works),
)
