"""The folder for what must have a name: private, and not left over for long, however gilbench ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gilbench.host.scratch import clear, scratch
from gilbench.observe.spool import spooled

HOLDER = """
import sys, time
from gilbench.host.scratch import scratch
with scratch() as folder:
    (folder / "inside").mkdir()
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_ours_alone_and_goes_at_the_end(place: Path) -> None:
    with scratch() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
    assert not list(place.iterdir())


def test_what_a_killed_gilbench_left_is_removed_by_the_next_and_nothing_else(place: Path) -> None:
    others = [place / "gilbench-scratch-shared", place / "gilbench-scratch-file", place / "gilbench-mine"]
    others[0].mkdir(mode=0o755)
    others[1].touch()
    others[2].mkdir(mode=0o700)
    if os.geteuid() == 0:
        others.append(place / "gilbench-scratch-anothers")
        others[-1].mkdir(mode=0o700)
        os.chown(others[-1], 65534, -1)
    others.append(place / "gilbench-scratch-link")
    others[-1].symlink_to(others[2])
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        folder = Path(holder.stdout.readline().strip())
        clear()
        assert folder.is_dir()  # in use
        holder.kill()
        holder.wait()
        assert folder.is_dir()
        with scratch() as mine:
            assert sorted(place.iterdir()) == sorted([mine, *others])


def test_a_spool_never_has_a_name_that_another_user_could_take(place: Path) -> None:
    place.chmod(0o777)
    reader, writer = spooled(place)
    try:
        assert not list(place.iterdir())
        assert os.fstat(reader).st_mode & 0o077 == 0
        os.write(writer, b"one")
        os.write(writer, b"two")
        assert os.read(reader, 10) == b"onetwo"
    finally:
        os.close(reader)
        os.close(writer)
