from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from interpreters_fakes import answering, program

from gilbench.interpreters import find
from gilbench.interpreters.find import candidates, configured, find_all
from gilbench.interpreters.select import select
from gilbench.model.errors import GilbenchError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, and nothing on PATH."""
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "home").mkdir()
    (tmp_path / "path").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def inside(folder: Path) -> set[str]:
    """Candidates below a folder, relative to it; those of the real system do not count."""
    return {
        str(path.relative_to(folder)) for path in candidates(configured()[0]) if path.is_relative_to(folder)
    }


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "python3.13t",
        "python3.12d",
        "pypy3",
        "jython",
        "stackless",
        "graalpy",
        "ipy",
        "ipy2.7",
        "ipy.exe",
    ],
)
def test_an_interpreter_is_found_on_path_by_its_name(home: Path, name: str) -> None:
    answering(home.parent / "path" / name)
    assert inside(home.parent) == {f"path/{name}"}


@pytest.mark.parametrize(
    "name", ["python3-config", "pythonista", "ipython", "ipython3", "pypy3clean", "python3.11-gdb.py"]
)
def test_what_is_only_called_alike_is_not_run(home: Path, name: str) -> None:
    answering(home.parent / "path" / name)
    assert inside(home.parent) == set()


def test_what_cannot_be_executed_is_not_a_candidate(home: Path) -> None:
    (home.parent / "path" / "python3").write_text("")
    (home.parent / "path" / "python2").mkdir()
    assert inside(home.parent) == set()


@pytest.mark.parametrize(
    "place",
    [
        ".pyenv/versions/3.12.1/bin/python3.12",
        ".pyenv/versions/pypy3.10-7.3.12/bin/pypy3.10",
        ".local/share/uv/python/cpython-3.14.0-linux-x86_64-gnu/bin/python3.14",
        ".cache/gilbench/interpreters/3.13.5t/bin/python3.13t",
    ],
)
def test_an_interpreter_is_found_where_its_manager_puts_it(home: Path, place: str) -> None:
    answering(home / place)
    assert inside(home) == {place}


def test_a_build_that_has_not_been_finished_is_not_found(home: Path) -> None:
    answering(home / ".cache/gilbench/interpreters/.building-x/stage/bin/python3.13")
    answering(home / ".cache/gilbench/interpreters/.building-x/bin/python3.13")
    assert inside(home) == set()


def test_pyenvs_shims_are_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(home / ".pyenv/shims/python3")
    monkeypatch.setenv("PATH", str(home / ".pyenv/shims"))
    assert inside(home) == set()


def test_the_current_folder_on_path_is_not_searched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(home / "python3")
    monkeypatch.setenv("PATH", f".{os.pathsep}")
    assert inside(home) == set()


def test_links_to_one_file_are_one_candidate_under_its_own_name(home: Path) -> None:
    folder = home.parent / "path"
    real = answering(home / "opt" / "python3.12")
    (folder / "python3").symlink_to(real)
    (folder / "python").symlink_to("python3")
    assert inside(home.parent) == {"home/opt/python3.12"}


def test_of_hard_links_the_name_that_says_most_is_taken(home: Path) -> None:
    folder = home.parent / "path"
    (folder / "python3.13t").hardlink_to(answering(folder / "python3.13"))
    assert inside(home.parent) == {"path/python3.13t"}


def test_shims_that_look_at_how_they_were_called_are_asked_by_their_own_names(home: Path) -> None:
    manager = program(home / "manager", "exit 1")
    for name in ("python3", "pypy3"):
        (home.parent / "path" / name).symlink_to(manager)
    assert inside(home.parent) == {"path/python3", "path/pypy3"}


def test_the_interpreter_that_gilbench_runs_on_is_always_found(home: Path) -> None:
    assert Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable))) in [
        Path(os.path.realpath(path)) for path in candidates()
    ], home


def test_a_pyproject_above_names_executables_and_prefixes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(home / "mine/oddly-named")
    answering(home / "prefix/bin/python3.12")
    (home / "pyproject.toml").write_text(
        '[tool.gilbench]\ninterpreters = ["mine/oddly-named", "prefix", "~/gone"]\n'
    )
    (home / ".git").mkdir()
    (home / "a/b").mkdir(parents=True)
    (home / "a/pyproject.toml").write_text("[tool.other]\n")
    monkeypatch.chdir(home / "a/b")
    assert inside(home) == {"mine/oddly-named", "prefix/bin/python3.12", "gone"}
    unusable = [one for one in find_all()[1] if Path(one.executable).is_relative_to(home)]
    assert [(one.executable, "No such file" in one.reason) for one in unusable] == [
        (str(home / "gone"), True)
    ]


@pytest.mark.parametrize("root", [None, "a"])
def test_a_pyproject_above_the_repository_is_not_obeyed(
    home: Path, monkeypatch: pytest.MonkeyPatch, root: str | None
) -> None:
    answering(home / "mine")
    (home / "pyproject.toml").write_text('[tool.gilbench]\ninterpreters = ["mine"]\n')
    (home / "a/b").mkdir(parents=True)
    if root is not None:
        (home / root / ".git").mkdir()
    monkeypatch.chdir(home / "a/b")
    assert inside(home) == set()
    monkeypatch.chdir(home)
    assert inside(home) == {"mine"}


def others_may_write(file: Path) -> None:
    file.chmod(0o666)


def belongs_to_another(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file to another user")
    os.chown(file, 65534, -1)


@pytest.mark.parametrize("spoil", [others_may_write, belongs_to_another])
def test_a_pyproject_that_another_user_could_have_written_starts_nothing_and_is_named(
    home: Path, spoil: Callable[[Path], None]
) -> None:
    file = home / "pyproject.toml"
    program(home / "trap", f"touch {home}/started")
    file.write_text('[tool.gilbench]\ninterpreters = ["trap"]\n')
    spoil(file)
    unusable = [one for one in find_all()[1] if Path(one.executable).is_relative_to(home)]
    assert [one.executable for one in unusable] == [str(file)]
    assert "interpreters in this file are not started" in unusable[0].reason
    (note,) = (note for note in select([]).notes if str(file) in note)
    assert note == f"{file} is skipped: {unusable[0].reason}"
    assert not (home / "started").exists()
    for other in ("[tool.other]\n", "[tool.gilbench"):  # none of our business
        file.write_text(other)
        assert configured() == ([], ())


@pytest.mark.parametrize("spoil", [others_may_write, belongs_to_another])
def test_what_another_user_put_into_a_place_of_the_system_is_started_only_if_path_names_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    folder = home / "opt/app/bin"
    trap = program(folder / "python3.13", f"touch {home}/started")
    sound = answering(folder / "python3.12")
    monkeypatch.setattr(find, "_SYSTEM", (str(home / "opt/*/bin")[1:],))
    spoil(trap)
    trap.chmod(trap.stat().st_mode | 0o111)
    usable, unusable = find_all()
    assert str(sound) in {one.executable for one in usable}
    (passed,) = (one for one in unusable if one.executable == str(trap))
    assert "not started" in passed.reason
    assert not (home / "started").exists()
    monkeypatch.setenv("PATH", str(folder))
    assert [one.reason for one in find_all()[1] if one.executable == str(trap)] != [passed.reason]
    assert (home / "started").exists()


@pytest.mark.parametrize("name", ["PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"])
def test_a_relative_place_is_not_searched(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for place in ("versions/x/bin", "x/bin", "uv/python/x/bin"):
        answering(home / place / "python3.12")
    monkeypatch.setenv(name, ".")
    assert inside(home) == set()
    assert inside(Path()) == set()


@pytest.mark.parametrize(
    "text", ["[tool.gilbench", "[tool.gilbench]\ninterpreters = 'x'", "[tool]\ngilbench = 1"]
)
def test_a_pyproject_that_makes_no_sense_is_named(home: Path, text: str) -> None:
    (home / "pyproject.toml").write_text(text)
    with pytest.raises(GilbenchError, match=r"pyproject\.toml"):
        configured()


def test_what_was_found_is_asked_sorted_and_named_and_the_broken_listed(home: Path) -> None:
    folder = home.parent / "path"
    answering(folder / "python3.96", version="3.96.0", version_info=[3, 96, 0])
    answering(folder / "python3.97", version="3.97.0rc1", version_info=[3, 97, 0])
    answering(folder / "python3.97d", version="3.97.0a1", version_info=[3, 97, 0])
    answering(folder / "python3.97t", version="3.97.0a1", version_info=[3, 97, 0], free_threaded=True)
    answering(folder / "pypy3", version="3.98.0", version_info=[3, 98, 0], implementation="PyPy")
    program(folder / "python3.99", "exit 3")
    usable, unusable = find_all()
    mine = [one.name for one in usable if Path(one.executable).parent == folder]
    assert mine == ["3.97.0rc1", "3.97.0a1", "3.97t", "3.96", "pypy3.98"]
    broken = [one for one in unusable if Path(one.executable).parent == folder]
    assert [(one.executable, one.reason) for one in broken] == [(str(folder / "python3.99"), "exit status 3")]
