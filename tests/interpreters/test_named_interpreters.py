"""What a user names is what is launched, whatever it leads to."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from interpreters_fakes import program, wrapper
from interpreters_fixture import interpreter

from gilbench.interpreters import select
from gilbench.interpreters.find import own_executable
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter

OWN = str(own_executable())
TRACING = "import sys; sys.stdout.write(str(sys._xoptions.get('tracemalloc')) + str(sys.flags.optimize))"


def says(one: Interpreter, code: str = TRACING) -> str:
    """What an interpreter writes if it is started as gilbench does."""
    environment = {**os.environ, **dict(one.environment)}
    done = subprocess.run(
        [*one.command, "-c", code], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    return done.stdout


def test_a_wrapper_is_started_with_its_flags_and_what_is_behind_it_is_known(tmp_path: Path) -> None:
    path = program(tmp_path / "traced", f'exec {OWN} -X tracemalloc=1 "$@"')
    (found,) = select([str(path)]).interpreters
    assert found.executable == str(path)
    assert found.binary == os.path.realpath(OWN)
    assert found.build == select([OWN]).interpreters[0].build
    assert says(found) == "10"


def test_two_wrappers_of_one_interpreter_are_two_interpreters(tmp_path: Path) -> None:
    paths = [wrapper(tmp_path / name) for name in ("py-slower", "py-a")]
    found = select([*map(str, paths), OWN])
    assert [one.executable for one in found.interpreters] == [*map(str, paths), OWN]
    full = ".".join(map(str, sys.version_info[:3]))
    assert [one.name for one in found.interpreters] == [
        f"{full} py-slower",
        f"{full} py-a",
        f"{full} {Path(OWN).name}",
    ]
    assert not found.notes


@pytest.mark.parametrize("linked", [True, False])
def test_virtual_environments_of_one_interpreter_are_compared_as_they_are(
    tmp_path: Path, linked: bool
) -> None:
    paths = [tmp_path / name / "bin" / "python" for name in ("one", "other")]
    for path in paths:
        venv.create(path.parent.parent, symlinks=linked, with_pip=False)
    found = select([str(path) for path in paths]).interpreters
    assert [one.executable for one in found] == [str(path) for path in paths]
    assert [one.name.partition(" ")[2] for one in found] == ["one", "other"]
    assert [says(one, "import sys; sys.stdout.write(sys.prefix)") for one in found] == [
        str(path.parent.parent) for path in paths
    ]


def test_one_path_that_is_named_twice_is_measured_once(tmp_path: Path) -> None:
    path = str(wrapper(tmp_path / "py"))
    found = select([path, path, f"{path} -O"])
    assert [one.options for one in found.interpreters] == [(), ("-O",)]
    assert found.notes == (f"{path} is measured once: {path} is selected already",)


def test_options_and_variables_are_those_of_the_started_interpreter(tmp_path: Path) -> None:
    path = wrapper(tmp_path / "py")
    found = select([f"{path} -X tracemalloc=1 -O"], environment=(("GREETING", "hello"),)).interpreters[0]
    assert found.command == (str(path), "-X", "tracemalloc=1", "-O")
    assert says(found) == "11"
    assert says(found, "import os, sys; sys.stdout.write(os.environ['GREETING'])") == "hello"
    assert found.command_line == f"GREETING=hello {path} -X tracemalloc=1 -O"


def test_one_that_was_found_can_have_options_too() -> None:
    spec = f"{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    plain, optimized = select([spec, f"{spec} -O"]).interpreters
    assert optimized.executable == plain.executable
    assert optimized.name == f"{plain.name} -O"
    assert says(optimized).endswith("1")


def test_what_options_and_variables_make_of_an_interpreter_is_asked() -> None:
    threaded = interpreter("3.13t")
    path = threaded.executable
    assert not select([path]).interpreters[0].gil_enabled
    assert select([f"{path} -X gil=1"]).interpreters[0].gil_enabled
    assert select([path], environment=(("PYTHON_GIL", "1"),)).interpreters[0].gil_enabled
    assert select(["3.13t"], environment=(("PYTHON_GIL", "1"),)).interpreters[0].gil_enabled


def test_an_option_that_the_interpreter_refuses_is_an_error_with_its_reason() -> None:
    with pytest.raises(InterpreterError, match="nonsense cannot be used: exit status 2"):
        select([f"{OWN} --check-hash-based-pycs nonsense"])


@pytest.mark.parametrize("options", ["-I", "-E -s", "-S -O", "-IBu", "-W ignore -X utf8"])
def test_the_question_is_answered_with_any_option(options: str) -> None:
    (found,) = select([f"{OWN} {options}"]).interpreters
    assert found.build == select([OWN]).interpreters[0].build
    assert found.options == tuple(options.split())
