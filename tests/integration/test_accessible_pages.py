"""Pages in Chromium for everyone: by axe-core, by keyboard alone, in light and dark, on a phone, and on paper."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import HEIGHT, browser, opened
from charted import RESULTS
from playwright.sync_api import Browser, Page, expect

from gilbench.render import formats
from gilbench.render.guide import TOPICS, guide_page
from gilbench.render.guide_site import INDEX, site

REPORTS = ("quick", "scorecard", "comparison", "profile", "history")
GUIDE = (INDEX, "what-is-the-gil.html", "how-to-read.html", "workloads.html")
PAPER = 718  # px: A4 with margins of 10 mm
FOCUSABLE = "a[href], summary, input, select, button:enabled, [tabindex='0']"


@functools.cache
def guide() -> dict[str, str]:
    return site([guide_page(topic) for topic in TOPICS])


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a page once."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str) -> Path:
        path = folder / (name if name in GUIDE else f"{name}.html")
        if not path.exists():
            text = guide()[name] if name in GUIDE else formats.text_of(RESULTS[name](), "html")
            path.write_text(text, "utf-8")
        return path

    return write


def open_details(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*REPORTS, *GUIDE])
def test_axe_finds_no_serious_fault(
    name: str, dark: bool, running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written(name), dark=dark, ignore_policy=True) as visit:
        open_details(visit.page)
        found = Axe().run(visit.page).response
        assert found["passes"]
        serious = [
            (fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
            for fault in found["violations"]
            if fault["impact"] in {"serious", "critical"}
        ]
        assert not serious


@pytest.mark.parametrize("name", [*REPORTS, *GUIDE])
def test_tab_reaches_everything_that_does_something(
    name: str, running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written(name)) as visit:
        page = visit.page
        # The script draws after the first frame.
        expect(page.locator("[role=tree]:not(:has([tabindex='0']))")).to_have_count(0)
        count = page.evaluate(
            """wanted => [...document.querySelectorAll(wanted)].filter(one => one.checkVisibility())
                .map(one => one.closest("[role=tree]") ?? one)
                .map((one, number) => { one.dataset.number = number; }).length""",
            FOCUSABLE,
        )
        assert count > 3
        reached = set()
        for _ in range(count + page.locator("[role=tree]").count()):  # a browser may stop at the tree as well
            page.keyboard.press("Tab")
            # A box of a flame graph is drawn anew when it is chosen; its tree stays.
            reached.add(page.evaluate("document.activeElement.closest('[data-number]')?.dataset.number"))
        assert reached >= {str(number) for number in range(count)}
        assert not visit.faults


@pytest.mark.parametrize("name", REPORTS)
def test_each_chart_has_marks_and_opens_its_values_with_one_key(
    name: str, running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written(name)) as visit:
        figures = visit.page.locator("figure")
        assert figures.count() > 0
        for figure in figures.all():
            assert figure.locator("svg :is(path, rect, line)").count() > 5
            table = figure.locator("table")
            assert not table.is_visible()
            figure.locator("summary").press("Enter")
            assert table.is_visible()
            assert table.locator("tbody tr").count() > 0


def test_a_cell_of_the_scorecard_leads_to_its_experiment(
    running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written("scorecard")) as visit:
        cells = visit.page.locator("figure svg a")
        cell = cells.nth(cells.count() - 1)
        name = cell.get_attribute("aria-label") or ""
        title = name.rpartition(", ")[0].partition(") ")[2] or name.rpartition(", ")[0]
        cell.press("Enter")
        place = visit.page.evaluate("decodeURIComponent(location.hash.slice(1))")
        section = visit.page.locator(f"tbody#{place}")
        assert title.partition(":")[0] in section.inner_text()
        box = section.bounding_box()
        assert box is not None
        assert -1 <= box["y"] < HEIGHT
        visit.page.go_back()
        cell.click()  # also where the text of the cell is
        assert visit.page.evaluate("location.hash.slice(1)") == place
        assert not visit.complaints


@pytest.mark.parametrize("name", [*REPORTS, *GUIDE])
def test_on_paper_everything_is_open_and_nothing_is_cut(
    name: str, running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written(name), width=PAPER, paper=True) as visit:
        wide = visit.page.evaluate(
            """() => [...document.querySelectorAll('body *')].filter(one => one.checkVisibility())
                .filter(one => !one.closest('defs') && one.getBoundingClientRect().right > innerWidth + 1)
                .map(one => `${one.tagName} ${one.textContent.slice(0, 40)}`).slice(0, 5)"""
        )
        assert not wide
        hidden = visit.page.evaluate(
            "[...document.querySelectorAll('details *')].filter(one => !one.checkVisibility()).length"
        )
        assert hidden == 0


@pytest.mark.parametrize("name", [*REPORTS, *GUIDE])
def test_on_a_phone_only_what_scrolls_is_wider_than_the_screen(
    name: str, running: Browser, written: Callable[[str], Path]
) -> None:
    with opened(running, written(name), width=390) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        squeezed = visit.page.evaluate(
            """() => [...document.querySelectorAll('tbody th')].filter(one => one.checkVisibility())
                .filter(one => one.textContent.length > 12 && one.offsetWidth < 32).length"""
        )
        assert squeezed == 0
