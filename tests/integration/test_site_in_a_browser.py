"""The site of a history in Chromium: its filters work, nothing is refused, and nothing else is requested."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from html_pages import HtmlPage
from interpreters_fixture import absent
from PIL import Image
from tracked import HOSTILE, example, files_of, series

from gilbench.model.history import TrackedHistory
from gilbench.render.site.names import page_file

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
COMPLAINT = re.compile(r"CONSOLE.*|Refused to .*|Content Security Policy.*")
# A page beside the site, which uses its filters as a person would, and writes down what is shown then.
USER = """<!doctype html><meta charset="utf-8"><title>user</title><iframe src="index.html%s"></iframe><pre></pre>
<script>
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument;
  const seen = [];
  const look = () => seen.push({
    rows: [...page.querySelectorAll("tr[data-verdict]")].filter((row) => row.checkVisibility())
      .map((row) => row.querySelector("a").textContent),
    headings: [...page.querySelectorAll("tr.section")].filter((row) => row.checkVisibility()).length,
    count: page.getElementById("count").textContent,
    hash: page.location.hash,
    focus: page.activeElement.name || page.activeElement.id || "",
  });
  const put = (name, value) => {
    const control = page.querySelector(`[name=${name}]`);
    control.value = value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
    look();
  };
  look();
  %s
  document.querySelector("pre").textContent = JSON.stringify(seen);
});
</script>"""


class Served(NamedTuple):
    """A folder on a server of this machine."""

    folder: Path
    address: str
    requests: list[str]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and notes what is requested."""

    requests: list[str]

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":  # the browser's own wish, whatever a page says
            self.send_response(http.HTTPStatus.NO_CONTENT)
            self.end_headers()
            return
        self.requests.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    write(made, example())
    return made


def write(folder: Path, history: TrackedHistory) -> None:
    for name, text in files_of(history)[0].items():
        folder.joinpath(name).parent.mkdir(exist_ok=True)
        folder.joinpath(name).write_text(text, "utf-8")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    requests: list[str] = []
    handler = type("Noting", (Handler,), {"requests": requests})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Served(folder, f"http://127.0.0.1:{server.server_port}", requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def chromium(address: str, profile: Path, *options: str, width: int = 1280) -> str:
    """Open an address, and return the page as it is then; what the browser complains of fails the test."""
    if CHROMIUM is None:
        absent("chromium is not installed")
    done = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
            f"--user-data-dir={profile}",
            f"--window-size={width},1200",
            *options,
            address,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not COMPLAINT.findall(done.stderr)
    return done.stdout


def used(served: Served, profile: Path, actions: str, hash_: str = "") -> list[dict[str, Any]]:
    """What is shown at first and after each action of a user."""
    served.folder.joinpath("user.html").write_text(USER % (hash_, actions), "utf-8")
    text = chromium(f"{served.address}/user.html", profile, "--dump-dom")
    found: list[dict[str, Any]] = json.loads("".join(HtmlPage(text).all("pre")[0].text))
    return found


def test_the_filters_show_what_is_chosen_and_keep_it_in_the_address(served: Served, tmp_path: Path) -> None:
    actions = """
    put("text", "WORSE");
    put("interpreter", "3.15t");
    put("verdict", "improved");
    page.getElementById("clear").click(); look();
    put("verdict", "improved");
    """
    first, words, chosen, none, cleared, better = used(served, tmp_path / "browser", actions)
    assert (len(first["rows"]), first["headings"], first["count"]) == (5, 4, "5 series")
    assert words["rows"] == ["worse, 2 threads", "worse, 4 threads"]
    assert (words["count"], words["headings"]) == ("2 of 5 series", 1)
    assert chosen["rows"] == ["worse, 2 threads"]
    assert chosen["hash"] == "#text=WORSE&interpreter=3.15t"
    assert (none["rows"], none["headings"], none["count"]) == ([], 0, "0 of 5 series")
    assert (len(cleared["rows"]), cleared["hash"], cleared["focus"]) == (5, "", "text")
    assert better["rows"] == ["better, 4 threads"]
    assert served.requests == ["/user.html", "/index.html"]


def test_an_address_with_filters_shows_the_same_to_others(served: Served, tmp_path: Path) -> None:
    actions = """page.location.hash = "#verdict=improved&interpreter=nothing";
    page.defaultView.dispatchEvent(new HashChangeEvent("hashchange")); look();"""
    first, second = used(served, tmp_path / "browser", actions, "#text=worse&interpreter=3.14t")
    assert first["rows"] == ["worse, 4 threads"]
    assert second["rows"] == ["better, 4 threads"]


@pytest.mark.parametrize("name", ["index.html", page_file(series("worse"))])
def test_the_browser_accepts_a_file_as_it_is(name: str, folder: Path, tmp_path: Path) -> None:
    before = HtmlPage((folder / name).read_text("utf-8"))
    after = HtmlPage(chromium((folder / name).as_uri(), tmp_path / "browser", "--dump-dom"))
    for tag in ("svg", "tr", "a", "polyline"):
        assert len(after.all(tag)) == len(before.all(tag)) > 0


def test_a_page_requests_nothing(served: Served, tmp_path: Path) -> None:
    name = page_file(series("worse"))
    chromium(f"{served.address}/{name}", tmp_path / "browser", "--dump-dom")
    assert served.requests == [f"/{name}"]


def test_hostile_names_run_nothing(tmp_path: Path) -> None:
    found = example()
    odd = series(HOSTILE, interpreter=HOSTILE, reference=HOSTILE)
    first, *rest = found.tracked
    write(
        tmp_path, found._replace(series=(odd, *found.series[1:]), tracked=(first._replace(series=odd), *rest))
    )
    text = chromium((tmp_path / "index.html").as_uri(), tmp_path / "browser", "--dump-dom")
    page = HtmlPage(text)
    assert len(page.all("script")) == 1
    assert len([row for row in page.all("tr") if "data-verdict" in row.attributes]) == 5


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["index.html", page_file(series("worse"))])
def test_light_and_dark_are_drawn_with_other_backgrounds(
    name: str, width: int, folder: Path, tmp_path: Path
) -> None:
    corners = []
    for theme, options in {"light": (), "dark": ("--blink-settings=preferredColorScheme=0",)}.items():
        picture = tmp_path / f"{theme}.png"
        address, profile = (folder / name).as_uri(), tmp_path / "browser"
        chromium(address, profile, f"--screenshot={picture}", *options, width=width)
        with Image.open(picture) as image:
            corners.append(image.convert("L").getpixel((1, 1)))
            assert len(image.convert("RGB").resize((60, 60)).getcolors(3600) or ()) > 20
    light, dark = corners
    assert light > 200  # type: ignore[operator]
    assert dark < 60  # type: ignore[operator]
