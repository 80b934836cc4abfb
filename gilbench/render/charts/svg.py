"""SVG: drawn from specifications, put into pages, and written to files."""

from __future__ import annotations

import contextlib
import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as ET

from gilbench.model.errors import GilbenchError
from gilbench.render.charts.style import FONT, styled

_CANCELED = "oneshot canceled"
_NAMESPACE = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}"
_REFERENCE = re.compile(r"url\(['\"]?#([^'\")]+)['\"]?\)")
_LINE, _MARGIN, _LETTER = 16, 10, 6.2  # px: a line of text, around the drawing, a letter of 12 px
_TEXTS = "mark-text role-mark"  # class of the texts of a layer
_UNUSED = (
    "style",
    "class",
    "tabindex",
    "focusable",
)  # what a picture does not need, or a strict page refuses


def rendered(spec: Any, names: Sequence[str] = ()) -> str:
    """Draw a specification, which has long labels of these names on its left."""
    text = io.StringIO()
    with _drawing():
        styled(spec, names).save(text, format="svg", engine="vl-convert")
    return text.getvalue()


@contextlib.contextmanager
def _drawing() -> Iterator[None]:
    """Make an error of a failure of the drawing library itself: a resource is exhausted.

    Its panics are not an ``Exception``. A thread of it that could not start cancels its answer.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if isinstance(error, Exception) and _CANCELED not in str(error):
            raise
        reason = " ".join(str(error).split())
        raise GilbenchError(
            f"cannot draw a chart: {reason}\nRaise the limits of open files and memory, or write no chart."
        ) from error


def inline(svg: str, label: str, prefix: str, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a drawing for a page of HTML.

    Args:
        svg: The drawing.
        label: What it shows, for screen readers.
        prefix: Start of the IDs in it, unique within the page.
        links: IDs of the page that marks lead to, by their description.
    """
    root = _parsed(svg)
    linked = [
        (parent, mark, name)
        for parent in root.iter()
        for mark in parent
        if (name := mark.get("aria-label", "")) in links
    ]
    texts = [group for group in root.iter() if group.get("class", "").startswith(_TEXTS)] if links else []
    _clean(root, prefix)
    for parent, mark, name in linked:
        link = ET.Element("a", {"href": f"#{links[name]}", "aria-label": name})
        parent[list(parent).index(mark)] = link
        link.append(mark)
    for group in texts:
        group.set("pointer-events", "none")  # a click on the text of a mark is one on the mark
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
    # An image has no parts for screen readers, and so no links.
    root.attrib |= {"role": "group" if linked else "img", "aria-label": label}
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def alone(svg: str, title: str, summary: str) -> str:
    """Return a drawing with its title and summary on a white background, for a file."""
    root = _parsed(svg)
    _clean(root, "c")
    width, height = (float(root.get(side, "0")) for side in ("width", "height"))
    whole = max(width, 480) + 2 * _MARGIN
    lines = textwrap.wrap(summary, max(20, int((whole - 2 * _MARGIN) / _LETTER)))
    head = _MARGIN + _LINE * (len(lines) + 1) + _MARGIN
    size = {"width": f"{whole:g}", "height": f"{head + height + _MARGIN:g}"}
    outer = ET.Element(
        f"{{{_NAMESPACE}}}svg",
        {
            **size,
            "viewBox": f"0 0 {size['width']} {size['height']}",
            "role": "img",
            "aria-label": f"{title}. {summary}",
            "color": "#1b1f24",
        },
    )
    _add(outer, "rect", {**size, "fill": "white"})
    for number, line in enumerate([title, *lines]):
        weight = {"font-weight": "bold", "font-size": "13px"} if not number else {"font-size": "12px"}
        place = {"x": f"{_MARGIN}", "y": f"{_MARGIN + _LINE * (number + 1) - 4}"}
        _add(outer, "text", {**place, **weight, "font-family": FONT, "fill": "currentColor"}).text = line
    root.attrib |= {"x": f"{_MARGIN}", "y": f"{head}"}
    outer.append(root)
    ET.register_namespace("", _NAMESPACE)
    return ET.tostring(outer, encoding="unicode") + "\n"


def png(svg: str) -> bytes:
    """Return a drawing as PNG, twice as large for dense screens."""
    import vl_convert  # noqa: PLC0415 - 40 MB, which an SVG of gilbench's own does not need

    with _drawing():
        return vl_convert.svg_to_png(svg, scale=2)


def _parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - drawn by this process


def _clean(root: ET.Element, prefix: str) -> None:
    """Make the IDs of a drawing unique, and remove what describes single marks."""
    for element in root.iter():
        for name in list(element.attrib):
            if name in _UNUSED or name.startswith(("aria-", _LINK)) or name == "role":
                del element.attrib[name]
            elif name == "id":
                element.set(name, f"{prefix}-{element.attrib[name]}")
            elif "url(" in element.attrib[name]:
                element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", element.attrib[name]))


def _add(parent: ET.Element, tag: str, attributes: dict[str, str]) -> ET.Element:
    return ET.SubElement(parent, f"{{{_NAMESPACE}}}{tag}", attributes)
