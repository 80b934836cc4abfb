"""Checks whether another user could have written or replaced a file that gilbench is about to run or obey."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_LINKS = 40  # maximum number of links on the way to a file, as in the kernel


def mistrust(path: Path) -> str | None:
    """Return why another user could have written or replaced a file.

    Only root and the user of gilbench are trusted. One of them must own the file and every folder and link on the way
    to it, and no other user may write to any of these. A folder with the sticky bit, such as /tmp, may be writable:
    other users cannot replace files there that they do not own.

    Returns:
        The reason in a few words; None: the file can be trusted.
    """
    try:
        for place in _way_to(path):
            status = place.lstat()
            if status.st_uid not in {0, os.geteuid()}:
                return f"{place} belongs to {_user(status.st_uid)}"
            if stat.S_ISLNK(status.st_mode) or (
                stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
            ):
                continue
            if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and _is_shared(place, status)):
                return f"other users may write to {place}"
    except OSError as error:
        return f"{error.filename or path}: {error.strerror}"
    return None


def _way_to(path: Path) -> Iterator[Path]:
    """Yield every folder and link that the kernel follows to a file, and the file."""
    ahead, here, links = [*reversed(Path.cwd().joinpath(path).parts)], Path("/"), 0
    while ahead:
        name = ahead.pop()
        if name == "..":
            here = here.parent
            continue
        place = here / name  # for the first part of a path, /, the root itself
        yield place
        if not place.is_symlink():
            here = place
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        ahead += reversed(place.readlink().parts)


def _is_shared(place: Path, status: os.stat_result) -> bool:
    """Return whether the group of a file has members other than the owner. Many users have a private group."""
    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return True
    alone = (
        group.gr_gid == owner.pw_gid and group.gr_name == owner.pw_name and {*group.gr_mem} <= {owner.pw_name}
    )
    # With an access control list, the bits of the group apply to everyone in that list.
    return not alone or "system.posix_acl_access" in os.listxattr(place, follow_symlinks=False)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
