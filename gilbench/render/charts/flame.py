"""Flame graphs, drawn as SVG here: callers above, callees below."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gilbench.model.profile import Stack
from gilbench.render.guard import printable

_WIDTH, _ROW, _LETTER = 960.0, 18, 6.7  # px: of the graph, of a box, of a letter
_LEAST = 0.7  # px, width of the narrowest box
_LEVELS = 80  # depth from which frames are left out
_TINTS = (0.3, 0.42, 0.54, 0.66)  # opacities; frames of one file share one
_FONT = "ui-monospace, Menlo, Consolas, monospace"


class _Node:
    """A frame below its callers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.samples = 0
        self.callees: dict[str, _Node] = {}


class _Box(NamedTuple):
    """A frame with its place."""

    node: _Node
    left: float  # px
    level: int


def draw_flames(stacks: Sequence[Stack], color: str) -> str:
    """Draw stacks, each thread on its own.

    Args:
        stacks: The stacks, outermost frames first.
        color: Color of the state that the threads were in.
    """
    whole = _tree(stacks)
    boxes = list(_boxes(whole))
    height = (max(box.level for box in boxes) + 1) * _ROW
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{_WIDTH:g}",
            "height": str(height),
            "viewBox": f"0 0 {_WIDTH:g} {height}",
            "font-family": _FONT,
            "font-size": "11px",
        },
    )
    for box in boxes:
        _draw(root, box, whole.samples, color)
    return ET.tostring(root, encoding="unicode")


def _tree(stacks: Sequence[Stack]) -> _Node:
    whole = _Node("all threads")
    for stack in stacks:
        node = whole
        node.samples += stack.samples
        for name in (stack.thread, *stack.frames[:_LEVELS]):
            node = node.callees.setdefault(name, _Node(name))
            node.samples += stack.samples
    return whole


def _boxes(whole: _Node) -> Iterator[_Box]:
    """Yield the boxes that are wide enough to see, callers first; the widest callee is on the left."""
    waiting = [_Box(whole, 0.0, 0)]
    while waiting:
        box = waiting.pop()
        yield box
        left = box.left
        for node in sorted(box.node.callees.values(), key=lambda node: (-node.samples, node.name)):
            width = _wide(node, whole.samples)
            if width >= _LEAST:
                waiting.append(_Box(node, left, box.level + 1))
            left += width


def _wide(node: _Node, total: int) -> float:
    return _WIDTH * node.samples / total


def _draw(root: ET.Element, box: _Box, total: int, color: str) -> None:
    width, top = _wide(box.node, total), box.level * _ROW
    name = printable(box.node.name)
    group = ET.SubElement(root, "g")
    tip = f"{name}: {box.node.samples} samples, {box.node.samples / total:.1%}"
    ET.SubElement(group, "title").text = tip
    ET.SubElement(
        group,
        "rect",
        {
            "x": f"{box.left:.1f}",
            "y": str(top),
            "width": f"{max(_LEAST, width - 0.6):.1f}",
            "height": str(_ROW - 1),
            "fill": color,
            "fill-opacity": str(_tint(name)),
        },
    )
    letters = int((width - 6) / _LETTER)
    if letters >= 3:  # noqa: PLR2004 - a shorter text says nothing
        text = name if len(name) <= letters else f"{name[: letters - 1]}…"
        place = {"x": f"{box.left + 3:.1f}", "y": str(top + _ROW - 6), "fill": "currentColor"}
        ET.SubElement(group, "text", place).text = text


def _tint(name: str) -> float:
    """Return the opacity of a frame, equal for all functions of a file."""
    file = name.rpartition(" (")[2].rpartition(":")[0] or name
    return _TINTS[zlib.crc32(file.encode()) % len(_TINTS)]
