"""Badges of a site: how many series of all, or of one workload, regressed."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.render.figures import short
from gilbench.render.site.templates import template
from gilbench.render.site.views import SHORT, SeriesView

_NAME = 30  # maximum length of a workload
_LETTER, _SPACE = 6.3, 12  # px
_COLORS = {"good": "#00664a", "bad": "#a33d00", "unknown": "#59636e"}  # with white text of enough contrast


def write_badge(views: Sequence[SeriesView], workload: str | None = None) -> str:
    """Return the badge of some series.

    Args:
        views: The series.
        workload: Their workload; None: they are all series.
    """
    label = "gilbench" if workload is None else f"gilbench {short(workload, _NAME)}"
    message, kind = _message(views)
    sizes = {"left": _LETTER * len(label) + _SPACE, "right": _LETTER * len(message) + _SPACE}
    return template("badge.svg.jinja").render(
        label=label, message=message, color=_COLORS[kind], letter=_LETTER, space=_SPACE, **sizes
    )


def _message(views: Sequence[SeriesView]) -> tuple[str, str]:
    count = sum(view.verdict == "regressed" for view in views)
    if count:
        return f"{count} regression{'s'[: count != 1]}", "bad"
    if all(view.verdict == SHORT for view in views):
        return "too few studies", "unknown"
    return "no regression", "good"
