"""Which functions a function of a file calls, by its machine code on x86-64: whether a compiler has inlined one."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator

from gilbench.interpreters.image import Image

# Opcodes with a 32-bit distance; the last begins a conditional jump.
_CALL, _JUMP, _ESCAPE = 0xE8, 0xE9, 0x0F
_CONDITIONS = range(0x80, 0x90)
_SHORT_JUMP = 0xEB  # to a function nearby
_DISTANCE, _SHORT_DISTANCE = struct.Struct("<i"), struct.Struct("<b")
_DEPTH = 3  # calls from a public function down to the one that is sought


def reaches(code: Image, symbols: Image, start: str, wanted: Collection[str], *, depth: int = _DEPTH) -> bool:
    """Whether a function calls one of some functions, directly or through others.

    A call through a table (of a shared library) is not followed.

    Args:
        code: The file with the machine code.
        symbols: The file with its symbols, which can be another one.
        start: The function.
        wanted: Names without what a compiler appends to them.
        depth: Most calls from ``start`` to a wanted function.
    """
    callees = set(_callees(code, symbols, start))
    if any(name.partition(".")[0] in wanted for name in callees):
        return True
    return depth > 1 and any(reaches(code, symbols, name, wanted, depth=depth - 1) for name in callees)


def _callees(code: Image, symbols: Image, name: str) -> Iterator[str]:
    place = symbols.place(name)
    text = code.data(place.address, place.size) if place is not None else None
    if place is None or text is None:
        return
    for at, opcode in enumerate(text):
        if opcode in {_CALL, _JUMP} or (at > 0 and text[at - 1] == _ESCAPE and opcode in _CONDITIONS):
            distance = _DISTANCE
        elif opcode == _SHORT_JUMP:
            distance = _SHORT_DISTANCE
        else:
            continue
        after = at + 1 + distance.size
        if after <= len(text):
            found = symbols.symbol_at(place.address + after + distance.unpack_from(text, at + 1)[0])
            if found is not None and found != name:
                yield found
