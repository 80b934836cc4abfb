"""The exact probe's script for one process: which functions of its interpreter it probes, and how."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.interpreters.calls import reaches
from gilbench.interpreters.image import read_image
from gilbench.interpreters.symbols import debug_file, read_symbols
from gilbench.observe.architecture import architecture
from gilbench.observe.bpftrace import BpftraceError
from gilbench.observe.gil.lines import ExactLine, placeholders
from gilbench.observe.gil.memory import base_of
from gilbench.observe.running import RunningPython, descendants
from gilbench.observe.script import filled, places

ON, OFF = 1 << 30, 1 << 30 | 1  # more than any thread
FAST = 8192  # ns, until the shortest acquisition is known; what lasts less in drop_gil did not sleep
_FASTEST = 1024  # ns, the least that replaces it: an acquisition takes so long on the fastest hosts
_SCRIPT = Path(__file__).with_name("exact.bt")
_OLD_LOCK = ("PyThread_acquire_lock", "PyThread_release_lock", "PyEval_InitThreads", "interpreter_lock")
# Called when the interpreter has started and the program begins. A compiler may have inlined the second into the
# first, so whichever is called first counts if the machine code does not tell. Older versions have neither.
_MAINS, _OLD_MAINS = ("Py_RunMain", "pymain_run_python"), ("PySys_SetArgvEx",)
_COLLECT = ("gc_collect_main", "collect")  # 3.10 and later; before
_RESOLVED = 5.0  # s after which a thread that waited when the probe came has surely acquired the GIL
_OWN_GILS = (3, 12)  # the first version whose interpreters of one process can have a GIL each
_INTERPRETER = 16  # offset of PyThreadState.interp in such versions: behind prev and next
_NATIVE_RATE = 97  # samples/s of the machine code; not a divisor of what programs do
_FEW_ENDED = 20  # threads that may have ended since the last print
_SNAPSHOT = 1  # s between two prints of the maps


# Callers into which a compiler may have inlined take_gil or drop_gil, innermost first: they are probed instead.
_TAKERS = ("_PyEval_AcquireLock", "PyEval_RestoreThread", "PyEval_AcquireThread")
_DROPPERS = ("_PyEval_ReleaseLock", "PyEval_SaveThread", "PyEval_ReleaseThread")


class Functions(NamedTuple):
    """The functions of one file that acquire and release the GIL, begin the program, and collect garbage."""

    take: tuple[str, ...]
    drop: tuple[str, ...]
    main: tuple[str, ...]
    collect: tuple[str, ...] = ()


def probed(python: RunningPython) -> Functions | None:
    """Return the functions to probe in a process; None if it has no symbols for them."""
    return _functions_of(python.code, _is_old(python))


@functools.cache
def _functions_of(code: Path, old: bool) -> Functions | None:
    wanted = ("take_gil", "drop_gil", *_COLLECT, *_OLD_LOCK, *_MAINS, *_OLD_MAINS)
    symbols = read_symbols(code, wanted)
    names, holder = symbols.names, code
    if symbols.stripped and (debug := debug_file(code)) is not None:  # bpftrace finds it, too
        names, holder = read_symbols(debug, wanted).names, debug
    if old:
        return (
            Functions(_OLD_LOCK[:1], _OLD_LOCK[1:2], _OLD_LOCK[2:3])
            if set(_OLD_LOCK[:3]) <= set(names)
            else None
        )
    take, drop, main = (_copies(names, wanted) for wanted in (("take_gil",), ("drop_gil",), _MAINS))
    if not take and not drop:  # stripped: forced switches would be missed
        return None
    take += _inlined(code, holder, _TAKERS, "take_gil")
    drop += _inlined(code, holder, _DROPPERS, "drop_gil")
    if not take or not drop:
        return None
    inner = tuple(name for name in main if name.partition(".")[0] == _MAINS[1])
    if inner and len(inner) < len(main) and _calls(code, holder, _MAINS[0], _MAINS[1:]):
        main = inner
    return Functions(take, drop, main or _copies(names, _OLD_MAINS), _copies(names, _COLLECT))


def _calls(code: Path, holder: Path, name: str, wanted: Sequence[str]) -> bool:
    """Return whether a function calls one of some others, as far as its machine code can be read."""
    known = architecture()
    try:
        return (
            known is not None
            and known.calls_by_distance
            and reaches(read_image(code), read_image(holder), name, wanted)
        )
    except (OSError, ValueError):
        return False


def _inlined(code: Path, holder: Path, callers: Sequence[str], function: str) -> tuple[str, ...]:
    """Return the callers that have a copy of a function inside, innermost first; none if they cannot be read."""
    known = architecture()
    if known is None or not known.calls_by_distance:
        return ()
    try:
        text, symbols = read_image(code), read_image(holder)
    except (OSError, ValueError):
        return ()
    found: list[str] = []
    for name in callers:
        if symbols.place(name) is not None and not reaches(text, symbols, name, (function, *found)):
            found.append(name)
    return tuple(found)


def _copies(names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the functions of these names and the compiler's copies of them, without the cold parts."""
    return tuple(name for name in names if name.partition(".")[0] in wanted and ".cold" not in name)


def _is_old(python: RunningPython) -> bool:
    return python.version is not None and python.version < (3, 2)


def probe_name(python: RunningPython) -> str:
    """Return the probe's name in reports."""
    functions = probed(python)
    assert functions is not None  # noqa: S101 - why_not has checked
    return f"exact (bpftrace: {', '.join((*functions.take, *functions.drop))})"


def script_for(python: RunningPython, number: int, *, live: bool, stream: bool) -> str:
    """Return the probe's script for one process.

    Args:
        python: The process.
        number: Number of the script, which hears ``ON``, threads, and ``OFF``.
        live: Print the maps every second.
        stream: Print each change of state.

    Raises:
        BpftraceError: The process cannot be read, or bpftrace cannot probe its file.
    """
    functions = probed(python)
    assert functions is not None  # noqa: S101 - why_not has checked
    old = _is_old(python)
    own_gils = python.version is not None and python.version >= _OWN_GILS
    lock = _interpreter_lock(python) if old and not python.held else 0
    # The start of an interpreter that is up is over, but for one of 2.7 that has no threads yet.
    main = functions.main if python.held or (old and not lock) else ()
    ours = ("@ours[pid]" if python.children else f"pid == {python.pid}") + " && @on"
    sections = {
        "live": live,
        "timeline": stream,
        "totals": not stream,
        "start": bool(main),
        "children": python.children,
        "old_gil": old,
        "new_gil": not old,
        "own_gils": own_gils,
        "collections": bool(functions.collect),
        "native": not old,
    }
    values = {
        **_places(python.code, functions, main),
        **_words(python, ours, old=old, own_gils=own_gils),
        "gilbench": str(os.getpid()),
        "pid": str(python.pid),
        "native_rate": str(_NATIVE_RATE),
        "number": str(number),
        "on": str(ON),
        "off": str(OFF),
        "processes": " ".join(f"@ours[{pid}] = 1;" for pid in _processes(python)) if python.children else "",
        "lock": str(lock),
        "resolved": "0" if python.held else str(time.monotonic_ns() + round(_RESOLVED * 1e9)),
        **placeholders(ExactLine),
    }
    return filled(_SCRIPT, values, [name for name, wanted in sections.items() if wanted])


def _places(code: Path, functions: Functions, main: Sequence[str]) -> dict[str, str]:
    """Return the attach points of the script."""
    return {
        "main": places("uprobe", code, main),
        "take": places("uprobe", code, functions.take),
        "taken": places("uretprobe", code, functions.take),
        "drop": places("uprobe", code, functions.drop),
        "dropped": places("uretprobe", code, functions.drop),
        "collect": places("uprobe", code, functions.collect),
        "collected": places("uretprobe", code, functions.collect),
    }


def _words(python: RunningPython, ours: str, *, old: bool, own_gils: bool) -> dict[str, str]:
    """Return the conditions and constants of the script that depend only on the version."""
    return {
        "ours": ours,
        "ours_take": ours + (" && (arg0 == @lock || (@lock == 0 && @main == tid))" if old else ""),
        "ours_drop": ours + (" && arg0 == @lock" if old else ""),
        "gil": "@lock_of[tid]" if own_gils else "pid" if python.children else "0",
        "interpreter": str(_INTERPRETER),
        # A child that was forked has its GIL at the same address. Addresses have 47 bits, and PIDs 22.
        "of_process": " ^ ((uint64)pid << 42)" if python.children else "",
        "fast": str(FAST),
        "fastest": str(_FASTEST),
        "main_state": "1" if old else "3",
        "after_drop": "1" if old else "5",
        "snapshot": str(_SNAPSHOT),
        "few_ended": str(_FEW_ENDED),
    }


def threads_of(python: RunningPython) -> Iterator[int]:
    """Yield the threads of a process and, if they are watched, of its children."""
    for pid in _processes(python):
        with contextlib.suppress(OSError):
            yield from (int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir())


def _processes(python: RunningPython) -> list[int]:
    return [python.pid, *(descendants(python.pid) if python.children else ())]


def _interpreter_lock(python: RunningPython) -> int:
    """Return the address of 2.7's interpreter lock in the process; 0 while it has no threads."""
    try:
        image = read_image(python.code)
        place = image.place("interpreter_lock")
        if place is None:
            return 0
        start = base_of(python.pid, python.mapped) if image.relocated else 0
        with open(f"/proc/{python.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(start + place.address)
            return int.from_bytes(memory.read(8), "little")
    except (OSError, LookupError, ValueError) as error:
        raise BpftraceError(f"cannot read the interpreter lock of process {python.pid}: {error}") from error
