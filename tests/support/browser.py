"""Pages in a real browser: Debian's Chromium, driven by Playwright. Nothing else in the tests drives one."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from interpreters_fixture import absent
from playwright.sync_api import Browser, Page, sync_playwright

HEIGHT = 900  # px of a window


class Visit(NamedTuple):
    """A page that is open in the browser, and what it did that no page of gilbench should do."""

    page: Page
    complaints: list[
        str
    ]  # messages on the console, among them refusals of the content policy, and exceptions
    requests: list[str]  # of anything but the page itself

    @property
    def faults(self) -> list[str]:
        """Everything that a page of gilbench should not do."""
        return [*self.complaints, *self.requests]


@functools.cache
def executable() -> str:
    """Path of Chromium; without it the test is skipped, and fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        absent("chromium is not installed")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser, which can open several pages."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@contextlib.contextmanager
def opened(
    running: Browser,
    path: Path,
    *,
    width: int = 1280,
    height: int = HEIGHT,
    dark: bool = False,
    paper: bool = False,
    script: bool = True,
    ignore_policy: bool = False,
) -> Iterator[Visit]:
    """Open a file in a fresh context, without anything that another page has left.

    Args:
        running: The browser.
        path: The page.
        width: Of the window, px.
        height: Of the window, px.
        dark: The reader prefers dark pages.
        paper: Lay the page out as if it were printed.
        script: Run the page's own scripts.
        ignore_policy: Let the test add scripts of its own to a page whose content policy forbids them.
    """
    context = running.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        bypass_csp=ignore_policy,
        offline=True,
    )
    context.set_default_timeout(20_000)
    try:
        page = context.new_page()
        address = path.resolve().as_uri()
        visit = Visit(page, [], [])
        page.on("console", lambda message: visit.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: visit.complaints.append(f"exception: {error}"))
        page.on(
            "request", lambda request: visit.requests.append(request.url) if request.url != address else None
        )
        if paper:
            page.emulate_media(media="print")
        page.goto(address)
        yield visit
    finally:
        context.close()


@contextlib.contextmanager
def browser_page(path: Path, *, width: int = 1280, dark: bool = False) -> Iterator[Visit]:
    """Open one file in a browser of its own."""
    with browser() as running, opened(running, path, width=width, dark=dark) as visit:
        yield visit
