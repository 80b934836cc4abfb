"""The site of a history: regressions first, escaped, the same in every run, and a feed that announces once."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from html_pages import HtmlPage
from tracked import (
    HOSTILE,
    LINKS,
    STUDIES,
    entry,
    example,
    files_of,
    history,
    series,
    tracked,
    values,
)

from gilbench.model.errors import UsageError
from gilbench.model.history import TrackedSeries
from gilbench.model.results import Known
from gilbench.render.site.bins import binned
from gilbench.render.site.links import SiteLinks, site_links
from gilbench.render.site.names import badge_file, page_file
from gilbench.store.history_records import FIGURE

FILES, SITE = files_of(example())
INDEX = HtmlPage(FILES["index.html"])
ATOM = "{http://www.w3.org/2005/Atom}"
NAMES = ["countdown", "gilbench", "Countdown", "count/../down", "..", "", "con", HOSTILE, "ß", "a" * 300]


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - written by this process


def rows(page: HtmlPage) -> list[dict[str, str]]:
    return [row.attributes for row in page.all("tr") if "data-verdict" in row.attributes]


def pages() -> list[str]:
    return [name for name in FILES if name.startswith("series/")]


def hrefs(page: HtmlPage) -> list[str]:
    return [link.attributes["href"] for link in page.all("a")]


# --- the index ------------------------------------------------------------------------------------------


def test_regressions_come_first_and_are_counted_in_the_title() -> None:
    verdicts = [row["data-verdict"] for row in rows(INDEX)]
    assert verdicts == ["regressed", "regressed", "improved", "unchanged", "short"]
    assert "".join(INDEX.all("title")[0].text) == SITE.title == "2 regressions in 5 series"
    assert [hrefs(INDEX)[place] for place in range(2)] == ["feed.xml", "badges/gilbench.svg"]


def test_of_the_regressions_the_latest_comes_first() -> None:
    first, second = rows(INDEX)[:2]
    assert (first["data-interpreter"], second["data-interpreter"]) == ("3.15t", "3.14t")


def test_each_row_leads_to_a_page_and_each_page_back() -> None:
    local = {href for href in hrefs(INDEX) if not href.startswith("https://")}
    assert local == {"feed.xml", "badges/gilbench.svg", *pages()}
    for name in pages():
        assert "../index.html" in hrefs(HtmlPage(FILES[name]))


def test_a_row_has_the_last_value_the_change_with_its_interval_and_a_drawing() -> None:
    text = "".join(INDEX.all("table")[0].text)
    (change,) = example().tracked[2].changes  # type: ignore[index]
    assert f"{100 * (change.change.size - 1):+.1f}%" in text
    assert f"{100 * (change.change.lo - 1):+.1f}% to {100 * (change.change.hi - 1):+.1f}%" in text
    assert len(INDEX.all("svg")) == 5
    assert all(any(one.ancestors[-1] == "svg" for one in INDEX.all(tag)) for tag in ("title", "polyline"))


def test_without_a_script_all_rows_are_there_and_the_filter_is_not() -> None:
    assert not [row for row in rows(INDEX) if "hidden" in row]
    (box,) = [one for one in INDEX.all("div") if one.attributes.get("id") == "filter"]
    assert "hidden" in box.attributes


def test_a_filter_offers_what_the_rows_have_and_nothing_that_all_rows_share() -> None:
    offered = {one.attributes["name"]: one for one in INDEX.all("select")}
    assert set(offered) == {"verdict", "metric", "interpreter"}
    options = [one.attributes["value"] for one in INDEX.all("option")]
    for name in offered:
        assert {row[f"data-{name}"] for row in rows(INDEX)} <= set(options)


@pytest.mark.parametrize("name", ["index.html", *pages()])
def test_a_page_allows_its_own_style_and_script_only(name: str) -> None:
    page = HtmlPage(FILES[name])
    (policy,) = [one.attributes["content"] for one in page.all("meta") if "http-equiv" in one.attributes]
    assert policy.startswith("default-src 'none';")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    inlined = [one for tag in ("script", "style") for one in page.all(tag)]
    made = [base64.b64encode(hashlib.sha256("".join(one.text).encode()).digest()).decode() for one in inlined]
    assert sorted(allowed) == sorted(made)
    assert len(page.all("script")) == (name == "index.html")
    assert "unsafe" not in policy
    attributes = {attribute for one in page.elements for attribute in one.attributes}
    assert not {one for one in attributes if one.startswith("on")} | ({"style", "src"} & attributes)
    assert len(page.all("h1")) == 1
    for script in page.all("script"):
        assert not re.search(r"eval|innerHTML|outerHTML|document\.write|Function\(", "".join(script.text))


# --- the pages ------------------------------------------------------------------------------------------


def page_of_worse() -> HtmlPage:
    (name,) = [name for name in pages() if name == page_file(series("worse"))]
    return HtmlPage(FILES[name])


def test_a_page_draws_each_study_with_a_link_to_its_commit_and_the_change_as_a_rule() -> None:
    page = page_of_worse()
    assert len([one for one in page.all("circle") if one.attributes["class"] == "point"]) == 60
    assert len([one for one in page.all("polygon") if one.attributes["class"] == "band"]) == 1
    (rule,) = [one for one in page.all("path") if one.attributes["class"] == "step regressed"]
    assert rule.ancestors[-1] == "a"
    (change,) = example().tracked[2].changes  # type: ignore[index]
    inside = [one for one in page.all("a") if "svg" in one.ancestors]
    assert len(inside) == 61
    assert inside[-1].attributes["href"] == f"https://example.com/commit/{change.likely.commit}"
    assert "regressed" in inside[-1].attributes["aria-label"]
    reachable = [one for one in inside if one.attributes.get("tabindex") != "-1"]
    assert reachable == inside[-1:]


def test_the_marks_of_a_change_are_where_its_studies_are() -> None:
    page = page_of_worse()
    (change,) = example().tracked[2].changes  # type: ignore[index]
    xs = [float(one.attributes["cx"]) for one in page.all("circle") if one.attributes["class"] == "point"]
    (rule,) = [one for one in page.all("path") if one.attributes["class"] == "step regressed"]
    (within,) = [one for one in page.all("rect") if one.attributes["class"] == "within regressed"]
    assert rule.attributes["d"].startswith(f"M{xs[change.change.at]:.1f} ")
    assert float(within.attributes["x"]) == pytest.approx(xs[change.change.first - 1], abs=0.1)


def test_the_table_lists_the_latest_first_and_says_how_many_are_not_listed() -> None:
    files, _ = files_of(example(), last=10)
    page = HtmlPage(files[page_file(series("worse"))])
    dates = ["".join(one.text) for one in page.all("th") if one.attributes.get("scope") == "row"]
    assert len(dates) == 10
    assert dates == sorted(dates, reverse=True)
    assert "50 older studies are not listed" in files[page_file(series("worse"))]
    assert len(page.all("figure")) == 2
    assert len([one for one in page.all("circle") if one.attributes["class"] == "point"]) == 10


def test_a_long_series_is_drawn_whole_with_few_marks() -> None:
    studies = [entry(day) for day in range(2000)]
    files, _ = files_of(
        history(tracked(series(), values(2000, (1500, 0.9)), studies), studies=studies), last=50
    )
    page = HtmlPage(files[page_file(series())])
    whole = page.all("polyline")[-1].attributes["points"].split()
    assert 100 <= len(whole) <= 150
    assert "median of 14 neighboring studies" in files[page_file(series())]
    assert [one for one in page.all("path") if one.attributes["class"] == "step regressed"]
    assert len(files[page_file(series())]) < 60_000


@pytest.mark.parametrize(
    "odd",
    [
        [np.inf] * 9,
        [0.0] * 9,
        [1.0],
        [1e308, 1e-308, 0.0, np.inf, 1.0, 1.7e308],
        [5e-324] * 20,
        [1.0] * 9,
    ],
)
def test_odd_values_are_drawn_without_nonsense(odd: list[float]) -> None:
    figures = np.array([(value, np.nan, np.inf, 5) for value in odd], FIGURE)
    one = TrackedSeries(series(), np.arange(len(odd)), figures, ())
    files, _ = files_of(history(one, studies=STUDIES))
    for name in ("index.html", page_file(series())):
        for element in HtmlPage(files[name]).elements:
            for attribute in ("points", "d", "cx", "cy", "x", "y", "width"):
                assert not re.search("nan|inf", element.attributes.get(attribute, "")), element


def test_usual_intervals_are_drawn_whole_and_a_single_long_one_is_cut() -> None:
    rows = [(1.0 + place % 2 / 100, 0.8, 1.2, 5) for place in range(60)]
    rows[7] = (1.0, 0.0, 900.0, 5)
    one = TrackedSeries(series(), np.arange(60), np.array(rows, FIGURE), ())
    files, _ = files_of(history(one, studies=STUDIES))
    page = HtmlPage(files[page_file(series())])
    (band,) = [one for one in page.all("polygon") if one.attributes["class"] == "band"]
    (line,) = [one for one in page.all("polyline") if one.attributes["class"] == "line"]
    ys = [
        [float(place.split(",")[1]) for place in drawn.attributes["points"].split()] for drawn in (band, line)
    ]
    usual = ys[0][0] - ys[0][-1]  # px from the lower to the upper end
    assert min(ys[0]) < ys[0][-1] < min(ys[1])
    assert 100 < usual < max(ys[0]) - min(ys[0])


def test_bins_are_of_equal_size_and_leave_nothing_out() -> None:
    found = binned(np.array([9.0, np.inf, *range(20)]), 10)
    assert found.size == 3
    assert len(found.at) == 7
    assert (found.high[-1], found.middle[-1], found.low[-1]) == (19, 18, 17)
    assert found.at[-1] == 20
    assert (found.low.min(), found.high.max()) == (0, 19)


def test_a_series_of_another_version_of_a_workload_no_longer_counts() -> None:
    old = tracked(series("worse", workload_digest="1"), values(50, (20, 0.9)), STUDIES)
    new = tracked(series("worse", workload_digest="2"), values(10), STUDIES, range(50, 60))
    files, site = files_of(history(old, new, studies=STUDIES))
    assert site.title == "No regression in 1 series"
    assert [row["data-verdict"] for row in rows(HtmlPage(files["index.html"]))] == ["unchanged", "replaced"]
    assert "no regression" in files["badges/worse.svg"]


def test_a_known_regression_is_shown_with_its_reason_and_does_not_count() -> None:
    known = Known(reason="issue 17: <b>slower</b> start", workload="wor*", metric="relative")
    better = Known(reason="no regression", workload="better")
    files, site = files_of(example(), known=(better, known))
    page = HtmlPage(files["index.html"])
    verdicts = [row["data-verdict"] for row in rows(page)]
    assert verdicts == ["regressed", "improved", "known", "unchanged", "short"]
    assert site.title == "1 regression in 5 series"
    assert "1 regression" in files["badges/worse.svg"]
    for name in ("index.html", page_file(series("worse"))):
        assert "issue 17: <b>slower</b> start" in "".join(HtmlPage(files[name]).all("body")[0].text)
    assert "no regression" not in files["index.html"]


def test_a_series_without_a_study_of_the_branch_has_no_page() -> None:
    none = tracked(series("absent"), [], STUDIES)
    files, site = files_of(history(none, tracked(series(), values(9), STUDIES), studies=STUDIES))
    assert site.title == "No regression in 1 series"
    assert page_file(none.series) not in files
    empty, site = files_of(history(none, studies=()))
    assert site.title == "No regression in 0 series"
    assert set(empty) == {"index.html", "feed.xml", "badges/gilbench.svg"}
    assert "too few studies" in empty["badges/gilbench.svg"]


# --- names from outside ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_file_name_is_safe_whatever_a_workload_is_called(name: str) -> None:
    one = series(name)
    for file in (page_file(one), badge_file(name)):
        assert re.fullmatch(r"(series|badges)/[a-z0-9][a-z0-9_-]{0,90}\.(html|svg)", file)


def test_file_names_differ_where_series_do_and_not_where_only_the_key_does() -> None:
    assert len({badge_file(name).lower() for name in [*NAMES, "count-down"]}) == len(NAMES) + 1
    assert badge_file("countdown") == "badges/countdown.svg"
    assert badge_file("gilbench") != "badges/gilbench.svg"
    others = [series(), series(threads=2), series(reference="3.12"), series(workload_digest="1")]
    assert len({page_file(one) for one in others}) == 4
    assert page_file(series(id=7)) == page_file(series())


def test_hostile_names_do_no_harm() -> None:
    studies = [
        entry(day, commit=f"{HOSTILE}{day}", label=HOSTILE, host=f"{HOSTILE}{day // 30}", branch=HOSTILE)
        for day in range(60)
    ]
    odd = series(HOSTILE, interpreter=HOSTILE, reference=HOSTILE, metric=HOSTILE, unit=HOSTILE)
    found = history(tracked(odd, values(60, (30, 0.9)), studies), studies=studies)
    files, _ = files_of(found._replace(branch=HOSTILE, fallback=HOSTILE))
    for name, text in files.items():
        assert "\x1b" not in text
        assert "{{ 7 * 7 }}" in text or name.startswith("badges/")
        if name.endswith(".html"):
            page = HtmlPage(text)
            assert len(page.all("script")) == (name == "index.html")
            for href in hrefs(page):
                assert href.startswith(("https://example.com/commit/", "series/", "../", "feed", "badges/"))
        else:
            parsed(text)


def test_a_commit_cannot_change_the_rest_of_its_link() -> None:
    links = SiteLinks("https://example.com/commit/{commit}?view=1")
    odd = entry(0, commit="a/../../b?c#d {commit}")
    assert links.of_commit(odd) == "https://example.com/commit/a%2F..%2F..%2Fb%3Fc%23d%20%7Bcommit%7D?view=1"
    assert links.of_commit(entry(0, commit=None)) is None
    assert SiteLinks().of_commit(odd) is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)//{commit}",
        "//example.com/{commit}",
        "https:///{commit}",
        "https://exa mple.com/{commit}",
        "https://example.com/\n{commit}",
        "https://[::1/{commit}",
        "file:///{commit}",
        "data:text/html,{commit}",
        "HTTPS//{commit}",
    ],
)
def test_what_is_no_url_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="--commit-url"):
        site_links(url, None)
    with pytest.raises(UsageError, match="--base-url"):
        site_links(None, url)


def test_a_commit_url_must_say_where_the_commit_is_and_a_base_gets_its_slash() -> None:
    with pytest.raises(UsageError, match=r"has no \{commit\}"):
        site_links("https://example.com/", None)
    assert site_links(None, "http://example.com").of_file("feed.xml") == "http://example.com/feed.xml"
    assert site_links(None, "http://example.com/a/").of_file("x") == "http://example.com/a/x"


# --- the feed -------------------------------------------------------------------------------------------


def check_atom(text: str) -> list[ET.Element]:
    """Check the rules of RFC 4287 for a feed, and return its entries."""
    feed = parsed(text)
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for one in (feed, *entries):
        for name in ("id", "title", "updated"):
            (found,) = one.findall(f"{ATOM}{name}")
            assert found.text
        assert re.match(r"urn:uuid:[0-9a-f-]{36}$", one.findtext(f"{ATOM}id") or "")
        moment = one.findtext(f"{ATOM}updated") or ""
        assert moment.endswith("Z")
        datetime.fromisoformat(moment)
        assert [link for link in one.findall(f"{ATOM}link") if link.get("rel") == "alternate"]
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert len({one.findtext(f"{ATOM}id") for one in (feed, *entries)}) == len(entries) + 1
    moments = [one.findtext(f"{ATOM}updated") or "" for one in entries]
    assert moments == sorted(moments, reverse=True)
    assert not entries or feed.findtext(f"{ATOM}updated") == moments[0]
    return entries


def test_the_feed_has_an_entry_for_each_change_the_latest_first() -> None:
    entries = check_atom(FILES["feed.xml"])
    titles = [one.findtext(f"{ATOM}title") or "" for one in entries]
    assert [title.partition(":")[0] for title in titles] == ["regressed", "improved", "regressed"]
    for one in entries:
        (link,) = one.findall(f"{ATOM}link")
        assert (link.get("href") or "").removeprefix("https://example.com/site/") in FILES
        assert "95% interval" in (one.findtext(f"{ATOM}summary") or "")
    (itself,) = [one for one in parsed(FILES["feed.xml"]) if one.get("rel") == "self"]
    assert itself.get("href") == "https://example.com/site/feed.xml"


def test_without_a_base_the_links_of_the_feed_are_relative() -> None:
    files, _ = files_of(example(), SiteLinks())
    for one in check_atom(files["feed.xml"]):
        (link,) = one.findall(f"{ATOM}link")
        assert link.get("href") in files


def test_a_feed_without_changes_is_a_feed() -> None:
    steady = tracked(series(), values(60), STUDIES)
    for found in (history(steady, studies=STUDIES), history(studies=())):
        files, _ = files_of(found)
        assert check_atom(files["feed.xml"]) == []


def test_a_change_is_announced_once_while_later_studies_move_it() -> None:
    found = values(60, (30, 0.985), seed=4)
    ids, places, counts, memory = set(), set(), [], None
    for count in range(40, 61):
        one = tracked(series(), found[:count], STUDIES)
        files, site = files_of(history(one, studies=STUDIES[:count]), feed=memory)
        memory = site.feed
        ids |= {change.findtext(f"{ATOM}id") for change in check_atom(files["feed.xml"])}
        places |= {(change.change.at, change.change.first, change.change.last) for change in one.changes}
        counts.append(len(one.changes))
    assert len({at for at, _, _ in places}) > 1
    assert re.search("10+1", "".join(map(str, counts)))  # it is found, then doubted, and then found again
    assert len(ids) == 1


def test_another_change_of_the_same_series_is_another_entry() -> None:
    one = tracked(series(), values(60, (20, 0.9), (40, 1.0)), STUDIES)
    assert len(one.changes) == 2
    files, site = files_of(history(one, studies=STUDIES))
    first = [change.findtext(f"{ATOM}id") for change in check_atom(files["feed.xml"])]
    again, _ = files_of(history(one, studies=STUDIES), feed=site.feed)
    assert first == [change.findtext(f"{ATOM}id") for change in check_atom(again["feed.xml"])]


# --- the rest -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gilbench", "gilbench: 2 regressions"),
        ("worse", "gilbench worse: 2 regressions"),
        ("better", "gilbench better: no regression"),
        ("young", "gilbench young: too few studies"),
    ],
)
def test_a_badge_is_a_picture_that_says_what_it_shows(name: str, said: str) -> None:
    badge = parsed(FILES[f"badges/{name}.svg"])
    assert badge.tag == "{http://www.w3.org/2000/svg}svg"
    assert badge.get("aria-label") == badge.findtext("{http://www.w3.org/2000/svg}title") == said
    words = [one.text for one in badge.iter("{http://www.w3.org/2000/svg}text")]
    assert ": ".join(map(str, words)) == said


def test_the_same_history_gives_the_same_files_in_every_run() -> None:
    again, site = files_of(example())
    assert again == FILES
    with_memory, _ = files_of(example(), feed=site.feed)
    assert with_memory == FILES


def test_links_are_left_out_where_there_is_no_url() -> None:
    files, _ = files_of(example(), SiteLinks(None, LINKS.base))
    assert not [href for name in pages() for href in hrefs(HtmlPage(files[name])) if href != "../index.html"]
