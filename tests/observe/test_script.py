from __future__ import annotations

from pathlib import Path

import pytest

from gilbench.observe.script import filled

TEMPLATE = """always ${value}
// section: outer
one
\t// section: inner
\ttwo
\t// end
three  // section: inner
// end
four // a comment
"""


def fill(tmp_path: Path, text: str, *sections: str, **values: str) -> str:
    template = tmp_path / "probe.bt"
    template.write_text(text)
    return filled(template, values, sections)


@pytest.mark.parametrize(
    ("sections", "kept"),
    [
        ((), []),
        (("outer",), ["one"]),
        (("inner",), []),
        (("outer", "inner"), ["one", "\ttwo", "three"]),
    ],
)
def test_only_the_requested_sections_remain(
    tmp_path: Path, sections: tuple[str, ...], kept: list[str]
) -> None:
    lines = fill(tmp_path, TEMPLATE, *sections, value="1").splitlines()
    assert lines == ["always 1", *kept, "four // a comment"]


def test_a_value_that_looks_like_a_part_of_a_template_stays_as_it_is(tmp_path: Path) -> None:
    first = "${second} // section: x\n// end"
    assert fill(tmp_path, "${first} ${second}\n", first=first, second="2") == f"{first} 2\n"


@pytest.mark.parametrize(
    ("text", "sections", "values", "reason"),
    [
        ("plain", ["live"], {}, "no section live"),
        ("${word}", [], {}, "needs a value for word"),
        ("plain", [], {"word": "1"}, "no placeholder for word"),
        ("// section: live\nplain", ["live"], {}, "does not end"),
        ("plain\n// end", [], {}, "has not begun"),
    ],
)
def test_a_template_that_does_not_match_is_refused(
    tmp_path: Path, text: str, sections: list[str], values: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        fill(tmp_path, text, *sections, **values)


def test_a_placeholder_of_a_section_that_is_left_out_needs_no_value(tmp_path: Path) -> None:
    assert fill(tmp_path, "a\n${word}  // section: live\n") == "a\n"
    assert fill(tmp_path, "a\n${word}  // section: live\n", word="1") == "a\n"
