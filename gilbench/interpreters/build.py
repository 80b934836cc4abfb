"""Builds CPython from source into gilbench's cache, each flavour with the same flags.

A build runs in a temporary folder in the cache and is moved to its place in one step. A killed build is therefore
never mistaken for a finished one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from lzma import LZMAError
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gilbench.host.capture import stream
from gilbench.host.environment import clean_environment, find_tool
from gilbench.host.process import ProcessError
from gilbench.interpreters.find import cache_folder, executables
from gilbench.interpreters.probe import one_line, probe
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable

Flavour = Literal["gil", "t"]
Phase = Literal["unpack", "configure", "compile", "install"]

_FIRST_FREE_THREADED = (3, 13)
_VERSION_FILE = "Include/patchlevel.h"
_VERSION = re.compile(r'^#define\s+PY_VERSION\s+"((\d+)\.(\d+)\.\d+[0-9a-z+]*)"', re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_COMPILE = re.compile(r"\s-c\s")  # a command of make that compiles one object
_ERROR = re.compile(r"error:|no space left", re.IGNORECASE)
_NOT_A_TARBALL = (tarfile.TarError, EOFError, LZMAError, zlib.error)
_TAIL = 1 << 20  # bytes at the end of a log that are searched for the error


class Progress(NamedTuple):
    """The progress of a build."""

    name: str  # of the build, for example 3.13.5t
    phase: Phase
    done: int
    total: int | None  # None: unknown


class Built(NamedTuple):
    """One finished build."""

    interpreter: Interpreter
    existed: bool  # built earlier, and not rebuilt


class _Job(NamedTuple):
    """One flavour to build."""

    name: str
    flavour: Flavour
    target: Path
    log: Path


def build(
    source: Path,
    *,
    flavours: Sequence[Flavour] = ("gil",),
    optimize: bool = False,
    jobs: int | None = None,
    name: str | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> tuple[Built, ...]:
    """Build CPython.

    Args:
        source: CPython source folder or tarball.
        flavours: Flavours to build, in this order: ``gil``, or ``t`` for a free-threaded build.
        optimize: Build with PGO and LTO.
        jobs: Number of parallel compilers; None: number of CPUs.
        name: Name of the folder in the cache, plus ``t`` for that flavour; None: ``<version>[-pgo]``.
        report: Called with the progress.

    Raises:
        InterpreterError: The source is not CPython's, a tool is missing, the cache cannot be written, or the
            build fails. The message of a failed build names the log.
    """
    version, release = _version(source)
    jobs_to_do = [
        _job(flavour, version, release, optimize=optimize, name=name) for flavour in dict.fromkeys(flavours)
    ]
    missing = [job for job in jobs_to_do if not job.target.exists()]
    if missing:
        _require_tools()
        try:
            with _workshop(cache_folder()) as shop:
                tree = source.resolve() if source.is_dir() else _unpack(source, shop, missing[0].name, report)
                for job in missing:
                    _build(
                        job, tree, shop, optimize=optimize, jobs=jobs or os.cpu_count() or 1, report=report
                    )
        except OSError as error:
            raise InterpreterError(f"cannot build in {cache_folder()}: {error.strerror or error}") from error
    return tuple(Built(_check(job, job.target), job not in missing) for job in jobs_to_do)


def _job(
    flavour: Flavour, version: str, release: tuple[int, int], *, optimize: bool, name: str | None
) -> _Job:
    if name is not None and not _NAME.fullmatch(name):
        raise InterpreterError(
            f"invalid build name {name!r}; use letters, digits, and . _ + - after the first one"
        )
    if flavour == "t" and release < _FIRST_FREE_THREADED:
        raise InterpreterError(
            f"CPython {version} has no free-threaded build; use 3.13 or later for flavour t"
        )
    full = f"{name or version}{'t' if flavour == 't' else ''}{'-pgo' if optimize and not name else ''}"
    cache = cache_folder()
    return _Job(full, flavour, cache / full, cache.parent / "logs" / f"build-{full}.log")


def _version(source: Path) -> tuple[str, tuple[int, int]]:
    """Return the version of a source folder or tarball, as text and as (major, minor)."""
    try:
        text = _version_file(source)
    except (*_NOT_A_TARBALL, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition(":\n")[0]
        raise InterpreterError(
            f"cannot read {source}: {reason}\nPass a CPython source folder or tarball."
        ) from error
    found = _VERSION.search(text)
    if found is None:
        raise _no_source(source)
    return found[1], (int(found[2]), int(found[3]))


def _no_source(source: Path) -> InterpreterError:
    return InterpreterError(
        f"{source} is not CPython source: configure or {_VERSION_FILE} is missing\n"
        "Pass a CPython source folder or tarball."
    )


def _version_file(source: Path) -> str:
    """Return the text of patchlevel.h; empty if this is not CPython source."""
    if source.is_dir():
        sound = (source / "configure").is_file() and (source / _VERSION_FILE).is_file()
        return (source / _VERSION_FILE).read_text(encoding="utf-8", errors="replace") if sound else ""
    with tarfile.open(source) as archive:
        for member in archive:
            if member.name.partition("/")[2] == _VERSION_FILE and (file := archive.extractfile(member)):
                return file.read().decode("utf-8", "replace")
    return ""


def _require_tools() -> None:
    compiler = os.environ.get("CC", "").split()[:1] or ["gcc", "cc", "clang"]
    needed = {"a C compiler": compiler, "make": ["make"]}
    missing = [what for what, names in needed.items() if not any(map(find_tool, names))]
    if missing:
        raise InterpreterError(
            f"cannot build CPython: {' and '.join(missing)} not found in PATH\n"
            "Install the build tools; on Debian: apt-get install build-essential"
        )


@contextlib.contextmanager
def _workshop(cache: Path) -> Iterator[Path]:
    """Create a folder next to the finished builds for one build at a time, and remove it at the end."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache.parent / "logs").mkdir(exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InterpreterError(f"another build is running in {cache}; wait until it has ended") from error
        for stale in cache.glob(".building-*"):  # of killed builds: this build holds the lock
            shutil.rmtree(stale, ignore_errors=True)
        shop = Path(tempfile.mkdtemp(prefix=".building-", dir=cache))
        try:
            yield shop
        finally:
            while shop.exists():  # killed compilers may still be ending
                shutil.rmtree(shop, ignore_errors=True)


def _unpack(source: Path, shop: Path, name: str, report: Callable[[Progress], None]) -> Path:
    report(Progress(name, "unpack", 0, None))
    folder = shop / "source"
    # Python before 3.11.4 has no filters; _harmless skips the same members.
    options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, members=_harmless(archive), **options)  # noqa: S202 - see _harmless
    except _NOT_A_TARBALL as error:
        raise InterpreterError(f"{source} is damaged: {error}\nDownload it again.") from error
    tops = [
        top for top in folder.iterdir() if (top / _VERSION_FILE).is_file() and (top / "configure").is_file()
    ]
    if not tops:
        raise _no_source(source)
    return tops[0]


def _harmless(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the files and folders that stay inside the target folder. CPython's tarballs have no links."""
    for member in archive:
        path = Path(member.name)
        if (member.isfile() or member.isdir()) and not path.is_absolute() and ".." not in path.parts:
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            member.mode &= 0o755
            yield member


def _build(
    job: _Job, tree: Path, shop: Path, *, optimize: bool, jobs: int, report: Callable[[Progress], None]
) -> None:
    job.log.unlink(missing_ok=True)
    place, stage = shop / f"build-{job.flavour}", shop / f"stage-{job.flavour}"
    place.mkdir()
    # Nothing is installed into a measured interpreter, so it needs no pip.
    options = [f"--prefix={job.target}", "--without-ensurepip"]
    # PGO needs the test suite.
    options += ["--enable-optimizations", "--with-lto"] if optimize else ["--disable-test-modules"]
    options += ["--disable-gil"] if job.flavour == "t" else []
    commands: list[tuple[Phase, list[str]]] = [
        ("configure", ["sh", str(tree / "configure"), *options]),  # copies of a source lose its run bits
        ("compile", ["make", f"-j{jobs}"]),
        ("install", ["make", "install", f"DESTDIR={stage}"]),
    ]
    for phase, command in commands:
        report(Progress(job.name, phase, 0, None))
        try:
            total = _objects(place) if phase == "compile" else None
            done = 0
            with contextlib.closing(_make(command, place, job.log)) as lines:
                for line in lines:
                    if total and _COMPILE.search(line):
                        done += 1
                        report(Progress(job.name, phase, min(done, total), total))
        except ProcessError as error:
            told = _last_error(job.log)
            where = f"\nSee the whole log: {job.log}" if told else ""
            raise InterpreterError(
                f"cannot build {job.name}: {phase} failed: {told or error}{where}"
            ) from error
    installed = stage / job.target.relative_to("/")
    _check(job, installed)
    installed.rename(job.target)


def _make(command: Sequence[str], place: Path, log: Path) -> Generator[str, None, None]:
    # PYTHONDONTWRITEBYTECODE must not reach the interpreter that is being installed.
    environment = {
        name: value for name, value in clean_environment().items() if not name.startswith("PYTHON")
    }
    yield from stream(command, log=log, env=environment, cwd=place)


def _objects(place: Path) -> int | None:
    """Return the number of objects that make will compile; None: unknown."""
    try:
        with contextlib.closing(_make(["make", "-n"], place, place / "dry-run.log")) as lines:
            return sum(1 for line in lines if _COMPILE.search(line)) or None
    except ProcessError:
        return None


def _check(job: _Job, prefix: Path) -> Interpreter:
    """Ask the built interpreter, and check that it is the requested flavour."""
    # Of hard links, such as python3.13 and python3.13t, the longest name is the most specific.
    found = max(executables([prefix / "bin"]), key=lambda path: len(path.name), default=None)
    answer = Unusable(executable=str(prefix), reason="no python in it") if found is None else probe(found)
    if isinstance(answer, Interpreter) and answer.build.free_threaded == (job.flavour == "t"):
        return answer
    reason = answer.reason if isinstance(answer, Unusable) else f"it is {answer.name}"
    raise InterpreterError(
        f"{prefix} is not a working {job.name}: {reason}\nRemove that folder and build again."
    )


def _last_error(log: Path) -> str:
    """Return the line of a log that tells most; empty: it has none."""
    try:
        lines = log.read_bytes()[-_TAIL:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    telling = [line for line in lines if _ERROR.search(line)] or [line for line in lines if line.strip()]
    return one_line(telling[-1]) if telling else ""
