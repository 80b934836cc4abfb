"""Asks executables for their builds and keeps the answers between commands.

An answer is reused only while every file that it is based on is unchanged, and only for a path that discovery
found: the cache never names an executable. A damaged, foreign, or unwritable cache is silently ignored.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from gilbench.host.environment import clean_environment, find_tool
from gilbench.interpreters.probe import SCRIPT, Asked, examine
from gilbench.model.study import Interpreter, Unusable
from gilbench.version import __version__

_FILE = "answers.json"
_MOST = 256  # entries; the oldest are dropped
_LARGEST = 1 << 24  # bytes of a file that is read
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
# File systems have coarse clocks: two changes in quick succession can leave the same time.
_SETTLED = 2 * 10**9  # ns without a change before an answer is kept
# Prefixes of the variables that can change an answer.
_VARIABLES = ("CLASSPATH", "GLIBC", "GRAAL", "HOME", "JAVA", "JDK", "JRE", "LD_", "PYPY", "PYTHON", "_JAVA")
_LOADER = ("/etc/ld.so.cache", "/etc/ld.so.preload")


class _CachedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answer of one executable."""

    fingerprint: str  # of the executable and the files
    files: tuple[str, ...]  # the answer is based on them
    interpreter: Interpreter | None  # None: unusable
    reason: str = ""  # why it is unusable


class _Fingerprint(NamedTuple):
    """The state of some files."""

    digest: str
    changed: int  # ns since the epoch of the latest change


def ask(executable: Path, *, refresh: bool = False, given: bool = False) -> Interpreter | Unusable:
    """Ask one executable, or reuse its answer; see ``ask_all``."""
    return ask_all([executable], refresh=refresh, given=given)[0]


def ask_all(
    executables: Iterable[Path], *, refresh: bool = False, given: bool = False
) -> list[Interpreter | Unusable]:
    """Ask several executables at once, at most one for each CPU, or reuse their answers.

    Args:
        executables: Absolute paths.
        refresh: Ask every executable again and replace the kept answers.
        given: The user named these files, so they stay what is launched; see ``probe.examine``.

    Returns:
        The answers in the order of the executables.
    """
    paths = list(executables)
    asking: Callable[[Path], Asked] = functools.partial(examine, given=True) if given else examine
    context = _context(given=given)
    kept = {} if refresh else _load()
    answers = {path: _answer(path, kept.get(_key(context, path))) for path in paths}
    missing = [path for path, answer in answers.items() if answer is None]
    started = time.time_ns()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        asked = dict(zip(missing, pool.map(asking, missing), strict=True))
    if asked:
        _store({_key(context, path): _entry(path, said, started) for path, said in asked.items()})
    return [answers[path] or asked[path].answer for path in paths]


def _answer(path: Path, entry: _CachedAnswer | None) -> Interpreter | Unusable | None:
    """Return the kept answer, or None if there is none or a file has changed."""
    if entry is None or entry.fingerprint != _fingerprint(path, entry.files).digest:
        return None
    if entry.interpreter is None:
        return Unusable(executable=str(path), reason=entry.reason)
    return entry.interpreter if entry.interpreter.executable == str(path) else None


def _entry(path: Path, asked: Asked, started: int) -> _CachedAnswer | None:
    """Return the entry for an answer, or None if the answer can change without a change of its files."""
    if asked.files is None or not _speaks_for_itself(path, asked):
        return None
    found = _fingerprint(path, asked.files)
    if found.changed > started - _SETTLED:
        return None
    if isinstance(asked.answer, Unusable):
        return _CachedAnswer(found.digest, asked.files, None, asked.answer.reason)
    return _CachedAnswer(found.digest, asked.files, asked.answer)


def _speaks_for_itself(path: Path, asked: Asked) -> bool:
    """Tell whether the launched file itself gave the answer.

    The target of a wrapper or a shim can depend on anything. Jython's launcher is an exception: it is a script, but
    it always starts the same Jython, and it is the slowest interpreter to ask.
    """
    real = os.path.realpath(path)
    if isinstance(asked.answer, Unusable):
        return real == str(path) and _is_elf(path)
    if asked.answer.executable != str(path) or asked.image != real:
        return False
    return asked.answer.build.implementation == "Jython" or _is_elf(path)


def _is_elf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _fingerprint(path: Path, files: Iterable[str]) -> _Fingerprint:
    """Return the state of an executable and of every file and folder that its answer depends on."""
    environments = [str(folder / "pyvenv.cfg") for folder in path.parents[:2]]
    names = sorted({str(path), *files, *environments, *_LOADER, *_library_folders()})
    states = [(name, _state(name)) for name in names]
    digest = _digest([os.path.realpath(path), *(f"{name} {state}" for name, state in states)])
    return _Fingerprint(digest, max((state[-1] for _, state in states if state), default=0))


def _library_folders() -> list[str]:
    return [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]


def _state(name: str) -> tuple[int, ...]:
    try:
        found = os.stat(name)  # noqa: PTH116 - a thousand of them for each command
    except (OSError, ValueError):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _digest(parts: Iterable[str]) -> str:
    whole = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def _key(context: str, path: Path) -> str:
    return f"{context}:{path}"


def _path(key: str) -> Path:
    return Path(key.partition(":")[2])


def _context(*, given: bool) -> str:
    """Return a digest of the other inputs: gilbench's code, the environment, the CPU's name, the Java on PATH."""
    variables = sorted(
        f"{name}={value}" for name, value in clean_environment().items() if name.startswith(_VARIABLES)
    )
    java = find_tool("java")
    return _digest(
        [
            *(__version__, _code(), os.uname().machine, os.path.realpath(java) if java else ""),
            "given" if given else "found",
            *variables,
        ]
    )


@functools.cache
def _code() -> str:
    """Return a digest of the code that asks and of the code that reads the answers."""
    files = [SCRIPT, *sorted(Path(__file__).parent.glob("*.py"))]
    return _digest(file.read_text("utf-8") for file in files)


# --- the file ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(*, create: bool = False) -> Iterator[int]:
    """Open the cache folder and yield its descriptor.

    Raises:
        OSError: The folder is missing, or another user can write there.
    """
    place = platformdirs.user_cache_path("gilbench") / "discovery"
    if not place.is_absolute():  # without a home folder, it would be in the current folder
        raise FileNotFoundError(place)
    if create:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _require_own(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _require_own(descriptor: int) -> None:
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & _WRITABLE:
        raise PermissionError("another user can write here")


def _load() -> dict[str, _CachedAnswer]:
    with contextlib.suppress(OSError), _folder() as folder:
        return _read(folder)
    return {}


def _read(folder: int) -> dict[str, _CachedAnswer]:
    """Read all entries; none if the file is missing, damaged, or writable by another user."""
    try:
        # O_NONBLOCK: a pipe under this name must not block.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(_FILE, flags, dir_fd=folder), "rb") as file:
            _require_own(file.fileno())
            return msgspec.json.decode(file.read(_LARGEST), type=dict[str, _CachedAnswer])
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return {}


def _store(news: Mapping[str, _CachedAnswer | None]) -> None:
    """Merge new entries (None: forget the answer) with those that other processes have written meanwhile."""
    # A path that is not UTF-8 is a ValueError.
    with contextlib.suppress(OSError, ValueError), _folder(create=True) as folder:
        before = _read(folder)
        merged = {key: entry for key, entry in before.items() if key not in news and _path(key).exists()}
        merged |= {key: entry for key, entry in news.items() if entry is not None}
        if merged == before:
            return
        newest = dict(list(merged.items())[-_MOST:])
        _replace(folder, msgspec.json.encode(newest))


def _replace(folder: int, content: bytes) -> None:
    """Replace the file in one step: a reader sees the old content or the new content."""
    temporary = f".{_FILE}.{secrets.token_hex(8)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
        os.replace(temporary, _FILE, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
