"""Generated noise takes CPU time or withholds it, and leaves nothing."""

from __future__ import annotations

import itertools
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from children import LONG, open_descriptors, wait_for_end
from commands import SYSTEM_PYTHON, error_lines, gilbench, without_root
from interpreters_fixture import absent

from gilbench.host.cgroups import Hierarchy, find_hierarchy
from gilbench.host.noise import generated_noise
from gilbench.host.noise_main import LONGEST, SHORTEST, Lengths
from gilbench.model.errors import GilbenchError, UsageError

INSIDE = """
import os, sys
from pathlib import Path
from gilbench.host.noise import generated_noise
def say():
    groups = [line.partition(":/")[2] for line in open("/proc/self/cgroup") if "noise" in line]
    print("".join(groups).strip(), flush=True)
with generated_noise(sys.argv[1]):
    say()
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    sys.stdin.read()
say()
"""


def sources() -> list[psutil.Process]:
    """Processes of noise that run now."""
    children = psutil.Process().children()
    return [one for one in children if any("noise_main" in word for word in one.cmdline())]


def hierarchy() -> Hierarchy:
    """Where a quota can be set; without it the test is skipped."""
    own = Path("/proc/self")
    found = find_hierarchy(own.joinpath("mountinfo").read_text(), own.joinpath("cgroup").read_text())
    if found is None or os.geteuid() != 0 or not os.access(found.home, os.W_OK):
        absent("a quota needs root and cgroups with the CPU controller")
    return found


@pytest.fixture
def limited() -> Iterator[tuple[subprocess.Popen[str], Path, list[int]]]:
    """A process under a quota, its cgroup, and its source of noise."""
    found = hierarchy()
    parent = found.mount if found.unified else found.home
    with subprocess.Popen(
        [sys.executable, "-c", INSIDE, "quota"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name, pids = process.stdout.readline().strip(), process.stdout.readline().split()
        try:
            yield process, parent / Path(name).name, [int(pid) for pid in pids]
        finally:
            process.kill()


@pytest.mark.parametrize(("name", "count"), [("bursts", 2), ("pinned", 2), ("cache", 1)])
def test_noise_takes_cpu_time_and_ends(name: str, count: int) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        absent("one CPU")
    before = open_descriptors()
    with generated_noise(name) as taken:
        running = sources()
        assert len(running) >= count
        assert taken == {name: 0.0}
        time.sleep(1)
    assert 0 < taken[name] < len(running) + 0.1
    assert not any(one.is_running() for one in running)
    assert open_descriptors() == before


def test_pinned_noise_stays_on_a_cpu_each() -> None:
    cpus = os.sched_getaffinity(0)
    expected = [[cpu] for cpu in sorted(cpus)]
    with generated_noise("pinned"):
        deadline = time.monotonic() + LONG
        while sorted(one.cpu_affinity() for one in sources()) != expected:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_noise_ends_after_an_error() -> None:
    running: list[psutil.Process] = []

    def fail() -> None:
        with generated_noise("bursts"):
            running.extend(sources())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert running
    assert not any(one.is_running() for one in running)


def test_noise_that_has_ended_early_is_an_error() -> None:
    def kill() -> None:
        with generated_noise("bursts"):
            for one in sources():
                one.kill()

    with pytest.raises(GilbenchError, match="the noise bursts ended early: exit status -9"):
        kill()
    assert not sources()


@pytest.mark.parametrize("name", ["all", "bursts", "cache"])
def test_nothing_is_left_of_a_gilbench_that_was_killed(name: str) -> None:
    if name == "all":
        hierarchy()
    with subprocess.Popen(
        [sys.executable, "-c", INSIDE, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert pids
        process.send_signal(signal.SIGKILL)
    assert all(map(wait_for_end, pids))
    assert not list(Path("/sys/fs/cgroup").glob(f"**/gilbench-noise-{process.pid}"))


# --- quota ----------------------------------------------------------------------------------------------


def test_a_quota_is_set_and_removed(limited: tuple[subprocess.Popen[str], Path, list[int]]) -> None:
    process, group, pids = limited
    assert group.name == f"gilbench-noise-{process.pid}"
    assert group.joinpath("cgroup.procs").read_text().split() == [str(process.pid)]
    if group.joinpath("cpu.max").exists():
        assert group.joinpath("cpu.max").read_text() == "75000 100000\n"
    else:
        assert group.joinpath("cpu.cfs_quota_us").read_text() == "75000\n"
        assert group.joinpath("cpu.cfs_period_us").read_text() == "100000\n"
    said, _ = process.communicate("end")
    assert said.strip() == ""
    assert process.returncode == 0
    assert not group.exists()
    assert all(map(wait_for_end, pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_quota_is_removed_after_each_end(
    limited: tuple[subprocess.Popen[str], Path, list[int]], number: signal.Signals
) -> None:
    process, group, pids = limited
    assert group.exists()
    process.send_signal(number)
    process.wait(LONG)
    assert process.returncode
    assert all(map(wait_for_end, pids))
    assert not group.exists()


V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 {root} /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2 = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
CPU, UNIFIED = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")


@pytest.mark.parametrize(
    ("mounts", "memberships", "expected"),
    [
        (V1.format(root="/"), "1:cpu,cpuacct:/\n0::/\n", Hierarchy(CPU, CPU, unified=False)),
        (
            V1.format(root="/"),
            "1:cpu,cpuacct:/a/b\n0::/\n",
            Hierarchy(CPU, CPU / "a/b", unified=False),
        ),
        (V1.format(root="/docker/1"), "1:cpu,cpuacct:/docker/1\n", Hierarchy(CPU, CPU, unified=False)),
        (V2, "0::/user.slice/a:b\n", Hierarchy(UNIFIED, UNIFIED / "user.slice/a:b", unified=True)),
        (V2, "1:cpu:/\n", None),
        ("31 23 0:28 / /proc rw - proc proc rw\n", "0::/\n", None),
    ],
)
def test_the_cgroups_of_both_versions_are_found(
    mounts: str, memberships: str, expected: Hierarchy | None
) -> None:
    assert find_hierarchy(mounts, memberships) == expected


def test_a_quota_without_root_is_an_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = without_root(Path(folder), "selftest", "--python", str(SYSTEM_PYTHON), "--noise", "quota")
    assert done.returncode == 2
    assert "cannot generate the noise quota: it needs root" in " ".join(error_lines(done))


# --- names and lengths ----------------------------------------------------------------------------------


def test_an_unknown_noise_is_an_error_that_names_the_known_ones() -> None:
    with (
        pytest.raises(UsageError, match="unknown noise: x; choose one of: bursts, pinned"),
        generated_noise("x"),
    ):
        pass
    done = gilbench("selftest", "--noise", "x")
    assert done.returncode == 2
    assert "bursts, pinned, cache, quota, all" in error_lines(done)[0]


def test_bursts_are_log_uniform_and_repeatable() -> None:
    lengths = Lengths(SHORTEST, LONGEST)
    drawn, again = (
        [lengths.draw(rng) for _ in range(20_000)] for rng in (random.Random(1), random.Random(1))
    )
    assert drawn == again
    assert SHORTEST <= min(drawn) < max(drawn) <= LONGEST
    assert sum(drawn) / len(drawn) == pytest.approx(lengths.mean, rel=0.03)
    assert sorted(drawn)[len(drawn) // 2] == pytest.approx(math.sqrt(SHORTEST * LONGEST), rel=0.1)


def test_the_cpus_share_the_lengths_of_pinned_bursts() -> None:
    parts = [Lengths(SHORTEST, LONGEST).part(index, 3) for index in range(3)]
    assert parts[0].shortest == pytest.approx(SHORTEST)
    assert parts[-1].longest == pytest.approx(LONGEST)
    for one, other in itertools.pairwise(parts):
        assert one.longest == pytest.approx(other.shortest)
