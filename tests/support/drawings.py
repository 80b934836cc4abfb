"""What a drawing is made of, without its places, sizes, and fonts."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
_GROUP = re.compile(r"mark-(\w+) role-(\S+)")  # class of a group of marks of vega


def parsed(svg: str) -> ET.Element:
    """The root of a drawing that gilbench made."""
    return ET.fromstring(svg)  # noqa: S314 - gilbench wrote it


def structure(svg: str) -> dict[str, Any]:
    """Numbers of marks by their kind, and texts by their role: titles of axes, entries of legends, labels."""
    marks: Counter[str] = Counter()
    texts: dict[str, list[str]] = {}
    for group in parsed(svg).iter(f"{SVG}g"):
        found = _GROUP.match(group.get("class", ""))
        if found is None:
            continue
        kind, role = found.groups()
        if kind == "text":
            texts.setdefault(role, []).extend(text.text or "" for text in group.iter(f"{SVG}text"))
        elif role == "mark" and kind != "group":
            marks[kind] += len(group)
    return {"marks": dict(sorted(marks.items())), "texts": {role: texts[role] for role in sorted(texts)}}


def elements(svg: str) -> tuple[Counter[str], list[str]]:
    """Numbers of elements by tag, and all texts, of a drawing as a file has it."""
    root = parsed(svg)
    tags = Counter(element.tag.removeprefix(SVG) for element in root.iter())
    return tags, [text.text or "" for text in root.iter(f"{SVG}text")]
