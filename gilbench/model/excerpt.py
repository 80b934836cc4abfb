"""How messages and tables quote a text that may be too long."""

from __future__ import annotations


def excerpt(text: str, most: int) -> str:
    """Return a text, or its beginning and "…" if it has more than ``most`` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
