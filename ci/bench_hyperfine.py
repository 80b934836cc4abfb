"""Compares gilbench with hyperfine on commands: ``python ci/bench_hyperfine.py [PAIRS]``.

``ci/noise.py`` runs it under noise. Both tools measure the same two commands in turn, with the same wall time. One pair
of commands differs, and shows whether the answers agree. The other pair does the same work, and shows the spread of the
ratio of each tool.
"""

from __future__ import annotations

import math
import random
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from gilbench.analyse.study.report import build_report
from gilbench.host.capture import capture
from gilbench.host.process import ProcessError
from gilbench.model.commands import CommandRequest
from gilbench.model.errors import GilbenchError
from gilbench.work.measure import measure
from gilbench.work.planning import MeasureRequest

_PAIRS = 12
_RUNS = 40  # of each command, by gilbench
_LIMIT = 300.0  # s
_WORK = "sum(range({}))"
_SIDES = 2


def _command(count: int, name: str) -> str:
    return shlex.join([sys.executable, "-S", "-c", _WORK.format(count), name])


SAME = (_command(300_000, "a"), _command(300_000, "b"))
DIFFERENT = (_command(300_000, "a"), _command(900_000, "b"))


def by_gilbench(commands: tuple[str, str], runs: int) -> float:
    """Return the log of the second command's wall time relative to the first."""
    with TemporaryDirectory() as folder:
        request = MeasureRequest(command=CommandRequest(commands=commands, runs=runs))
        study = measure(request, Path(folder, "study.jsonl")).study
    (cell,) = [cell for cell in build_report(study).cells if cell.metric == "relative"]
    return -math.log(cell.value)


def by_hyperfine(commands: tuple[str, str], runs: int) -> float:
    """Return the same by hyperfine, which compares the means of one command after the other."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "result.json")
        options = ["-N", "--style", "none", "--runs", str(runs), "--export-json", str(file)]
        done = capture(["hyperfine", *options, *commands], seconds=_LIMIT)
        if done.status:
            raise ProcessError(f"hyperfine failed: {done.reason}")
        first, second = msgspec.json.decode(file.read_bytes())["results"]
    return math.log(second["mean"] / first["mean"])


def _timed(measured: Callable[[], float]) -> tuple[float, float]:
    began = time.monotonic()
    return measured(), time.monotonic() - began


def _main(pairs: int) -> None:
    _, ours = _timed(lambda: by_gilbench(SAME, _RUNS))
    _, theirs = _timed(lambda: by_hyperfine(SAME, _RUNS))
    runs = max(2, round(_RUNS * ours / theirs))  # in the same time
    tools: tuple[Callable[[tuple[str, str]], float], ...] = (
        lambda commands: by_gilbench(commands, _RUNS),
        lambda commands: by_hyperfine(commands, runs),
    )
    found: dict[tuple[int, tuple[str, str]], list[float]] = {}
    seconds = [0.0, 0.0]
    for _ in range(pairs):
        for side in random.sample(range(_SIDES), _SIDES):
            for commands in (SAME, DIFFERENT):
                value, taken = _timed(lambda tool=tools[side], commands=commands: tool(commands))  # type: ignore[misc]
                found.setdefault((side, commands), []).append(value)
                seconds[side] += taken
    for side, name in enumerate(("gilbench", "hyperfine")):
        ratio, spread = (found[side, commands] for commands in (DIFFERENT, SAME))
        error = statistics.stdev(ratio) / math.sqrt(pairs)
        print(
            f"{name}: {seconds[side]:.0f} s; ratio {math.exp(statistics.fmean(ratio)):.3f} ± {2 * error:.1%}; "
            f"A/A sd {statistics.stdev(spread):.2%}"
        )
    spreads = [statistics.stdev(found[side, SAME]) for side in range(_SIDES)]
    print(f"A/A spread, hyperfine / gilbench: {spreads[1] / spreads[0]:.2f}")


def main(argv: list[str]) -> int:
    """Run the comparison."""
    try:
        _main(int(argv[0]) if argv else _PAIRS)
    except (GilbenchError, ValueError) as error:
        print(f"ci/bench_hyperfine.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
