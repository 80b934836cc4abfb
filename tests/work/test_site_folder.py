"""The folder of a site: nothing is written twice, nothing of others is touched, and a killed run is mended."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gilbench.model.errors import GilbenchError, StudyError, UsageError
from gilbench.model.history import FeedMemory
from gilbench.work.site_folder import MANIFEST, SiteFolder, open_site

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

FILES = {"index.html": "one", "feed.xml": "two", "series/a.html": "three", "badges/b.svg": "four"}


def write(folder: Path, files: dict[str, str], feed: FeedMemory | None = None) -> SiteFolder:
    with open_site(folder) as target:
        target.plan(list(files))
        for name, text in files.items():
            target.write(name, text)
        target.finish(feed or FeedMemory(id="x"))
    return target


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What changes if a file is written or replaced."""
    found = {path.name: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def test_a_run_in_which_nothing_changed_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path / "new" / "site", FILES).written == 4
    before = stamps(tmp_path / "new" / "site")
    assert write(tmp_path / "new" / "site", FILES).written == 0
    assert stamps(tmp_path / "new" / "site") == before


def test_only_what_changed_is_written_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    before = stamps(tmp_path)
    changed = {**FILES, "index.html": "other", "series/c.html": "new"}
    del changed["badges/b.svg"]
    done = write(tmp_path, changed)
    assert (done.written, done.removed) == (2, 1)
    assert content(tmp_path) == changed
    after = stamps(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {"index.html", "c.html", MANIFEST}


def test_a_file_of_someone_else_stays_and_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    other = tmp_path / "series" / "mine.html"
    other.write_text("mine", "utf-8")
    write(tmp_path, {"index.html": "one"})
    assert content(tmp_path) == {"index.html": "one", "series/mine.html": "mine"}
    with pytest.raises(UsageError, match=r"mine\.html is not from this command"):
        write(tmp_path, {**FILES, "series/mine.html": "ours"})
    assert content(tmp_path) == {"index.html": "one", "series/mine.html": "mine"}


@pytest.mark.parametrize("kind", ["file", "folder", "link", "hidden"])
def test_a_folder_with_other_things_is_refused_and_left_alone(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    name = ".hidden" if kind == "hidden" else "index.html"
    if kind == "folder":
        (folder / name).mkdir()
    elif kind == "link":
        (folder / name).symlink_to(tmp_path / "absent")
    else:
        (folder / name).write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="holds other things, such as"):
        write(folder, FILES)
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="choose another folder"):
        write(tmp_path / "file", FILES)


def test_links_are_replaced_and_never_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "site", tmp_path / "outside"
    write(folder, FILES)
    outside.mkdir()
    kept = outside / "kept.html"
    kept.write_text("kept", "utf-8")
    (folder / "index.html").unlink()
    (folder / "index.html").symlink_to(kept)
    (folder / ".gilbench.part").symlink_to(kept)
    write(folder, FILES)
    assert content(folder) == FILES
    assert not (folder / "index.html").is_symlink()
    (folder / "series" / "a.html").rename(outside / "a.html")
    (folder / "series").rmdir()
    (folder / "series").symlink_to(outside)
    for files in (FILES, {"index.html": "one"}):
        with pytest.raises(UsageError, match="is a link"):
            write(folder, files)
    assert sorted(path.name for path in outside.iterdir()) == ["a.html", "kept.html"]
    assert kept.read_text("utf-8") == "kept"


@pytest.mark.parametrize(
    "name", ["../kept.html", "/etc/kept.html", "series/../../kept.html", ".hidden.html", "a.sh", "a.html\n"]
)
def test_a_manifest_cannot_name_files_outside(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write(folder, FILES)
    (tmp_path / "kept.html").write_text("kept", "utf-8")
    document = json.loads((folder / MANIFEST).read_text("utf-8"))
    document["files"][name] = ""
    (folder / MANIFEST).write_text(json.dumps(document), "utf-8")
    with pytest.raises(StudyError, match="damaged"):
        write(folder, FILES)
    assert (tmp_path / "kept.html").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ('{"schema": 2, "kind": "site"}', "schema 2"),
        ('{"schema": 1, "kind": "check"}', "not a site"),
        ('{"name": "someone else\'s"}', "damaged"),
    ],
)
def test_a_manifest_that_is_damaged_newer_or_of_something_else_is_an_error(
    text: str, said: str, tmp_path: Path
) -> None:
    write(tmp_path, FILES)
    (tmp_path / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(GilbenchError, match=said) as caught:
        write(tmp_path, {"index.html": "other"})
    assert len(str(caught.value).splitlines()) <= 2
    assert content(tmp_path) == FILES


def test_a_file_that_was_removed_or_cut_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "index.html").unlink()
    (tmp_path / "feed.xml").write_text("", "utf-8")
    assert write(tmp_path, FILES).written == 2
    assert content(tmp_path) == FILES


def test_the_memory_of_the_feed_is_kept_from_run_to_run(tmp_path: Path) -> None:
    write(tmp_path, FILES, FeedMemory(id="first"))
    with open_site(tmp_path) as target:
        assert target.feed == FeedMemory(id="first")
    write(tmp_path, FILES, FeedMemory(id="second"))
    with open_site(tmp_path) as target:
        assert target.feed == FeedMemory(id="second")


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("count", range(5))
def test_a_run_that_was_killed_is_mended_by_the_next(count: int, first: bool, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    if not first:
        write(folder, FILES)
    other = {"index.html": "1", "feed.xml": "2", "series/z.html": "3", "badges/b.svg": "4"}
    code = f"""
import os, pathlib, signal
from gilbench.work.site_folder import open_site
files = {other!r}
folder = pathlib.Path({str(folder)!r})
with open_site(folder) as target:
    target.plan(list(files))
    for name in list(files)[:{count}]:
        target.write(name, files[name])
    folder.joinpath(".gilbench.part").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    final = {**FILES, "series/a.html": "changed"}  # with neither all files of one run nor of the other
    write(folder, final)
    assert content(folder) == final
    assert write(folder, final).written == 0


def _hold(folder: str, held: Event, end: Event) -> None:
    with open_site(Path(folder)):
        held.set()
        end.wait(60)


def test_two_processes_do_not_write_one_folder_at_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, end = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(str(tmp_path), held, end))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(UsageError, match="another gilbench is writing"):
            write(tmp_path, FILES)
    finally:
        end.set()
        other.join(60)
    write(tmp_path, FILES)
    assert content(tmp_path) == FILES


def test_what_cannot_be_written_is_an_error_of_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "site"
    write(blocked, {"index.html": "one"})
    (blocked / "series").write_text("a file in the place of the folder", "utf-8")
    with pytest.raises(UsageError, match="choose another folder"):
        write(blocked, FILES)
