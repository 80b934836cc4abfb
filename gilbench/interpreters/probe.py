"""Asks an executable for its build."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.interpreters.names import short_name
from gilbench.interpreters.symbols import read_symbols
from gilbench.model.errors import GilbenchError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Build, Interpreter, Unusable, Variables

SCRIPT = Path(__file__).parent.parent / "target" / "ask.py"
MARK = "gilbench-answer:"  # as in ask.py, which cannot be imported here
SECONDS = 10.0  # timeout of an answer
VM_SECONDS = 60.0  # timeout if a virtual machine starts first, on a busy host
_SLOW = ("jython", "graalpy", "ipy", "ironpython")  # start a virtual machine first
REASON = 200  # maximum length of a reason, in characters

# No control characters; in these patterns, $ would also match before a newline at the end.
Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]+\Z", max_length=120)]
PathText = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+\Z", max_length=4096)]
Number = Annotated[int, msgspec.Meta(ge=0, le=999)]


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ask.py, which describes the fields."""

    implementation: Text
    version: Annotated[
        str, msgspec.Meta(pattern=r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}((a|b|rc)[0-9]{1,3})?\+?\Z")
    ]
    version_info: tuple[Number, Number, Number]
    implementation_version: Text | None
    free_threaded: bool
    gil_enabled: bool
    jit: bool | None
    jit_kind: Literal["native", "interpreter"] | None = None
    tail_calls: bool | None = None
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
    image: PathText | None = None
    files: Annotated[tuple[PathText, ...], msgspec.Meta(max_length=2000)] | None = None


# Fields that describe the place of the interpreter, not its build.
_PLACE = ("executable", "base_executable", "prefix", "base_prefix", "image", "files")


class Asked(NamedTuple):
    """An answer and the files that it is based on."""

    answer: Interpreter | Unusable
    image: str | None = None  # the program that gave the answer
    files: tuple[str, ...] | None = None  # a change of one of them can change the answer; None: unknown


def probe(executable: Path, *, seconds: float | None = None) -> Interpreter | Unusable:
    """Ask one executable for its build, and see through what only leads to it; see ``examine``."""
    return examine(executable, seconds=seconds).answer


def examine(executable: Path, *, seconds: float | None = None, given: bool = False) -> Asked:
    """Ask one executable for its build.

    Args:
        executable: The file to launch.
        seconds: Timeout of one answer; None: the default for this kind of interpreter.
        given: The user named this file, so it stays what is launched. Otherwise, a virtual environment or a shim is
            replaced by the interpreter behind it, if both give the same answer; a wrapper that changes the interpreter
            (another library, another GIL mode) is kept.

    Returns:
        The interpreter under its shortest name, or the reason why it is unusable. Never raises for what the
        executable does.
    """
    answer = _ask(executable, seconds)
    if isinstance(answer, Asked):
        return answer
    base = executable if given else _base(executable, answer)
    if base != executable:
        second = _ask(base, seconds)
        if isinstance(second, _Answer) and _build_facts(second) == _build_facts(answer):
            executable, answer = base, second
    return Asked(_interpreter(answer, executable), answer.image, answer.files)


def examine_started(
    executable: Path, options: tuple[str, ...], environment: Variables
) -> Interpreter | Unusable:
    """Ask an executable for its build as it is started with some options and variables.

    Args:
        executable: The file to launch; it stays what is launched.
        options: Options of the interpreter, before the script.
        environment: Variables in addition to gilbench's.
    """
    answer = _ask(executable, None, options, environment)
    if isinstance(answer, Asked):
        return answer.answer
    found = _interpreter(answer, executable)
    return msgspec.structs.replace(found, options=options, environment=environment)


def _interpreter(answer: _Answer, executable: Path) -> Interpreter:
    binary = Path(os.path.realpath(answer.executable or answer.image or executable))
    if not os.path.isfile(binary):  # noqa: PTH113 - never raises, whatever the interpreter answered
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


def _ask(
    executable: Path, seconds: float | None, options: tuple[str, ...] = (), environment: Variables = ()
) -> _Answer | Asked:
    """Return the answer of one executable, or the reason why it is unusable.

    A failure can have a cause outside the executable, so only a refusal with exit status 0 has known files (none).
    """

    def refused(reason: str, files: tuple[str, ...] | None = None) -> Asked:
        return Asked(Unusable(executable=str(executable), reason=one_line(reason)), files=files)

    slow = any(name in executable.name.lower() for name in _SLOW)
    limit = seconds or (VM_SECONDS if slow else SECONDS)
    try:
        done = capture(
            [str(executable), *options, str(SCRIPT)],
            seconds=limit,
            env=clean_environment(dict(environment)),
        )
    except GilbenchError as error:
        return refused(str(error))
    if done.status != 0:
        how = f"ended by signal {-done.status}" if done.status < 0 else f"exit status {done.status}"
        return refused(f"{how}: {_telling(done.stderr)}")
    try:
        return read_answer(done.stdout, done.stderr)
    except ValueError as error:
        return refused(str(error), ())


def read_answer(stdout: str, stderr: str = "") -> _Answer:
    """Read the answer from the output of ask.py, which may stand between other lines.

    Raises:
        ValueError: There is no answer, more than one, or an invalid one. The message is the reason.
    """
    lines = [line for line in stdout.split("\n") if line.startswith(MARK)]
    if not lines:
        said = _telling(stdout) or _telling(stderr)
        raise ValueError(f"not a Python interpreter: it answered {repr(said) if said else 'nothing'}")
    if len(lines) > 1:
        raise ValueError(f"it answered {len(lines)} times; the file must run one Python, once")
    try:
        answer = msgspec.json.decode(lines[0].removeprefix(MARK), type=_Answer)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeError are ValueErrors
        raise ValueError(f"invalid answer: {error}") from error
    told = ".".join(map(str, answer.version_info))
    if not re.match(rf"{re.escape(told)}(?!\d)", answer.version):
        raise ValueError(f"invalid answer: its version is {answer.version} and {told}")
    return answer


def _base(executable: Path, answer: _Answer) -> Path:
    """Return the interpreter behind a virtual environment or a shim; otherwise, ``executable`` itself."""
    if answer.prefix != answer.base_prefix:
        major, minor, _ = answer.version_info
        version = f"{major}.{minor}{'t' if answer.free_threaded else ''}"
        stem = "pypy" if answer.implementation == "PyPy" else "python"
        folder = Path(answer.base_prefix) / "bin"
        known = [folder / name for name in (f"{stem}{version}", f"{stem}{major}", stem)]
        told = Path(answer.base_executable or executable)
        # Before 3.11, a virtual environment reports itself as its base.
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
    library = answer.library
    holder = Path(library) if library and os.path.isfile(library) else binary  # noqa: PTH113 - as above
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
        jit_kind=answer.jit_kind,
        tail_calls=answer.tail_calls,
        libpython=answer.libpython,
        compiler=answer.compiler,
        machine=answer.machine,
        gil_symbols=symbols.names,
        stripped=symbols.stripped,
    )


def _telling(text: str) -> str:
    """Return the line with the problem: the last line of a traceback; otherwise, the first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]


def one_line(text: str) -> str:
    """Reduce any text to one printable line of bounded length."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split()).rstrip(":")
    return excerpt(line, REASON)
