"""Where a CPython keeps what a probe reads of its threads: the offsets that it publishes for debuggers.

They stand at the start of ``_PyRuntime`` since 3.13 (``_Py_DebugOffsets`` in pycore_runtime.h), so the file of
the interpreter tells them; which field is where in that table differs from minor version to minor version.
"""

from __future__ import annotations

import struct

from gilbench.interpreters.image import Image

_COOKIE = b"xdebugpy"
_WORDS = 110  # of the longest table, without the cookie
_FINAL = 0xC0  # level of a release candidate in PY_VERSION_HEX; the tables of earlier levels differ
# By minor version: the number of the 64-bit word of the table, counted behind the cookie.
_FIELDS = {
    0x030D: {
        "interpreters": 4,
        "next_interpreter": 7,
        "threads": 8,
        "gil": 13,
        "own_gil": 14,
        "gil_enabled": 15,
        "gil_locked": 16,
        "gil_holder": 17,
        "next_thread": 20,
        "current_frame": 22,
        "native_thread_id": 24,
        "previous": 28,
        "executable": 29,
        "locals": 31,
        "owner": 32,
        "filename": 34,
        "qualname": 36,
        "firstlineno": 38,
        "object": 43,
        "type": 44,
        "length": 68,
        "text": 69,
    },
    0x030E: {
        "interpreters": 4,
        "next_interpreter": 7,
        "threads": 8,
        "gil": 14,
        "own_gil": 15,
        "gil_enabled": 16,
        "gil_locked": 17,
        "gil_holder": 18,
        "next_thread": 23,
        "current_frame": 25,
        "native_thread_id": 27,
        "previous": 31,
        "executable": 32,
        "locals": 34,
        "owner": 35,
        "filename": 39,
        "qualname": 41,
        "firstlineno": 43,
        "object": 49,
        "type": 50,
        "length": 78,
        "text": 79,
    },
    0x030F: {
        "interpreters": 4,
        "next_interpreter": 7,
        "threads": 8,
        "gil": 14,
        "own_gil": 15,
        "gil_enabled": 16,
        "gil_locked": 17,
        "gil_holder": 18,
        "next_thread": 23,
        "current_frame": 25,
        "native_thread_id": 30,
        "previous": 39,
        "executable": 40,
        "locals": 42,
        "owner": 43,
        "filename": 47,
        "qualname": 49,
        "firstlineno": 51,
        "object": 57,
        "type": 58,
        "length": 90,
        "text": 91,
    },
}
OF_C = 3  # the least owner of a frame without a code object of Python's (FRAME_OWNED_BY_CSTACK, _INTERPRETER)


def published_offsets(image: Image) -> dict[str, int] | None:
    """Offsets by field, in bytes; None where the interpreter publishes none that we can read."""
    place = image.place("_PyRuntime")
    words = image.data(place.address, len(_COOKIE) + 8 * _WORDS) if place else None
    if not words or words[: len(_COOKIE)] != _COOKIE:
        return None
    table = struct.unpack(f"<{_WORDS}Q", words[len(_COOKIE) :])
    fields = _FIELDS.get(table[0] >> 16)
    if fields is None or table[0] & 0xF0 < _FINAL:
        return None
    return {name: table[word] for name, word in fields.items()}
