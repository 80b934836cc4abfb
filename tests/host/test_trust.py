"""Whose files are run and obeyed: those that nobody but root and ourselves could have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gilbench.host.trust import mistrust

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir(mode=0o755)
    path.touch(0o644)
    return path


def test_a_file_of_our_own_in_a_folder_of_our_own_is_trusted(file: Path) -> None:
    assert mistrust(file) is None
    assert mistrust(Path(os.path.relpath(file))) is None
    assert mistrust(Path("/bin/sh")) is None


@needs_root
def test_what_belongs_to_another_user_is_named(file: Path) -> None:
    os.chown(file, NOBODY, -1)
    assert mistrust(file) == f"{file} belongs to nobody"


@needs_root
def test_a_folder_above_that_belongs_to_another_user_is_named(file: Path) -> None:
    os.chown(file.parent, NOBODY, -1)
    assert mistrust(file) == f"{file.parent} belongs to nobody"


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_what_others_may_write_to_is_named(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert mistrust(file) == f"other users may write to {file}"
    file.chmod(0o644)
    file.parent.chmod(mode | 0o100)
    assert mistrust(file) == f"other users may write to {file.parent}"


@needs_root
def test_a_group_counts_unless_it_is_the_owners_alone(file: Path) -> None:
    file.chmod(0o664)
    assert mistrust(file) is None  # root's own group
    os.chown(file, -1, 1)
    assert mistrust(file) == f"other users may write to {file}"


@needs_root
def test_in_a_folder_as_tmp_the_owner_of_what_lies_in_it_counts(file: Path) -> None:
    file.parent.chmod(0o1777)
    assert mistrust(file) is None
    os.chown(file, NOBODY, -1)
    assert mistrust(file) == f"{file} belongs to nobody"


@needs_root
def test_each_link_on_the_way_counts(file: Path, tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    far.mkdir()
    near.symlink_to(Path("far", "..", "far", "link"))
    (far / "link").symlink_to(file)
    assert mistrust(near) is None
    os.chown(far / "link", NOBODY, -1, follow_symlinks=False)
    assert mistrust(near) == f"{far / 'link'} belongs to nobody"


def test_a_file_that_is_not_there_and_a_ring_of_links_are_not_trusted(tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.symlink_to(ring)
    assert mistrust(ring) == f"{ring}: Too many levels of symbolic links"
    assert mistrust(tmp_path / "absent") == f"{tmp_path / 'absent'}: No such file or directory"
