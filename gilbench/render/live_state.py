"""What the user of the live view chose, and what each key changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

Grouping = Literal["many", "all", "none"]  # which threads with names of one pattern share a row

BUSIEST = "busiest"  # order: the top holders of the GIL and the top waiters in turn
_LONGEST = 24  # characters of a filter
_GROUPINGS: Mapping[Grouping, Grouping] = {"many": "all", "all": "none", "none": "many"}  # the next one

KEYS = {"s": "sort", "r": "reverse", "/": "filter", "g": "group", "p": "pause", "h": "help", "q": "quit"}
HELP = (
    ("s, >, right", "sort by the next column"),
    ("<, left", "sort by the previous column"),
    ("r", "reverse the order"),
    ("/, f", "show only threads whose names contain a text: Enter applies it, Esc clears it"),
    ("g", "group threads by name: many threads of one name; all of one name; none"),
    ("p, space", "pause: the table stands still, and profiling goes on"),
    ("h, ?", "this help"),
    ("q, Ctrl-C", "end the profile, and print its report"),
)


class LiveState(NamedTuple):
    """The state of the live view."""

    order: str = BUSIEST  # or ``name``, or a field of a thread
    reverse: bool = False
    filter: str = ""  # text in the names of the threads that are shown
    typed: str | None = None  # filter that is being typed; None: none is
    grouping: Grouping = "many"
    paused: bool = False
    helping: bool = False
    ended: bool = False  # the user wants the report


def press(state: LiveState, key: str, orders: Sequence[str]) -> LiveState:
    """Return the state after a key.

    Args:
        state: The state before it.
        key: A printable character, or the name of another key.
        orders: Orders in which the rows can be sorted.
    """
    if state.typed is not None:
        return _typed(state, state.typed, key)
    if state.helping:
        return state._replace(helping=False)
    if key in {"s", ">", "right", "<", "left"}:
        return state._replace(
            order=_next(state.order, orders, -1 if key in {"<", "left"} else 1), reverse=False
        )
    change = _CHANGES.get(key)
    return state if change is None else change(state)


def _typed(state: LiveState, text: str, key: str) -> LiveState:
    if key == "enter":
        return state._replace(filter=text, typed=None)
    if key == "escape":
        return state._replace(filter="", typed=None)
    if key in {"backspace", "clear"}:
        return state._replace(typed=text[:-1] if key == "backspace" else "")
    return state._replace(typed=(text + key)[:_LONGEST]) if len(key) == 1 else state


def _next(order: str, orders: Sequence[str], step: int) -> str:
    place = orders.index(order) if order in orders else 0
    return orders[(place + step) % len(orders)]


_CHANGES: dict[str, Callable[[LiveState], LiveState]] = {
    "r": lambda state: state._replace(reverse=not state.reverse),
    "/": lambda state: state._replace(typed=state.filter),
    "f": lambda state: state._replace(typed=state.filter),
    "escape": lambda state: state._replace(filter=""),
    "g": lambda state: state._replace(grouping=_GROUPINGS[state.grouping]),
    "p": lambda state: state._replace(paused=not state.paused),
    " ": lambda state: state._replace(paused=not state.paused),
    "h": lambda state: state._replace(helping=True),
    "?": lambda state: state._replace(helping=True),
    "q": lambda state: state._replace(ended=True),
}
