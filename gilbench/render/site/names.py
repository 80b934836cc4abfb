"""File names of a site. They are safe whatever a workload is called, and the same in every run."""

from __future__ import annotations

import hashlib
import re

import msgspec

from gilbench.model.history import Series

INDEX, FEED = "index.html", "feed.xml"
BADGE = "badges/gilbench.svg"  # of all series
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_LONGEST = 48  # characters
_DIGITS = 16  # of a digest


def page_file(series: Series) -> str:
    """Name the page of a series by everything that makes its values comparable."""
    identity = msgspec.json.encode(series[1:])  # without its key, which another database does not share
    return f"series/{_slug(series.case.workload)}-{_digest(identity)}.html"


def badge_file(workload: str) -> str:
    """Name the badge of a workload: by its name, or with a digest if the name is no plain file name."""
    file = f"badges/{workload}.svg"
    if _PLAIN.fullmatch(workload) and file != BADGE:
        return file
    return f"badges/{_slug(workload)}-{_digest(workload.encode('utf-8', 'replace'))}.svg"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name[:_LONGEST].lower()).strip("-") or "x"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
