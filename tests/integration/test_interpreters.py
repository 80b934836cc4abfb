from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from interpreters_fixture import interpreter, machine

from gilbench.interpreters import select
from gilbench.interpreters.probe import MARK, SCRIPT, probe
from gilbench.model.study import Interpreter

LINUX = sys.platform == "linux"


def symbols(spec: str) -> set[str]:
    return {name.partition(".")[0] for name in interpreter(spec).build.gil_symbols}


@pytest.mark.parametrize(
    "spec", ["2.7", "3.6", "3.8", "3.11", "3.13", "3.13t", "pypy3", "jython", "ironpython"]
)
def test_each_interpreter_says_the_version_that_it_writes_itself(spec: str) -> None:
    found = interpreter(spec)
    code = "import sys; sys.stdout.write('%d.%d.%d' % tuple(sys.version_info[:3]))"
    said = subprocess.run(
        [found.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == ".".join(map(str, found.build.version_info))


def test_cpython_2_is_an_ordinary_build_whose_lock_can_be_probed() -> None:
    found = interpreter("2.7")
    assert found.build.implementation == "CPython"
    assert found.gil_enabled
    assert not found.build.free_threaded
    assert "PyThread_acquire_lock" in symbols("2.7")
    assert "take_gil" not in symbols("2.7")


def test_an_ordinary_cpython_has_a_gil_and_a_free_threaded_one_has_none() -> None:
    ordinary, threaded = interpreter("3.13"), interpreter("3.13t")
    assert (ordinary.build.free_threaded, ordinary.gil_enabled) == (False, True)
    assert (threaded.build.free_threaded, threaded.gil_enabled) == (True, False)
    assert threaded.name == "3.13t"


def test_the_pair_was_built_alike() -> None:
    threaded = interpreter("3.13t").build
    twin = interpreter(f"{'.'.join(map(str, threaded.version_info))}").build
    assert twin.optimisation == threaded.optimisation
    assert twin.compiler == threaded.compiler


@pytest.mark.skipif(not LINUX, reason="ELF is read on Linux only")
def test_the_locks_of_a_free_threaded_build_can_be_probed() -> None:
    assert {"_PyParkingLot_Park", "PyMutex_Lock"} <= symbols("3.13t")


@pytest.mark.skipif(not LINUX, reason="ELF is read on Linux only")
def test_a_build_with_local_symbols_has_the_exact_probes_and_a_stripped_one_says_so() -> None:
    builds = [one.build for one in machine()[0] if one.build.implementation == "CPython"]
    for build in builds:
        assert build.stripped is not None
        local = {"take_gil", "drop_gil"} & {name.partition(".")[0] for name in build.gil_symbols}
        assert bool(local) == (not build.stripped and build.version_info >= (3, 2))


def test_pypy_says_its_own_version_and_its_jit() -> None:
    build = interpreter("pypy3").build
    assert build.implementation == "PyPy"
    assert build.implementation_version
    assert build.implementation_version != build.version
    assert build.jit
    assert build.compiler


def test_jython_has_no_gil_and_is_not_a_free_threaded_cpython() -> None:
    found = interpreter("jython")
    assert found.build.implementation == "Jython"
    assert not found.gil_enabled
    assert not found.build.free_threaded
    assert found.build.machine == platform.machine()


@pytest.mark.parametrize("spec", ["2.7", "3.6", "3.11", "3.13t", "pypy3", "jython"])
def test_the_question_is_answered_in_spite_of_noise_on_stdout(spec: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.stdout.write('{\"version\": 1} no newline')\n"
    )
    found = interpreter(spec)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "JYTHONPATH": str(tmp_path)}
    said = subprocess.run(
        [found.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=60,
    )
    assert said.stdout.startswith('{"version": 1} no newline')
    marked = [line for line in said.stdout.splitlines() if line.startswith(MARK)]
    assert len(marked) == 1
    assert json.loads(marked[0].removeprefix(MARK))["version"] == found.build.version


@pytest.mark.parametrize("spec", ["3.6", "3.8", "3.11", "3.13", "3.13t", "pypy3"])
def test_a_virtual_environment_of_any_interpreter_is_that_interpreter(spec: str, tmp_path: Path) -> None:
    base = interpreter(spec)
    made = subprocess.run(
        [base.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"{spec} comes without venv")
    found = probe(tmp_path / "env/bin/python")
    assert isinstance(found, Interpreter)
    assert os.path.realpath(found.executable) == os.path.realpath(base.executable)
    assert found.build == base.build


def test_a_switch_of_the_gil_in_our_environment_does_not_reach_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHON_GIL", "1")
    found = probe(Path(interpreter("3.13t").executable))
    assert isinstance(found, Interpreter)
    assert not found.gil_enabled


def test_no_file_of_the_machine_is_listed_twice() -> None:
    usable, unusable = machine()
    binaries = [os.path.realpath(one.executable) for one in usable]
    assert len(set(binaries)) == len(binaries)
    assert not set(binaries) & {os.path.realpath(one.executable) for one in unusable}
    names = [one.name for one in usable]
    assert len(set(names)) == len(names)


def test_no_shim_of_pyenv_is_listed() -> None:
    usable, unusable = machine()
    listed = [one.executable for one in usable] + [one.executable for one in unusable]
    assert not [path for path in listed if Path(path).parent.name == "shims"]


def test_the_default_ends_with_the_interpreter_that_runs_gilbench_or_says_that_it_is_there() -> None:
    found = select([])
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    assert own in [os.path.realpath(one.executable) for one in found.interpreters]
    assert 1 <= len(found.interpreters) <= 3
    first = found.interpreters[0]
    assert first.build.implementation == "CPython"
    assert not first.build.free_threaded
