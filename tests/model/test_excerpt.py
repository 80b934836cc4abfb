"""A text that is cut shows it."""

from __future__ import annotations

import pytest

from gilbench.model.excerpt import excerpt


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("1234", "1234"), ("12345", "12345"), ("123456", "1234…"), ("é" * 9, "éééé…")],
)
def test_a_text_is_cut_only_if_it_is_longer_and_then_ends_in_an_ellipsis(text: str, shown: str) -> None:
    assert excerpt(text, 5) == shown
