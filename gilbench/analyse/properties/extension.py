"""API compatibility: whether C extensions work, with and without support for free threading."""

from __future__ import annotations

from gilbench.analyse.properties.judged import Context, Figures, Judged, always

_PASSED = "passed checks of the extension"
_ENABLED = "GIL enabled after the import"


def works(figures: Figures) -> Judged:
    """Judge whether the extension works."""
    passed, checks = figures["passed"], figures["checks"]
    return Judged(always(passed, checks), _PASSED, passed / checks, "fraction")


def leaves_gil_off(figures: Figures, context: Context) -> Judged:
    """Judge whether the import leaves the GIL off, if it is off."""
    before, after = figures["gil_enabled"]
    if before:
        why = "the GIL is forced on" if context.configuration.gil else "it has a GIL"
        return Judged(
            "not here", _ENABLED, float(after), "1", reason=f"{why}: there is nothing to switch back on"
        )
    reason = "the import switches the GIL back on, for the whole process" if after else "the GIL stays off"
    return Judged("no" if after else "yes", _ENABLED, float(after), "1", reason=reason)


def opt_in(figures: Figures) -> Judged:
    """Judge whether an extension that does not opt in to free threading runs with the GIL."""
    before, after = figures["gil_enabled"]
    reason = "the GIL is enabled anyway" if before else "the import enables the GIL" if after else None
    return Judged(
        "yes" if after else "no",
        _ENABLED,
        float(after),
        "1",
        reason=reason or "the extension runs without a GIL",
    )
