"""Measures how far a fleet scales: ``python ci/bench_fleet.py [BLOCKS ...]``, by default 10000 100000 1000000.

A simulated fleet of one host per 100 blocks measures a study of that many blocks, with the real code that plans,
assigns, writes, reads, and analyses. Its runs are copies of those of a small study, which is measured first. Each stage
runs in a process of its own, which may use up to 6 GiB.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fleet_simulation import Tally, simulate
from fleet_study import check_whole, header_of, merge, planned, world
from rich import box
from rich.console import Console
from rich.table import Table

from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.analyse.study.report import build_report
from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.process import Process
from gilbench.plan.blocks import Group, count_runs, plan_seconds
from gilbench.store.study import read_study

BLOCKS = (10_000, 100_000, 1_000_000)
MEMORY = 6 << 30  # bytes that a stage may use
_PATIENCE = 3600.0  # s that a stage may take


# --- stages: each runs in a process of its own, and returns seconds and what else is known ---------------


def _plan(template: Path, blocks: int, _: Path) -> dict[str, float]:
    header = header_of(read_study(template), blocks)
    workloads = {one.name: one for one in header.workloads}
    interpreters = {one.name: one for one in header.interpreters}
    began = time.perf_counter()
    plan_seconds(header.plan, workloads, interpreters)
    runs = count_runs(header.plan, workloads, interpreters)
    return {"seconds": time.perf_counter() - began, "runs": runs}


def _assign(template: Path, blocks: int, _: Path) -> dict[str, float]:
    tally = simulate(planned(header_of(read_study(template), blocks)), world(blocks), lambda _: None)
    counts = [sum(1 for _ in found) for found in _by_host(tally).values()]
    return {**_told(tally), "seconds": tally.assigning, "least": min(counts), "most": max(counts)}


def _write(template: Path, blocks: int, path: Path) -> dict[str, float]:
    tally = merge(read_study(template), blocks, path)
    check_whole(path, len(tally.finished))
    return {**_told(tally), "seconds": tally.writing, "bytes": path.stat().st_size}


def _write_singly(template: Path, blocks: int, path: Path) -> dict[str, float]:
    single = path.with_suffix(".single")
    tally = merge(read_study(template), blocks, single, together=False)
    single.unlink()
    return {**_told(tally), "seconds": tally.writing}


def _read(_: Path, __: int, path: Path) -> dict[str, float]:
    began = time.perf_counter()
    study = read_study(path)
    return {"seconds": time.perf_counter() - began, "runs": len(study.runs)}


def _report(_: Path, __: int, path: Path) -> dict[str, float]:
    study = read_study(path)
    began = time.perf_counter()
    build_report(study)
    return {"seconds": time.perf_counter() - began}


def _compare(_: Path, __: int, path: Path) -> dict[str, float]:
    study = read_study(path)
    began = time.perf_counter()
    compare_interpreters(study)
    return {"seconds": time.perf_counter() - began}


SINGLY = "write, a sync per block"  # only for the smallest size
AFTER_READING = ("report", "compare")
STAGES: dict[str, Callable[[Path, int, Path], dict[str, float]]] = {
    "plan": _plan,
    "assign": _assign,
    "write": _write,
    SINGLY: _write_singly,
    "read": _read,
    "report": _report,
    "compare": _compare,
}


def _by_host(tally: Tally) -> dict[str, list[Group]]:
    found: defaultdict[str, list[Group]] = defaultdict(list)
    for group, host in tally.finished:
        found[host].append(group)
    return found


def _told(tally: Tally) -> dict[str, float]:
    return {
        "finished": len(tally.finished),
        "commits": tally.commits,
        "lost": tally.lost,
        "late": tally.late,
        "dropped": tally.dropped,
        "failed": tally.failed,
        "simulated": tally.simulated,
    }


# --- the command ----------------------------------------------------------------------------------------


def run_stage(name: str, template: Path, blocks: int, path: Path) -> dict[str, float] | None:
    """Run a stage in a process of its own; None: it needs more memory than it may use."""
    words = [sys.executable, __file__, "--stage", name, str(template), str(blocks), str(path)]
    process = Process(words, env=clean_environment())
    status = process.wait(_PATIENCE)
    output = process.output()
    peak = process.rusage.ru_maxrss / 1024 if process.rusage else math.nan
    process.close()
    if status is None:
        return None
    if status != 0:
        if "MemoryError" in output:
            return None
        raise SystemExit(f"stage {name} failed:\n{output}")
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return {**found, "peak": peak}


def _stage(words: Sequence[str]) -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    name, template, blocks, path = words
    print(json.dumps(STAGES[name](Path(template), int(blocks), Path(path))))
    return 0


def measure_template(path: Path) -> None:
    """Measure the study whose runs are copied: the interpreter of gilbench, with and without ``-O``."""
    script = str(Path(sys.executable).with_name("gilbench"))
    pythons = ["--python", sys.executable, "--python", f"{sys.executable} -O"]
    words = ["run", "--workload", "countdown", *pythons, "--threads", "1", "--profile", "quick"]
    done = capture([script, *words, "-o", str(path)], seconds=300)
    if done.status != 0:
        raise SystemExit(done.stdout + done.stderr)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Return by which power of the size the time grows, from the two largest sizes."""
    return math.log(seconds[-1] / seconds[-2]) / math.log(sizes[-1] / sizes[-2])


def main(arguments: Sequence[str]) -> int:
    """Measure all stages for all sizes, and print a table."""
    if arguments[:1] == ["--stage"]:
        return _stage(arguments[1:])
    sizes = [int(argument) for argument in arguments] or list(BLOCKS)
    console = Console(width=110)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        template = Path(folder) / "template.jsonl"
        measure_template(template)
        found: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        for blocks in sizes:
            path = Path(folder) / f"{blocks}.jsonl"
            for name in STAGES:
                if name == SINGLY and blocks != sizes[0]:
                    continue
                if name in AFTER_READING and blocks not in found["read"]:
                    continue
                result = run_stage(name, template, blocks, path)
                print(f"{blocks} blocks: {name}: {result}", file=sys.stderr, flush=True)
                if result is not None:
                    found[name][blocks] = result
            path.unlink()
    console.print(_table(found, sizes))
    for blocks, result in found["write"].items():
        console.print(_sentence(blocks, result, found["assign"][blocks]), highlight=False)
    if found["read"]:
        console.print(_limit(found["read"]), highlight=False)
    return 0


def _table(found: dict[str, dict[int, dict[str, Any]]], sizes: Sequence[int]) -> Table:
    table = Table(title="Time and peak memory of each stage, by number of blocks", box=box.SIMPLE_HEAD)
    table.add_column("stage")
    for blocks in sizes:
        table.add_column(f"{blocks:,}".replace(",", " "), justify="right")
    table.add_column("time grows by power", justify="right")
    for name, results in found.items():
        row = [name]
        for blocks in sizes:
            one = results.get(blocks)
            row.append("" if one is None else f"{one['seconds']:.2f} s, {one['peak']:.0f} MiB")
            if one is None and name != SINGLY:
                row[-1] = f"> {MEMORY >> 30} GiB"
        taken = [results[blocks]["seconds"] for blocks in sizes if blocks in results]
        table.add_row(*row, f"{exponent(sizes[: len(taken)], taken):.2f}" if len(taken) > 1 else "")
    return table


def _sentence(blocks: int, written: dict[str, Any], assigned: dict[str, Any]) -> str:
    return (
        f"{blocks} blocks on {world(blocks).hosts} hosts in {written['simulated']:.0f} simulated s: "
        f"{written['finished']} blocks finished in {written['commits']} syncs, "
        f"{written['bytes'] / 2 / written['finished']:.0f} bytes per run; "
        f"hosts lost {written['lost']} times, {written['late']} late answers, {written['dropped']} answers dropped, "
        f"{written['failed']} failures; {assigned['least']} to {assigned['most']} blocks per host"
    )


def _limit(read: dict[int, dict[str, Any]]) -> str:
    """Tell how many runs fit into memory, by the largest study that was read."""
    largest = read[max(read)]
    bytes_per_run = largest["peak"] * 2**20 / largest["runs"]
    return (
        f"A study that was read takes {bytes_per_run:.0f} bytes of memory per run, "
        f"so {MEMORY >> 30} GiB hold {MEMORY / bytes_per_run:.0f} runs"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
