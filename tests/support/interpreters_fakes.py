"""Builds, interpreters and executables that only look like the real ones."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from gilbench.interpreters.probe import MARK
from gilbench.model.study import Build, Interpreter


def make_build(version: str = "3.13.5", **facts: Any) -> Build:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    assert found
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    return Build(**{"implementation": "CPython", "version": version, "version_info": numbers, **facts})


def make_interpreter(version: str = "3.13.5", *, executable: str = "", **facts: Any) -> Interpreter:
    build = make_build(version, **facts)
    path = executable or f"/fake/{build.implementation}{version}{'t' if build.free_threaded else ''}"
    return Interpreter(
        name="unnamed", executable=path, binary=path, build=build, gil_enabled=not build.free_threaded
    )


def answer(**changes: Any) -> dict[str, Any]:
    """What ask.py would say on an ordinary CPython 3.13.5."""
    return {
        "implementation": "CPython",
        "version": "3.13.5",
        "version_info": [3, 13, 5],
        "implementation_version": None,
        "free_threaded": False,
        "gil_enabled": True,
        "jit": False,
        "debug": False,
        "pgo": False,
        "lto": False,
        "optimisation": "-O3",
        "libpython": "static",
        "library": None,
        "compiler": "GCC 12.2.0",
        "machine": "x86_64",
        "executable": None,
        "base_executable": None,
        "prefix": "/fake",
        "base_prefix": "/fake",
        **changes,
    }


def program(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin:$PATH\n{body}\n")
    path.chmod(0o755)
    return path


def answering(path: Path, **changes: Any) -> Path:
    """An executable that answers like an interpreter."""
    return program(path, f"cat <<'END'\n{MARK}{json.dumps(answer(**changes))}\nEND")


def wrapper(path: Path, prologue: str = "") -> Path:
    """A script that starts the interpreter which runs the tests."""
    return program(path, f'{prologue}\nexec {sys.executable} "$@"')
