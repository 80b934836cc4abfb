"""A fleet whose hosts are in network namespaces: one is killed, one is cut off, and one has another gilbench."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from fleets import PLAN, fleet, hosts_of_blocks, is_whole, runs_in
from namespaces import namespaces

import gilbench

CUT = 30.0  # s
PACKAGE = Path(gilbench.__file__).parent


def changed_sources(folder: Path) -> Path:
    """A copy of gilbench of another version."""
    copy = folder / "other"
    shutil.copytree(PACKAGE, copy / "gilbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PACKAGE.parent / "workloads", copy / "workloads")
    version = copy / "gilbench/version.py"
    version.write_text(version.read_text().replace(gilbench.__version__, "0.0.9"))
    return copy


def test_a_study_is_whole_though_hosts_are_killed_cut_off_or_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    hosts = ("killed", "cut", "steady", "other")
    with namespaces("center", *hosts) as net:
        address = f"tcp://{net.addresses['center']}:8786"
        with fleet(tmp_path, address, serving=["--insecure"]) as made:
            made.scheduler(net.within("center"))
            sources = {"PYTHONPATH": str(changed_sources(tmp_path))}
            for name in hosts:
                made.host(name, net.within(name), sources if name == "other" else None, joins=False)
            made.until(lambda: made.log("scheduler").count("joined") == len(hosts))
            plan = (*made.specs(), *PLAN, "--workload", "fibo")  # so that it takes longer than the cut
            client = made.client("run", *plan, "-o", str(path), within=net.within("center"))
            made.until(lambda: runs_in(path) >= 6 and sum("job_main" in line for line in made.jobs()) == 3)
            net.set_link("cut", "down")
            made.processes["killed"].kill()
            began = time.monotonic()
            made.until(lambda: "cut is lost" in made.log("client"), 15)
            assert time.monotonic() - began < CUT
            time.sleep(max(0.0, CUT - (time.monotonic() - began)))
            net.set_link("cut", "up")
            made.until(lambda: made.log("scheduler").count("cut joined") == 2, 15)
            assert client.wait(180) == 0, made.log("client")
    log = made.log("client")
    assert "other is left out: it has gilbench 0.0.9" in log
    assert "killed is lost" in log
    assert "cut takes part" in log
    assert is_whole(path, 30)  # 10 for each of the hosts that fitted at the start
    assert {*hosts_of_blocks(path).values()} <= {"killed", "cut", "steady"}
