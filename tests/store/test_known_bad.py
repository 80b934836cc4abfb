"""The list of what is known to be bad: patterns, reasons, and errors that say where."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import row

from gilbench.analyse.study.gate import covers
from gilbench.model.errors import UsageError
from gilbench.model.results import Known
from gilbench.store.known_bad import read_known_bad

GOOD = """
[[known]]
workload = "tcp_*"
interpreter = "3.13*"
metric = "latency_*"
threads = 2
parameters = {main = "busy"}
reason = "issue 17"

[[known]]
workload = "family cpu"
reason = "issue 18"
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "known.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_rows_are_read(tmp_path: Path) -> None:
    first, second = read_known_bad(write(tmp_path, GOOD))
    assert first == Known(
        reason="issue 17",
        workload="tcp_*",
        interpreter="3.13*",
        metric="latency_*",
        threads=2,
        parameters={"main": "busy"},
    )
    assert second == Known(reason="issue 18", workload="family cpu")


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert read_known_bad(write(tmp_path, "# nothing yet\n")) == ()


@pytest.mark.parametrize(
    ("known", "covered"),
    [
        (Known(reason="", workload="count*"), True),
        (Known(reason="", workload="Count*"), False),
        (Known(reason="", workload="count"), False),
        (Known(reason="", threads=2), True),
        (Known(reason="", threads=3), False),
        (Known(reason="", interpreter="3.1?t", metric="through*"), True),
        (Known(reason="", metric="latency_*"), False),
        (Known(reason="", parameters={"size": 3}), True),
        (Known(reason="", parameters={"size": 4}), False),
        (Known(reason="", parameters={"length": 3}), False),
    ],
)
def test_a_row_is_covered_where_all_that_is_named_fits(known: Known, covered: bool) -> None:
    assert covers(known, row(parameters=(("main", "busy"), ("size", 3)))) is covered


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[known]\n", "is not valid TOML"),
        (b'[[known]]\nreason = "\xff"\n', "is not valid TOML"),
        ('[[known]]\nworkload = "a"\n', "required field `reason`"),
        ('[[known]]\nworkload = "a"\nreason = " "\n', "is empty"),
        ('[[known]]\nreason = "a"\n', "matches every row"),
        ('[[known]]\nworkload = "a"\nreason = "a"\nthread = 2\n', "unknown field `thread`"),
        ('[[know]]\nworkload = "a"\nreason = "a"\n', "unknown field `know`"),
        (
            '[[known]]\nthreads = "2"\nreason = "a"\n',
            "Expected `int | null`, got `str` - at `$.known[0].threads`",
        ),
        ('[[known]]\nthreads = true\nreason = "a"\n', "got `bool`"),
        ('[[known]]\nworkload = ["a"]\nreason = "a"\n', "got `array`"),
        ('known = "a"\n', "got `str`"),
        ('[[known]]\nmetric = "speed"\nreason = "a"\n', "no metric matches 'speed'"),
        ("a = " + "[" * 100_000, "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_known_bad(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert said in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"cannot read .* --known-bad"):
        read_known_bad(tmp_path / name)
