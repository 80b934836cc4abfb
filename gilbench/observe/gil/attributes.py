"""Reads an attribute of an instance in the memory of a free-threaded CPython 3.13 or later.

The instances of a class keep their attributes behind their head, in the order of the keys that the class has for all of
them (``PyDictValues``, ``PyDictKeysObject`` in pycore_dict.h). Where the class keeps the keys is not published by every
version, so that they are searched for: they are recognized by the name of the attribute.
"""

from __future__ import annotations

import contextlib
import struct

from gilbench.observe.gil.interpreter_memory import InterpreterMemory

_KEYS = struct.Struct("<qBBBxIqq")  # references, log2 of the size, of its bytes, kind, version, usable, used
_SHARED = 2  # kind of keys
_MOST = 30  # keys that a class shares
_VALUES = 8  # offset of the first value: behind capacity, size, whether they lie here, and whether they hold
_HOLD = 3
_BASIC_SIZE = 8  # offset of tp_basicsize from tp_name
_ENTRY = 16  # bytes: key and value, of which shared keys use the first
_FROM, _TO = 800, 1280  # offsets in a class between which its keys are found


def attribute(memory: InterpreterMemory, instance: int, name: str) -> str | None:
    """Return a string of ASCII letters that is an attribute of an instance; None where it cannot be read.

    Raises:
        OSError: There is no such instance any more.
    """
    kind = memory.word(instance + memory.offset("pyobject.ob_type"))
    keys = _keys_of(memory, kind, name)
    values = instance + memory.word(kind + memory.offset("type_object.tp_name") + _BASIC_SIZE)
    if keys is None or memory.read(values + _HOLD, 1) != b"\1":
        return None
    return memory.text(memory.word(values + _VALUES + 8 * keys))


def _keys_of(memory: InterpreterMemory, kind: int, name: str) -> int | None:
    """Return the number of an attribute among the keys of a class."""
    for (address,) in struct.iter_unpack("<Q", memory.read(kind + _FROM, _TO - _FROM)):
        with contextlib.suppress(OSError):
            number = _number(memory, address, name)
            if number is not None:
                return number
    return None


def _number(memory: InterpreterMemory, keys: int, name: str) -> int | None:
    """Return the number of a name among shared keys, if there are keys at this address."""
    _, _, width, kind, _, _, used = _KEYS.unpack(memory.read(keys, _KEYS.size))
    if kind != _SHARED or not 0 < used <= _MOST or width > _MOST:
        return None
    entries = keys + _KEYS.size + (1 << width)
    return next((at for at in range(used) if memory.text(memory.word(entries + at * _ENTRY)) == name), None)
