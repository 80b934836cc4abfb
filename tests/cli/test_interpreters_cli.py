from __future__ import annotations

import json
from pathlib import Path

import pytest
from interpreters_fakes import make_interpreter

import gilbench.interpreters
from gilbench.cli import run
from gilbench.interpreters.names import name_all
from gilbench.model.study import Unusable

FOUND = name_all(
    (
        make_interpreter(
            "3.13.5", pgo=True, optimisation="-O3", libpython="static", gil_symbols=("take_gil", "drop_gil")
        ),
        make_interpreter(
            "3.13.5", free_threaded=True, optimisation="-O3", executable=f"{Path.home()}/a/b/c/d/python3.13t"
        ),
        make_interpreter("3.9.16", implementation="PyPy", implementation_version="7.3.11", jit=True),
    )
)
BROKEN = Unusable(executable="/opt/[red]odd[/red]/python3", reason="it answered \x1b[31m'[bold]'")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gilbench.interpreters, "find_all", lambda **_: (FOUND, (BROKEN,)))


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize("columns", [80, 160])
def test_the_list_fits_the_terminal_and_shows_every_fact(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["pythons", "list"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    for fact in (
        "3.13t",
        "PyPy 3.9.16 (7.3.11)",
        "-O3 PGO",
        "static",
        "JIT",
        "~/a/b/c/d/python3.13t",
        "/fake/CPython",
    ):
        assert fact in out


@pytest.mark.usefixtures("found")
def test_what_comes_from_outside_is_neither_markup_nor_control(capsys: pytest.CaptureFixture[str]) -> None:
    run(["pythons", "list"])
    out = capsys.readouterr().out
    assert "/opt/[red]odd[/red]/python3" in out
    assert "[bold]" in out
    assert "\x1b" not in out


@pytest.mark.usefixtures("found")
def test_a_program_reads_both_lists_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pythons", "list", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"kind", "interpreters", "unusable"}
    assert [one["name"] for one in said["interpreters"]] == ["3.13", "3.13t", "pypy3.9"]
    assert said["interpreters"][1]["build"]["free_threaded"] is True
    assert said["unusable"] == [{"executable": BROKEN.executable, "reason": BROKEN.reason}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "/nowhere"],
        ["build", "/nowhere", "--flavour", "q"],
        ["build", "/nowhere", "--jobs", "0"],
        ["install", "--", "-x"],
        ["list", "--format", "xml"],
        ["nonsense"],
    ],
)
def test_wrong_use_ends_with_2_and_no_traceback(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(["pythons", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err
    assert "Traceback" not in captured.err
    assert not captured.out
