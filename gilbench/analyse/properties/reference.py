"""Which column a column is held against: the build with a GIL of the same version."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.run.properties import Column


def reference_of(column: Column, columns: Sequence[Column]) -> Column | None:
    """The reference of a column: itself where it is an ordinary CPython, None where there is none.

    Of several that fit, the one of the same micro version is taken, else the first.
    """
    build = column.interpreter.build
    if build.implementation == "CPython" and not build.free_threaded:
        return column
    fitting = [
        one
        for one in columns
        if one.interpreter.build.implementation == "CPython"
        and not one.interpreter.build.free_threaded
        and one.interpreter.build.version_info[:2] == build.version_info[:2]
    ]
    same = [one for one in fitting if one.interpreter.build.version_info == build.version_info]
    return next(iter(same or fitting), None)


def without_reference(column: Column) -> str:
    """Why a column has none, and how to get it."""
    major, minor, _ = column.interpreter.build.version_info
    return f"no CPython {major}.{minor} with a GIL to hold it against: add --python {major}.{minor}"
