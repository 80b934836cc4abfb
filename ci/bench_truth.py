"""Holds what ``gilbench profile`` says against programs that know: ``python ci/bench_truth.py [SPEC ...]``.

Every interpreter by the exact probe, stripped Pythons by futex waits, and one by samples alone; a named one by the
probe that the profiler chooses, a free-threaded one with its GIL on. A program runs with 1, 2, 4 and 8 threads,
sleeping, hashing, in I/O or in C between its holds of 0.1 to 50 ms: each pair of these once. Figures are in
percentage points of wall time, of the worst thread. The aims: 3 by the exact probe, 8 by futex, and by samples the
error that the report states. A program that was kept from the CPUs for longer than that does not know the truth, and
is not counted as told.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.host.capture import capture
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError

PROGRAM = Path(__file__).parent.parent / "tests" / "integration" / "programs" / "gil_truth.py"
SPECS = ("2.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
STRIPPED = ("/usr/bin/python3", "3.14", "3.15")
MODES = ("sleep", "c", "hash", "io")
THREADS = (1, 2, 4, 8)
HOLDS = (0.0001, 0.001, 0.005, 0.05)
SECONDS = 1.5
SAMPLED_SECONDS = 5.0  # of samples there must be some
AIMS = {"exact": 0.03, "futex": 0.08}


class Subject(NamedTuple):
    """An interpreter and the probe that looks at it."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    strength: str | None = None  # that the probe must have; None: as the profiler chooses


class Miss(NamedTuple):
    """How far the report was off for one program, as fractions of wall time; of its worst thread."""

    strength: str
    held: float
    wait: float | None
    allowed: float
    short: float  # time in which a thread could have run and no CPU was free
    case: str

    def told(self) -> bool:
        """Whether the program knows what it claims; where CPUs were short of more than is allowed it does not."""
        return self.short <= self.allowed

    def missed(self) -> bool:
        """Whether the report was off by more than is allowed, and than CPUs were short."""
        return self.told() and max(self.held, self.wait or 0.0) > self.allowed + self.short


def subjects(specs: list[str]) -> Iterator[Subject]:
    """What is looked at, and how."""
    ours = {**os.environ, "PYTHON_GIL": "1"}
    for found in select(specs or list(SPECS)).interpreters:
        strength = None if specs else "exact"
        yield Subject(found.name, found.command, ours | dict(found.environment), strength)
    if specs:
        return
    for stripped in select(list(STRIPPED)).interpreters:
        yield Subject(stripped.name, stripped.command, ours, "futex")
    # Without bpftrace on its path the weakest probe is left.
    yield Subject("3.11", select(["3.11"]).interpreters[0].command, {**ours, "PATH": "/nowhere"}, "sampled")


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
    command = [
        script,
        "profile",
        "--observe",
        "gil",
        "--max-cost",
        "none",
        "-o",
        str(path),
        "--",
        *subject.command,
        str(PROGRAM),
    ]
    command += [mode, str(threads), str(hold), str(seconds)]
    done = capture(command, seconds=120, env=subject.environment)
    if done.status:
        raise SystemExit(f"{' '.join(command)} ended with {done.status}: {done.stderr}")
    profile = json.loads(path.read_text("utf-8"))
    case = f"{mode}, {threads} threads, {hold * 1e3:g} ms"
    strength = profile["probe"]["strength"]
    if subject.strength not in (None, strength):
        raise SystemExit(f"{subject.name}: {profile['probe']}")
    seen = {thread["tid"]: thread for thread in profile["threads"]}
    held, wait, short = [], [], []
    for tid, known in json.loads(done.stdout).items():
        thread = seen[int(tid)]
        # Kept from the CPU just before it lets go, or wants, or starting: none of it is the GIL's doing.
        short.append(known["unknown"] / profile["duration"])
        held.append(abs(thread["gil_held"] - known["held"] / profile["duration"]))
        if thread["gil_wait"] is not None:
            wait.append(abs(thread["gil_wait"] - known["wait"] / profile["duration"]))
    allowed = AIMS.get(strength) or profile["probe"]["error"]
    return Miss(strength, max(held), max(wait) if wait else None, allowed, max(short), case)


def main(specs: list[str]) -> int:
    """Look at the named interpreters, or at all and by every probe."""
    table = Table("interpreter", "probe", "told", "held off", "wait off", "aim", "", box=box.SIMPLE_HEAD)
    try:
        chosen = list(subjects(specs))
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with tempfile.TemporaryDirectory() as folder:
        for subject in chosen:
            misses = []
            for case in cases():
                misses.append(miss(subject, *case, Path(folder)))
                print(subject.name, *misses[-1], sep="  ", file=sys.stderr, flush=True)
            table.add_row(*_row(subject, misses))
    Console().print(table)
    return 0


def _row(subject: Subject, misses: list[Miss]) -> list[str]:
    told = [one for one in misses if one.told()]
    waits = [one.wait for one in told if one.wait is not None]
    far = [one.case for one in told if one.missed()]
    return [
        subject.name,
        " and ".join(sorted({one.strength for one in misses})),
        f"{len(told)} of {len(misses)}",
        f"{100 * max((one.held for one in told), default=0.0):.1f}",
        f"{100 * max(waits):.1f}" if waits else "-",
        f"{100 * max(one.allowed for one in misses):.1f}",
        f"missed by {'; '.join(far)}" if far else "",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
