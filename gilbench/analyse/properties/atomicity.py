"""Operations that people take for atomic: does any update get lost?"""

from __future__ import annotations

from typing import Final

from gilbench.analyse.fractions import fraction_interval
from gilbench.analyse.properties.judged import Figures, Judged, Part
from gilbench.metrics import write

_FEW = 1000  # from here on three digits say enough


def lost_updates(figures: Figures) -> Judged:
    """Atomic where nothing was lost; the interval then says how much could have been overlooked."""
    wrong, updates = figures["wrong"], figures["updates"]
    interval = fraction_interval(wrong, updates)
    lost, total = sum(wrong), sum(updates)
    if not total:
        raise ValueError("nothing was updated")
    return Judged(
        "no" if lost else "yes",
        "updates lost per million",
        interval.value * 1e6,
        "1",
        _times(interval.lo, 1e6),
        _times(interval.hi, 1e6),
        f"{_count(lost)} of {_count(total)} updates were lost or came twice",
    )


def _count(number: int) -> str:
    return str(number) if number < _FEW else write(number, "")


def _times(end: float | None, factor: float) -> float | None:
    return None if end is None else end * factor


PARTS: Final = tuple(
    Part(f"atomicity.{name}", text, lost_updates)
    for name, text in (
        ("list_append", "list.append"),
        ("list_extend", "list.extend"),
        ("list_pop", "list.pop"),
        ("dict_set", "dict[new key] = x"),
        ("dict_setdefault", "dict.setdefault"),
        ("dict_pop", "dict.pop"),
        ("set_add", "set.add"),
        ("deque_append", "deque.append"),
        ("deque_popleft", "deque.popleft"),
        ("queue_put", "Queue.put"),
        ("attribute_set", "object.new_attribute = x"),
        ("next_count", "next(itertools.count())"),
        ("add_global", "global += 1"),
        ("add_attribute", "object.attribute += 1"),
        ("add_list_item", "list[0] += 1"),
        ("add_dict_item", "dict[key] += 1"),
        ("add_call", "object.attribute += function()"),
    )
)
