"""The pages of the documentation, and the examples that they print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import gilbench

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
GUIDE = Path(gilbench.__file__).parent / "guide"
PAGES = (README, *sorted(GUIDE.glob("*.md")))
_FILE = re.compile(r"^ *```(?:py|toml)\n# (\S+\.\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^ *```console\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_REASON = re.compile(r"<!-- not executed: ([^>]+?) -->\n *\Z")
REASONS = ("needs ", "takes minutes", "names ", "changes ")  # with which it is said why a block is not run


class Example(NamedTuple):
    """One line of a block of commands."""

    words: tuple[str, ...]
    reason: str | None  # why it is not run; None: it is


def files(page: Path) -> dict[str, str]:
    """The files that a page prints, by name."""
    return dict(_FILE.findall(page.read_text("utf-8")))


def examples(page: Path) -> Iterator[Example]:
    """The commands that a page prints."""
    text = page.read_text("utf-8")
    for block in _BLOCK.finditer(text):
        reason = _REASON.search(text[: block.start()])
        for line in block[1].splitlines():
            prompt, *words = shlex.split(line)
            assert prompt == "$", (page.name, line)
            yield Example(tuple(words), reason[1] if reason else None)
