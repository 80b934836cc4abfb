"""A fleet of real processes on the loopback interface."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import error_lines, gilbench
from fleets import PLAN, FleetOfProcesses, blocks_of, fleet

from gilbench.store.study import read_study


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[FleetOfProcesses]:
    with fleet(tmp_path, f"tcp://127.0.0.1:{free_port()}") as made:
        made.scheduler()
        for name in ("east", "west"):
            made.host(name, joins=False)
        made.until(lambda: all("serves" in made.log(name) for name in ("east", "west")))
        yield made


def runs_in(path: Path) -> int:
    return path.read_bytes().count(b'"kind":"run"') if path.exists() else 0


def lock_is_free(made: FleetOfProcesses, name: str) -> bool:
    with made.cache(name).joinpath("gilbench/measuring.lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def begin(made: FleetOfProcesses, path: Path) -> None:
    """Start a study, and return in the middle of it."""
    made.client("run", *made.specs(), *PLAN, "-o", str(path))
    made.until(lambda: runs_in(path) >= 4)
    made.until(lambda: bool(made.jobs()))


def resume(made: FleetOfProcesses, path: Path) -> None:
    """Resume a study, and check that it is whole."""
    done = gilbench(
        *("run", "--fleet", made.address, "--resume", str(path), *made.specs(), "--quiet"),
        env={**os.environ, "GILBENCH_TEST": made.marker},
    )
    assert done.returncode == 0, done.stderr
    found = blocks_of(path)
    assert sorted(found) == list(range(read_study(path).header.plan.effort.blocks))
    assert all(len(hosts) == 1 for hosts in found.values())


def test_two_hosts_share_a_study_and_a_fleet_shows_them(two_hosts: FleetOfProcesses, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    client = two_hosts.client("run", *two_hosts.specs(), *PLAN, "-o", str(path))
    assert client.wait(120) == 0, two_hosts.log("client")
    found = blocks_of(path)
    assert sorted(found) == list(range(20))  # 10 of a quick study for each host
    kinds = Counter((block % 2, *hosts) for block, hosts in found.items())
    assert kinds == {(kind, host): 5 for kind in (0, 1) for host in ("east", "west")}
    study = read_study(path)
    assert {host.name for host in study.hosts} == {"east", "west"}
    assert all(len(host.interpreters) == 2 for host in study.hosts)
    done = gilbench("fleet", "status", two_hosts.address, "--format", "json")
    status = json.loads(done.stdout)
    assert {host["name"]: host["blocks"] for host in status["hosts"]} == {"east": 10, "west": 10}
    assert all(host["fits"] and not host["doing"] for host in status["hosts"])
    again = gilbench("run", "--fleet", two_hosts.address, *two_hosts.specs(), *PLAN, "-o", str(path))
    assert again.returncode == 2
    assert "exists" in error_lines(again)[0]
    assert len(read_study(path).runs) == 40


def test_the_first_interrupt_ends_all_jobs_and_the_study_can_be_resumed(
    two_hosts: FleetOfProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    begin(two_hosts, path)
    client = two_hosts.processes["client"]
    client.send_signal(signal.SIGINT)
    assert client.wait(20) == 130
    assert f"--resume {path}" in two_hosts.log("client").replace("\n", " ")
    two_hosts.until(lambda: not two_hosts.jobs(), 10)
    two_hosts.until(lambda: all(lock_is_free(two_hosts, name) for name in ("east", "west")), 5)
    resume(two_hosts, path)


def test_a_client_that_is_killed_leaves_no_job(two_hosts: FleetOfProcesses, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    begin(two_hosts, path)
    two_hosts.processes["client"].kill()
    two_hosts.until(lambda: not two_hosts.jobs(), 10)
    two_hosts.until(lambda: all(lock_is_free(two_hosts, name) for name in ("east", "west")), 5)
    resume(two_hosts, path)


def test_a_scheduler_that_is_killed_ends_the_client_and_the_jobs_and_hosts_wait_for_the_next(
    two_hosts: FleetOfProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    begin(two_hosts, path)
    two_hosts.processes["scheduler"].kill()
    assert two_hosts.processes["client"].wait(20) == 2
    log = two_hosts.log("client")
    assert "the scheduler closed the connection" in log
    assert "resume" in log
    assert "Traceback" not in log
    two_hosts.until(lambda: not two_hosts.jobs(), 10)
    assert runs_in(path) >= 4
    two_hosts.scheduler()
    two_hosts.until(lambda: two_hosts.log("scheduler").count("joined") == 2)
    resume(two_hosts, path)


def test_blocks_of_a_host_that_is_killed_go_to_another_and_one_that_joins_late_takes_part(
    two_hosts: FleetOfProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    begin(two_hosts, path)
    two_hosts.processes["east"].kill()
    two_hosts.host("north")
    assert two_hosts.processes["client"].wait(120) == 0, two_hosts.log("client")
    found = blocks_of(path)
    assert sorted(found) == list(range(20))
    assert {host for hosts in found.values() for host in hosts} >= {"west", "north"}
    assert all(len(hosts) == 1 for hosts in found.values())


def test_a_check_measures_both_sides_on_every_host(two_hosts: FleetOfProcesses, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    against, python = two_hosts.specs()[1], two_hosts.specs()[3]
    own = tmp_path / "counting.py"
    own.write_text(
        '"""Counts a little."""\nWORKLOAD = {"driver": "parallel", "family": "cpu", "unit": "counts"}\n'
        "def operation(local):\n    return sum(range(300))\n"
    )
    sides = ("--python", python, "--against", against, "--effort", "quick", "--hosts", "name==east")
    done = gilbench(
        *("check", *sides, "--workload", str(own), "--threads", "1", "--fleet", two_hosts.address),
        *("-o", str(path), "--format", "json"),
    )
    assert done.returncode in {0, 1}, done.stderr
    assert "west is left out: --hosts does not choose it" in done.stderr
    assert json.loads(done.stdout)["kind"] == "check"
    found = blocks_of(path)
    assert sorted(found) == list(range(10))
    assert {*map(tuple, found.values())} == {("east",)}
    assert read_study(path).header.workloads[0].path == str(own)
    assert not list(Path("/tmp").glob("gilbench-scratch-*/counting.py"))  # noqa: S108 - where they were


def test_a_name_belongs_to_one_host(two_hosts: FleetOfProcesses) -> None:
    two_hosts.processes["first"] = two_hosts.processes.pop("east")
    two_hosts.host("east", joins=False)
    assert two_hosts.processes["east"].wait(30) == 2
    assert "the fleet has a host 'east' already" in two_hosts.log("east")


def test_hosts_that_leave_while_nothing_runs_are_gone(two_hosts: FleetOfProcesses) -> None:
    two_hosts.processes["east"].kill()
    two_hosts.processes["west"].send_signal(signal.SIGTERM)
    assert two_hosts.processes["west"].wait(10) == 0
    two_hosts.until(lambda: two_hosts.log("scheduler").count("is lost") == 2)
    done = gilbench("run", "--fleet", two_hosts.address, *two_hosts.specs(), *PLAN)
    assert done.returncode == 2
    assert "no host of the fleet fits" in error_lines(done)[0]
    time.sleep(0.1)
