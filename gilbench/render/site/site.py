"""Makes the files of a site, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gilbench.model.history import FeedMemory, TrackedHistory
from gilbench.model.results import Known
from gilbench.render.figures import short
from gilbench.render.history_pages import fallback_lines
from gilbench.render.site.badges import write_badge
from gilbench.render.site.feed import remember, write_feed
from gilbench.render.site.links import SiteLinks
from gilbench.render.site.names import BADGE, FEED, INDEX, badge_file, page_file
from gilbench.render.site.templates import inlined, template
from gilbench.render.site.views import KNOWN, SHORT, UNCHANGED, SeriesView, SeriesViews

_NAME = 40  # maximum length of a branch
REPLACED = "replaced"  # verdict of a series that has a newer version
_HEADINGS = {  # in the order of the index
    "regressed": "Regressed",
    "improved": "Improved",
    "changed": "Changed, and neither direction is better",
    KNOWN: "Known regressions",
    UNCHANGED: "No lasting change",
    SHORT: "Too few studies to find a change",
    REPLACED: "Replaced: the workload or the reference is another one now",
}


class _VerdictGroup(NamedTuple):
    """The series of one verdict."""

    verdict: str
    heading: str
    views: tuple[SeriesView, ...]


class HistorySite:
    """The site of a history.

    Args:
        history: The series. ``files`` reads them.
        links: Links of the site.
        feed: What the feed of an earlier run remembers.
        last: Number of studies in the table and the first chart of a page.
        known: Known regressions, which do not count.
    """

    def __init__(
        self,
        history: TrackedHistory,
        links: SiteLinks,
        feed: FeedMemory,
        last: int,
        known: Sequence[Known] = (),
    ) -> None:
        self._history, self._links, self._last, self._known = history, links, last, known
        self.feed = feed  # after ``files``: what the new feed remembers
        self.title = ""  # known after ``files``

    def names(self) -> list[str]:
        """Return the names of all files that ``files`` may yield."""
        series = self._history.series
        badges = [badge_file(one.case.workload) for one in series]
        return [INDEX, FEED, BADGE, *dict.fromkeys(badges), *map(page_file, series)]

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the text of each file."""
        makes = SeriesViews(self._history.studies, self._links, self._last, self._known)
        page = template("series.html.jinja")
        views: list[SeriesView] = []
        workloads: dict[str, str] = {}  # by the file of the badge
        badges: dict[str, list[int]] = {}
        for tracked in self._history.tracked:
            if not len(tracked.at):  # it has no study of this branch
                continue
            view = makes.series(tracked)
            points = makes.points(tracked)
            drawings = tuple(makes.drawings(tracked, points, view.title))
            yield view.file, page.render(view=view, drawings=drawings, points=points)
            badge = badge_file(tracked.series.case.workload)
            workloads[badge] = tracked.series.case.workload
            badges.setdefault(badge, []).append(len(views))
            views.append(view)
        judged = _judged(views)
        yield INDEX, self._index(judged)
        self.feed = remember(views, self._history.studies, self.feed, self._links)
        yield (
            FEED,
            write_feed(
                views, self._history.studies, self.feed, self._links, self._name("gilbench: lasting changes")
            ),
        )
        yield BADGE, write_badge([view for view in judged if view.verdict != REPLACED])
        for badge, places in badges.items():
            mine = [judged[place] for place in places if judged[place].verdict != REPLACED]
            yield badge, write_badge(mine, workloads[badge])

    def _index(self, views: Sequence[SeriesView]) -> str:
        ordered = sorted(views, key=lambda view: (-view.moment, view.title, view.file))
        groups = [
            _VerdictGroup(verdict, heading, tuple(view for view in ordered if view.verdict == verdict))
            for verdict, heading in _HEADINGS.items()
        ]
        counts = {group.verdict: len(group.views) for group in groups}
        self.title = _title(counts["regressed"], len(views) - counts[REPLACED])
        return template("index.html.jinja").render(
            title=self.title,
            about=self._name("gilbench history"),
            studies=self._history.studies,
            notes=fallback_lines(self._history.fallback),
            groups=[group for group in groups if group.views],
            count=len(views),
            choices={
                "verdict": [(group.verdict, group.heading) for group in groups if group.views],
                "metric": _choices(view.metric for view in views),
                "interpreter": _choices(view.interpreter for view in views),
                "host": _choices(view.host for view in views),
            },
            script=inlined("site/filter.js"),
            feed=FEED,
            badge=BADGE,
        )

    def _name(self, text: str) -> str:
        branch = self._history.branch
        return text if branch is None else f"{text} of branch {short(branch, _NAME)}"


def _judged(views: Sequence[SeriesView]) -> list[SeriesView]:
    """Mark the series that have a newer version, whose changes no longer count."""
    latest: dict[object, int] = {}
    for view in views:
        latest[view.key] = max(view.last, latest.get(view.key, 0))
    return [view if view.last == latest[view.key] else view._replace(verdict=REPLACED) for view in views]


def _title(regressions: int, series: int) -> str:
    count = f"{regressions} regression{'s'[: regressions != 1]}" if regressions else "No regression"
    return f"{count} in {series} series"


def _choices(names: Iterator[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(set(names))]
