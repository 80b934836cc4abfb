"""What a check asks and plans before it measures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from interpreters_fakes import make_interpreter

from gilbench.model.study import Interpreter
from gilbench.work.listener import SILENT
from gilbench.work.planning import MeasureRequest, plan_study, select_sides


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The executables that were asked, and whether kept answers were ignored."""
    found: list[tuple[str, bool]] = []

    def ask(executable: Path, *, refresh: bool = False, given: bool = False) -> Interpreter:
        assert given
        found.append((executable.parent.name, refresh))
        return make_interpreter(executable=str(executable))

    monkeypatch.setattr(sys.modules["gilbench.interpreters.select"], "ask", ask)
    return found


@pytest.mark.parametrize("refresh", [True, False])
def test_a_refresh_asks_each_side_anew_and_once(asked: list[tuple[str, bool]], refresh: bool) -> None:
    request = MeasureRequest(workload=("countdown",), threads="1", refresh=refresh)
    header = plan_study(request, SILENT, select_sides("/fake/old/python3", "/fake/new/python3", request))
    anew = [name for name, refreshed in asked if refreshed]
    assert sorted(anew) == (["new", "old"] if refresh else [])
    assert {name for name, _ in asked} == {"new", "old"}
    assert [one.executable for one in header.interpreters] == ["/fake/old/python3", "/fake/new/python3"]
    assert header.plan.reference == header.interpreters[0].name
    assert [one.name for one in header.interpreters] == ["3.13.5 old", "3.13.5 new"]
    assert [(case.threads, case.interpreter) for case in header.plan.cases] == [
        (1, "3.13.5 old"),
        (1, "3.13.5 new"),
    ]


@pytest.mark.usefixtures("asked")
def test_an_interpreter_can_be_checked_against_itself() -> None:
    request = MeasureRequest(workload=("countdown",), threads="1")
    header = plan_study(request, SILENT, select_sides("/fake/one/python3", "/fake/one/python3", request))
    assert [one.name for one in header.interpreters] == ["3.13.5", "3.13.5#2"]
    assert [case.interpreter for case in header.plan.cases] == ["3.13.5", "3.13.5#2"]
