"""The page of interpreters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from gilbench.model.listings import Pythons
from gilbench.model.study import Build, Interpreter
from gilbench.render.page import Column, Entry, Page, Section, Table, Text
from gilbench.render.started import jit_state

_GIL_PROBES = {"take_gil", "drop_gil"}
_LOCK_PROBES = {"_PyParkingLot_Park", "PyMutex_Lock", "_PyMutex_LockTimed", "stop_the_world"}
_OLD = (3, 2)  # before this version, the function that acquires any lock also acquired the GIL


def pythons_page(pythons: Pythons) -> Page:
    """List interpreters with their builds, and unusable executables with the reasons."""
    table = Table(
        title="Interpreters",
        columns=(
            Column("name", "left"),
            Column("build", "left"),
            Column("GIL", "left"),
            Column("JIT", "left"),
            Column("flags", "left"),
            Column("compiler", "left", folds=True),
            Column("libpython", "left"),
            Column("probes", "left"),
            Column("path", "left", least=40, folds=True),
        ),
        sections=(Section(tuple(map(_row, pythons.interpreters))),),
        notes=(
            "JIT: on or off by default; no: there is none inside",
            "probes: GIL = exact (take_gil, drop_gil); locks = those of a free-threaded build",
        ),
    )
    broken = tuple((_short(one.executable), one.reason) for one in pythons.unusable)
    unusable = Table(
        "Unusable",
        (Column("path", "left", folds=True), Column("reason", "left", folds=True)),
        (Section(broken),),
    )
    return Page(
        title="",
        lead=(),
        parts=(table, *((unusable,) if broken else ())),
        document={
            "kind": "interpreters",
            "interpreters": pythons.interpreters,
            "unusable": pythons.unusable,
        },
        rows=map(_flat, pythons.interpreters),
    )


def _row(one: Interpreter) -> tuple[Entry, ...]:
    build = one.build
    own = f" ({build.implementation_version})" if build.implementation_version else ""
    facts = {"PGO": build.pgo, "LTO": build.lto, "tail calls": build.tail_calls, "debug": build.debug}
    return (
        Text(one.name, "strong"),
        f"{build.implementation} {build.version}{own}",
        "yes" if one.gil_enabled else "no",
        jit_state(build),
        " ".join([build.optimisation or "", *(name for name, fact in facts.items() if fact)]).strip(),
        build.compiler or "",
        build.libpython or "",
        _probes(build),
        _short(one.executable),
    )


def _probes(build: Build) -> str:
    names = {symbol.partition(".")[0] for symbol in build.gil_symbols}
    if build.free_threaded:
        return "locks" if names >= _LOCK_PROBES else "some" if names & _LOCK_PROBES else "none"
    if names >= _GIL_PROBES or (build.version_info < _OLD and "PyThread_acquire_lock" in names):
        return "GIL"
    return "stripped" if build.stripped and build.implementation == "CPython" else "none"


def _short(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(home + os.sep) else path


def _flat(one: Interpreter) -> dict[str, Any]:
    fields = msgspec.to_builtins(one)
    build = fields.pop("build")
    return {**fields, **build}
