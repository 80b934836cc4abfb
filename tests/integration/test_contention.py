"""The time in which any thread waits for the GIL, summed in the kernel, against all waits that the probe tells of."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from interpreters_fixture import absent, interpreter

from gilbench.host.process import Program
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.event_log import EventLog
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.gil.lines import ExactLine
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.running import about_to_run
from gilbench.observe.timeline import Recording

PROGRAMS = Path(__file__).parent / "programs"


class Waits(EventLog):
    """Also keeps the begin and the end of each wait, in ns."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[int, int]] = []

    def hear(self, line: str) -> None:
        super().hear(line)
        kind, *words = line.split()
        if kind in {ExactLine.WAITED, ExactLine.HANDED}:
            self.spans.append((int(words[1]), int(words[2])))

    def union(self) -> float:
        """Seconds in which at least one thread waited."""
        total = last = 0
        for since, until in sorted(self.spans):
            total += max(until - max(since, last), 0)
            last = max(last, until)
        return total / 1e9


def watched(folder: Path, *command: str) -> tuple[GilFigures, Waits]:
    reason = why_not()
    if reason is not None:
        absent(reason)
    program, waits = Program(command), Waits()
    try:
        python = about_to_run(program.pid, command, os.environ)
        assert python is not None
        watching = ExactProbe().watch(python, recording=Recording(folder, waits))
        program.let_go()
        while program.poll() is None:
            time.sleep(0.05)
        return watching.finish(), waits
    finally:
        program.end()


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        ("3.13", ("whatif/half_serial.py",)),
        ("3.13", ("whatif/pool.py",)),
        ("3.13", ("whatif_bound.py", "16", "0.0001", "0.001", "0.5", "0.0001")),
        ("3.11", ("whatif/hash_and_count.py",)),
        ("2.7", ("gil_truth.py", "sleep", "4", "0.0005", "0.6")),
    ],
)
def test_the_union_of_waits_is_that_of_the_single_waits(
    spec: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    file, *rest = arguments
    figures, waits = watched(tmp_path, interpreter(spec).executable, str(PROGRAMS / file), *rest)
    if figures.probe.lost:
        pytest.skip(f"{figures.probe.lost} lines were lost")
    assert figures.contended is not None
    assert figures.free_wanted is not None
    # A wait that began before the profile, or goes on after it, is told whole.
    assert figures.contended == pytest.approx(min(1.0, waits.union() / figures.duration), abs=0.02)
    assert 0 < figures.free_wanted <= figures.contended


@pytest.mark.parametrize("spec", ["3.13", "3.11", "2.7"])
def test_a_thread_that_gets_a_free_gil_does_not_wait(spec: str, tmp_path: Path) -> None:
    program = PROGRAMS / "gil_alone.py"
    figures, waits = watched(tmp_path, interpreter(spec).executable, str(program))
    acquired = sum(thread.switches or 0 for thread in figures.threads)
    assert acquired > 10_000
    # Only where a thread loses its CPU, or two threads begin or end.
    assert len(waits.spans) < 0.002 * acquired
