"""A history as pages: its studies, trends, changes and points."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from golden import compare, written
from rich.cells import cell_len

from gilbench.model.history import Change, Changes, Entry, Found, Point, Points, Series, Studies, Trends
from gilbench.model.study import Case
from gilbench.render import formats

HOSTILE = "=cmd()|<script>]]>\n\x1b[31m[red]`@all ::error::" + "x" * 10_000


def entry(day: int = 0, **changes: Any) -> Entry:
    plain = Entry(
        id=day + 1,
        digest=f"{day:064x}",
        moment=1767225600.0 + day * 86400,
        created="2026-01-01T00:00:00+00:00",
        commit=f"c{day}",
        branch="main",
        label=None,
        host="some CPU",
        reference_build="3.13 (CPython 3.13.5)",
    )
    return plain._replace(**changes)


def series(name: str = "countdown", **changes: Any) -> Series:
    case = Case(workload=name, interpreter="3.14t", threads=4, gil=False, parameters=(("size", 3),))
    plain = Series(1, case, "", "3.13", "relative", "x", "higher")
    return plain._replace(**changes)


def found(size: float = 0.95, **changes: Any) -> Found:
    change = Change(at=41, first=40, last=43, size=size, lo=size * 0.99, hi=size * 1.01, p=1e-6)
    plain = Found(
        series(), change, entry(39), entry(41), entry(43), "improved" if size > 1 else "regressed", ()
    )
    return plain._replace(**changes)


def points(count: int = 10) -> tuple[tuple[Entry, Point], ...]:
    return tuple((entry(day), Point(day + 1, 1 + day / 100, 0.99, 1.2, 5)) for day in range(count))


HOSTILE_ENTRY = entry(commit=HOSTILE, branch=HOSTILE, label=HOSTILE, reference_build=HOSTILE)
HOSTILE_SERIES = series(HOSTILE, reference=HOSTILE, metric=HOSTILE)
PAGES = {
    "studies": Studies((entry(0), entry(1, branch=None, commit=None, label="nightly")), 32),
    "trends": Trends(((series(), points()), (series(metric="latency_p99", unit="s"), points(3)))),
    "changes": Changes(
        (found(), found(1.2, good=entry(39, commit="c43"), notes=("the same commit on both sides",))),
        7,
        "main",
    ),
}
HOSTILE_PAGES = {
    "studies": Studies((HOSTILE_ENTRY,), 1),
    "trends": Trends(((HOSTILE_SERIES, ((HOSTILE_ENTRY, Point(1, math.inf, None, None, 5)),) * 2),)),
    "changes": Changes((found(series=HOSTILE_SERIES, likely=HOSTILE_ENTRY),), 1, HOSTILE),
}


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_written_as_before(name: str, columns: int, regenerate: bool) -> None:
    compare(f"history_{name}_{columns}.txt", written(PAGES[name], "terminal", columns), regenerate=regenerate)


@pytest.mark.parametrize("columns", [80, 160])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_terminal_and_nothing_moves_its_cursor(name: str, columns: int) -> None:
    for result in (PAGES[name], HOSTILE_PAGES[name]):
        text = written(result, "terminal", columns)
        assert max(map(cell_len, text.splitlines())) <= columns
        assert "\x1b" not in text
        assert "x" * 1000 not in text


@pytest.mark.parametrize("name", PAGES)
def test_hostile_names_do_no_harm_in_any_format(name: str) -> None:
    hostile = HOSTILE_PAGES[name]
    json.loads(written(hostile, "json"))
    for row in csv.reader(io.StringIO(written(hostile, "csv"))):
        assert not [value for value in row if value.startswith(("=", "+", "@"))]
    page = written(hostile, "markdown")
    assert "\x1b" not in page
    assert "x" * 1000 not in page
    assert {line.count("|") for line in page.splitlines() if line.startswith("|")} <= {7}


def test_a_trend_is_drawn_with_a_dot_for_each_study_and_listed() -> None:
    text = written(Trends(((series(), points()),)), "terminal")
    assert text.partition("└")[0].count("●") == 10
    assert "10 studies, the oldest first" in text
    assert "c9" in text
    (told,) = json.loads(written(PAGES["trends"], "json"))["series"][:1]
    assert [point["commit"] for point in told["points"]] == [f"c{day}" for day in range(10)]


def test_a_change_names_the_commits_the_size_and_how_sure() -> None:
    text = written(PAGES["changes"], "terminal")
    for told in ("regressed: -5.0%", "c39", "c41", "c43", ">99.9%", "2 changes in 7 series of branch main"):
        assert told in text
    (change, _) = json.loads(written(PAGES["changes"], "json"))["changes"]
    assert (change["last_good"], change["likely"], change["first_changed"]) == ("c39", "c41", "c43")
    assert (change["verdict"], change["notes"], change["ratio"]) == ("regressed", [], 0.95)


def test_a_metric_that_was_not_asked_for_is_named() -> None:
    for result in (Trends(((series(), points()),), "throughput"), Changes((), 0, None, "throughput")):
        assert "these are of throughput" in written(result, "terminal")
        assert json.loads(written(result, "json"))["fallback"] == "throughput"


def test_older_studies_are_counted_and_programs_get_those_that_are_given() -> None:
    assert "30 older studies" in written(PAGES["studies"], "terminal")
    told = json.loads(written(PAGES["studies"], "json"))["studies"]
    assert {"digest", "created", "commit", "branch", "label", "host", "reference_build"} == set(told[0])


class Counting(io.StringIO):
    """A file that knows how many points had been made at its first row."""

    made = 0
    first: int | None = None

    def write(self, text: str) -> int:
        if "countdown" in text and self.first is None:
            self.first = self.made
        return super().write(text)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_points_are_streamed_each_written_before_the_next_is_made(form: str) -> None:
    file = Counting()

    def rows() -> Iterator[tuple[Entry, Series, Point]]:
        for day in range(1000):
            file.made += 1
            yield entry(day), series(), Point(day, 1.5, None, None, 5)

    formats.write(Points(rows()), form, file)
    assert file.first is not None
    assert file.first <= 2
    text = file.getvalue()
    made = json.loads(text)["points"] if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert len(made) == 1000
    assert float(made[7]["value"]) == 1.5
    assert made[7]["commit"] == "c7"
