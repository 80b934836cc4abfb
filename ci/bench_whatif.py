"""Compares bound, prediction, and replay of ``gilbench profile`` with ``--verify``, on two CPUs.

``python ci/bench_whatif.py [PROGRAM ...]``: ten programs from all-GIL to all-off-GIL. The aims: predicted within 20%
and replayed within 15% of measured on at least eight of them, and no bound exceeded by the interval of a measurement.

``python ci/bench_whatif.py bounds``: the bound alone, at three switch intervals. Most of these programs sleep while
they hold the GIL. Two CPUs are enough to measure what they would gain on many.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.host.capture import capture
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError

PROGRAMS = Path(__file__).parent.parent / "tests" / "integration" / "programs"
GIL, THREADED = "3.13", "3.13t"
CLOSE = {"predicted": 0.2, "replayed": 0.15}
ENOUGH = 0.8  # of the programs
INTERVALS = ("0.0001", "0.001", "0.005")  # s
SLEEPING = (  # threads, s of a hold, s between two holds
    ("2", "0.001", "0"),
    ("2", "0.00005", "0.0001"),
    ("4", "0.005", "0.005"),
    ("16", "0.00002", "0.002"),
    ("16", "0.001", "0"),
)
COMPUTING = ("count_two", "hash_and_count", "echo_beside_count")
_WITH_INTERVAL = """
import runpy, sys
sys.setswitchinterval(float(sys.argv[1]))
runpy.run_path(sys.argv[2], run_name="__main__")
"""


class Case(NamedTuple):
    """A program and its arguments, without the interpreter."""

    name: str
    command: tuple[str, ...]


def main(names: list[str]) -> int:
    """Profile and verify the named programs, all ten, or those of the bounds."""
    known = {path.stem: path for path in sorted((PROGRAMS / "whatif").glob("*.py"))}
    unknown = [name for name in names if name not in {*known, "bounds"}]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are bounds, {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        python = select([GIL]).interpreters[0].executable
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if names == ["bounds"]:
        return _compare(python, list(_bounds(known)), replay=False)
    return _compare(
        python, [Case(name, (str(known[name]),)) for name in names or known if name in known], replay=True
    )


def _bounds(known: dict[str, Path]) -> Iterator[Case]:
    for interval in INTERVALS:
        for threads, hold, gap in SLEEPING:
            arguments = (str(PROGRAMS / "whatif_bound.py"), threads, hold, gap, "0.6", interval)
            yield Case(f"{threads} x ({hold} held, {gap}), {interval}", arguments)
        for name in COMPUTING:
            yield Case(f"{name}, {interval}", ("-c", _WITH_INTERVAL, interval, str(known[name])))


def _compare(python: str, cases: Sequence[Case], *, replay: bool) -> int:
    kinds = ("predicted", "replayed") if replay else ()
    titles = ("program", "bound", "cost", *kinds, "measured", "95% interval", *("off by" for _ in kinds), "")
    table = Table(*titles, box=box.SIMPLE_HEAD)
    close = dict.fromkeys(kinds, 0)
    exceeded = 0
    for case in cases:
        answer = _profile(python, case, replay=replay)
        off = {kind: answer[kind] / answer["measured"] - 1 for kind in kinds}
        faults = [f"{kind} off" for kind in kinds if abs(off[kind]) > CLOSE[kind]]
        for kind in kinds:
            close[kind] += abs(off[kind]) <= CLOSE[kind]
        if answer["measured_lo"] > answer["bound"]:
            faults.append("bound exceeded")
            exceeded += 1
        figures = [f"{answer[name]:.2f}" for name in ("bound", "one_thread_cost", *kinds, "measured")]
        interval = f"{answer['measured_lo']:.2f} to {answer['measured_hi']:.2f}"
        row = (case.name, *figures, interval, *(f"{off[kind]:+.0%}" for kind in kinds), ", ".join(faults))
        print(*row, sep="  ", file=sys.stderr, flush=True)  # what is measured is not lost with the rest
        table.add_row(*row)
    console = Console(width=140)
    console.print(table)
    for kind in kinds:
        enough = "" if close[kind] >= ENOUGH * len(cases) else ", which is too few"
        console.print(f"{close[kind]} of {len(cases)} {kind} within {CLOSE[kind]:.0%}{enough}")
    console.print(f"{exceeded} of {len(cases)} bounds exceeded")
    return 0


def _profile(python: str, case: Case, *, replay: bool) -> dict[str, Any]:
    script = str(Path(sys.executable).with_name("gilbench"))
    options = [
        "--verify",
        THREADED,
        "--observe",
        "gil",
        "--max-cost",
        "none",
        "--format",
        "json",
        *(["--replay"] if replay else []),
    ]
    command = [script, "profile", *options, "--", python, *case.command]
    done = capture(command, seconds=300, env=dict(os.environ))
    if done.status:
        raise SystemExit(f"{' '.join(command)} ended with {done.status}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)["what_if"]
    if replay:
        points = {point["cores"]: point["speedup"] for point in answer["curve"]}
        answer["replayed"] = points[answer["cores"]]
    return answer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
