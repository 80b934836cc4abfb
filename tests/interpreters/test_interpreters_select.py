from __future__ import annotations

import sys
from pathlib import Path

import pytest
from interpreters_fakes import answering, make_interpreter, program

from gilbench.interpreters.names import name_all
from gilbench.interpreters.select import Selection, select
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable

module = sys.modules[select.__module__]  # the package gives its name to the function

MACHINE = (
    make_interpreter("3.14.0rc1"),
    make_interpreter("3.13.5"),
    make_interpreter("3.13.5", free_threaded=True),
    make_interpreter("3.13.9", debug=True),
    make_interpreter("3.13.0"),
    make_interpreter("3.13.0", free_threaded=True),
    make_interpreter("3.11.7"),
    make_interpreter("2.7.18"),
    make_interpreter("3.10.16", implementation="PyPy"),
    make_interpreter("3.9.16", implementation="PyPy"),
    make_interpreter("2.7.3", implementation="Jython"),
    make_interpreter("2.7.12", implementation="IronPython"),
)
BROKEN = Unusable(executable="/fake/bin/graalpy", reason="ended by signal 6")


def selecting(
    monkeypatch: pytest.MonkeyPatch,
    specs: list[str],
    machine: tuple[Interpreter, ...] = MACHINE,
    own: str = "/fake/CPython3.11.7",
) -> Selection:
    monkeypatch.setattr(module, "find_all", lambda **_: (name_all(machine), (BROKEN,)))
    monkeypatch.setattr(module, "own_executable", lambda: Path(own))
    return select(specs)


@pytest.mark.parametrize(
    ("spec", "executable"),
    [
        ("3.13", "/fake/CPython3.13.5"),
        ("3.13.0", "/fake/CPython3.13.0"),
        ("3.13t", "/fake/CPython3.13.5t"),
        ("3.13.0t", "/fake/CPython3.13.0t"),
        ("3.13d", "/fake/CPython3.13.9"),
        ("3", "/fake/CPython3.14.0rc1"),
        ("3.14", "/fake/CPython3.14.0rc1"),
        ("3.14.0rc1", "/fake/CPython3.14.0rc1"),
        ("2.7", "/fake/CPython2.7.18"),
        ("python3.11", "/fake/CPython3.11.7"),
        ("pypy", "/fake/PyPy3.10.16"),
        ("pypy3", "/fake/PyPy3.10.16"),
        ("pypy3.9", "/fake/PyPy3.9.16"),
        ("PyPy3.9", "/fake/PyPy3.9.16"),
        ("jython", "/fake/Jython2.7.3"),
        ("ipy", "/fake/IronPython2.7.12"),
        ("ironpython2.7", "/fake/IronPython2.7.12"),
    ],
)
def test_a_spec_picks_the_newest_that_fits(
    monkeypatch: pytest.MonkeyPatch, spec: str, executable: str
) -> None:
    assert [one.executable for one in selecting(monkeypatch, [spec]).interpreters] == [executable]


def test_names_are_as_short_as_the_selection_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.name for one in selecting(monkeypatch, ["3.13"]).interpreters] == ["3.13"]
    found = selecting(monkeypatch, ["3.13.0", "3.13", "pypy"]).interpreters
    assert [one.name for one in found] == ["3.13.0", "3.13.5", "pypy3.10"]


def test_any_name_of_the_list_is_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    twins = (make_interpreter("3.13.5"), make_interpreter("3.13.5", executable="/fake/other", pgo=True))
    found = selecting(monkeypatch, ["3.13.5#2"], twins).interpreters
    assert [one.executable for one in found] == ["/fake/other"]
    for one in name_all(MACHINE):
        assert selecting(monkeypatch, [one.name]).interpreters[0].executable == one.executable


def test_by_default_the_newest_ordinary_the_newest_free_threaded_and_our_own_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = selecting(monkeypatch, [])
    assert [one.name for one in found.interpreters] == ["3.14", "3.13t", "3.11"]
    assert found.notes == ()


def test_by_default_what_coincides_or_is_absent_is_said_in_one_line_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = selecting(monkeypatch, [], (MACHINE[6], MACHINE[7]))
    assert [one.name for one in found.interpreters] == ["3.11"]
    assert len(found.notes) == 2
    assert "no free-threaded CPython" in found.notes[0]
    assert "gilbench pythons install" in found.notes[0]
    assert "3.11.7, is selected already" in found.notes[1]


def test_by_default_a_debug_build_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = selecting(monkeypatch, [], (MACHINE[3], MACHINE[6]))
    assert [one.name for one in found.interpreters] == ["3.11"]


def test_all_takes_every_usable_one_and_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = selecting(monkeypatch, ["all"])
    assert len(found.interpreters) == len(MACHINE)
    assert found.notes == ("/fake/bin/graalpy is skipped: ended by signal 6",)


def test_one_that_is_asked_for_twice_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = selecting(monkeypatch, ["3.11", "2.7", "3.11.7"])
    assert [one.name for one in found.interpreters] == ["3.11", "2.7"]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("3.11.7 is measured once")


@pytest.mark.parametrize(
    "spec", ["", "foo", "3.12.x", "[red]x", "3.13-64", "3.13.5.1", "jython3", ">=nonsense"]
)
def test_a_spec_that_means_nothing_names_what_was_found(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    with pytest.raises(InterpreterError) as caught:
        selecting(monkeypatch, [spec])
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert repr(spec) in lines[0]
    assert "3.13.5t" in lines[0]
    assert lines[1].startswith("Use a path, a version")


def test_a_version_that_is_absent_names_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InterpreterError, match=r"pythons install 3\.14t.*pythons build SOURCE --flavour t"):
        selecting(monkeypatch, ["3.14t"])


def test_one_that_is_there_but_broken_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InterpreterError, match="/fake/bin/graalpy cannot be used: ended by signal 6"):
        selecting(monkeypatch, ["graalpy"])


def test_a_path_is_asked_without_searching_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "find_all", lambda **_: pytest.fail("searched"))
    monkeypatch.chdir(tmp_path)
    answering(tmp_path / "mine")
    found = select(["./mine", str(tmp_path / "mine")])
    assert [one.executable for one in found.interpreters] == [str(tmp_path / "mine")]


def test_a_path_that_cannot_be_used_is_an_error_with_the_reason(tmp_path: Path) -> None:
    program(tmp_path / "mine", "exit 9")
    with pytest.raises(InterpreterError, match="exit status 9"):
        select([str(tmp_path / "mine")])
    with pytest.raises(InterpreterError, match="No such file"):
        select([str(tmp_path / "absent")])
