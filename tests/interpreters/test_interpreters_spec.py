"""How an interpreter is written: with options, and with variables."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interpreters_fakes import answering

from gilbench.interpreters import parse_environment, parse_spec, select
from gilbench.model.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("3.11", "3.11", ()),
        ("python3.14 -X jit", "python3.14", ("-X", "jit")),
        ("./py -Xgil=1 -W error -OO", "./py", ("-Xgil=1", "-W", "error", "-OO")),
        ("'/my own/py' -X 'a b'", "/my own/py", ("-X", "a b")),
        ("pypy --jit off", "pypy", ("--jit", "off")),
        (
            "3.13t -sEB -I -u --check-hash-based-pycs never",
            "3.13t",
            ("-sEB", "-I", "-u", "--check-hash-based-pycs", "never"),
        ),
        (">=3.11, <3.13", ">=3.11, <3.13", ()),
        ("./my python", "./my python", ()),
        ("", "", ()),
    ],
)
def test_options_follow_an_interpreter(text: str, name: str, options: tuple[str, ...]) -> None:
    assert parse_spec(text) == (name, options)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3.11 -c pass", "'-c' is no option of an interpreter; use -X"),
        ("3.11 -m json", "'-m' is no option"),
        ("3.11 -X", "-X needs a value"),
        ("3.11 -O script.py", "'script.py' is no option"),
        ("3.11 script.py -O", "'script.py' is no option"),
        ("3.11 -Oc pass", "'-Oc' is no option"),
        ("3.11 --", "'--' is no option"),
        ("3.11 -", "'-' is no option"),
        ("3.11 -V", "'-V' is no option"),
        ("3.11 -i", "'-i' is no option"),
        ("3.11 --help", "'--help' is no option"),
        ("3.11 -X 'a", "no closing quotation"),
        ("3.11 -X a\0b", "contains NUL"),
        ("3.11 -X \udcff", "is not UTF-8"),
    ],
)
def test_what_is_no_option_of_an_interpreter_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text)
    assert why in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_there_is_never_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answering(tmp_path / "my -O python")
    assert parse_spec("./my -O python") == ("./my -O python", ())
    assert select(["./my -O python"]).interpreters[0].executable == str(tmp_path / "my -O python")


def test_variables_are_sorted_and_the_last_of_a_name_counts() -> None:
    assert parse_environment(["B=1", "A=x=y", "B=", "_C9=a b"]) == (("A", "x=y"), ("B", ""), ("_C9", "a b"))
    assert parse_environment([]) == ()


@pytest.mark.parametrize("text", ["", "A", "=1", "1A=1", "A B=1", "A-B=1", "A=\0", "A=\udcff", "Ä=1"])
def test_what_is_no_variable_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--env: .*$"):
        parse_environment([text])


@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        spec = parse_spec(text)
        assert spec.name or text == spec.name or spec.options
    with contextlib.suppress(UsageError):
        assert len(parse_environment([text])) == 1
