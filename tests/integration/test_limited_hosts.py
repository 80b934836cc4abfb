"""gilbench under a real CPU quota, on one CPU of a cpuset, and beside a busy program: what it says of the host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import GILBENCH, gilbench
from interpreters_fixture import absent, interpreter

from gilbench.host.cgroups import Hierarchy, find_hierarchy
from gilbench.plan.catalogue import catalogue
from gilbench.store.study import read_study

PERIOD = 100_000  # µs
# The shell's place is taken by gilbench once it is in the cgroup.
ENTER = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])"


@pytest.fixture
def group() -> Iterator[Path]:
    """A cgroup of this test, without a quota."""
    own = Path("/proc/self")
    found = find_hierarchy((own / "mountinfo").read_text(), (own / "cgroup").read_text())
    if found is None or os.geteuid() != 0 or not os.access(found.home, os.W_OK):
        absent("a quota needs root and cgroups with the CPU controller")
    folder = parent(found) / f"gilbench-test-{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        folder.rmdir()


def parent(found: Hierarchy) -> Path:
    return found.mount if found.unified else found.home


def limit(folder: Path, quota: float) -> None:
    if (folder / "cpu.max").exists():
        (folder / "cpu.max").write_text(f"{round(quota * PERIOD)} {PERIOD}")
    else:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD))
        (folder / "cpu.cfs_quota_us").write_text(str(round(quota * PERIOD)))


def inside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a cgroup."""
    return subprocess.run(
        [sys.executable, "-c", ENTER, str(folder / "cgroup.procs"), *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "160"},
    )


@pytest.mark.parametrize("quota", [0.5, 1.0, 1.5])
def test_a_quota_is_told_and_what_it_stopped_is_marked(quota: float, group: Path, tmp_path: Path) -> None:
    limit(group, quota)
    path = tmp_path / "study.jsonl"
    workloads = ("--workload", "countdown", "--workload", "delivery")
    limits = ("--threads", "1,4", "--budget", "10s")
    python = ("--python", interpreter("3.11").executable)
    done = inside(
        group, GILBENCH, "run", *python, *workloads, *limits, "--quiet", "--seed", "1", "-o", str(path)
    )
    assert done.returncode == 0, done.stderr
    assert f"; the quota gives {quota:g}" in done.stdout
    study = read_study(path)
    assert study.header.host.quota == quota
    assert study.header.host.cores == 1
    stopped = {run.noise.throttled for run in study.runs if run.noise is not None and run.slices}
    assert None not in stopped
    most = max(share for share in stopped if share is not None)
    assert (
        most > 0 or quota > 0.5
    )  # one busy thread uses up half a CPU; the threads of others are kept within theirs
    if most > 0:
        assert f"the quota of {quota:g} CPUs stopped gilbench in" in " ".join(done.stdout.split())


def test_a_test_of_scaling_is_skipped_within_a_quota_of_one_cpu(group: Path, tmp_path: Path) -> None:
    limit(group, 1.5)
    test = tmp_path / "test_it.py"
    test.write_text("import time\ndef test_it(gilbench): gilbench.scales(time.sleep, 0.001)\n")
    done = inside(group, sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(test))
    assert done.returncode == 0, done.stdout
    assert "only one core is available within the quota" in done.stdout


def test_a_cpuset_of_one_cpu_is_one_core(tmp_path: Path) -> None:
    path, one = tmp_path / "study.jsonl", max(os.sched_getaffinity(0))
    done = gilbench(
        *("run", "--python", interpreter("3.11").executable, "--workload", "countdown", "--quiet"),
        *("--seed", "1", "-o", str(path)),
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
        env={**os.environ, "COLUMNS": "160"},
    )
    assert done.returncode == 0, done.stderr
    study = read_study(path)
    assert study.header.host.cores == 1
    assert [cpu.number for cpu in study.header.host.cpus] == [one]
    assert {case.threads for case in study.header.plan.cases} == {1, 2}
    assert ", 1 CPU," in done.stdout
    assert "vs 1:" not in done.stdout  # no sentence on a speedup


@pytest.mark.parametrize("family", ["cpu", "offgil", "io", "mixed", "signals", "shared", "alternatives"])
def test_every_family_runs_on_one_cpu(family: str, tmp_path: Path) -> None:
    path, one = tmp_path / "study.jsonl", min(os.sched_getaffinity(0))
    first = next(workload.name for workload in catalogue().values() if workload.family == family)
    done = gilbench(
        *("run", "--python", interpreter("3.11").executable, "--workload", first, "--quiet"),
        *("--seed", "1", "--budget", "4s", "-o", str(path)),
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
    )
    assert done.returncode == 0, done.stderr
    runs = read_study(path).runs
    assert any(run.slices for run in runs)
    assert not [run.failure for run in runs if run.failure is not None]


def test_a_busy_neighbour_is_told(tmp_path: Path) -> None:
    busy = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)
    ]
    try:
        done = gilbench(
            *("run", "--python", interpreter("3.11").executable, "--workload", "countdown", "--quiet"),
            *("--threads", "1", "--budget", "2s", "-o", str(tmp_path / "study.jsonl")),
        )
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert done.returncode == 0, done.stderr
    assert "of the CPU time just before the study" in " ".join(done.stdout.split())
