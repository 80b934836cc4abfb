"""Holds what ``gilbench profile`` predicts against ``--verify``: ``python ci/bench_whatif.py [PROGRAM ...]``.

Ten programs from all-GIL to all-off-GIL. The aims: predicted within 20% of measured on at least eight of them, and
the bound never exceeded by more than the interval of the measurement.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.host.process import capture
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError

PROGRAMS = Path(__file__).parent.parent / "tests" / "integration" / "programs" / "whatif"
GIL, THREADED = "3.13", "3.13t"
CLOSE = 0.2
ENOUGH = 0.8  # of the programs


def main(names: list[str]) -> int:
    """Profile and verify the named programs, or all ten."""
    known = {path.stem: path for path in sorted(PROGRAMS.glob("*.py"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        python = select([GIL]).interpreters[0].executable
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    table = Table(
        "program",
        "bound",
        "cost",
        "predicted",
        "measured",
        "95% interval",
        "off by",
        "",
        box=box.SIMPLE_HEAD,
    )
    close = 0
    for name in names or known:
        answer = _profile(python, known[name])
        off = answer["predicted"] / answer["measured"] - 1
        close += abs(off) <= CLOSE
        faults = ["off"] if abs(off) > CLOSE else []
        faults += ["bound exceeded"] if answer["measured_lo"] > answer["bound"] else []
        figures = [f"{answer[field]:.2f}" for field in ("bound", "one_thread_cost", "predicted", "measured")]
        interval = f"{answer['measured_lo']:.2f} to {answer['measured_hi']:.2f}"
        row = (name, *figures, interval, f"{off:+.0%}", ", ".join(faults))
        print(*row, sep="  ", file=sys.stderr, flush=True)  # what is measured is not lost with the rest
        table.add_row(*row)
    count = len(names or known)
    console = Console()
    console.print(table)
    console.print(
        f"{close} of {count} within {CLOSE:.0%}{'' if close >= ENOUGH * count else ', which is too few'}"
    )
    return 0


def _profile(python: str, program: Path) -> dict[str, Any]:
    script = str(Path(sys.executable).with_name("gilbench"))
    command = [
        script,
        "profile",
        "--verify",
        THREADED,
        "--observe",
        "gil",
        "--format",
        "json",
        "--",
        python,
        str(program),
    ]
    done = capture(command, seconds=300, env=dict(os.environ))
    if done.status:
        raise SystemExit(f"{' '.join(command)} ended with {done.status}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)["what_if"]
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
