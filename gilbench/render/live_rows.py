"""The rows of the live view: filtered, grouped, and sorted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gilbench.analyse.profile.groups import SINGLE, Row, rows_of
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.render.live_state import BUSIEST, Grouping, LiveState
from gilbench.render.profile_threads import in_order, sortable

NAME = "name"
_APART: Mapping[Grouping, float] = {"many": SINGLE, "all": 1, "none": math.inf}


class LiveRows(NamedTuple):
    """The chosen rows."""

    profile: Profile  # with the threads that pass the filter
    rows: tuple[Row, ...]


def orders(profile: Profile) -> tuple[str, ...]:
    """Return the orders in which the rows of a profile can be sorted."""
    return (BUSIEST, *sortable(profile), NAME)


def live_rows(state: LiveState, profile: Profile) -> LiveRows:
    """Filter, group, and sort the threads of a profile."""
    threads = tuple(
        thread for thread in profile.threads if state.filter.casefold() in _name(thread).casefold()
    )
    rows = rows_of(threads, apart=_APART[state.grouping]).rows
    if state.order == NAME:
        rows = tuple(sorted(rows, key=_natural, reverse=state.reverse))
    elif state.order in orders(profile)[1:]:
        rows = tuple(sorted(rows, key=lambda row: _figure(row, state.order), reverse=not state.reverse))
    else:
        rows = tuple(in_order(rows))[:: -1 if state.reverse else 1]
    return LiveRows(msgspec.structs.replace(profile, threads=threads), rows)


def _name(thread: ProfiledThread) -> str:
    return thread.name or f"thread {thread.tid}"


def _figure(row: Row, field: str) -> float:
    """Return the value of a row; an unknown one is below all others."""
    value = getattr(row.total, field)
    return -math.inf if value is None else float(value)


def _natural(row: Row) -> list[tuple[str, int]]:
    """Sort worker-2 before worker-10."""
    parts = re.split(r"(\d+)", row.label.casefold())
    return [(text, int(number)) for text, number in zip(parts[::2], [*parts[1::2], "0"], strict=True)]
