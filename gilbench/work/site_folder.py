"""The folder of a site: writes only files that changed, and removes only files that it wrote.

``site.json`` lists the files with their digests. It is replaced before the first file of a run, with all names and
without digests, and after the last one. So a run that was killed leaves no unlisted file, and the next run writes all
files again. No file is ever half written: each is written next to the others, and then renamed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.history import FeedMemory
from gilbench.model.study import Struct
from gilbench.store.artefact import read_document

MANIFEST = "site.json"
SCHEMA = 1
_PART = ".gilbench.part"  # a file that is being written
# A name from the manifest is removed, so it must not lead out of the folder.
_FileName = Annotated[
    str, msgspec.Meta(pattern=r"^([a-z]+/)?[a-z0-9][a-z0-9_-]*\.(html|svg|xml)\Z", max_length=200)
]


class SiteManifest(Struct, frozen=True):
    """The content of ``site.json``."""

    schema: int = SCHEMA
    kind: Literal["site"] = "site"
    files: dict[_FileName, str] = msgspec.field(default_factory=dict)  # SHA-256 by name; empty: being written
    feed: FeedMemory = FeedMemory()


class SiteFolder:
    """A folder that this process has locked.

    Args:
        folder: The folder.
        before: What an earlier run left in it.
    """

    def __init__(self, folder: Path, before: SiteManifest) -> None:
        self._folder, self._before = folder, before
        self._names: Sequence[str] = ()
        self._files: dict[str, str] = {}
        self._started = False
        self.written = 0
        self.removed = 0

    @property
    def feed(self) -> FeedMemory:
        """What the feed of the earlier run remembers."""
        return self._before.feed

    def plan(self, names: Sequence[str]) -> None:
        """Check that files of these names can be written.

        Raises:
            UsageError: The folder holds another file of such a name.
        """
        for name in names:
            if name not in self._before.files and os.path.lexists(self._folder / name):
                raise UsageError(
                    f"{self._folder / name} is not from this command\nMove it, or choose a new or empty folder."
                )
        parents = {Path(name).parent for name in (*self._before.files, *names)} - {Path()}
        for parent in parents:
            if self._folder.joinpath(parent).is_symlink():  # it may lead out of the folder
                raise UsageError(f"{self._folder / parent} is a link; choose a new or empty folder")
        self._names = names

    def write(self, name: str, text: str) -> None:
        """Write a file, unless it is there already.

        Raises:
            UsageError: The file cannot be written.
        """
        content = text.encode("utf-8", "replace")
        digest = hashlib.sha256(content).hexdigest()
        self._files[name] = digest
        path = self._folder / name
        if self._before.files.get(name) == digest and _is_file(path, len(content)):
            return
        self._start()
        with _errors_of(path):
            path.parent.mkdir(exist_ok=True)
            self._replace(path, content)
        self.written += 1

    def finish(self, feed: FeedMemory) -> None:
        """Remove files of earlier runs that were not written in this run, and list the others.

        Raises:
            UsageError: A file cannot be removed, or the list cannot be written.
        """
        for name in self._before.files.keys() - self._files.keys():
            self._start()
            path = self._folder / name
            with _errors_of(path), contextlib.suppress(FileNotFoundError):
                path.unlink()
                self.removed += 1
        if self._started or feed != self._before.feed:
            self._save(self._files, feed)

    def _start(self) -> None:
        """List every file that may be there from now on, before the first one changes."""
        if not self._started:
            self._started = True
            self._save(dict.fromkeys((*self._before.files, *self._names), ""), self._before.feed)

    def _save(self, files: Mapping[str, str], feed: FeedMemory) -> None:
        manifest = SiteManifest(files=dict(sorted(files.items())), feed=feed)
        path = self._folder / MANIFEST
        with _errors_of(path):
            self._replace(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1), sync=True)

    def _replace(self, path: Path, content: bytes, *, sync: bool = False) -> None:
        part = self._folder / _PART
        part.unlink(missing_ok=True)  # of a run that was killed
        with part.open("xb") as file:  # never through a link
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)


@contextlib.contextmanager
def open_site(folder: Path) -> Iterator[SiteFolder]:
    """Lock a folder that is new, empty, or from this function; it is created if it is missing.

    Raises:
        UsageError: The folder holds other things, cannot be written, or another process has locked it.
        StudyError: Its manifest is damaged, or from a newer gilbench.
    """
    with _errors_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _errors_of(folder):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(f"another gilbench is writing {folder}; try again later") from error
            before = _read(folder)
        yield SiteFolder(folder, before)
    finally:
        os.close(handle)


def _read(folder: Path) -> SiteManifest:
    if os.path.lexists(folder / MANIFEST):
        return read_document(folder / MANIFEST, SiteManifest, SCHEMA, "site")
    other = next((path for path in sorted(folder.iterdir()) if path.name != _PART), None)
    if other is not None:
        raise UsageError(f"{folder} holds other things, such as {other.name}; choose a new or empty folder")
    return SiteManifest()


def _is_file(path: Path, size: int) -> bool:
    """Return whether a path is a file of this size, and not a link to one."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


@contextlib.contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another folder") from error
