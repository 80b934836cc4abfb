"""Pages of HTML in Chromium: nothing is refused, and everything is laid out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import profiles
import pytest
from browser import browser, opened
from html_pages import HtmlPage
from PIL import Image
from playwright.sync_api import Browser
from studies import everything

from gilbench.render import formats


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module", params=["study", "profile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    result = everything().report() if request.param == "study" else profiles.contended()
    path.write_text(formats.text_of(result, "html"), "utf-8")
    return path


def test_the_browser_accepts_the_page_as_it_is(running: Browser, page: Path) -> None:
    before = HtmlPage(page.read_text("utf-8"))
    with opened(running, page) as visit:
        for tag in ("figure", "svg", "tr"):
            assert visit.page.locator(tag).count() == len(before.all(tag))
        assert visit.faults == []


@pytest.mark.parametrize("width", [390, 1280])
def test_light_and_dark_are_drawn_with_other_backgrounds(running: Browser, page: Path, width: int) -> None:
    corners = []
    for dark in (False, True):
        with (
            opened(running, page, width=width, dark=dark) as visit,
            Image.open(io.BytesIO(visit.page.screenshot())) as image,
        ):
            corners.append(image.convert("L").getpixel((1, 1)))
            assert len(image.convert("RGB").resize((60, 60)).getcolors(3600) or ()) > 20
    light, dark_corner = corners
    assert light > 200  # type: ignore[operator]
    assert dark_corner < 60  # type: ignore[operator]
