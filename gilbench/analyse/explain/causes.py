"""From differences to causes: what took the additional time, the most specific cause first.

A slower function is where the time went. More garbage, another lock, more system calls, or a call that keeps the GIL is
the reason. A reason that explains a fifth of the additional time or more comes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gilbench.analyse.explain.changes import Sides, standing_out
from gilbench.analyse.explain.quantities import UNITS, Key, is_harness, lines_of, quantities
from gilbench.model.explanation import Cause, Deviation, Explanation, Kind, Quantity
from gilbench.model.metrics import significant, write
from gilbench.model.observed import Observed
from gilbench.model.study import Case

REASON = 0.2  # of the additional time, which a specific cause has to explain to come first
LEAST = 0.05  # of the additional time; less is not told
MOST = 3  # causes
_OFTEN = 1.25  # times as many system calls
_NOTHING = 0.005  # of the time
_MUCH = 1000  # times as long, a ratio that tells nothing
_SAME = 0.02  # of the instructions of a function, by which they may differ


class _Weighed(NamedTuple):
    kind: Kind
    text: str
    seconds: float  # per operation
    specific: bool


def explain(
    case: Case,
    rounds: Sequence[tuple[Observed, Observed]],
    *,
    threshold: float,
    fdr: float,
    counts: Sequence[tuple[Mapping[str, float], Mapping[str, float]]] = (),
    missing: Sequence[str] = (),
) -> Explanation:
    """Explain a regression.

    Args:
        case: The case of the candidate.
        rounds: The observed slice of the baseline and that of the candidate, of each round.
        threshold: Smallest difference that matters, as a fraction of the time of an operation.
        fdr: False discovery rate among the differences.
        counts: Instructions of an operation by function, of the baseline and of the candidate, of each repeat; those
            of all code have an empty name.
        missing: Why there are fewer rounds or counts than planned.
    """
    sides = [Sides(quantities(before), quantities(after)) for before, after in rounds]
    sides = [one for one in sides if one.before and one.after]
    changes = standing_out(sides, threshold=threshold, fdr=fdr) if sides else {}
    counted = [Sides(_instructions(before), _instructions(after)) for before, after in counts]
    changes |= standing_out(counted, threshold=threshold, fdr=fdr) if counted else {}
    lines = lines_of(after for _, after in rounds)
    unavailable = (text for pair in rounds for one in pair for text in one.seen.unavailable)
    return Explanation(
        case=case,
        rounds=len(sides),
        causes=tuple(_Causes(changes, sides, lines, case.threads, counted).ranked()),
        changes=tuple(_shown(changes, lines)),
        missing=tuple(dict.fromkeys((*missing, *unavailable))),
    )


def _instructions(counts: Mapping[str, float]) -> dict[Key, float]:
    return {Key("instructions", name): value for name, value in counts.items()}


def _shown(changes: Mapping[Key, Deviation], lines: Mapping[str, str]) -> Iterator[Deviation]:
    """Yield the changes to show: functions by what they hold, if it is known, with their line."""
    held = {key.subject for key in changes if key.quantity == "function"}
    for change in changes.values():
        if not (change.quantity == "place" and change.subject in held) and not is_harness(change.subject):
            yield msgspec.structs.replace(change, subject=lines.get(change.subject, change.subject))


class _Causes:
    """The causes behind the differences that stand out."""

    def __init__(
        self,
        changes: Mapping[Key, Deviation],
        rounds: Sequence[Sides],
        lines: Mapping[str, str],
        threads: int,
        counted: Sequence[Sides],
    ) -> None:
        self._changes, self._rounds, self._lines, self._threads = changes, rounds, lines, threads
        self._counted = counted
        count = max(1, len(rounds))
        self._time = (
            sum(one.before[Key("time")] for one in rounds) / count,
            sum(one.after[Key("time")] for one in rounds) / count,
        )

    def ranked(self) -> Iterator[Cause]:
        """Yield the causes, the most important first."""
        found = list(self._all())
        # In the noise of a few rounds, a part can stand out while the whole does not.
        extra = max([self._time[1] - self._time[0], *(one.seconds for one in found)])
        found = [one for one in found if one.seconds >= LEAST * extra]
        found.sort(key=lambda one: (not (one.specific and one.seconds >= REASON * extra), -one.seconds))
        for one in found[:MOST]:
            yield Cause(kind=one.kind, text=one.text, share=one.seconds / extra)
        if not found:
            yield from self._more_instructions()

    def _more_instructions(self) -> Iterator[Cause]:
        """Yield the function that executes more, where no time tells more: the GIL may not have been observed."""
        whole, function = self._changes.get(Key("instructions")), self._largest("instructions")
        if whole is None or function is None or whole.after <= whole.before:
            return
        share = min(1.0, (function.after - function.before) / (whole.after - whole.before))
        text = f"{self._named(function)} executes more instructions: {_written(function)} per operation"
        yield Cause(kind="function", text=text, share=share)

    def _all(self) -> Iterator[_Weighed]:
        held, off = self._more("held"), self._more("off")
        garbage = self._means("collecting")
        collecting = garbage.after - garbage.before if Key("collections") in self._changes else 0.0
        kept = max(0.0, min(held, -off))  # ran without the GIL before
        if collecting > 0:
            yield _Weighed("collections", self._collections(garbage), collecting, True)
        if kept > 0:
            yield _Weighed("held call", self._held_call(), kept + max(0.0, self._more("wait")), True)
        if self._more("lock_wait") > 0:
            yield _Weighed("lock", self._lock(), self._more("lock_wait"), True)
        calls = list(self._calls(max(0.0, off)))
        yield from calls
        rest = held - kept - max(0.0, collecting)
        if rest > 0:
            yield self._function(rest)
        if off > sum(call.seconds for call in calls):
            yield _Weighed("native code", self._off(), off, False)
        waited = self._more("wait") - self._threads * max(0.0, held)  # each waits for the others at most
        if waited > 0:
            yield _Weighed("gil wait", self._wait(), waited, False)
        blocked = self._more("blocked") - max(0.0, self._more("lock_wait"))
        if blocked > 0:
            yield _Weighed("blocked", self._blocked(), blocked, False)

    def _more(self, quantity: Quantity, subject: str = "") -> float:
        change = self._changes.get(Key(quantity, subject))
        return 0.0 if change is None else change.after - change.before

    def _means(self, quantity: Quantity) -> Deviation:
        """Return a quantity whether it stands out or not: the length of events whose number does."""
        sides = [[side.get(Key(quantity), 0.0) for side in one] for one in self._rounds]
        before, after = (sum(side[number] for side in sides) / max(1, len(sides)) for number in (0, 1))
        return Deviation(
            quantity=quantity, subject="", unit=UNITS[quantity], before=before, after=after, lo=None, hi=None
        )

    def _largest(self, quantity: Quantity) -> Deviation | None:
        """Return the subject whose quantity grew most, but not one of gilbench's own."""
        grown = [
            change
            for key, change in self._changes.items()
            if key.quantity == quantity
            and key.subject
            and change.after > change.before
            and not is_harness(key.subject)
        ]
        return max(grown, key=lambda change: change.after - change.before, default=None)

    def _where(self, quantity: Quantity = "place") -> str:
        """Return the function whose time grew most, as the end of a phrase; if none grew, the one with most time.

        It need not stand out by itself: that the whole does is known.
        """
        grown: defaultdict[str, float] = defaultdict(float)
        spent: defaultdict[str, float] = defaultdict(float)
        for one in self._rounds:
            for side, sign in ((one.before, -1), (one.after, 1)):
                for key, seconds in side.items():
                    if key.quantity == quantity and not is_harness(key.subject):
                        grown[key.subject] += sign * seconds
                        spent[key.subject] += seconds * (sign > 0)
        if not spent:
            return ""
        ranked = grown if max(grown.values()) > 0 else spent
        return f" in {self._line(max(ranked, key=lambda name: ranked[name]))}"

    def _named(self, change: Deviation) -> str:
        return self._line(change.subject)

    def _line(self, function: str) -> str:
        return self._lines.get(function, function)

    def _parts(self, change: Deviation) -> str:
        """Write a time per operation, and its part of the time, before and after."""
        parts = [value / time if time else 0.0 for value, time in zip(_ends(change), self._time, strict=True)]
        return f"{_written(change)} per operation, {_percent(parts[0])} → {_percent(parts[1])} of the time"

    def _collections(self, spent: Deviation) -> str:
        often = _written(self._changes[Key("collections")])
        return f"garbage collection takes {_longer(spent)}: {self._parts(spent)}; {often} collections per operation"

    def _held_call(self) -> str:
        function = self._largest("function")
        held, off = self._changes[Key("held")], self._changes[Key("off")]
        name = self._where("function").removeprefix(" in ") if function is None else self._named(function)
        native = self._largest("native")
        through = "" if native is None else f", in {native.subject}"
        return (
            f"{name} no longer releases the GIL{through}: the GIL is held {self._parts(held)}; "
            f"{_written(off)} on the CPU without the GIL"
        )

    def _lock(self) -> str:
        return f"threads wait for a lock{self._where()}: {self._parts(self._changes[Key('lock_wait')])}"

    def _calls(self, off: float) -> Iterator[_Weighed]:
        """Yield system calls that are made more often, or take longer.

        Around its system calls a thread is on the CPU without the GIL, so that time belongs to them as well.
        """
        calls = [change for key, change in self._changes.items() if key.quantity == "calls"]
        more = [change for change in calls if change.after > _OFTEN * change.before]
        for change in sorted(more, key=lambda one: one.before - one.after):
            spent = max(0.0, self._more("call_time", change.subject))
            seconds = max(spent, off if change is _most(more) else 0.0)
            text = (
                f"{change.subject} is called {_times(change)}often{self._where()}: "
                f"{_written(change)} system calls per operation"
            )
            yield _Weighed("system calls", text, seconds, True)
        names = {change.subject for change in more}
        for key, change in self._changes.items():
            if key.quantity == "call_time" and key.subject not in names and change.after > change.before:
                text = f"{key.subject} takes {_longer(change)}: {self._parts(change)}{self._where()}"
                yield _Weighed("slow system call", text, change.after - change.before, True)

    def _function(self, seconds: float) -> _Weighed:
        function = self._largest("function")
        if function is None:
            held = self._changes[Key("held")]
            where = self._where("function").replace(" in ", ", most in ", 1)
            text = f"the GIL is held {_longer(held)}: {self._parts(held)}{where}"
        else:
            text = (
                f"{self._named(function)} holds the GIL {_longer(function)}: {self._parts(function)}"
                f"{self._executed(function.subject)}"
            )
        return _Weighed("function", text, seconds, False)

    def _executed(self, function: str) -> str:
        """Return how many instructions a function executes, as the end of a sentence; empty: not counted.

        As many as before are a reason, too: it waits for memory, or for other CPUs.
        """
        key = Key("instructions", function)
        if (change := self._changes.get(key)) is not None:
            return f"; {_written(change)} instructions"
        before = sum(one.before.get(key, 0.0) for one in self._counted)
        after = sum(one.after.get(key, 0.0) for one in self._counted)
        same = before > 0 and abs(after - before) <= _SAME * before
        return "; as many instructions as before" if same else ""

    def _off(self) -> str:
        change = self._changes[Key("off")]
        return f"threads run without the GIL {_longer(change)}: {self._parts(change)}{self._where()}"

    def _wait(self) -> str:
        change = self._changes[Key("wait")]
        return f"threads wait for the GIL {_longer(change)}: {self._parts(change)}"

    def _blocked(self) -> str:
        change = self._changes[Key("blocked")]
        return f"threads are blocked {_longer(change)}: {self._parts(change)}{self._where()}"


def _most(changes: Sequence[Deviation]) -> Deviation:
    return max(changes, key=lambda change: change.after - change.before)


def _ends(change: Deviation) -> tuple[float, float]:
    return change.before, change.after


def _longer(change: Deviation) -> str:
    """Return ``2.1x as long``, or ``longer`` if there was next to nothing before."""
    if change.before * _MUCH <= change.after:
        return "longer"
    return f"{significant(change.after / change.before, 2)}x as long"


def _times(change: Deviation) -> str:
    return f"{significant(change.after / change.before, 2)}x as " if change.before > 0 else "more "


def _written(change: Deviation) -> str:
    return " → ".join(write(value, change.unit) for value in _ends(change))


def _percent(part: float) -> str:
    return "0%" if part < _NOTHING else f"{part:.0%}"
