"""What the head of a page says of how interpreters were started."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from golden import written
from interpreters_fakes import make_build
from studies import everything, named

from gilbench.analyse.study.report import build_report
from gilbench.model.study import Study
from gilbench.render.started import jit_state, started

PLAIN = named("3.11", "3.11.7")
FREE = named("3.13t", "3.13.5", free_threaded=True)
INSIDE = named("3.14", "3.14.2", jit=False, jit_kind="native")


def test_an_interpreter_that_its_name_describes_needs_no_line() -> None:
    assert started([PLAIN, FREE, INSIDE]) == ()


def test_what_was_started_and_what_it_is_are_said() -> None:
    options = msgspec.structs.replace(INSIDE, name="3.14 -O", options=("-O",), environment=(("A", "x y"),))
    assert started([options]) == ("3.14 -O: A='x y' /fake/3.14 -O; CPython 3.14.2; GIL on, JIT off",)
    wrapper = msgspec.structs.replace(FREE, binary="/real/python3.13t", gil_enabled=True)
    assert started([PLAIN, wrapper]) == (
        "3.13t: /fake/3.13t; CPython 3.13.5, free-threaded, at /real/python3.13t; GIL on",
    )


def test_builds_of_one_version_are_told_apart() -> None:
    other = msgspec.structs.replace(PLAIN, name="3.11.7 other", executable="/other", binary="/other")
    assert started([PLAIN, FREE, other]) == (
        "3.11: /fake/3.11; CPython 3.11.7; GIL on",
        "3.11.7 other: /other; CPython 3.11.7; GIL on",
    )


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, ""),
        ({"jit": False}, "no"),
        ({"jit": True}, "on"),
        ({"jit": False, "jit_kind": "native"}, "off"),
        ({"jit": True, "jit_kind": "native"}, "on"),
        ({"jit": True, "jit_kind": "interpreter"}, "on (micro-operations)"),
        ({"jit": False, "jit_kind": "interpreter"}, "off (micro-operations)"),
    ],
)
def test_a_jit_is_on_off_or_not_there(facts: dict[str, Any], state: str) -> None:
    assert jit_state(make_build(**facts)) == state


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_every_form_of_a_study_shows_it(form: str) -> None:
    study = everything().study()
    first, *others = study.header.interpreters
    changed = msgspec.structs.replace(first, options=("-X", "told"), environment=(("GREETING", "hi"),))
    header = msgspec.structs.replace(study.header, interpreters=(changed, *others))
    text = written(build_report(Study(header=header, runs=study.runs)), form, 200)
    assert "told" in text
    assert "GREETING" in text
