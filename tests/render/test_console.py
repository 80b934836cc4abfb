from __future__ import annotations

import io

import pytest

from gilbench.render.console import PlainConsole
from gilbench.render.page import Bar, Column, Page, Plot, Section, Table
from gilbench.render.terminal import show

SERIES = {f"series {number}": ((1.0, 1.0 + number, 0.5 + number, 1.5 + number),) for number in range(8)}
PAGE = Page(
    "Größe",
    (),
    (
        Table("", (Column("name"), Column("bar", "left")), (Section((("1.98x ±2%", Bar(0.5, 0.8)),)),)),
        Plot("plot", SERIES, ("1/s", "s")),
    ),
    {},
)


def lines(encoding: str) -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding, "replace")
    show(PAGE, PlainConsole(file=file))
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_lacks_is_drawn_in_ascii_in_the_same_place(encoding: str) -> None:
    drawn, ours = lines(encoding), lines("utf-8")
    assert list(map(len, drawn)) == list(map(len, ours))
    assert "?" not in "".join(drawn[1:])
    assert any("############:::::::" in line for line in drawn)
    marks = [line.split()[0] for line in drawn if "series" in line]
    assert len(set(marks)) == len(SERIES)
    assert drawn[0] == ("Größe" if encoding == "latin-1" else "Gr??e")


def test_what_the_encoding_has_stays() -> None:
    assert any("±" in line for line in lines("latin-1"))
    assert any("█" in line for line in lines("utf-8"))
