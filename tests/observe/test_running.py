"""What a running process is: its executable is asked only if it is ours to run, else its file is read."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gilbench.observe.running as module
from gilbench.interpreters.told import read_told
from gilbench.model.errors import UsageError
from gilbench.observe.running import find_python

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run what another user owns")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
# Waits if it is started as its owner does, and tells by a file if it is started with a script.
TRAP = """
#include <fcntl.h>
#include <unistd.h>
int main(int count, char **words) {
    if (count > 1) return creat("%s", 0644);
    pause();
    return 0;
}
"""
OWN = Path(os.path.realpath(sys.executable))
VERSION = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def program(place: Path, source: str) -> Path:
    path = place / f"python{VERSION}"
    subprocess.run(["cc", "-x", "c", "-", "-o", str(path)], input=source, text=True, check=True)
    return path


@contextlib.contextmanager
def running(*command: str, user: int | None = None) -> Iterator[int]:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user, env={}) as process:
        try:
            deadline = time.monotonic() + 10
            maps = Path(f"/proc/{process.pid}/maps")
            while Path(command[0]).name not in maps.read_text() and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.2)  # until its library is mapped
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


def whole_interpreter() -> Path:
    """An interpreter that is one file."""
    for path in (OWN, Path(os.path.realpath("/usr/bin/python3"))):
        with contextlib.suppress(OSError, ValueError):
            if read_told(path) is not None:
                return path
    pytest.skip("the code of each interpreter here is in a library")


IDLE = ("-S", "-E", "-c", "import time; time.sleep(60)")


@needs_root
@needs_compiler
def test_a_program_of_another_user_is_not_run_to_ask_what_it_is(place: Path) -> None:
    asked = place / "asked"
    path = program(place, TRAP % asked)
    os.chown(path, NOBODY, -1)
    with running(str(path), user=NOBODY) as pid, pytest.raises(UsageError, match="not CPython"):
        find_python(pid)
    assert not asked.exists()


@needs_compiler
def test_what_stands_in_the_place_of_a_running_program_is_not_run(place: Path) -> None:
    asked = place / "asked"
    path = program(place, TRAP % (place / "other"))
    with running(str(path)) as pid:
        path.unlink()
        path.write_text(f"#!/bin/sh\ntouch {asked}\n")
        path.chmod(0o755)
        with pytest.raises(UsageError, match="not CPython"):
            find_python(pid)
    assert not asked.exists()
    assert not (place / "other").exists()


@pytest.mark.parametrize("made", ["writable", pytest.param("anothers", marks=needs_root), "replaced"])
def test_an_interpreter_that_is_not_ours_to_run_tells_by_its_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    original = whole_interpreter()
    path = Path(shutil.copy(original, place / original.name))
    monkeypatch.setattr(module, "probe", lambda _: pytest.fail("run"))
    if made == "anothers":
        os.chown(path, NOBODY, -1)
    elif made == "writable":
        path.chmod(0o777)
    with running(str(path), *IDLE) as pid:
        if made == "replaced":
            path.unlink()
            path.touch(0o755)
        found = find_python(pid)
        assert found.executable == str(path)
        assert found.code.samefile(f"/proc/{pid}/exe")
        assert found.mapped in Path(f"/proc/{pid}/maps").read_text()
    told = subprocess.run([original, "-V"], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["Python", found.release]
    assert ".".join(map(str, found.version or ())) == f"{found.release}".rpartition(".")[0]
    assert not found.free_threaded


def test_an_interpreter_that_only_we_and_root_can_write_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(module, "probe", asked.append)
    monkeypatch.setattr(module, "mistrust", lambda _: None)
    module.ask.cache_clear()
    with running(str(OWN), *IDLE) as pid:
        found = find_python(pid)
    assert asked == [OWN]
    assert found.version == sys.version_info[:2]
    module.ask.cache_clear()


def test_an_interpreter_imports_nothing_from_the_current_folder_when_it_is_asked(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sitecustomize", "usercustomize", "json", "platform", "sysconfig", "shlex"):
        (place / f"{name}.py").write_text(f"open({str(place / 'imported')!r}, 'w')\n")
    for name in ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME"):
        monkeypatch.setenv(name, str(place))
    monkeypatch.chdir(place)
    module.ask.cache_clear()
    assert module.ask(str(OWN)) is not None
    assert not (place / "imported").exists()
