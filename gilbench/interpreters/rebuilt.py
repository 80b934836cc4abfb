"""Tells a rebuilt interpreter from the same file, and from another kind of interpreter."""

from __future__ import annotations

import filecmp

from gilbench.model.study import Build, Interpreter


def is_rebuilt(one: Interpreter, other: Interpreter) -> bool:
    """Return whether two interpreters are different binaries of the same kind.

    The same kind is the same implementation, minor version, and GIL, as before and after a change of the source. The
    binaries are compared by content. One that cannot be read is different from any other.
    """
    return _kind(one.build) == _kind(other.build) and not (
        _same_file(one.binary, other.binary) and _same_file(one.library, other.library)
    )


def _kind(build: Build) -> tuple[object, ...]:
    return (
        *(build.implementation, build.version_info[:2], build.free_threaded, build.debug),
        *(build.jit, build.jit_kind, build.tail_calls),
    )


def _same_file(one: str | None, other: str | None) -> bool:
    if one == other:
        return True
    try:
        return one is not None and other is not None and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
