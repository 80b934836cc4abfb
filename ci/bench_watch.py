"""What ``gilbench watch`` costs beside a service of 8 threads at 2 000 requests per second, and whether it is right.

    python ci/bench_watch.py --minutes 60 [--python SPEC]

One watch runs all the time: its CPU time, its memory, and its figures are printed every minute, and its page is read as
Prometheus does it. A second watch with the same options is there in one minute of each pair, in random order: what the
service then takes longer is the cost of a watch. From time to time, the exact probe profiles the service: its
figures are compared with those of the watch in the same seconds. The service's own CPU time is known to the kernel.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from scipy import stats

from gilbench.host.process import cpu_time

SERVICE = Path(__file__).with_name("watched_service.py")
THREADS, RATE = 8, 2000.0
REST = 5.0  # s before each minute, in which a watch starts
EVERY = 5  # turns, pairs of minutes; in one of them, the exact probe profiles for a minute instead
OPTIONS = ("--interval", "10s", "--alert", "gil_wait>1000% for 1m")


class Minute(NamedTuple):
    """What happened in one minute."""

    requests: int
    cpu: float  # s of the service for one request
    median: float  # s
    late: float  # s, the 99th percentile


class Soak:
    """The service, its client, and the watch that runs all the time."""

    def __init__(self, python: str, folder: Path, seconds: float) -> None:
        self._opened = contextlib.ExitStack()
        self._seconds, self._folder = seconds, folder
        self.service = self._start([python, str(SERVICE), "serve", str(THREADS)])
        port = self._line(self.service)
        self._client = self._start([sys.executable, str(SERVICE), "load", port, str(THREADS), str(RATE)])
        self.file = folder / "watch.jsonl"
        self.watch = self._start(
            [*self._words("--listen", "127.0.0.1:0", "--file", str(self.file), "--file-size", "10MB")],
            stderr=(folder / "watch.log").open("wb"),
        )
        time.sleep(REST)
        log = (folder / "watch.log").read_text("utf-8")
        self.page = next(word for word in log.split() if word.startswith("http://"))

    def close(self) -> None:
        """End all processes."""
        self._opened.close()

    def minute(self, *, watched: bool) -> Minute:
        """Measure one minute, with or without a second watch."""
        with self._second() if watched else contextlib.nullcontext():
            time.sleep(REST)
            self._report()
            begun = cpu_time(self.service.pid) or 0.0
            time.sleep(self._seconds)
            used = (cpu_time(self.service.pid) or 0.0) - begun
            seen = self._report()
        count = seen["count"]
        latencies = seen["latencies"]
        return Minute(count, used / count, latencies[count // 2], latencies[count * 99 // 100])

    def exact(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Profile the service with the exact probe; return the profile, and the intervals of the watch within it."""
        file = self._folder / "exact.json"
        words = ("-m", "gilbench", "profile", "--pid", str(self.service.pid), "-d", f"{self._seconds:g}")
        subprocess.run(
            [
                sys.executable,
                *words,
                "--observe",
                "gil",
                "--max-cost",
                "none",
                "--format",
                "json",
                "-o",
                file,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        end = time.time()
        profile = json.loads(file.read_text("utf-8"))
        time.sleep(10.5)  # the interval in which it ended
        begin = end - profile["duration"]
        lines = (json.loads(line) for line in self.file.read_text("utf-8").splitlines())
        intervals = [line for line in lines if line.get("kind") == "interval"]
        return profile, [
            one for one in intervals if one["start"] >= begin and one["start"] + one["duration"] <= end
        ]

    def scrape(self) -> dict[str, float]:
        """Read the page with Prometheus's parser; return samples without labels, or summed over groups."""
        with urllib.request.urlopen(self.page, timeout=10) as answer:  # noqa: S310 - our own page
            text = answer.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    @contextlib.contextmanager
    def _second(self) -> Iterator[None]:
        second = self._start([*self._words("--listen", "127.0.0.1:0")], stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            second.terminate()
            second.wait()

    def _words(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "gilbench", "watch", "--pid", str(self.service.pid), *OPTIONS, *options]

    def _start(self, words: list[str], stderr: int | IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        self._opened.callback(process.wait)
        self._opened.callback(process.terminate)
        return process

    def _line(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        return process.stdout.readline().decode().strip()

    def _report(self) -> dict[str, Any]:
        assert self._client.stdin is not None  # noqa: S101 - it is a pipe
        self._client.stdin.write(b"\n")
        self._client.stdin.flush()
        report: dict[str, Any] = json.loads(self._line(self._client))
        return report


def memory(pid: int) -> float:
    """Return the proportional set size of a process and its children in MiB."""
    kib = 0
    for one in (pid, *children(pid)):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
            kib += int(text.partition("\nPss:")[2].split()[0])
    return kib / 1024


def children(pid: int) -> list[int]:
    """Return the children of a process's main thread."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []


def cpu_of(pid: int) -> float:
    """Return the s of CPU time of a process and of its children that have ended, in ticks of the kernel."""
    cells = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (cpu_time(pid) or 0.0) + sum(map(int, cells[13:15])) / os.sysconf("SC_CLK_TCK")


def interval(values: list[float]) -> str:
    """Write the mean of ratios with its 95% interval."""
    logs = np.log(values)
    if len(logs) < 2:
        return f"{math.exp(logs.mean()):.4f}"
    half = stats.t.ppf(0.975, len(logs) - 1) * stats.sem(logs)
    ends = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    return "{:.4f} ({:.4f} to {:.4f})".format(*ends)


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


def main() -> None:
    """Measure, and print a line each minute, and the summary."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seconds", type=float, default=60.0 - REST, help="of a minute that count")
    options.add_argument("--python", default=sys.executable, help="executable of the service")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(given.python, Path(folder), given.seconds)
        try:
            measure(soak, given.minutes, given.seconds, random.Random(given.seed))
        finally:
            soak.close()


def measure(soak: Soak, minutes: float, seconds: float, order: random.Random) -> None:
    """Measure for some minutes."""
    begun, used, service = time.monotonic(), cpu_of(soak.watch.pid), cpu_time(soak.service.pid) or 0.0
    rows: list[tuple[float, float]] = []  # minute and memory
    pairs: list[tuple[Minute, Minute]] = []
    truths: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    first = before = soak.scrape()
    number, step = 0, (seconds + REST) / 60
    while (time.monotonic() - begun) / 60 + step * 1.5 < minutes:
        number += 1
        if number % EVERY == 1:
            truths.append(soak.exact())
            say(f"{clock(begun)} exact probe: {against(*truths[-1])}")
            continue
        found: dict[bool, Minute] = {}
        for watched in order.sample((False, True), 2):
            then, moment = cpu_of(soak.watch.pid), time.monotonic()
            found[watched] = soak.minute(watched=watched)
            cost = (cpu_of(soak.watch.pid) - then) / (time.monotonic() - moment)
            now = soak.scrape()
            rows.append(((time.monotonic() - begun) / 60, memory(soak.watch.pid)))
            say(
                f"{clock(begun)} {line(found[watched], watched)} | watch {cost:.3%} CPU {rows[-1][1]:.2f} MiB | "
                f"held {gain(now, before, 'gil_held'):.1%} wait {gain(now, before, 'gil_wait'):.1%}"
            )
            before = now
        pairs.append((found[True], found[False]))
    total = time.monotonic() - begun
    own, told = (
        (cpu_time(soak.service.pid) or 0.0) - service,
        gained(before, first, "gilbench_cpu_seconds_total"),
    )
    say(f"\n{len(pairs)} pairs of minutes; load average {os.getloadavg()[0]:.2f}, {os.cpu_count()} CPUs")
    say(
        f"CPU of the watch: {(cpu_of(soak.watch.pid) - used) / total:.3%} of one CPU; "
        f"by its own page {gained(before, first, 'gilbench_watch_cpu_seconds_total') / total:.3%}"
    )
    say(f"CPU time of the service by the watch / by the kernel, to an interval: {told / own:.4f}")
    if rows:
        say(f"memory: {rows[-1][1]:.2f} MiB, at most {max(row[1] for row in rows):.2f}; {slope(rows)}")
    for field in ("cpu", "median", "late") if pairs else ():
        ratios = [getattr(with_it, field) / getattr(without, field) for with_it, without in pairs]
        say(f"{field} of a request, with / without a second watch: {interval(ratios)}")
    for profile, intervals in truths:
        say(f"exact probe: {against(profile, intervals)}")


def gained(now: dict[str, float], before: dict[str, float], name: str) -> float:
    """Return what a counter gained."""
    return now.get(name, 0.0) - before.get(name, 0.0)


def clock(begun: float) -> str:
    """Write the minute."""
    return f"{(time.monotonic() - begun) / 60:5.1f} min"


def line(minute: Minute, watched: bool) -> str:
    """Write a minute."""
    return (
        f"{'with   ' if watched else 'without'} {minute.requests} requests, {minute.cpu * 1e6:.1f} us CPU, "
        f"p50 {minute.median * 1e3:.3f} ms, p99 {minute.late * 1e3:.3f} ms"
    )


def gain(now: dict[str, float], before: dict[str, float], field: str) -> float:
    """Return the share that a sum gained."""
    watched = gained(now, before, "gilbench_watched_seconds_total")
    return gained(now, before, f"gilbench_{field}_seconds_total") / watched if watched else math.nan


def slope(rows: list[tuple[float, float]]) -> str:
    """Write the slope of the memory with its 95% interval; the first minutes are left out."""
    kept = [row for row in rows if row[0] > rows[-1][0] / 6] if len(rows) > 8 else rows
    if len(kept) < 3:
        return "too few minutes for a slope"
    fit = stats.linregress(*zip(*kept, strict=True))
    half = stats.t.ppf(0.975, len(kept) - 2) * fit.stderr
    return f"slope {fit.slope * 60:+.3f} MiB/h ({(fit.slope - half) * 60:+.3f} to {(fit.slope + half) * 60:+.3f})"


def against(profile: dict[str, Any], intervals: list[dict[str, Any]]) -> str:
    """Compare the figures of the watch with those of the exact probe in the same seconds."""
    texts = []
    for field in ("gil_held", "gil_wait"):
        exact = sum(thread[field] or 0.0 for thread in profile["threads"])
        seconds = sum(one["duration"] for one in intervals if one[field] is not None)
        seen = sum(one[field] * one["duration"] for one in intervals if one[field] is not None)
        texts.append(
            f"{field} exact {exact:.2%}, watch {seen / seconds:.2%}" if seconds else f"{field}: unknown"
        )
    return f"{', '.join(texts)} ({len(intervals)} intervals, {profile['probe']['name']})"


if __name__ == "__main__":
    main()
