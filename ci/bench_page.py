"""The page of a trace of 10 s with half a million events, in Chromium: its size, its first paint, and drags in it."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bench_row import Row

from gilbench.render import formats

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

_TESTS = Path(__file__).parent.parent / "tests" / "support"
_REPETITIONS = 7
_STEPS = 120  # movements of the pointer in a drag
# Keeps the longest time between two frames from now on, ms.
_WATCH = """() => {
  let last = performance.now();
  window.longest = 0;
  const look = now => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(now => { last = now; requestAnimationFrame(look); });
}"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"


def profile_page() -> Iterator[Row]:
    """Write the page, open it several times, and drag over its lanes; as a control, move the pointer elsewhere."""
    sys.path.append(str(_TESTS))  # what the tests have for a browser and a trace
    from browser import browser, opened  # noqa: PLC0415
    from traced import half_a_million  # noqa: PLC0415

    recorded = half_a_million()
    with tempfile.TemporaryDirectory() as folder, browser() as running:
        path = Path(folder) / "page.html"
        began = time.monotonic()
        path.write_text(formats.text_of(recorded, "html"), "utf-8")
        yield _row("write the page of 500 000 events, s", [time.monotonic() - began], 20)
        yield _row("its size, MB", [path.stat().st_size / 1e6], 5)
        paints, idle, dragged = [], [], []
        for _ in range(_REPETITIONS):
            with opened(running, path) as visit:
                canvas = visit.page.locator("#g-lanes canvas")
                canvas.wait_for()
                paints.append(float(visit.page.evaluate(_PAINT)))
                canvas.scroll_into_view_if_needed()
                box = canvas.bounding_box()
                assert box is not None  # noqa: S101 - it is in view
                visit.page.evaluate(_WATCH)
                idle.append(_longest(visit.page, {**box, "y": box["y"] - 100}, drag=False))
                dragged.append(_longest(visit.page, box, drag=True))
        yield _row("its first paint, s", paints, 1)
        yield _row("longest frame while the pointer moves elsewhere, s", idle, None)
        yield _row("longest frame while dragging over its lanes, s", dragged, 0.05)


def _longest(page: Page, box: FloatRect, *, drag: bool) -> float:
    """Return the longest frame, s, in which the pointer selects a part, and moves it to and fro."""
    left, right, top = box["x"] + 200, box["x"] + box["width"] - 10, box["y"] + 50
    page.evaluate("() => { window.longest = 0; }")
    for keys, begin, end in (
        ((), left + 300, right - 100),
        (("Shift",), left, right),
        (("Shift",), right, left),
    ):
        page.mouse.move(begin, top)
        for key in keys:
            page.keyboard.down(key)
        if drag:
            page.mouse.down()
        page.mouse.move(end, top, steps=_STEPS)
        if drag:
            page.mouse.up()
        for key in keys:
            page.keyboard.up(key)
    return float(page.evaluate("() => window.longest")) / 1000


def _row(what: str, taken: list[float], aim: float | None) -> Row:
    middle = statistics.median(taken)
    lo, hi = (min(taken), max(taken)) if len(taken) > 1 else (None, None)
    return Row(what, middle, lo, hi, "control" if aim is None else f"< {aim:g}", aim is None or middle < aim)
