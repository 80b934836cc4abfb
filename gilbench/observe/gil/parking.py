"""Where the threads of a free-threaded CPython are parked: on which kind of lock, for how long, in which function.

Waiting for another thread of the interpreter is what the GIL wait is elsewhere: on a PyMutex, a critical section,
the queue of reference counts, a stop-the-world, a readers-writer lock, and on the CPU too, where a thread spins
for a lock before it parks. An event and a ``threading.Lock`` are waits that the program has asked for: they are
listed, and count as blocked. So do waits for a lock whose owner is not known, because the build is stripped. Up to
3.13, an ``RLock`` waits on a semaphore of the C library, and is blocked without a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import OF_C, published_offsets
from gilbench.model.profile import ASKED_FOR, STOPPED_WORLD, UNKNOWN_LOCK, Bucket, Parked, Pause
from gilbench.model.study import Share
from gilbench.observe.gil.lines import ParkingLine, placeholders
from gilbench.observe.running import RunningPython
from gilbench.observe.script import filled, places

NEEDED = (  # all of them are exported, so that a stripped build has them, too
    "_PyParkingLot_Park",
    "PyMutex_Lock",
    "_PyRecursiveMutex_Lock",
    "_PyCriticalSection_BeginSlow",
    "_PyCriticalSection2_BeginSlow",
    "PyEval_AcquireThread",
    "PyErr_WarnFormat",
)
_OPTIONAL = (
    "_PyMutex_LockTimed",
    "_PyRecursiveMutex_LockTimed",
    "_PyThreadState_Suspend",
    "pymain_run_python",
)
_PAUSES = ("stop_the_world", "start_the_world")
_ASKING = (  # for a PyMutex; the script keeps their callers' addresses
    "PyMutex_Lock",
    "_PyMutex_LockTimed",
    "_PyRecursiveMutex_Lock",
    "_PyRecursiveMutex_LockTimed",
    "_PyCriticalSection_BeginSlow",
    "_PyCriticalSection2_BeginSlow",
)
_SECTIONS_KNOW_THREAD = (3, 15)  # the first version in which BeginSlow takes the thread state first
_SCRIPT = Path(__file__).with_suffix(".bt")
_FRAMES = {  # published offsets by the script's placeholders
    "current_frame": "thread_state.current_frame",
    "previous": "interpreter_frame.previous",
    "executable": "interpreter_frame.executable",
    "owner": "interpreter_frame.owner",
    "filename": "code_object.filename",
    "qualname": "code_object.qualname",
    "firstlineno": "code_object.firstlineno",
    "length": "unicode_object.length",
    "text": "unicode_object.asciiobject_size",
}
_FUNCTIONS = 20  # kept
SPINNING = "spinning for a lock"  # on the CPU, before it parks


class Park(IntEnum):
    """What a thread waits for, as the script numbers it."""

    READERS_WRITER = 1
    STOPPED = 2  # by a stop-the-world
    MUTEX = 3
    STOPPING = 4  # the world, until the other threads have stopped
    EVENT = 5
    SPINNING = 6  # for a mutex


_KINDS: dict[int, str] = {
    Park.READERS_WRITER: "readers-writer lock",
    Park.STOPPED: STOPPED_WORLD,
    Park.STOPPING: STOPPED_WORLD,
    Park.EVENT: "event",
}
# A PyMutex by who asked for it; of any other function it is the lock of one object or of one table of the interpreter.
_ASKERS = (
    ("_PyCriticalSection", "critical section"),
    ("PyCriticalSection", "critical section"),
    ("_Py_brc_", "reference-count queue"),
    ("stop_the_world", STOPPED_WORLD),
    ("PyThread_acquire_lock", "thread lock"),
    ("lock_", "thread lock"),
    ("rlock_", "thread lock"),
    ("_thread_lock_", "thread lock"),  # 3.15
    ("_thread_RLock_", "thread lock"),
    ("_PyRecursiveMutex_LockTimed", "thread lock"),
    ("_PyImport_AcquireLock", "import lock"),
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


def script_for(image: Image, python: RunningPython, *, live: bool = False) -> str:
    """Return the probe's script for one process, without probes of functions that have no symbol.

    Args:
        image: The file of the interpreter.
        python: The process.
        live: Print the maps twice a second.

    Raises:
        BpftraceError: bpftrace cannot probe the file.
    """
    functions = {name: image.symbol(name) or name for name in (*NEEDED, *_OPTIONAL, *_PAUSES)}
    layout = frame_layout(image)
    mutex = 2 if python.version is not None and python.version >= _SECTIONS_KNOW_THREAD else 1
    addresses = {name: place.address for name in _ASKING if (place := image.place(name)) is not None}
    values = {
        "pid": str(python.pid),
        **{name: places("uprobe", python.code, [symbol]) for name, symbol in functions.items()},
        "return_from_park": places("uretprobe", python.code, [functions["_PyParkingLot_Park"]]),
        **{f"address_{name}": str(address) for name, address in addresses.items()},
        **(layout or {}),
        "mutex": f"arg{mutex}",
        "second_mutex": f"arg{mutex + 1}",
        **{f"park_{park.name.lower()}": str(park.value) for park in Park},
        **placeholders(ParkingLine),
    }
    sections = [name for name in _OPTIONAL if image.symbol(name) is not None]
    sections += ["pauses"] if _sees_pauses(image) else []
    sections += ["layout"] if layout else []
    sections += ["live"] if live else []
    return filled(_SCRIPT, values, sections)


def frame_layout(image: Image) -> dict[str, str] | None:
    """Return the script's placeholders for what it reads of frames, code, and names; None: frames cannot be read."""
    offsets = published_offsets(image)
    if offsets is None:
        return None
    return {name: str(offsets[field]) for name, field in _FRAMES.items()} | {"of_c": str(OF_C)}


def _sees_pauses(image: Image) -> bool:
    return all(image.symbol(name) is not None for name in _PAUSES)


def read_code(line: str) -> tuple[int, Code] | None:
    """Return the address and the name of the code object of a line; None if the line has none."""
    found = re.fullmatch(rf"{ParkingLine.CODE} (\d+) (-?\d+) (.*)\t(.*)", line.rstrip("\n"), re.DOTALL)
    if found is None or found[1] == "0":
        return None
    return int(found[1]), Code(int(found[2]), found[3], found[4].rpartition("/")[2])


def read_name(line: str) -> tuple[int, str] | None:
    """Return the thread and the name of a line; None if the line has none."""
    found = re.fullmatch(rf"{ParkingLine.NAME} (\d+) (.+)", line.rstrip("\n"), re.DOTALL)
    return (int(found[1]), found[2]) if found else None


def read_gil(line: str) -> tuple[int, str | None] | None:
    """Return the moment in ns and the module whose import enabled the GIL; None if the line has none."""
    found = re.fullmatch(rf"{ParkingLine.GIL} (\d+) (.*)", line.rstrip("\n"), re.DOTALL)
    if found is None:
        return None
    return int(found[1]), found[2] if found[2].isprintable() and found[2] else None


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
    if number not in {Park.MUTEX, Park.SPINNING}:
        return _KINDS.get(number, "other")
    asker = image.function_at(via) if via else None
    if asker is None:
        return UNKNOWN_LOCK
    kind = next((kind for start, kind in _ASKERS if asker.startswith(start)), "object lock")
    return SPINNING if number == Park.SPINNING and kind not in ASKED_FOR else kind


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
