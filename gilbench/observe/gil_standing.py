"""Threads that neither take nor drop the GIL while they are watched: whether they hold it all the time, or wait."""

from __future__ import annotations

from typing import Literal

Standing = dict[int, Literal["held", "wait"]]


def standing_threads(pid: int) -> Standing:
    return {}
