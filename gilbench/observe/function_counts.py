"""Counts the instructions of a process by function: what each one executes by itself, not what it calls.

By default, functions are those in C. CPython 3.12 and newer can also call each Python function through a trampoline, a
piece of machine code of its own, whose name is written to a file (``sys.activate_stack_trampoline``). callgrind counts
functions that it is told to skip for their callers. All that have a symbol, or lie in a file, are skipped. What is left
are the trampolines, each with whatever runs in C until the next one. Trampolines change how Python functions are
called, and nothing else: a call takes more instructions than without them.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator

from gilbench.observe.instructions import CALLGRIND, Choice, Tool, choose
from gilbench.observe.stacks import frame_name

UNNAMED = "functions without symbols"
_ANONYMOUS = 0x4000000  # lowest address of mapped memory under valgrind; less is a place in a file
# callgrind names code without a symbol by its place, with 16 digits.
_IN_FILES = (
    *(f"{first}*" for first in string.ascii_letters + string.digits[1:] + "_.$(~<@"),
    *(f"0x{digit:010x}*" for digit in range(_ANONYMOUS >> 24)),
)


def _first_total(data: bytes) -> int | None:
    """Read the total of the first event, which is instructions."""
    totals = re.findall(rb"^totals: (\d+)", data, re.MULTILINE)
    return int(totals[0]) if b"\nevents: Ir " in data and len(totals) == 1 else None


BY_TRAMPOLINE = Tool(
    "callgrind",
    "valgrind",
    (
        *CALLGRIND.options[:-1],
        "--cache-sim=yes",  # without it, what is skipped is not counted at all
        "--separate-callers=2",
        *(f"--fn-skip={pattern}" for pattern in _IN_FILES),
        CALLGRIND.options[-1],  # the end of options
    ),
    _first_total,
    {"LD_BIND_NOW": "1"},  # callgrind cannot skip the function that binds a symbol at its first use
)
_FUNCTION = re.compile(r"(c?)fn=\((\d+)\)(?: (.+))?")
_ENTRY = re.compile(r"([0-9a-f]+) [0-9a-f]+ py::(.+)", re.DOTALL)
_PLACE = re.compile(r"0x[0-9a-f]+")


def choose_by_function(*, trampolines: bool) -> Choice:
    """Return callgrind, which alone knows functions, if it works on this machine."""
    return choose((BY_TRAMPOLINE if trampolines else CALLGRIND,))


def by_c_function(data: bytes) -> Counter[str]:
    """Return the instructions of each function in C from a file of callgrind."""
    counts: Counter[str] = Counter()
    for name, count in _costs(data):
        counts[UNNAMED if _PLACE.match(name) else name] += count
    return counts


def by_python_function(data: bytes, names: str) -> Counter[str]:
    """Return the instructions of each Python function, with those in C on its behalf, from a file of callgrind.

    Code that no Python function called is left out.

    Args:
        data: The file.
        names: What CPython wrote about its trampolines, a line each: address, size, name.
    """
    functions = {
        int(found[1], 16): _named(found[2])
        for line in names.splitlines()
        if (found := _ENTRY.fullmatch(line))
    }
    counts: Counter[str] = Counter()
    for name, count in _costs(data):
        # Stubs of the linker are not skipped, and count for the function before them on the stack.
        places = (int(place, 16) for place in name.split("'") if _PLACE.fullmatch(place))
        function = next((functions[place] for place in places if place in functions), None)
        if function is not None:
            counts[function] += count
    return counts


def _costs(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the costs in a file of callgrind, with the name of their function; costs of calls are left out."""
    names: dict[str, str] = {}
    function, of_call = "", False
    for line in data.decode("utf-8", "replace").splitlines():
        if found := _FUNCTION.fullmatch(line):
            names.setdefault(found[2], found[3] or "")
            if not found[1]:
                function = names[found[2]]
        elif line.startswith("calls="):
            of_call = True
        elif line[:1] and line[0] in "0123456789+-*":
            words = line.split()
            if not of_call and len(words) > 1 and words[1].isdigit():
                yield function, int(words[1])
            of_call = False


def _named(entry: str) -> str:
    """Return ``parse (module.py)`` of ``parse:/path/module.py``."""
    name, _, file = entry.partition(":")
    return frame_name(name, file, None)
