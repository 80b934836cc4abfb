"""Collects impossible changes of documents by the invariant that each breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any], object]  # changes a document in place; False: this one has nothing to change
Invariants = dict[str, Change]


def put(value: Any, path: str, new: Any) -> bool:
    """Set one value, for example at ``plan.cases.0.threads``.

    Args:
        value: The document.
        path: Names and numbers.
        new: The value, or a function of the old one.

    Returns:
        Whether the value was there, and not null.
    """
    *parts, last = path.split(".")
    for part in parts:
        value = _step(value, part)
    old = _step(value, last)
    if old is None:
        return False
    value[int(last) if isinstance(value, list) else last] = new(old) if callable(new) else new
    return True


def set_to(path: str, new: Any) -> Change:
    """Return a change that sets one value."""
    return lambda document: put(document, path, new)


def first_with(rows: list[dict[str, Any]], *names: str) -> Iterator[dict[str, Any]]:
    """Yield the first row in which all fields have values that are not empty."""
    yield from (row for row in rows if all(row.get(name) not in (None, [], {}) for name in names))


def _step(value: Any, part: str) -> Any:
    if isinstance(value, list):
        return value[int(part)] if int(part) < len(value) else None
    return value.get(part) if isinstance(value, dict) else None
