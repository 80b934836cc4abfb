"""The layout of a CPython's structures: the offsets that it publishes for debuggers.

They are at the start of ``_PyRuntime`` since 3.13 (``_Py_DebugOffsets``: pycore_runtime.h in 3.13,
pycore_debug_offsets.h later), so the interpreter's file tells them. A minor version can insert fields.
"""

from __future__ import annotations

import itertools
import struct

from gilbench.interpreters.image import Image

_COOKIE = b"xdebugpy"
_HEAD = ("version", "free_threaded")
# The fields of each section in their order; a field that 3.13 does not have names the minor version that added it.
_SECTIONS = {
    "runtime_state": "size finalizing interpreters_head",
    "interpreter_state": "size id next threads_head threads_main:14 gc imports_modules sysdict builtins ceval_gil "
    "gil_runtime_state gil_runtime_state_enabled gil_runtime_state_locked gil_runtime_state_holder "
    "code_object_generation:14 tlbc_generation:14",
    "thread_state": "size prev next interp current_frame base_frame:15 last_profiled_frame:15 "
    "last_profiled_frame_seq:15 thread_id native_thread_id datastack_chunk status holds_gil:15 gil_requested:15 "
    "current_exception:15 exc_state:15",
    "err_stackitem": "exc_value:15",
    "interpreter_frame": "size previous executable instr_ptr localsplus owner stackpointer:14 tlbc_index:14",
    "code_object": "size filename name qualname linetable firstlineno argcount localsplusnames localspluskinds "
    "co_code_adaptive co_tlbc:14",
    "pyobject": "size ob_type",
    "type_object": "size tp_name tp_repr tp_flags tp_basicsize:15 tp_dictoffset:15",
    "heap_type_object": "size:15 ht_cached_keys:15",
    "tuple_object": "size ob_item ob_size",
    "list_object": "size ob_item ob_size",
    "set_object": "size:14 used:14 table:14 mask:14",
    "dict_object": "size ma_keys ma_values",
    "float_object": "size ob_fval",
    "long_object": "size lv_tag ob_digit",
    "bytes_object": "size ob_size ob_sval",
    "unicode_object": "size state length asciiobject_size compactunicodeobject_size:15",
    "gc": "size collecting frame:15 generation_stats_size:15 generation_stats:15",
}
_FIRST, _LAST = 13, 15  # minor versions of 3 whose tables are known
_CANDIDATE = 0xC  # release level in PY_VERSION_HEX from which on a minor version's table is final

OF_C = 3  # least owner of a frame without a code object of Python's (FRAME_OWNED_BY_CSTACK, _INTERPRETER)

Offsets = dict[str, int]  # bytes by "section.field"


def published_offsets(image: Image) -> Offsets | None:
    """Return the offsets that an interpreter's file publishes; None: it publishes none, or in an unknown form."""
    place = image.runtime()
    head = image.data(place.address, 16) if place else None
    if place is None or head is None or head[:8] != _COOKIE:
        return None
    version = int.from_bytes(head[8:], "little")
    minor = version >> 16 & 0xFF
    if version >> 24 != 3 or not _FIRST <= minor <= _LAST or version >> 4 & 0xF < _CANDIDATE:  # noqa: PLR2004
        return None
    names = list(itertools.chain(_HEAD, _names(minor)))
    words = image.data(place.address + len(_COOKIE), 8 * len(names))
    if words is None:
        return None
    offsets = dict(zip(names, struct.unpack(f"<{len(names)}Q", words), strict=True))
    # A table that is not as expected shows by the size of the structure that it begins.
    return offsets if offsets["runtime_state.size"] <= place.size else None


def _names(minor: int) -> list[str]:
    fields = ((section, *word.split(":")) for section, words in _SECTIONS.items() for word in words.split())
    return [f"{section}.{name}" for section, name, *since in fields if not since or int(since[0]) <= minor]
