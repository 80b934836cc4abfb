"""Asks an executable what it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gilbench.errors import GilbenchError
from gilbench.interpreters.names import short_name
from gilbench.interpreters.symbols import read_symbols
from gilbench.model import Build, Interpreter, Unusable
from gilbench.process import capture

SCRIPT = Path(__file__).parent.parent / "target" / "ask.py"
MARK = "gilbench-answer:"  # as in ask.py, which cannot be imported here
SECONDS = 10.0  # until an interpreter must have answered
JVM_SECONDS = 60.0  # the same for one that starts a Java machine first, on a busy host
REASON = 200  # characters of a reason that are kept

Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=120)]
PathText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=4096)]
Number = Annotated[int, msgspec.Meta(ge=0, le=999)]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What ask.py writes; see there."""

    implementation: Text
    version: Annotated[str, msgspec.Meta(pattern=r"^\d{1,3}\.\d{1,3}\.\d{1,3}((a|b|rc)\d{1,3})?\+?$")]
    version_info: tuple[Number, Number, Number]
    implementation_version: Text | None
    free_threaded: bool
    gil_enabled: bool
    jit: bool | None
    debug: bool | None
    pgo: bool | None
    lto: bool | None
    optimisation: Text | None
    libpython: Literal["shared", "static"] | None
    library: PathText | None
    compiler: Text | None
    machine: Text | None
    executable: PathText | None
    base_executable: PathText | None
    prefix: PathText
    base_prefix: PathText


# Names of the place, not of the build.
_PLACE = ("executable", "base_executable", "prefix", "base_prefix")


def probe(executable: Path, *, seconds: float | None = None) -> Interpreter | Unusable:
    """Ask one executable what it is.

    A virtual environment or a shim leads to the interpreter behind it, as long as that one says the same of
    itself; a wrapper that changes what it starts (another library, another GIL) stays what it is.

    Args:
        executable: What is launched.
        seconds: Time limit of one answer; None: as long as such an interpreter may take.

    Returns:
        The interpreter under its shortest name, or why it cannot be used. Never raises for what the
        executable does.
    """
    answer = _ask(executable, seconds)
    if isinstance(answer, Unusable):
        return answer
    base = _base(executable, answer)
    if base != executable:
        second = _ask(base, seconds)
        if isinstance(second, _Answer) and _build_facts(second) == _build_facts(answer):
            executable, answer = base, second
    binary = Path(os.path.realpath(answer.executable or executable))
    if not binary.is_file():
        binary = Path(os.path.realpath(executable))
    build = _build(answer, binary)
    return Interpreter(
        name=short_name(build),
        executable=str(executable),
        binary=str(binary),
        build=build,
        gil_enabled=answer.gil_enabled,
        library=answer.library or None,
    )


def probe_all(executables: Iterable[Path], *, seconds: float | None = None) -> list[Interpreter | Unusable]:
    """Ask several executables at once, at most one for each CPU; the answers in the order given."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda path: probe(path, seconds=seconds), executables))


def _ask(executable: Path, seconds: float | None) -> _Answer | Unusable:
    slow = any(name in executable.name.lower() for name in ("jython", "graalpy"))
    limit = seconds or (JVM_SECONDS if slow else SECONDS)
    try:
        done = capture([str(executable), str(SCRIPT)], seconds=limit)
    except GilbenchError as error:
        return Unusable(executable=str(executable), reason=one_line(str(error)))
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.status != 0:
        how = f"ended by signal {-done.status}" if done.status < 0 else f"exit status {done.status}"
        return Unusable(executable=str(executable), reason=one_line(f"{how}: {_telling(done.stderr)}"))
    if not lines:
        said = _telling(done.stdout) or _telling(done.stderr)
        return Unusable(executable=str(executable), reason=one_line(f"is not a Python: it answered {said!r}"))
    try:
        return msgspec.json.decode(lines[-1].removeprefix(MARK), type=_Answer)
    except (msgspec.DecodeError, UnicodeError) as error:
        return Unusable(executable=str(executable), reason=one_line(f"its answer makes no sense: {error}"))


def _base(executable: Path, answer: _Answer) -> Path:
    """The interpreter behind a virtual environment or a shim; ``executable`` itself where there is none."""
    if answer.prefix != answer.base_prefix:
        major, minor, _ = answer.version_info
        version = f"{major}.{minor}{'t' if answer.free_threaded else ''}"
        stem = "pypy" if answer.implementation == "PyPy" else "python"
        folder = Path(answer.base_prefix) / "bin"
        known = [folder / name for name in (f"{stem}{version}", f"{stem}{major}", stem)]
        told = Path(answer.base_executable or executable)
        # Before 3.11 a virtual environment says that it is its own base.
        inside = told.is_relative_to(answer.prefix)
        return next(
            (path for path in ([] if inside else [told]) + known if os.access(path, os.X_OK)), executable
        )
    told = Path(answer.executable or executable)
    same = os.path.realpath(told) == os.path.realpath(executable)
    return executable if same or not os.access(told, os.X_OK) else told


def _build_facts(answer: _Answer) -> tuple[object, ...]:
    return tuple(getattr(answer, name) for name in answer.__struct_fields__ if name not in _PLACE)


def _build(answer: _Answer, binary: Path) -> Build:
    library = Path(answer.library) if answer.library else None
    holder = library if library is not None and library.is_file() else binary
    symbols = read_symbols(holder)
    return Build(
        implementation=answer.implementation,
        version=answer.version,
        version_info=answer.version_info,
        implementation_version=answer.implementation_version,
        free_threaded=answer.free_threaded,
        debug=answer.debug,
        pgo=answer.pgo,
        lto=answer.lto,
        optimisation=answer.optimisation,
        jit=answer.jit,
        libpython=answer.libpython,
        compiler=answer.compiler,
        machine=answer.machine,
        gil_symbols=symbols.names,
        stripped=symbols.stripped,
    )


def _telling(text: str) -> str:
    """The line that says what was wrong: the first, but the last of a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]


def one_line(text: str) -> str:
    """One printable line of bounded length, whatever came from outside."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split()).rstrip(":")
    return line if len(line) <= REASON else line[: REASON - 1] + "…"
