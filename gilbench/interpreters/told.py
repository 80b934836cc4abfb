"""Reads the version and the kind of build from CPython's file, without running it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from gilbench.interpreters.image import Image, read_image
from gilbench.interpreters.layout import published_offsets

_ANY = "Py_GetVersion"  # exported by every CPython; a program that embeds one can be stripped of it
_VERSION = "Py_Version"  # since 3.11, PY_VERSION_HEX
_THREADED = "_Py_DecRefShared"  # exported by free-threaded builds alone
_LEVELS = {0xA: "a", 0xB: "b", 0xC: "rc"}
_TEXT = re.compile(rb"(?<![\w.])([23]\.\d{1,2}\.\d{1,3}(?:(?:a|b|c|rc)\d{1,3})?\+?)(?=\0)")


class Told(NamedTuple):
    """The facts read from a file."""

    version: str | None  # 3.13.5; None: ambiguous
    free_threaded: bool


def read_told(path: Path, named: tuple[int, int] | None = None) -> Told | None:
    """Read the facts from the file with an interpreter's code; None: it is not CPython.

    Args:
        path: The executable, or its libpython.
        named: Version in the file's name; None: it has none.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a valid 64-bit ELF file.
    """
    image = read_image(path)
    if image.place(_ANY) is None:
        published = published_offsets(image)
        return Told(_dotted(published["version"]), bool(published["free_threaded"])) if published else None
    return Told(_number(image) or _text(path, named), image.place(_THREADED) is not None)


def _number(image: Image) -> str | None:
    place = image.place(_VERSION)
    content = image.data(place.address, 4) if place is not None else None
    return _dotted(int.from_bytes(content, "little")) if content is not None else None


def _dotted(number: int) -> str:
    """Write PY_VERSION_HEX as a version."""
    level, serial = number >> 4 & 0xF, number & 0xF
    pre = f"{_LEVELS[level]}{serial}" if level in _LEVELS else ""
    return f"{number >> 24 & 0xFF}.{number >> 16 & 0xFF}.{number >> 8 & 0xFF}{pre}"


def _text(path: Path, named: tuple[int, int] | None) -> str | None:
    """Return the only version text of a file; None: it has several, since linked libraries have versions, too."""
    found = {text.decode("ascii") for text in _TEXT.findall(path.read_bytes())}
    if named is not None:
        found = {text for text in found if text.startswith(f"{named[0]}.{named[1]}.")}
    return found.pop() if len(found) == 1 else None
