"""The Python API: its examples are executed, and importing it is cheap."""

from __future__ import annotations

import doctest
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gilbench
from gilbench.model.errors import GilbenchError, StudyError, UsageError

MOST = 0.050  # s that importing may take beyond the interpreter's own start


def test_the_examples_give_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(gilbench, extraglobs={"folder": tmp_path})
    assert tried > 5
    assert not failed


def test_every_name_that_is_offered_is_there_and_documented() -> None:
    for name in gilbench.__all__:
        value = getattr(gilbench, name)
        assert value.__doc__, name
    assert set(gilbench.__all__) <= set(dir(gilbench))


def test_a_name_that_is_not_offered_is_an_error_as_anywhere() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        gilbench.nope  # noqa: B018


def test_importing_loads_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import gilbench; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} <= {
        "gilbench",
        "typing",
        "__future__",
        "re",
    } | set(sys.stdlib_module_names)
    loaded = {name for name in done.stdout.split() if name.startswith("gilbench.")}
    assert loaded == {"gilbench.version"}


def test_importing_costs_less_than_fifty_milliseconds() -> None:
    """A bound far above what is seen (a few ms), taken as a difference of medians side by side."""
    seconds: dict[str, list[float]] = {"pass": [], "import gilbench": []}
    for _ in range(9):
        for code, taken in seconds.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            taken.append(time.perf_counter() - begun)
    bare, ours = (statistics.median(taken) for taken in seconds.values())
    assert ours - bare < MOST


def test_a_file_that_is_nothing_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"kind": "cake"}')
    with pytest.raises(StudyError, match=r"x\.json"):
        gilbench.read(path)
    with pytest.raises(GilbenchError):
        gilbench.read(tmp_path / "absent.json")


def test_wrong_choices_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="effort"):
        gilbench.measure(gilbench.MeasureRequest(effort="heroic"), output=tmp_path / "s.jsonl")
    assert not list(tmp_path.iterdir())
