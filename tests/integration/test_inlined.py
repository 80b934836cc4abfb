"""The exact probe on builds whose symbols do not lead to every acquisition and release of the GIL."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from interpreters_fixture import absent, interpreter
from watched import let_go, need_bpftrace, started

from gilbench.observe.gil import choose, exact_script
from gilbench.observe.gil.choose import watch_gil
from gilbench.observe.gil.exact_script import probed
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.running import find_python

# One thread computes, one releases the GIL at once again and again: half of its releases are voluntary.
PROGRAM = """
import threading, time
def spin():
    end = time.monotonic() + 2.0
    while time.monotonic() < end: pass
def nap():
    end = time.monotonic() + 2.0
    while time.monotonic() < end: time.sleep(0.001)
crew = [threading.Thread(target=work) for work in (spin, nap)]
for thread in crew: thread.start()
said = [thread.native_id for thread in crew]
for thread in crew: thread.join()
"""


@pytest.fixture
def renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CPython in which the symbol ``drop_gil`` is that of a function that nothing calls.

    So it is where a compiler inlined drop_gil into all of its callers, and kept a copy.
    """
    need_bpftrace()
    if shutil.which("objcopy") is None:
        absent("no objcopy")
    build = interpreter("3.13")
    if build.library is not None:
        absent("a static build of 3.13")
    program = tmp_path / "python3.13"
    names = ("drop_gil=inlined", "PyInit__abc=drop_gil")
    subprocess.run(
        ["objcopy", *(f"--redefine-sym={name}" for name in names), build.binary, program], check=True
    )
    monkeypatch.setenv("PYTHONHOME", str(Path(build.binary).parent.parent))
    exact_script._functions_of.cache_clear()
    return program


def profiled(program: Path) -> tuple[GilFigures, list[int]]:
    with started(str(program), PROGRAM) as child:
        watching = watch_gil(find_python(child.pid))
        said = let_go(child)
        return watching.finish(), said


def test_the_callers_are_probed_where_the_function_was_inlined(renamed: Path) -> None:
    with started(str(renamed), PROGRAM) as child:
        functions = probed(find_python(child.pid))
    assert functions is not None
    assert "_PyEval_ReleaseLock" in functions.drop
    assert functions.take == ("take_gil",)
    figures, (spinning, napping) = profiled(renamed)
    threads = {thread.tid: thread for thread in figures.threads}
    assert figures.probe.strength == "exact"
    assert (threads[spinning].gil_held or 0) + (threads[napping].gil_held or 0) > 0.75
    assert (threads[napping].switches or 0) > 20
    assert (threads[napping].gil_held or 0) < 0.25


def test_a_probe_that_misses_events_says_so_and_gives_way(
    renamed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_script, "_inlined", lambda *_: ())
    monkeypatch.setattr(choose, "_FAULTS", {})
    figures, said = profiled(renamed)
    assert figures.probe.strength is None
    assert all(thread.gil_held is None for thread in figures.threads)
    assert "inlined" in figures.unavailable[-1]
    again, said = profiled(renamed)  # it is known by now
    assert again.probe.strength == "futex"
    assert again.probe.reason is not None
    assert "inlined" in again.probe.reason
    assert sum(thread.gil_held or 0 for thread in again.threads if thread.tid in said) > 0.8


def test_a_probe_that_misses_events_is_replaced_while_the_program_runs(
    renamed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_script, "_inlined", lambda *_: ())
    monkeypatch.setattr(choose, "_FAULTS", {})
    with started(str(renamed), PROGRAM.replace("2.0", "5.0")) as child:
        watching = watch_gil(find_python(child.pid), live=True)
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
        strengths: list[str | None] = []
        while len(strengths) < 100 and "futex" not in strengths:
            strengths.append(watching.so_far().probe.strength)
            assert child.poll() is None
            time.sleep(0.04)
        figures = watching.finish()
    assert figures.probe.strength == "futex"
    assert figures.probe.reason is not None
    assert "inlined" in figures.probe.reason


def test_a_probe_whose_process_is_killed_shows_nothing_and_says_so() -> None:
    need_bpftrace()
    with started(interpreter("3.13").executable, PROGRAM) as child:
        watching = watch_gil(find_python(child.pid))
        for one in psutil.Process().children():
            if one.name() == "bpftrace":
                one.kill()
        let_go(child)
        figures = watching.finish()
    assert figures.probe.strength is None
    assert all(thread.gil_held is None for thread in figures.threads)
    assert "lost" in figures.unavailable[-1]
