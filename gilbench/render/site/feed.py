"""The feed of a site: one Atom entry for each lasting change.

A new study can move the most likely commit of a known change, or narrow its interval. A reader must not see the change
again then, so an entry keeps its ID while the interval of the change overlaps that of an earlier run.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from gilbench.model.history import Announced, Entry, FeedMemory, Found
from gilbench.render.site.links import SiteLinks
from gilbench.render.site.names import FEED, INDEX
from gilbench.render.site.templates import template
from gilbench.render.site.views import ChangeView, SeriesView


class _FeedEntry(NamedTuple):
    """A change in the feed."""

    id: str
    title: str
    updated: str
    moment: float
    url: str
    verdict: str
    summary: str


def remember(
    views: Sequence[SeriesView], studies: Sequence[Entry], before: FeedMemory, links: SiteLinks
) -> FeedMemory:
    """Give an ID to the feed and to each change: that of an earlier run, or a new one.

    Returns:
        First the changes, in the order of the series and of their changes. Then changes of earlier runs, which can be
        found again.
    """
    start = links.base or (studies[0].digest if studies else "")
    known: dict[str, list[Announced]] = {}
    for one in before.announced:
        known.setdefault(one.page, []).append(one)
    announced = tuple(
        _announced(view.file, change.found, known.get(view.file, []))
        for view in views
        for change in view.changes
    )
    rest = tuple(one for left in known.values() for one in left)
    return FeedMemory(id=before.id or _uuid("feed", start), announced=announced + rest)


def write_feed(
    views: Sequence[SeriesView],
    studies: Sequence[Entry],
    memory: FeedMemory,
    links: SiteLinks,
    title: str,
) -> str:
    """Return the feed, with the latest change first.

    Args:
        views: All series.
        studies: All studies, in order.
        memory: What ``remember`` returned for these series.
        links: Links of the site.
        title: Title of the feed.
    """
    entries = sorted(_entries(views, memory, links), key=lambda one: (-one.moment, one.title, one.id))
    latest = max((one.moment for one in entries), default=studies[-1].moment if studies else 0.0)
    return template("feed.xml.jinja").render(
        id=memory.id,
        title=title,
        updated=_date(latest),
        address=links.of_file(FEED) if links.base else None,
        site=links.of_file(INDEX),
        entries=entries,
    )


def _announced(page: str, found: Found, known: list[Announced]) -> Announced:
    rise, good, changed = found.change.size > 1, found.good.moment, found.changed.moment
    for one in known:
        if one.rise == rise and one.good <= changed and good <= one.changed:
            known.remove(one)  # another change is not the same one
            return Announced(id=one.id, page=page, rise=rise, good=good, changed=changed)
    key = _uuid(page, found.likely.digest, str(rise))
    return Announced(id=key, page=page, rise=rise, good=good, changed=changed)


def _entries(views: Sequence[SeriesView], memory: FeedMemory, links: SiteLinks) -> Iterator[_FeedEntry]:
    changes = [(view, change) for view in views for change in view.changes]
    for (view, change), one in zip(changes, memory.announced, strict=False):  # the rest is of earlier runs
        found = change.found
        yield _FeedEntry(
            id=one.id,
            title=f"{change.verdict}: {change.size}, {view.title}",
            updated=_date(found.changed.moment),
            moment=found.changed.moment,
            url=links.of_file(view.file),
            verdict=change.verdict,
            summary=_summary(change),
        )


def _summary(change: ChangeView) -> str:
    sides = {"Last good": change.good, "Most likely": change.likely, "Changed": change.changed}
    parts = [
        f"{change.text}.",
        *(f"{side}: {commit.name} ({commit.date})." for side, commit in sides.items()),
    ]
    return " ".join([*parts, *(f"Note: {note}." for note in change.notes)])


def _uuid(*texts: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(("gilbench", *texts))).urn


def _date(moment: float) -> str:
    """Write a date as Atom wants it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
