"""The time in which at least one thread waited for the GIL, from the sums of ``exact.bt``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gilbench.model.profile import ProfiledThread
from gilbench.observe.gil.thread_sums import WAITING, ThreadSums


def contended(maps: Mapping[str, Any], end: int) -> int:
    """Return the ns in which at least one thread waited, of all GILs together.

    The kernel's sums end with the latest acquisition. They may count a moment twice, but miss none.
    """
    closed = [sums for name in ("@contended", "@handed") for sums in maps.get(name, {}).values()]
    still = [max(end - since, 0) for since in maps.get("@cover", {}).values() if since]
    return sum(map(int, closed + still))


def unseen_wait(one: ThreadSums, thread: ProfiledThread, start: int, end: int) -> float:
    """Return the ns that a thread waited before its first event: it was found waiting."""
    open_for = one.until - max(one.state >> 3, start) if one.state & 7 == WAITING else 0
    return max((thread.gil_wait or 0.0) * (end - start) - one.wait - open_for, 0.0)
