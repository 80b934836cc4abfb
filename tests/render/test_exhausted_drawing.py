"""Charts where a resource is exhausted, and texts that would act in formats without a page."""

from __future__ import annotations

import json
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from profiles import contended
from studies import everything

from gilbench.model.errors import GilbenchError, UsageError
from gilbench.model.profile import Stack
from gilbench.render import formats
from gilbench.render.charts import svg
from gilbench.render.guard import shortened

HOSTILE = "\x1b[31m\u202e\x85::error::x"


class Panic(BaseException):
    """What a library in Rust raises."""


class Drawing:
    """A specification that cannot be drawn."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def save(self, *_: object, **__: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [Panic("Too many open files"), ValueError("failed: oneshot canceled")])
def test_a_failure_of_the_library_that_draws_is_an_error_of_a_line(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(svg, "styled", lambda spec, _: spec)
    with pytest.raises(GilbenchError, match="cannot draw a chart"):
        svg.rendered(Drawing(error))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a mistake in the specification")])
def test_other_errors_stay_what_they_are(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg, "styled", lambda spec, _: spec)
    with pytest.raises(type(error)) as raised:
        svg.rendered(Drawing(error))
    assert raised.value is error


@contextmanager
def limited(kind: int, most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@pytest.mark.parametrize(
    ("kind", "most", "remedy"),
    [(resource.RLIMIT_AS, 1 << 40, "ulimit -v unlimited"), (resource.RLIMIT_NOFILE, 24, "ulimit -n 1024")],
)
def test_a_limit_leaves_out_the_charts(kind: int, most: int, remedy: str) -> None:
    report = everything().report()
    assert formats.drawable_charts(report)
    with limited(kind, most):
        assert formats.drawable_charts(report) is None
        with pytest.raises(UsageError, match=remedy):
            formats.refuse_unready("svg")
    assert formats.drawable_charts(report)


def test_threads_that_cannot_start_leave_out_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(UsageError, match="more processes: ulimit -u unlimited"):
        formats.refuse_unready("png")


def test_speedscope_has_no_control_characters() -> None:
    stack = Stack(tid=101, thread=HOSTILE, frames=(HOSTILE,), samples=3)
    profile = msgspec.structs.replace(contended(), stacks=(stack,), stack_rate=100)
    text = formats.text_of(profile, "speedscope")
    assert text.isprintable()
    assert json.loads(text)["shared"]["frames"] == [{"name": HOSTILE}]


def test_a_long_line_keeps_its_beginning_and_its_remedy() -> None:
    line = f"a.json is damaged: {'x' * 100_000}; restore the file"
    short = shortened(line)
    assert len(short) < 1500
    assert short.startswith("a.json is damaged: ")
    assert short.endswith("; restore the file")
    assert shortened("short") == "short"
