"""What the pages of a site show of a series: texts and drawings, ready for the templates."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from gilbench.analyse.stats.changes import SHORTEST
from gilbench.analyse.study.gate import covers
from gilbench.model.history import Entry, Found, Moment, Series, TrackedSeries
from gilbench.model.results import Known
from gilbench.model.study import Case
from gilbench.plan.axes import variant
from gilbench.plan.counting import INSTRUCTIONS
from gilbench.render.figures import SENTENCE, case_name, figure_within, short, threads_name
from gilbench.render.history_pages import (
    change_text,
    commit_name,
    date_of,
    metric_title,
    percent,
    series_name,
)
from gilbench.render.site.bins import LARGEST, Binned, binned
from gilbench.render.site.drawing import ChartMark, ChartStep, chart, sparkline
from gilbench.render.site.links import SiteLinks
from gilbench.render.site.names import page_file

_NAME = 60  # maximum length of a name from outside
_BINS = 150  # marks of the chart of a long series
_ARROWS = {True: "\N{BLACK UP-POINTING TRIANGLE}", False: "\N{BLACK DOWN-POINTING TRIANGLE}"}
UNCHANGED, SHORT = "unchanged", "short"  # verdicts of a series without changes
KNOWN = "known"  # verdict of a series whose regression is accepted


class CommitView(NamedTuple):
    """A study, by its commit."""

    name: str
    date: str
    label: str
    url: str | None


class ChangeView(NamedTuple):
    """A lasting change."""

    verdict: str
    size: str
    bounds: str
    text: str
    good: CommitView
    likely: CommitView
    changed: CommitView
    notes: tuple[str, ...]
    found: Found


class PointView(NamedTuple):
    """One study of a series."""

    commit: CommitView
    figure: tuple[float, float, float, int]  # value, lo, hi (NaN: unknown), and blocks
    value: str

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return self.figure[3]


class DrawingView(NamedTuple):
    """A chart of a page."""

    title: str
    summary: str
    svg: Markup


class SeriesView(NamedTuple):
    """A series in the index, and the head of its page.

    Attributes:
        key: What another version of the series shares with it.
        last: Index of its last study.
        verdict: That of its last change; unchanged: there is none; short: too few studies to find one; known: the
            regression is accepted.
    """

    key: tuple[Case, str]
    last: int
    file: str
    title: str
    name: str
    workload: str
    metric: str
    interpreter: str
    host: str
    value: str
    date: str
    studies: int
    verdict: str
    changes: tuple[ChangeView, ...]  # the latest first
    spark: Markup
    reason: str = ""  # why its regression is accepted

    @property
    def moment(self) -> Moment:
        """When the last change was made."""
        return self.changes[0].found.likely.moment if self.changes else 0.0


class SeriesViews:
    """Makes the views of series.

    Args:
        studies: All studies, in order.
        links: Links of the site.
        last: Number of studies in the table and the first chart of a page.
        known: Known regressions.
    """

    def __init__(
        self, studies: Sequence[Entry], links: SiteLinks, last: int, known: Sequence[Known] = ()
    ) -> None:
        self._studies, self._links, self._last, self._known = studies, links, last, known
        self._commit = functools.cache(self._view_of_commit)

    def series(self, tracked: TrackedSeries) -> SeriesView:
        """Return the view of a series, which has at least one figure."""
        series, last = tracked.series, int(tracked.at[-1])
        changes = tuple(self._change(found) for found in reversed(tracked.changes))
        title = series_name(series)
        verdict = changes[0].verdict if changes else _without_change(tracked)
        known = self._known if verdict == "regressed" else ()
        accepted = next((one for one in known if covers(one, series)), None)
        marks = [(place, found.verdict) for (_, place, _), found in _places(tracked)]
        return SeriesView(
            key=(series.case, series.metric),
            last=last,
            file=page_file(series),
            title=title,
            name=_name(series),
            workload=short(series.case.workload, _NAME),
            metric=metric_title(series),
            interpreter=short(variant(series.case), _NAME),
            host=short(self._studies[last].host, 2 * _NAME),
            value=_figure(tracked.figures[-1].tolist(), series.unit),
            date=self._commit(last).date,
            studies=len(tracked.at),
            verdict=verdict if accepted is None else KNOWN,
            changes=changes,
            spark=sparkline(tracked.figures["value"], marks, f"{title}, {_studies(len(tracked.at))}"),
            reason="" if accepted is None else short(accepted.reason, SENTENCE),
        )

    def points(self, tracked: TrackedSeries) -> tuple[PointView, ...]:
        """Return the last points of a series, in order."""
        last = slice(-self._last, None)
        return tuple(
            PointView(self._commit(at), row, _figure(row, tracked.series.unit))
            for at, row in zip(tracked.at[last].tolist(), tracked.figures[last].tolist(), strict=True)
        )

    def drawings(
        self, tracked: TrackedSeries, points: Sequence[PointView], title: str
    ) -> Iterator[DrawingView]:
        """Yield the chart of the last studies, and that of all studies if there are more.

        Args:
            tracked: The series.
            points: Its last points.
            title: Its title.
        """
        steps = [self._step(places, found) for places, found in _places(tracked)]
        unit, count = tracked.series.unit, len(tracked.at)
        if marks := list(_marks(points, count - len(points))):
            said = f"{'All' if count == len(points) else 'The last'} {_studies(len(points))}"
            summary = "The oldest is on the left. The band is the 95% interval."
            yield DrawingView(said, summary, chart(marks, steps, unit, f"{title}. {said}."))
        if count > len(points):
            bins = binned(tracked.figures["value"], _BINS)
            summary = "Without intervals."
            if bins.size > 1:
                summary = (
                    f"The line is the median of {bins.size} neighboring studies. The band spans their values."
                )
            said = f"All {_studies(count)}"
            if marks := list(self._joined(tracked, bins)):
                yield DrawingView(said, summary, chart(marks, steps, unit, f"{title}. {said}."))

    def _joined(self, tracked: TrackedSeries, bins: Binned) -> Iterator[ChartMark]:
        columns = bins.at, bins.middle, bins.low, bins.high, bins.first
        for at, middle, low, high, first in zip(*(column.tolist() for column in columns), strict=True):
            date = self._commit(int(tracked.at[first])).date[:10]
            yield ChartMark(at, middle, low, high, date)

    def _change(self, found: Found) -> ChangeView:
        change = found.change
        return ChangeView(
            verdict=found.verdict,
            size=percent(change.size),
            bounds=f"{percent(change.lo)} to {percent(change.hi)}",
            text=change_text(found),
            good=self._view_of_entry(found.good),
            likely=self._view_of_entry(found.likely),
            changed=self._view_of_entry(found.changed),
            notes=found.notes,
            found=found,
        )

    def _step(self, places: tuple[int, int, int], found: Found) -> ChartStep:
        likely = self._view_of_entry(found.likely)
        title = f"{change_text(found)}: {likely.name}, {likely.date}"
        size = f"{_ARROWS[found.change.size > 1]} {percent(found.change.size)}"
        return ChartStep(*places, found.verdict, size, title, likely.url)

    def _view_of_commit(self, study: int) -> CommitView:
        return self._view_of_entry(self._studies[study])

    def _view_of_entry(self, entry: Entry) -> CommitView:
        label = short(entry.label or "", _NAME)
        return CommitView(commit_name(entry), date_of(entry), label, self._links.of_commit(entry))


def _marks(points: Sequence[PointView], first: int) -> Iterator[ChartMark]:
    """Yield the marks of points, of which the first has an index."""
    for place, (commit, (value, lo, hi, _), text) in enumerate(points, first):
        if value < LARGEST:
            title = f"{commit.date}, {commit.name}: {text}"
            yield ChartMark(place, value, lo, min(hi, LARGEST), commit.date[:10], title, commit.url)


def _places(tracked: TrackedSeries) -> list[tuple[tuple[int, int, int], Found]]:
    """Return each change with the indices of its last good, likely, and changed figure."""
    if not tracked.changes:
        return []
    values = tracked.figures["value"]
    usable = np.flatnonzero((values > 0) & (values < math.inf)).tolist()  # as of the changes
    return [
        ((usable[one.first - 1], usable[one.at], usable[one.last]), found)
        for found in tracked.changes
        for one in (found.change,)
    ]


def _without_change(tracked: TrackedSeries) -> str:
    values = tracked.figures["value"]
    usable = np.count_nonzero((values > 0) & (values < math.inf))
    return UNCHANGED if usable >= 2 * SHORTEST else SHORT


def _name(series: Series) -> str:
    case = series.case
    parts = [short(case_name(case.workload, case.parameters), 2 * _NAME), threads_name(case.threads)]
    parts += (f"observed by {name}" for name in case.observers if name != INSTRUCTIONS)
    return short(", ".join(parts), 3 * _NAME)


def _figure(row: tuple[float, float, float, int], unit: str) -> str:
    value, lo, hi, _ = row
    known = not (math.isnan(lo) or math.isnan(hi))
    return figure_within(value, lo if known else None, hi if known else None, unit)


def _studies(count: int) -> str:
    return "1 study" if count == 1 else f"{count} studies"
