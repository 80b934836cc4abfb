"""What a part of the campaign tried, and the harm that it found."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

KINDS = {
    "traceback": "an internal error, or a traceback",
    "hang": "a command that did not end",
    "memory": "more memory than the bound",
    "unclear": "an unknown exit code, a death by a signal, or an error of more than three lines",
    "accepted": "an impossible artefact that is shown without a word",
    "escaped": "text of an artefact that acts: control characters, HTML, formulas, commands to CI runners",
    "lost": "a finished result that is gone, or a file that was changed",
    "left over": "a process, probe, lock, cgroup, temporary file, or setting that stays",
}


class Harm(NamedTuple):
    """One harm, and what reproduces it."""

    kind: str  # of KINDS
    trial: str  # name of the trial
    detail: str
    command: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()  # kept


class Part:
    """Counts the trials of one part, and keeps what reproduces its harm.

    Args:
        name: Name of the part.
        folder: Receives a folder for each harm.
        seed: Seed of the part.
    """

    def __init__(self, name: str, folder: Path, seed: int) -> None:
        self.name, self.seed = name, seed
        self.tried = Counter[str]()  # by group
        self.calls = 0
        self.peak = 0  # KiB, of one command
        self.skipped: list[str] = []
        self.harms: list[Harm] = []
        self._folder = folder / name.replace(" ", "-")

    def count(self, group: str, calls: int = 0) -> None:
        """Count one trial."""
        self.tried[group] += 1
        self.calls += calls

    def skip(self, reason: str) -> None:
        """Say what could not be tried here."""
        self.skipped.append(reason)

    def add(self, harms: Iterable[Harm]) -> None:
        """Keep harm and its files."""
        for harm in harms:
            self.harms.append(harm)
            place = self._folder / f"{len(self.harms):04}-{harm.kind.replace(' ', '-')}"
            place.mkdir(parents=True, exist_ok=True)
            for file in harm.files:
                if file.is_file():
                    shutil.copy(file, place / file.name)
            text = f"seed {self.seed}\n{harm.trial}\n{shlex.join(harm.command)}\n{harm.detail}\n"
            (place / "harm.txt").write_text(text, "utf-8", "backslashreplace")
            sys.stderr.write(f"{harm.kind}: {harm.trial[:100]}: {place}\n")

    def counts(self) -> dict[str, int]:
        """Return the number of harms by kind."""
        found = Counter(harm.kind for harm in self.harms)
        return {kind: found[kind] for kind in KINDS}


def table(parts: Sequence[Part]) -> str:
    """Return the figures as a table of text."""
    heads = ["part", "tried", "calls", *KINDS, "peak MiB", "seed"]
    rows = [heads]
    for part in parts:
        counts = [str(count) for count in part.counts().values()]
        peak = str(part.peak // 1024) if part.peak else "-"
        rows.append([part.name, str(part.tried.total()), str(part.calls), *counts, peak, str(part.seed)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for part in parts:
        lines.append("")
        lines.append(
            f"{part.name}: " + ", ".join(f"{count} {group}" for group, count in sorted(part.tried.items()))
        )
        lines += [f"  not tried: {reason}" for reason in part.skipped]
    return "\n".join(line.rstrip() for line in lines) + "\n"
