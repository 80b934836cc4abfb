"""Reads pages of HTML as a browser would, as far as tests need it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Element(NamedTuple):
    """An element with its place, and the text directly in it and below it."""

    tag: str
    attributes: dict[str, str]
    ancestors: tuple[str, ...]  # outermost first, with the ID if there is one: ``figure#g-waits``
    text: list[str]


class HtmlPage(HTMLParser):
    """The elements of a page in their order.

    Args:
        text: The page.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open[-1].tag}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element."""
        known = {name: value or "" for name, value in attrs}
        assert len(known) == len(attrs), f"an attribute is given twice: {attrs}"
        element = Element(tag, known, tuple(map(_place, self._open)), [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element without content."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open, f"closed but not open: {tag}"
        assert self._open[-1].tag == tag, f"{tag} closes {self._open[-1].tag}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Add text to all open elements."""
        for element in self._open:
            element.text.append(data)

    def all(self, tag: str) -> list[Element]:
        """Return the elements of a tag."""
        return [element for element in self.elements if element.tag == tag]

    def within(self, element: Element, tag: str) -> list[Element]:
        """Return the elements of a tag below an element that has an ID."""
        return [one for one in self.all(tag) if _place(element) in one.ancestors]


def _place(element: Element) -> str:
    return f"{element.tag}#{element.attributes['id']}" if "id" in element.attributes else element.tag
