"""Why cases regressed, as parts of a page, and as a sentence for formats that have only one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gilbench.model.explanation import Deviation, Explanation, Quantity
from gilbench.model.metrics import common_scale, write
from gilbench.model.results import Check, Comparison
from gilbench.plan.axes import variant
from gilbench.render.figures import SENTENCE, case_name, short, threads_name
from gilbench.render.page import Column, Part, Section, Sentences, Table

NOTHING = "nothing stands out between the observed runs of both sides"
_ROWS = 12  # JSON has all
_SUBJECT = 50  # characters
_TITLES: dict[Quantity, str] = {
    "time": "time of all threads",
    "held": "GIL held",
    "wait": "GIL wait",
    "off": "on CPU, no GIL",
    "blocked": "blocked",
    "lock_wait": "lock wait",
    "collecting": "garbage collection",
    "call_time": "in {}",
    "function": "GIL held in {}",
    "native": "GIL held in {}",
    "place": "in {}",
    "instructions": "instructions in {}",
    "calls": "calls of {}",
    "lock_waits": "lock waits",
    "collections": "garbage collections",
    "switches": "context switches",
    "acquires": "GIL acquires",
    "memory": "peak memory",
}
_ORDER = list(_TITLES)


def explanation_parts(explanations: Sequence[Explanation]) -> Iterator[Part]:
    """Yield for each explanation its causes, and a table of what differs."""
    for one in explanations:
        case = one.case
        name = f"{short(case_name(case.workload, case.parameters))} on {short(variant(case))}"
        yield Sentences(f"Why {name}, {threads_name(case.threads)}, is slower", _sentences(one), "bad")
        if one.changes:
            yield _table(one)


def why(check: Check, row: Comparison) -> str:
    """Return the first cause of a row that regressed; empty: none is known."""
    for one in check.explanations:
        if one.case == msgspec.structs.replace(row.case, observers=()):
            return short(one.causes[0].text, SENTENCE) if one.causes else ""
    return ""


def _sentences(one: Explanation) -> tuple[str, ...]:
    missing = tuple(f"not observed: {short(text, SENTENCE)}" for text in one.missing)
    if one.causes:
        return (*(_capital(short(cause.text, SENTENCE)) for cause in one.causes), *map(_capital, missing))
    reason = NOTHING if one.rounds else "the observed runs failed"
    return (f"{_capital(reason)}.", *map(_capital, missing))


def _capital(text: str) -> str:
    """Begin a sentence with a capital, unless it begins with the name of a function or a system call."""
    first = text.split(" ", 1)[0]
    return f"{text[:1].upper()}{text[1:]}." if first in _WORDS else f"{text}."


_WORDS = {"garbage", "threads", "the", "not", "code", "nothing"}


def _table(one: Explanation) -> Table:
    changes = sorted(one.changes, key=_rank)[:_ROWS]
    return Table(
        title="Before and after, per operation",
        columns=(
            Column("", "left", folds=True, least=22),
            Column("before"),
            Column("after"),
            Column("difference"),
        ),
        sections=(Section(tuple(_row(change) for change in changes)),),
        notes=(f"observed runs, {one.rounds} of each side; 95% intervals", *_counted(changes), *_more(one)),
    )


def _rank(change: Deviation) -> tuple[int, float]:
    """Order by quantity, and then by the difference."""
    return _ORDER.index(change.quantity), -abs(change.after - change.before)


def _counted(changes: Sequence[Deviation]) -> tuple[str, ...]:
    counted = any(change.quantity == "instructions" for change in changes)
    return ("instructions: counted by callgrind, on one thread",) if counted else ()


def _more(one: Explanation) -> tuple[str, ...]:
    more = len(one.changes) - _ROWS
    return (f"and {more} more; --format json shows all",) if more > 0 else ()


def _title(change: Deviation) -> str:
    title = _TITLES[change.quantity]
    return title.format(short(change.subject, _SUBJECT)) if change.subject else title.removesuffix(" in {}")


def _row(change: Deviation) -> tuple[str, ...]:
    known = [value for value in (change.before, change.after, change.lo, change.hi) if value is not None]
    scale = common_scale(known, change.unit)
    before, after = (write(value, change.unit, scale) for value in (change.before, change.after))
    ends = [None if end is None else write(end, change.unit, scale) for end in (change.lo, change.hi)]
    difference = write(change.after - change.before, change.unit, scale)
    return (
        _title(change),
        before,
        after,
        difference if None in ends else f"{ends[0]} to {ends[1]}",
    )
