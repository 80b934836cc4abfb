"""CPU quotas: the cgroups (control groups) that this process belongs to, version 1 or 2.

This module imports only the standard library, since a source of noise imports it, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_NO_LIMIT = ("max", "-1")


class Hierarchy(NamedTuple):
    """The cgroups that control CPU time."""

    mount: Path  # folder of the topmost visible cgroup
    home: Path  # cgroup of the process
    unified: bool  # version 2 of cgroups


class Throttling(NamedTuple):
    """What quotas have done to a cgroup since it was made."""

    periods: int  # in which the cgroup was busy
    throttled: int  # periods in which it was stopped
    seconds: float  # of CPU time that were withheld


def find_hierarchy(mounts: str, memberships: str) -> Hierarchy | None:
    """Find the cgroups that control CPU time.

    Args:
        mounts: Text of ``/proc/PID/mountinfo``.
        memberships: Text of ``/proc/PID/cgroup``.
    """
    member = {}
    for line in memberships.splitlines():
        _, controllers, path = line.split(":", 2)
        member.update(dict.fromkeys(controllers.split(","), path))  # version 2 has the name ""
    found: dict[bool, Hierarchy] = {}
    for line in mounts.splitlines():
        place, _, kind = line.partition(" - ")
        root, folder = place.split()[3:5]
        system, _, options = kind.split(" ", 2)
        unified = system == "cgroup2"
        group = member.get("" if unified else "cpu")
        if group is not None and (unified or (system == "cgroup" and "cpu" in options.split(","))):
            mount = Path(folder)
            found[unified] = Hierarchy(mount, mount / group.removeprefix(root).lstrip("/"), unified)
    return found.get(False, found.get(True))


def limited_groups(root: Path = Path("/")) -> list[tuple[Path, float]]:
    """Return the cgroups of this process that have a CPU quota, the innermost first, and the quota in CPUs.

    Args:
        root: Folder that holds ``proc`` and ``sys``.
    """
    try:
        own = root / "proc/self"
        found = find_hierarchy((own / "mountinfo").read_text(), (own / "cgroup").read_text())
    except (OSError, ValueError):
        return []
    if found is None:
        return []
    top, folder = (root / path.relative_to("/") for path in (found.mount, found.home))
    if not folder.is_dir():  # the mount shows another part of the tree
        folder = top
    groups = []
    for group in (folder, *folder.parents):
        quota = _quota(group, unified=found.unified)
        if quota is not None:
            groups.append((group, quota))
        if group == top:
            break
    return groups


def read_throttling(group: Path) -> Throttling | None:
    """Read what the quota of a cgroup has done so far; None: unknown."""
    try:
        found = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        return Throttling(
            periods=int(found["nr_periods"]),
            throttled=int(found["nr_throttled"]),
            seconds=float(found.get("throttled_usec", 0)) * 1e-6
            + float(found.get("throttled_time", 0)) * 1e-9,
        )
    except (OSError, ValueError, KeyError):
        return None


def _quota(group: Path, *, unified: bool) -> float | None:
    try:
        if unified:
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = (
                (group / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period")
            )
        return None if quota in _NO_LIMIT else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
