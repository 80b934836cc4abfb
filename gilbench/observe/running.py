"""A process that runs, or is about to run, a Python: what it is and where its code lies."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from gilbench.host.trust import mistrust
from gilbench.interpreters.image import read_image
from gilbench.interpreters.probe import probe
from gilbench.interpreters.told import read_told
from gilbench.model.errors import UsageError
from gilbench.model.study import Interpreter
from gilbench.observe.gil.interpreter_memory import InterpreterMemory

_LIBRARY = re.compile(r"libpython(\d)\.(\d+)(t?)[a-z]*\.so")
_PROGRAM = re.compile(r"python(?:(\d)(?:\.(\d+)(t?)[a-z]*)?)?(?:\.exe)?$")
_SHEBANGS = 4  # scripts that are started by scripts, at most, as the kernel does
_LONGEST_SHEBANG = 256
_DELETED = " (deleted)"  # as the kernel marks the name of a file that is gone


class RunningPython(NamedTuple):
    """What a probe has to know of a process."""

    pid: int
    executable: str  # the real file, as the process sees it
    code: Path  # the file with the interpreter's code, the executable or its libpython, as we see it
    version: tuple[int, int] | None = None
    free_threaded: bool = False
    gil_enabled: bool = True  # now; of a held process, as far as its command line and environment tell
    gil_returned: bool = False  # an import has enabled the GIL of a free-threaded build
    release: str | None = None  # the whole version, e.g. 3.13.5
    held: bool = False  # it waits before its exec: nothing of the interpreter is mapped yet
    children: bool = False  # the processes that it starts are watched too

    @property
    def mapped(self) -> str:
        """Name of the file with the code, as the process has mapped it."""
        through = self.code.is_relative_to("/proc") and self.code.is_symlink()
        return self.code.readlink().name if through else self.code.name


class _Facts(NamedTuple):
    release: str | None
    version: tuple[int, int] | None
    free_threaded: bool


def find_python(pid: int) -> RunningPython:
    """Find the CPython of a running process.

    Its executable is started and asked for its build only if no one but root and the user could have written it.
    Otherwise, and if it is in another mount namespace, its file is read.

    Raises:
        UsageError: The process does not exist, cannot be read, or is not CPython.
    """
    executable, mapped = _files_of(pid)
    library = next((file for file in mapped if _LIBRARY.match(Path(file.name).name)), None)
    named = _LIBRARY.match(Path(library.name).name) if library else _PROGRAM.match(Path(executable).name)
    itself = Path(f"/proc/{pid}/exe")
    interpreter = ask(executable) if _may_ask(itself, executable) else None
    if library is not None:
        code = _reached(pid, library.name, library.itself)
    elif interpreter is not None and interpreter.library:  # one that is only coming up has not mapped it yet
        code = Path(interpreter.library)
    else:
        code = _reached(pid, executable, itself)
    facts = _of(interpreter) if interpreter is not None else _read(code, *(named.groups() if named else ()))
    if facts is None:
        despite = " despite its name" if named else ""
        raise UsageError(
            f"process {pid} runs {executable}, which is not CPython{despite}; choose a CPython process"
        )
    forced = _gil_is_forced(_words(pid, "cmdline"), _words(pid, "environ"))
    found = RunningPython(
        pid=pid,
        executable=executable,
        code=code,
        version=facts.version,
        free_threaded=facts.free_threaded,
        gil_enabled=not facts.free_threaded or forced,
        release=facts.release,
    )
    if found.gil_enabled or not gil_is_enabled(found):
        return found
    return found._replace(gil_enabled=True, gil_returned=True)


def gil_is_enabled(python: RunningPython) -> bool:
    """Return whether the GIL of a free-threaded process is enabled now, as far as its memory tells."""
    with (
        contextlib.suppress(OSError, LookupError, ValueError),
        InterpreterMemory(python.pid, read_image(python.code), python.mapped) as memory,
    ):
        return memory.gil_enabled()
    return False


def may_be_started(python: RunningPython) -> bool:
    """Return whether the executable of a process may be started: nobody but root and the user could have changed it."""
    return _may_ask(Path(f"/proc/{python.pid}/exe"), python.executable)


def _may_ask(itself: Path, executable: str) -> bool:
    """Whether a name is that of the file that a process runs, here and now, and the file is ours to run."""
    try:
        return itself.samefile(executable) and mistrust(Path(executable)) is None
    except OSError:  # deleted, or in a container
        return False


def _reached(pid: int, name: str, itself: Path) -> Path:
    """A path by which we reach a file of a process, and not another file that has its name now, or here."""
    root = Path(f"/proc/{pid}/root")
    inside = not root.samefile("/")  # a container or a chroot: its files are not ours
    paths = [root / name.lstrip("/"), Path(name)][:: 1 if inside else -1]
    for path in paths:
        with contextlib.suppress(OSError):
            if path.samefile(itself):
                return path
    with contextlib.suppress(PermissionError):
        if itself.exists():
            return itself
    # Who is not root cannot look behind a mapping; the kernel names what we can reach ourselves by our own root.
    return next((path for path in paths if path.exists()), paths[0])


def about_to_run(pid: int, command: Sequence[str], environment: Mapping[str, str]) -> RunningPython | None:
    """Look at a process that is held before its exec; None where it cannot be told what it will run.

    Scripts, ``env`` in a script's first line, links and shims are followed to the interpreter.
    """
    program = _interpreter_of(command[0], environment)
    interpreter = ask(str(program)) if program is not None else None
    if interpreter is None or interpreter.build.implementation != "CPython":
        return None
    build = interpreter.build
    settings = [f"{name}={value}" for name, value in environment.items()]
    return RunningPython(
        pid=pid,
        executable=interpreter.binary,
        code=Path(interpreter.library or interpreter.binary),
        version=build.version_info[:2],
        free_threaded=build.free_threaded,
        gil_enabled=interpreter.gil_enabled or _gil_is_forced(command, settings),
        release=build.version,
        held=True,
    )


def children_of(python: RunningPython) -> tuple[set[int], set[str]]:
    """The processes below one that run the same interpreter, and the executables of those that run another."""
    same, others, own = set(), set(), os.path.realpath(python.executable)
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(python.pid).children(recursive=True):
            path = _executable(child)
            if path and os.path.realpath(path) == own:
                same.add(child.pid)
            elif path and _PROGRAM.match(Path(path).name):
                others.add(os.path.realpath(path))
    return same, others


def _executable(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error):
        return str(process.exe())
    return None


@functools.cache
def ask(executable: str) -> Interpreter | None:
    """Ask an executable that is named like a Python what it is; no other one is run."""
    if not _PROGRAM.match(Path(executable).name):
        return None
    answer = probe(Path(executable))
    return answer if isinstance(answer, Interpreter) else None


class _Mapped(NamedTuple):
    """A file that a process has mapped."""

    name: str  # as the process sees it; of a deleted one, the name that it had
    itself: Path  # leads to the very file, for root


def _files_of(pid: int) -> tuple[str, list[_Mapped]]:
    try:
        executable = str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(_DELETED)
        maps = Path(f"/proc/{pid}/maps").read_text("utf-8", "replace")
    except PermissionError as error:
        remedy = "the kernel protects it" if os.geteuid() == 0 else "run gilbench as its user, or with sudo"
        raise UsageError(f"permission denied for process {pid}; {remedy}") from error
    except (FileNotFoundError, ProcessLookupError) as error:
        if Path(f"/proc/{pid}").exists():  # of the kernel, or just ended
            raise UsageError(
                f"process {pid} runs no program (zombie or kernel thread); choose another"
            ) from error
        if not Path("/proc/self").exists():
            raise UsageError(
                "cannot read processes: /proc is not mounted; mount it: mount -t proc proc /proc"
            ) from error
        raise UsageError(f"no process {pid}; find its PID with ps or pgrep -f") from error
    folder = Path(f"/proc/{pid}/map_files")
    lines = [line.split(maxsplit=5) for line in maps.splitlines() if "/" in line]
    return executable, [_Mapped(words[5].removesuffix(_DELETED), folder / words[0]) for words in lines]


def _of(interpreter: Interpreter) -> _Facts:
    build = interpreter.build
    return _Facts(build.version, build.version_info[:2], build.free_threaded)


def descendants(pid: int) -> list[int]:
    """Return the pids of all descendants of a process; empty if it has ended."""
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _read(
    code: Path, major: str | None = None, minor: str | None = None, threading: str | None = None
) -> _Facts | None:
    """Read the build and the name from an interpreter's file; None if the file holds no CPython."""
    named = (int(major), int(minor)) if major and minor else None
    try:
        told = read_told(code, named)
    except (OSError, ValueError):  # not of this machine's kind, or out of our reach
        return _Facts(None, named, threading == "t") if major else None
    if told is None:
        return None
    if told.version is None:
        return _Facts(None, named, told.free_threaded)
    first, second = told.version.split(".")[:2]
    return _Facts(told.version, (int(first), int(second)), told.free_threaded)


def _gil_is_forced(command: Sequence[str], environment: Sequence[str]) -> bool:
    """Whether a free-threaded build is told to have a GIL; what an extension does shows at run time only."""
    asked = [word for word in command if word.replace(" ", "").startswith(("-Xgil=", "gil="))]
    if asked:
        return asked[-1].endswith("=1")
    return "PYTHON_GIL=1" in environment


def _words(pid: int, name: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def _interpreter_of(program: str, environment: Mapping[str, str]) -> Path | None:
    """The program that the kernel will start in the end: through PATH and the first lines of scripts."""
    for _ in range(_SHEBANGS):
        found = shutil.which(program, path=environment.get("PATH"))
        if found is None:
            return None
        if _PROGRAM.match(Path(found).name):  # also a shim: it is asked what is behind it
            return Path(found)
        try:
            with open(found, "rb") as file:
                first = file.readline(_LONGEST_SHEBANG)
        except OSError:
            return None
        if not first.startswith(b"#!"):
            return None
        words = first[2:].decode("utf-8", "replace").split()
        if words and Path(words[0]).name == "env":
            words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        if not words:
            return None
        program = words[0]
    return None
