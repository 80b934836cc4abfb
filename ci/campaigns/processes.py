"""Runs commands as processes of their own, in an environment of their own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from campaigns.caller import HUNG, Answer

GILBENCH = (sys.executable, "-m", "gilbench")


def environment_in(folder: Path) -> dict[str, str]:
    """Return the environment of commands that may write only in a folder, and make its folders."""
    places = {name: folder / name.lower() for name in ("HOME", "TMPDIR")}
    places |= {f"XDG_{name}_HOME": folder / name.lower() for name in ("CACHE", "STATE", "DATA", "CONFIG")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        "OPENBLAS_NUM_THREADS": "1",
        "GILBENCH_TRACEBACK": "1",
        **{name: str(place) for name, place in places.items()},
    }


def run_really(
    argv: Sequence[str | Path], folder: Path, environment: Mapping[str, str], seconds: float = HUNG
) -> Answer:
    """Run one command as a process."""
    words = tuple(map(str, argv))
    try:
        done = subprocess.run(
            [*GILBENCH, *words],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(words, None, b"", "", 0)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Answer(words, done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"), peak)


def marked(environment: Mapping[str, str], marker: str) -> dict[str, str]:
    """Return an environment by which all processes of a command are found."""
    return {**environment, "GILBENCH_TEST": marker}


def carrying(marker: str) -> dict[int, str]:
    """Return the command lines of the processes that carry a marker, by PID, without those that have ended."""
    found = {}
    needle = f"GILBENCH_TEST={marker}".encode()
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            folder = Path(entry.path)
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if line:  # a zombie has none
                    found[int(entry.name)] = line.strip()
        except OSError:
            continue
    return found
