"""The exact probe's script for one process: which functions of its interpreter are probed, and with which words."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from gilbench.interpreters.image import read_image
from gilbench.interpreters.symbols import debug_file, read_symbols
from gilbench.observe.bpftrace import BpftraceError, filled, quoted
from gilbench.observe.gil_words import base_of
from gilbench.observe.running import RunningPython

FAST = 8192  # ns; a shorter take waited for nobody
SUMS = ("@s", "@born", "@held", "@wait", "@off", "@n", "@longhold", "@longwait", "@freed", "@first")
_SCRIPT = Path(__file__).with_name("gil_exact.bt")
_OLD_LOCK = ("PyThread_acquire_lock", "PyThread_release_lock", "PyEval_InitThreads", "interpreter_lock")
# Where the interpreter has started and the program begins. A compiler may have built one of the first two into
# the other or into its caller, so whichever is called first counts; older versions have neither.
_MAINS, _OLD_MAINS = ("Py_RunMain", "pymain_run_python"), ("PySys_SetArgvEx",)
_RESOLVED = 5.0  # s after which a thread that waited when the probe came has surely got the GIL
_OWN_GILS = (3, 12)  # since then interpreters of one process can have a GIL each
_INTERPRETER = 16  # offset of PyThreadState.interp in such versions: behind prev and next
_SNAPSHOT = 1  # s between two prints of the maps


class Functions(NamedTuple):
    """What is probed in one file."""

    take: tuple[str, ...]
    drop: tuple[str, ...]
    main: tuple[str, ...]


def probed(python: RunningPython) -> Functions | None:
    """The functions that a probe of a process is placed on; None where there are no symbols of them."""
    return _functions_of(python.code, _is_old(python))


@functools.cache
def _functions_of(code: Path, old: bool) -> Functions | None:
    wanted = ("take_gil", "drop_gil", *_OLD_LOCK, *_MAINS, *_OLD_MAINS)
    symbols = read_symbols(code, wanted)
    names = symbols.names
    if symbols.stripped and (debug := debug_file(code)) is not None:  # bpftrace finds it, too
        names = read_symbols(debug, wanted).names
    if old:
        return (
            Functions(_OLD_LOCK[:1], _OLD_LOCK[1:2], _OLD_LOCK[2:3])
            if set(_OLD_LOCK[:3]) <= set(names)
            else None
        )
    take, drop, main = (_copies(names, wanted) for wanted in (("take_gil",), ("drop_gil",), _MAINS))
    return Functions(take, drop, main or _copies(names, _OLD_MAINS)) if take and drop else None


def _copies(names: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The functions of these names, and what the compiler has made of them; not the parts it split off as cold."""
    return tuple(name for name in names if name.partition(".")[0] in wanted and ".cold" not in name)


def _is_old(python: RunningPython) -> bool:
    return python.version is not None and python.version < (3, 2)


def probe_name(python: RunningPython) -> str:
    """What the report calls the probe."""
    functions = probed(python)
    assert functions is not None  # noqa: S101 - why_not has looked
    return f"exact (bpftrace: {', '.join((*functions.take, *functions.drop))})"


def script_for(python: RunningPython, number: int, *, live: bool, stream: bool) -> str:
    """Fill in the script; see its first lines.

    Args:
        python: The process.
        number: Of the probe, among those of this gilbench.
        live: Print the maps every second.
        stream: Tell of each change of state.

    Raises:
        BpftraceError: The process cannot be read, or its path cannot be written in a script.
    """
    functions = probed(python)
    assert functions is not None  # noqa: S101 - why_not has looked
    old = _is_old(python)
    many = python.version is not None and python.version >= _OWN_GILS
    ours = "@ours[pid]" if python.children else f"pid == {python.pid}"
    code = quoted(str(python.code))
    pids = [python.pid, *(_descendants(python.pid) if python.children else ())]
    seeds = [f"@s[{tid}] = 16;" for pid in pids for tid in _tids(pid)]
    if python.children:
        seeds += [f"@ours[{pid}] = 1;" for pid in pids]
    lock = 0 if python.held or not old else _interpreter_lock(python)
    if old:
        seeds.append(f"@lock = (uint64){lock}; @main = (uint64)0; @late[0] = (uint64)0;")
    key = "pid" if python.children else "0"
    ours += " && @on"
    own = f"*(uint64*)uptr(arg0 + {_INTERPRETER})"
    words = {
        "gilbench": str(os.getpid()),
        "on": f"on{number}",
        "off": f"off{number}",
        "seed": " ".join(seeds),
        "ours": ours,
        "take_ours": ours,
        "drop_ours": ours + (" && arg0 == @lock" if old else ""),
        "lock": "if (@lock == 0) { @lock = arg0; }" if old else "",
        "lock_key": key,
        "lock_of_thread": key,
        "fast": str(FAST),
        "stream": "" if stream else "//",
        "sum": "//" if stream else "",
        "after_drop": "1" if old else "5",
        "main_state": "1" if old else "3",
        "resolved": "0" if python.held else str(time.monotonic_ns() + round(_RESOLVED * 1e9)),
        "child": "",
    }
    if many:
        words["lock"] = f"if (@lock_of[tid] != {own}) {{ @lock_of[tid] = {own}; }}"
        words["lock_key"] = words["lock_of_thread"] = "@lock_of[tid]"
    if python.children:
        words["child"] = (
            "@ours[(uint64)args->pid] = 1; @s[(uint64)args->pid] = 8; @born[(uint64)args->pid] = nsecs;"
        )
    text = _SCRIPT.read_text("ascii")
    if old:
        words["take_ours"] += " && (arg0 == @lock || (@lock == 0 && @main == tid))"
    main = functions.main if python.held or lock == 0 else ()
    if not main or (not python.held and not old):
        text = re.sub(r"^<main> .*?^}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    words |= {
        "main": _places("uprobe", code, main),
        "take": _places("uprobe", code, functions.take),
        "taken": _places("uretprobe", code, functions.take),
        "drop": _places("uprobe", code, functions.drop),
        "dropped": _places("uretprobe", code, functions.drop),
    }
    if old:
        text = re.sub(r"^// A thread that was asked .*?^}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    if live:
        text += (
            f'\ninterval:s:{_SNAPSHOT} {{ printf("p %llu\\n", nsecs); '
            + " ".join(
                f"print({name});"
                for name in (*SUMS, "@waits", "@blame", "@blames", *(["@until"] if stream else []))
            )
            + " }\n"
        )
    return filled(text, words)


def _places(kind: str, code: str, names: Sequence[str]) -> str:
    return ",\n".join(f'{kind}:{code}:"{name}"' for name in names)


def _descendants(pid: int) -> list[int]:
    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _tids(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    return []


def _interpreter_lock(python: RunningPython) -> int:
    """Address of 2.7's lock as the process holds it; 0 while it has no threads."""
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
        raise BpftraceError(
            f"the interpreter lock of process {python.pid} cannot be read: {error}"
        ) from error
