"""Pages of HTML in Chromium: nothing is refused, and everything is laid out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import profiles
import pytest
from html_pages import HtmlPage
from interpreters_fixture import absent
from PIL import Image
from studies import everything

from gilbench.render import formats

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
COMPLAINT = re.compile(r"CONSOLE.*|Refused to .*|Content Security Policy.*")


def chromium(path: Path, *options: str, width: int = 1280) -> subprocess.CompletedProcess[str]:
    if CHROMIUM is None:
        absent("chromium is not installed")
    return subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            f"--user-data-dir={path.parent / 'browser'}",
            f"--window-size={width},1200",
            *options,
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


@pytest.fixture(scope="module", params=["study", "profile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    result = everything().report() if request.param == "study" else profiles.contended()
    path.write_text(formats.text_of(result, "html"), "utf-8")
    return path


def test_the_browser_accepts_the_page_as_it_is(page: Path) -> None:
    done = chromium(page, "--dump-dom")
    assert not COMPLAINT.findall(done.stderr)
    before, after = HtmlPage(page.read_text("utf-8")), HtmlPage(done.stdout)
    assert [one.tag for one in after.all("figure")] == [one.tag for one in before.all("figure")]
    assert len(after.all("svg")) == len(before.all("svg"))
    assert len(after.all("tr")) == len(before.all("tr"))


@pytest.mark.parametrize("width", [390, 1280])
def test_light_and_dark_are_drawn_with_other_backgrounds(page: Path, width: int) -> None:
    corners = []
    for name, options in {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}.items():
        picture = page.parent / f"{name}{width}.png"
        chromium(page, f"--screenshot={picture}", *options, width=width)
        with Image.open(picture) as image:
            corners.append(image.convert("L").getpixel((1, 1)))
            assert len(image.convert("RGB").resize((60, 60)).getcolors(3600) or ()) > 20
    light, dark = corners
    assert light > 200  # type: ignore[operator]
    assert dark < 60  # type: ignore[operator]
