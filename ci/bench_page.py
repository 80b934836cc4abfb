"""The page of a trace of 10 s with half a million events, in Chromium: its size, its first paint, and drags in it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench_row import Row

from gilbench.render import formats

_TESTS = Path(__file__).parent.parent / "tests" / "support"
_REPETITIONS = 5
_STEPS = 120  # movements of the pointer in a drag
# The longest time between two frames since the last call, s.
_WATCH = """() => {
  window.longest = 0;
  let last = performance.now();
  const look = now => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(now => { last = now; requestAnimationFrame(look); });
}"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"


def profile_page() -> Iterator[Row]:
    """Write the page, open it several times, and drag over its lanes, selecting and moving."""
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
        paints, frames = [], []
        for _ in range(_REPETITIONS):
            with opened(running, path) as visit:
                canvas = visit.page.locator("#g-lanes canvas")
                canvas.wait_for()
                paints.append(float(visit.page.evaluate(_PAINT)))
                canvas.scroll_into_view_if_needed()
                box = canvas.bounding_box()
                assert box is not None  # noqa: S101 - it is in view
                left, right, top = box["x"] + 200, box["x"] + box["width"] - 10, box["y"] + 50
                visit.page.evaluate(_WATCH)
                for shift, ends in (
                    (False, (left + 300, right - 100)),
                    (True, (left, right)),
                    (True, (right, left)),
                ):
                    if shift:
                        visit.page.keyboard.down("Shift")
                    visit.page.mouse.move(ends[0], top)
                    visit.page.mouse.down()
                    visit.page.mouse.move(ends[1], top, steps=_STEPS)
                    visit.page.mouse.up()
                    visit.page.keyboard.up("Shift")
                frames.append(float(visit.page.evaluate("() => window.longest")) / 1000)
        yield _row("its first paint, s", paints, 1)
        yield _row("longest frame while dragging in it, s", frames, 0.05)


def _row(what: str, taken: list[float], aim: float) -> Row:
    middle = sorted(taken)[len(taken) // 2]
    many = len(taken) > 1
    return Row(
        what, middle, min(taken) if many else None, max(taken) if many else None, f"< {aim:g}", middle < aim
    )
