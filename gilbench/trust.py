"""Whether anybody else could have written a file that is to be run or obeyed, or put it where it is."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

_LINKS = 40  # on the way to one file, at most, as the kernel does


def mistrust(path: Path) -> str | None:
    """Name who else could have written a file, or put another file in its place.

    Only root and the user that gilbench runs as are trusted: they own the file, and every folder and link on the
    way to it, and nobody else may write to any of them. In a folder with the sticky bit, such as /tmp, others cannot
    replace what is not theirs.

    Returns:
        A few words, or None if the file can be trusted.
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
    """Every folder and link that the kernel passes on its way to a file, and the file."""
    ahead, here, links = [*reversed(Path.cwd().joinpath(path).parts)], Path("/"), 0
    while ahead:
        name = ahead.pop()
        if name == "..":
            here = here.parent
            continue
        place = here / name  # of a path's first part, /, the root itself
        yield place
        if not place.is_symlink():
            here = place
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        ahead += reversed(place.readlink().parts)


def _is_shared(place: Path, status: os.stat_result) -> bool:
    """Whether the group that may write has other members than the owner: many users have a group of their own."""
    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return True
    alone = (
        group.gr_gid == owner.pw_gid and group.gr_name == owner.pw_name and {*group.gr_mem} <= {owner.pw_name}
    )
    # With an access control list the bits of the group are those of all that it names.
    return not alone or "system.posix_acl_access" in os.listxattr(place, follow_symlinks=False)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
