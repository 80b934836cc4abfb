"""An interpreter may answer anything: it becomes a reason in one line, never an error of gilbench."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interpreters_fakes import answer, answering, program

from gilbench.interpreters import probe as module
from gilbench.interpreters.probe import MARK, examine, examine_started, probe, read_answer
from gilbench.model.study import Interpreter, Unusable

ANSWER = f"{MARK}{json.dumps(answer())}"
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.sampled_from(
        ["/", ".", "..", "/dev/zero", "/proc/self/mem", "/" + "x" * 3000, "a/" * 2000, "x\n", "\ud800"]
    ),
    st.lists(st.one_of(st.integers(0, 999), st.text(max_size=5)), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def reason(path: Path, seconds: float = 5.0) -> str:
    found = probe(path, seconds=seconds)
    assert isinstance(found, Unusable), found
    assert len(found.reason.splitlines()) == 1
    assert found.reason.isprintable()
    assert len(found.reason) <= 200
    return found.reason


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("head -c 100000 /dev/urandom", "not a Python interpreter"),
        ("head -c 100000 /dev/zero", "not a Python interpreter"),
        (f"printf '%s' '{MARK}'; head -c 1000 /dev/urandom | tr -d '\\n'", "invalid answer"),
        ("yes", "wrote more than"),
        ("yes >&2", "wrote more than"),
        (f"echo '{ANSWER}'; echo '{ANSWER}'", "answered 2 times"),
        (f"for i in 1 2 3 4 5; do echo '{ANSWER}'; done", "answered 5 times"),
        ("exit 0", "not a Python interpreter: it answered nothing"),
        ("printf '\\n\\n'", "it answered nothing"),
        ("echo no >&2", "it answered 'no'"),
        (f"echo 'x{ANSWER}'", "not a Python interpreter"),
        (f"echo '{ANSWER}' >&2", "not a Python interpreter"),
        ("sleep 60", "timed out after"),
        (f"echo '{ANSWER}'; sleep 60", "timed out after"),
        (f"echo '{ANSWER}'; exec >&- 2>&-; sleep 60", "timed out after"),
        (f"echo '{ANSWER}'; exit 1", "exit status 1"),
        (f"echo '{ANSWER}'; kill -SEGV $$", "ended by signal 11"),
    ],
)
def test_nonsense_is_a_reason_in_one_line(tmp_path: Path, body: str, why: str) -> None:
    path = program(tmp_path / "python3", body)
    seconds = 0.5 if "sleep" in body else 20.0
    assert why in reason(path, seconds)
    if "sleep" not in body:
        started = examine_started(path, ("-O",), (("A", "1"),))
        assert isinstance(started, Unusable)
        assert why in started.reason


def test_a_process_that_an_answer_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    path = program(tmp_path / "python3", f"sleep 60 & echo '{ANSWER}'")
    assert isinstance(probe(path, seconds=20), Interpreter)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "3.13.5\n"},
        {"version": "٣.13.5"},
        {"version": "3.12.5"},
        {"version": "3.13.51"},
        {"version_info": [2, 7, 18]},
        {"implementation": "C\x9bPython"},
        {"implementation": ""},
        {"executable": "a\nb"},
        {"jit_kind": "rocket"},
        {"tail_calls": 1},
        {"files": ["x"] * 2001},
    ],
)
def test_an_answer_that_cannot_be_true_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert reason(answering(tmp_path / "python3", **changes)).startswith("invalid answer: ")


@pytest.mark.parametrize("place", ["/" + "x" * 3000, "a/" * 2000, "/dev/zero", "/", "relative"])
@pytest.mark.parametrize("field", ["executable", "library", "base_executable", "prefix", "image"])
def test_a_place_that_makes_no_sense_is_not_believed(tmp_path: Path, field: str, place: str) -> None:
    path = answering(tmp_path / "python3", **{field: place})
    for as_named in (False, True):
        found = examine(path, seconds=20, given=as_named).answer
        assert isinstance(found, Interpreter)
        assert found.executable == str(path)
        assert found.binary == str(path)
        assert found.build.gil_symbols == ()


@given(st.sampled_from(sorted(answer(jit_kind=None, tail_calls=None, image=None, files=None))), VALUES)
def test_any_value_of_any_field_is_an_interpreter_or_a_reason(field: str, value: object) -> None:
    try:
        told = read_answer(f"{MARK}{json.dumps(answer(**{field: value}))}\n")
    except ValueError:
        return
    assert module._interpreter(told, Path("/nowhere/python3")).executable == "/nowhere/python3"


@given(st.text())
def test_any_output_is_an_answer_or_a_reason(text: str) -> None:
    for output in (text, f"{MARK}{text}", f"{text}\n{ANSWER}"):
        with contextlib.suppress(ValueError):
            assert read_answer(output).version == "3.13.5"
