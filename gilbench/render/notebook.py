"""Lets results show themselves in notebooks, as the page that ``-o report.html`` writes.

The rooms of the results know nothing of pages. The Python API therefore gives them the method that notebooks call.
"""

from __future__ import annotations

import functools

from gilbench.model.profile import Profile
from gilbench.model.releases import Releases
from gilbench.model.results import Check, Comparisons, Report
from gilbench.model.scores import Scorecard
from gilbench.model.study import Study

_METHOD = "_repr_html_"  # that of IPython, which other notebooks use, too


def html_of(result: object) -> str:
    """Return a result as a part of a page; a study as its report."""
    # Heavy imports, which only a notebook needs.
    from gilbench.analyse.study.report import build_report  # noqa: PLC0415
    from gilbench.render import formats  # noqa: PLC0415
    from gilbench.render.html import fragment  # noqa: PLC0415

    shown = build_report(result) if isinstance(result, Study) else result
    return fragment(formats.page_of(shown), formats.drawable_charts(shown))


@functools.cache
def teach_results() -> None:
    """Let results show themselves."""
    for kind in (Study, Report, Comparisons, Check, Scorecard, Profile, Releases):
        setattr(kind, _METHOD, html_of)


def teach_holder(kind: type, field: str) -> None:
    """Let what a use case returns show its result; nothing, if it has none."""

    def html(holder: object) -> str | None:
        result = getattr(holder, field)
        return None if result is None else html_of(result)

    setattr(kind, _METHOD, html)
