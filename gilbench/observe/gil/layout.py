"""Where a CPython keeps what a probe reads of its threads: the offsets that it publishes for debuggers.

They stand at the start of ``_PyRuntime`` since 3.13 (``_Py_DebugOffsets`` in pycore_runtime.h), so the file of
the interpreter tells them; which field is where in that table differs from minor version to minor version.
"""

from __future__ import annotations

import struct

from gilbench.interpreters.image import Image

_COOKIE = b"xdebugpy"
# By minor version: the number of the 64-bit word of the table, counted behind the cookie.
_FIELDS = {
    0x030D: {
        "current_frame": 22,
        "previous": 28,
        "executable": 29,
        "owner": 32,
        "filename": 34,
        "qualname": 36,
        "firstlineno": 38,
        "length": 68,
        "text": 69,
    }
}
_OF_C = {0x030D: 3}  # FRAME_OWNED_BY_CSTACK: a frame that holds no code object of Python's


def published_offsets(image: Image) -> dict[str, int] | None:
    """Offsets by field, in bytes; None where the interpreter publishes none that we can read."""
    place = image.place("_PyRuntime")
    words = image.data(place.address, 8 * 90) if place else None
    if not words or words[:8] != _COOKIE:
        return None
    table = struct.unpack("<89Q", words[8:])
    version = table[0] >> 16
    fields = _FIELDS.get(version)
    if fields is None:
        return None
    return {name: table[word] for name, word in fields.items()} | {"of_c": _OF_C[version]}
