"""Where the threads of a free-threaded CPython are parked: on which kind of lock, for how long, in which function.

Waiting for another thread of the interpreter is what the GIL wait is elsewhere: on a PyMutex, a critical section,
the queue of reference counts, a stop-the-world, a readers-writer lock, and on the CPU too, where a thread spins
for a lock before it parks. An event and a ``threading.Lock`` are waits that the program has asked for: they are
listed, and count as blocked. An ``RLock`` waits on a semaphore of the C library, and is blocked without a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.interpreters.image import Image
from gilbench.model import Share
from gilbench.observe.bpftrace import filled
from gilbench.observe.layout import published_offsets
from gilbench.program import ASKED_FOR, Bucket, Parked, Pause

BEGIN = "begin"  # the script's line when the interpreter has started and the program begins
NEEDED = (  # all of them exported, so that a stripped build has them too
    "_PyParkingLot_Park",
    "PyMutex_Lock",
    "_PyCriticalSection_BeginSlow",
    "_PyCriticalSection2_BeginSlow",
    "PyEval_AcquireThread",
)
_SCRIPT = Path(__file__).with_suffix(".bt")
_PROBE = re.compile(r"^uprobe:<binary>:(\w+)", re.MULTILINE)
_FUNCTIONS = 20  # kept
_MUTEX, _SPINNING = 3, 6  # numbers of parking.bt, and the others by what they are:
SPINNING = "spinning for a lock"  # on the CPU, before it parks
_KINDS = {
    1: "readers-writer lock",
    2: "stop-the-world",
    4: "stop-the-world",
    5: "event",
}
# A PyMutex by who asked for it; of anyone else it is the lock of one object or of one table of the interpreter.
_ASKERS = (
    ("_PyCriticalSection", "critical section"),
    ("PyCriticalSection", "critical section"),
    ("_Py_brc_", "reference-count queue"),
    ("stop_the_world", "stop-the-world"),
    ("PyThread_acquire_lock", "thread lock"),
    ("lock_", "thread lock"),
    ("rlock_", "thread lock"),
)


class ParkedThread(NamedTuple):
    """What one thread waited for, seconds."""

    parked: tuple[Parked, ...]  # the longest in all first
    wait: float  # in all, without what the program asked for
    spun: float  # the part of it that was spent on the CPU
    longest: float
    waits: tuple[Bucket, ...]


class Parking(NamedTuple):
    """What the probes saw of one process."""

    threads: dict[int, ParkedThread]
    pauses: Pause | None  # None: stop_the_world has no symbol
    functions: tuple[Share, ...]  # share of the waits, by where they were


class Code(NamedTuple):
    """A function of Python's, as the script tells of it when it first sees one."""

    line: int
    name: str
    file: str


def script(image: Image, where: str, condition: str, *, live: bool = False) -> str:
    """Write the script for one interpreter; functions that it has no symbol for are left out.

    Args:
        image: The file that holds the interpreter.
        where: The same file as a probe's name has it, in quotes where it needs them.
        condition: Which processes are looked at, as a predicate of bpftrace's.
        live: Print the maps again and again.
    """
    template = _SCRIPT.read_text("utf-8")
    offsets = published_offsets(image) or {}
    values = dict.fromkeys(re.findall(r"<(\w+)>", template), "0")
    values |= {name: str(offset) for name, offset in offsets.items()}
    values |= {"layout": str(int(bool(offsets))), "binary": where, "filter": condition}
    parts = []
    for part in template.split("\n\n"):
        if not live and "\ninterval:" in part:
            continue
        probed = _PROBE.search(part)
        if probed:
            symbol, place = image.symbol(probed[1]), image.place(probed[1])
            if symbol is None or place is None:
                continue
            values[probed[1]] = str(place.address)
            part = part.replace(f":{probed[1]} ", f":{symbol} ")  # noqa: PLW2901 - as this file calls it
        parts.append(part)
    text = "\n\n".join(parts)
    if not _sees_pauses(image):  # bpftrace refuses a map that nothing fills
        text = re.sub(r" \w+\(@(?:longest_pause|pauses)\);", "", text)
    return filled(text, values)


def _sees_pauses(image: Image) -> bool:
    return image.symbol("stop_the_world") is not None and image.symbol("start_the_world") is not None


def read_code(line: str) -> tuple[int, Code] | None:
    """Read one line of the script: where a code object is, and what it is called."""
    found = re.fullmatch(r"code (\d+) (-?\d+) (.*)\t(.*)", line.rstrip("\n"), re.DOTALL)
    if found is None or found[1] == "0":
        return None
    return int(found[1]), Code(int(found[2]), found[3], found[4].rpartition("/")[2])


def read(maps: Mapping[str, Any], codes: Mapping[int, Code], image: Image) -> Parking:
    """Read the maps of the script.

    Args:
        maps: As bpftrace writes them: times in ns, keys joined by commas.
        codes: What its lines told of code objects, by their addresses.
        image: The file that holds the interpreter.
    """
    kinds: defaultdict[int, dict[str, Parked]] = defaultdict(dict)
    counts: defaultdict[int, Counter[tuple[float, float]]] = defaultdict(Counter)
    for key, stats in maps.get("@parked", {}).items():
        tid, number, via = map(int, key.split(","))
        kind = _kind(number, via, image)
        longest = maps.get("@longest", {}).get(key, 0) * 1e-9
        before = kinds[tid].get(kind, Parked(kind=kind, seconds=0.0, count=0, longest=0.0))
        kinds[tid][kind] = Parked(
            kind=kind,
            seconds=before.seconds + stats["total"] * 1e-9,
            count=before.count + stats["count"],
            longest=max(before.longest, longest),
        )
        if kind not in ASKED_FOR:
            counts[tid].update(_buckets(maps.get("@waits", {}).get(key, ())))
    pauses = None
    if _sees_pauses(image):
        seen = maps.get("@pauses") or {"count": 0, "total": 0}
        pauses = Pause(
            count=seen["count"],
            seconds=seen["total"] * 1e-9,
            longest=(maps.get("@longest_pause") or 0) * 1e-9,
        )
    threads = {tid: _thread(parked.values(), counts[tid]) for tid, parked in kinds.items()}
    return Parking(threads, pauses, _functions(maps.get("@functions", {}), codes, image))


def _kind(number: int, via: int, image: Image) -> str:
    if number not in {_MUTEX, _SPINNING}:
        return _KINDS.get(number, "other")
    asker = image.function_at(via) or ""
    kind = next((kind for start, kind in _ASKERS if asker.startswith(start)), "object lock")
    return SPINNING if number == _SPINNING and kind not in ASKED_FOR else kind


def _thread(parked: Iterable[Parked], waits: Counter[tuple[float, float]]) -> ParkedThread:
    by_time = sorted(parked, key=lambda one: -one.seconds)
    contended = [one for one in by_time if one.kind not in ASKED_FOR]
    return ParkedThread(
        tuple(by_time),
        sum(one.seconds for one in contended),
        sum(one.seconds for one in contended if one.kind == SPINNING),
        max((one.longest for one in contended), default=0.0),
        tuple(Bucket(lo=lo, hi=hi, count=count) for (lo, hi), count in sorted(waits.items())),
    )


def _buckets(histogram: Iterable[Mapping[str, int]]) -> Counter[tuple[float, float]]:
    """Buckets of bpftrace's ``hist``: the bounds are whole ns, the upper one the last that belongs to it."""
    return Counter(
        {
            (one.get("min", 0) * 1e-9, (one["max"] + 1) * 1e-9): one["count"]
            for one in histogram
            if one["count"]
        }
    )


def _functions(sums: Mapping[str, int], codes: Mapping[int, Code], image: Image) -> tuple[Share, ...]:
    times: Counter[str] = Counter()
    for key, duration in sums.items():
        number, via, by, code = map(int, key.split(","))
        if _kind(number, via, image) not in ASKED_FOR:
            name = _where(by or via, codes.get(code), image)
            times[name or f"[{_kind(number, via, image)}]"] += duration
    total = times.total()
    return tuple(
        Share(name=name, value=time / total) for name, time in times.most_common(_FUNCTIONS) if total
    )


def _where(address: int, code: Code | None, image: Image) -> str | None:
    """A function as tables name it: ``fill (app.py:12) in PyDict_SetItem``, as far as it is known."""
    inner = image.function_at(address) if address else None
    if code is None or not code.name.isprintable():
        return inner
    outer = f"{code.name} ({code.file}:{code.line})"
    return f"{outer} in {inner}" if inner else outer
