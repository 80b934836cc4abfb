"""Holds what ``gilbench profile`` says against programs that know: ``python ci/bench_truth.py [SPEC ...]``.

Every interpreter by the exact probe, the system's stripped Python by futex waits, and one by samples alone. A
program runs with 1, 2, 4 and 8 threads, sleeping, hashing, in I/O or in C between its holds of 0.1 to 50 ms: each
pair of these once. The aims, in percentage points of wall time: 3 by the exact probe, 8 by futex, and by samples
the error that the report states.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.interpreters import select
from gilbench.process import capture

PROGRAM = Path(__file__).parent.parent / "tests" / "integration" / "programs" / "gil_truth.py"
SPECS = ("2.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
MODES = ("sleep", "c", "hash", "io")
THREADS = (1, 2, 4, 8)
HOLDS = (0.0001, 0.001, 0.005, 0.05)
SECONDS = 1.5
SAMPLED_SECONDS = 5.0  # of samples there must be some
AIMS = {"exact": 0.03, "futex": 0.08}


class Subject(NamedTuple):
    """An interpreter and the probe that looks at it."""

    name: str
    executable: str
    strength: str
    environment: dict[str, str]


class Miss(NamedTuple):
    """How far the report was off for one program, as fractions of wall time; of its worst thread."""

    held: float
    wait: float | None
    allowed: float
    case: str


def subjects(specs: list[str]) -> Iterator[Subject]:
    """What is looked at, and how."""
    ours = dict(os.environ)
    for found in select(specs or list(SPECS)).interpreters:
        yield Subject(found.name, found.executable, "exact", ours)
    if specs:
        return
    stripped = shutil.which("python3", path="/usr/bin")
    if stripped is not None:
        yield Subject(stripped, stripped, "futex", ours)
    # Without bpftrace on its path the weakest probe is left.
    yield Subject(
        "3.11", select(["3.11"]).interpreters[0].executable, "sampled", {**ours, "PATH": "/nowhere"}
    )


def cases() -> Iterator[tuple[str, int, float]]:
    """A square in which each pair of mode, threads and hold stands once."""
    for row, mode in enumerate(MODES):
        for column, threads in enumerate(THREADS):
            yield mode, threads, HOLDS[(row + column) % len(HOLDS)]


def miss(subject: Subject, mode: str, threads: int, hold: float, folder: Path) -> Miss:
    """Profile one program and compare."""
    seconds = SAMPLED_SECONDS if subject.strength == "sampled" else SECONDS
    path = folder / "profile.json"
    script = str(Path(sys.executable).with_name("gilbench"))
    command = [script, "profile", "--observe", "gil", "-o", str(path), "--", subject.executable, str(PROGRAM)]
    command += [mode, str(threads), str(hold), str(seconds)]
    done = capture(command, seconds=120, env=subject.environment)
    if done.status:
        raise SystemExit(f"{' '.join(command)} ended with {done.status}: {done.stderr}")
    profile = json.loads(path.read_text("utf-8"))
    case = f"{mode}, {threads} threads, {hold * 1e3:g} ms"
    if profile["probe"]["strength"] != subject.strength:
        raise SystemExit(f"{subject.name}: {profile['probe']}")
    seen = {thread["tid"]: thread for thread in profile["threads"]}
    held, wait = [], []
    for tid, known in json.loads(done.stdout).items():
        thread = seen[int(tid)]
        # Kept from the CPU just before it lets go, or wants: neither is the GIL's doing.
        late = known["delayed"] / profile["duration"]
        held.append(_off(thread, "gil_held", known["held"], profile, late))
        if thread["gil_wait"] is not None:
            wait.append(_off(thread, "gil_wait", known["wait"], profile, late))
    return Miss(
        max(held), max(wait) if wait else None, AIMS.get(subject.strength) or profile["probe"]["error"], case
    )


def _off(thread: dict[str, Any], field: str, known: float, profile: dict[str, Any], late: float) -> float:
    off: float = abs(thread[field] - known / profile["duration"]) - late
    return max(off, 0.0)


def main(specs: list[str]) -> int:
    """Look at the named interpreters, or at all and by every probe."""
    table = Table(
        "interpreter", "probe", "programs", "held off by", "wait off by", "within", "", box=box.SIMPLE_HEAD
    )
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects(specs):
            misses = []
            for case in cases():
                misses.append(miss(subject, *case, Path(folder)))
                print(subject.name, subject.strength, *misses[-1], sep="  ", file=sys.stderr, flush=True)
            table.add_row(*_row(subject, misses))
    Console().print(table)
    return 0


def _row(subject: Subject, misses: list[Miss]) -> list[str]:
    waits = [one.wait for one in misses if one.wait is not None]
    far = [one.case for one in misses if max(one.held, one.wait or 0.0) > one.allowed]
    return [
        subject.name,
        subject.strength,
        str(len(misses)),
        f"{100 * max(one.held for one in misses):.1f} points",
        f"{100 * max(waits):.1f} points" if waits else "not told",
        f"{100 * max(one.allowed for one in misses):.1f} points",
        f"missed by {'; '.join(far)}" if far else "",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
