"""Flame graphs: stacks as trees, drawn as SVG here, or as values that the script of a page draws. Callers are above."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gilbench.model.excerpt import excerpt
from gilbench.model.metrics import write
from gilbench.render.charts.chart import Record
from gilbench.render.guard import printable

_WIDTH, _ROW, _LETTER = 960.0, 18, 6.7  # px: of the graph, of a box, of a letter
_LEAST = 0.7  # px, width of the narrowest box
_LEVELS = 80  # depth from which frames are left out
_MOST = 50_000  # boxes that a page has for its script; narrower ones are left out
_TINTS = (0.3, 0.42, 0.54, 0.66)  # opacities; frames of one file share one
_FONT = "ui-monospace, Menlo, Consolas, monospace"


class WeightedStack(NamedTuple):
    """A stack and its weight."""

    thread: str | None  # None: of several threads
    frames: tuple[str, ...]  # functions, outermost first
    weight: float


class Flames(NamedTuple):
    """The stacks of a flame graph."""

    stacks: Sequence[WeightedStack]
    color: str  # of the state that the threads were in, or caused
    unit: str  # of the weights: "s", or "samples"
    whole: str  # what they are parts of: "samples", "wait time", ...

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return sum(stack.weight for stack in self.stacks)


class _Node:
    """A frame below its callers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.weight = 0.0
        self.callees: dict[str, _Node] = {}


class _Box(NamedTuple):
    """A frame with its place."""

    node: _Node
    left: float  # in the unit of the weights
    level: int


def functions_of(flames: Flames, most: int) -> Iterator[tuple[str, float, float]]:
    """Yield the functions with the greatest weights, with the shares of themselves, and including their callees."""
    own: defaultdict[str, float] = defaultdict(float)
    whole: defaultdict[str, float] = defaultdict(float)
    for stack in flames.stacks:
        for frame in stack.frames[-1:]:
            own[frame] += stack.weight
        for frame in set(stack.frames):
            whole[frame] += stack.weight
    total = flames.total
    for frame in sorted(whole, key=lambda frame: (-own[frame], -whole[frame], frame))[:most]:
        yield frame, own[frame] / total, whole[frame] / total


def draw_flames(flames: Flames) -> str:
    """Draw stacks, each thread on its own."""
    whole = _tree(flames.stacks)
    boxes = list(_boxes(whole, whole.weight * _LEAST / _WIDTH))
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
        _draw(root, box, whole.weight, flames)
    return ET.tostring(root, encoding="unicode")


def live_flames(flames: Flames, sources: Mapping[str, str]) -> Record:
    """Return a flame graph for the script of a page (templates/flame.js).

    Args:
        flames: The stacks.
        sources: Lines of source code, by frame.
    """
    whole = _tree(flames.stacks)
    weights = sorted((box.node.weight for box in _boxes(whole, 0.0)), reverse=True)
    over = weights[_MOST] if len(weights) > _MOST else 0.0
    numbers: dict[str, int] = {}
    nodes: list[
        float
    ] = []  # number of the name, weight, and level of each; callers come before their callees
    for box in _boxes(whole, over):
        number = numbers.setdefault(box.node.name, len(numbers))
        nodes += (number, round(box.node.weight, 6), box.level)
    return {
        "kind": "flame",
        "names": [printable(name) for name in numbers],
        "tints": [_tint(printable(name)) for name in numbers],
        "sources": {
            str(number): printable(sources[name]) for name, number in numbers.items() if name in sources
        },
        "nodes": nodes,
        "color": flames.color,
        "unit": flames.unit,
        "whole": flames.whole,
        "leftOut": sum(weight <= over for weight in weights),
    }


def _tree(stacks: Sequence[WeightedStack]) -> _Node:
    whole = _Node("all threads")
    for stack in stacks:
        node = whole
        node.weight += stack.weight
        threads = () if stack.thread is None else (stack.thread,)
        for name in (*threads, *stack.frames[:_LEVELS]):
            node = node.callees.setdefault(name, _Node(name))
            node.weight += stack.weight
    return whole


def _boxes(whole: _Node, over: float) -> Iterator[_Box]:
    """Yield the boxes of more than some weight, callers first; the heaviest callee is on the left, and comes first."""
    waiting = [_Box(whole, 0.0, 0)]
    while waiting:
        box = waiting.pop()
        yield box
        left = box.left
        callees = []
        for node in sorted(box.node.callees.values(), key=lambda node: (-node.weight, node.name)):
            if node.weight > over:
                callees.append(_Box(node, left, box.level + 1))
            left += node.weight
        waiting += reversed(callees)


def _draw(root: ET.Element, box: _Box, total: float, flames: Flames) -> None:
    scale, top = _WIDTH / total, box.level * _ROW
    left, width = box.left * scale, box.node.weight * scale
    name = printable(box.node.name)
    group = ET.SubElement(root, "g")
    amount = write(box.node.weight, "s") if flames.unit == "s" else f"{round(box.node.weight)} {flames.unit}"
    ET.SubElement(group, "title").text = f"{name}: {amount}, {box.node.weight / total:.1%}"
    ET.SubElement(
        group,
        "rect",
        {
            "x": f"{left:.1f}",
            "y": str(top),
            "width": f"{max(_LEAST, width - 0.6):.1f}",
            "height": str(_ROW - 1),
            "fill": flames.color,
            "fill-opacity": str(_tint(name)),
        },
    )
    letters = int((width - 6) / _LETTER)
    if letters >= 3:  # noqa: PLR2004 - a shorter text says nothing
        text = excerpt(name, letters)
        place = {"x": f"{left + 3:.1f}", "y": str(top + _ROW - 6), "fill": "currentColor"}
        ET.SubElement(group, "text", place).text = text


def _tint(name: str) -> float:
    """Return the opacity of a frame, equal for all functions of a file."""
    file = name.rpartition(" (")[2].rpartition(":")[0] or name
    return _TINTS[zlib.crc32(file.encode()) % len(_TINTS)]
