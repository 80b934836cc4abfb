"""A fleet of real processes on the loopback interface."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import error_lines, gilbench
from fleets import PLAN, FleetOfProcesses, fleet, free_port, hosts_of_blocks, is_whole, runs_in
from interpreters_fixture import absent

from gilbench.cli import run
from gilbench.store.study import read_study


@pytest.fixture
def two_hosts(tmp_path: Path) -> Iterator[FleetOfProcesses]:
    with fleet(tmp_path, f"tcp://127.0.0.1:{free_port()}") as made:
        made.scheduler()
        for name in ("east", "west"):
            made.host(name, joins=False)
        made.until(lambda: all("serves" in made.log(name) for name in ("east", "west")))
        yield made


def begin(made: FleetOfProcesses, path: Path) -> None:
    """Start a study, and return in the middle of it."""
    made.client("run", *made.specs(), *PLAN, "-o", str(path))
    made.until(lambda: runs_in(path) >= 4)
    made.until(lambda: bool(made.jobs()))


def begin_again(made: FleetOfProcesses, path: Path) -> None:
    """Resume a study, and return when there are more runs and jobs."""
    before = runs_in(path)
    made.client("run", "--resume", str(path), *made.specs())
    made.until(lambda: runs_in(path) > before)
    made.until(lambda: bool(made.jobs()))


def nothing_is_measured(made: FleetOfProcesses) -> bool:
    made.until(lambda: not made.jobs(), 10)
    made.until(lambda: all(made.is_free(name) for name in ("east", "west")), 5)
    return True


def test_a_check_measures_both_sides_on_each_host_and_the_fleet_shows_its_hosts(
    two_hosts: FleetOfProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    _, against, _, python = two_hosts.specs()
    own = tmp_path / "counting.py"
    own.write_text(
        '"""Counts a little."""\nWORKLOAD = {"driver": "parallel", "family": "cpu", "unit": "counts"}\n'
        "def operation(local):\n    return sum(range(300))\n"
    )
    sides = ("--python", python, "--against", against, "--effort", "quick")
    plan = ("--workload", str(own), "--threads", "1", "--fleet", two_hosts.address)
    done = gilbench("check", *sides, *plan, "-o", str(path), "--format", "json")
    assert done.returncode in {0, 1}, done.stderr
    assert json.loads(done.stdout)["kind"] == "check"
    assert is_whole(path, 20)  # 10 of a quick study for each host
    kinds = Counter((block % 2, host) for (block, _), host in hosts_of_blocks(path).items())
    assert kinds == {(kind, host): 5 for kind in (0, 1) for host in ("east", "west")}
    study = read_study(path)
    assert {host.name for host in study.hosts} == {"east", "west"}
    assert all(len(host.interpreters) == 2 for host in study.hosts)
    assert study.header.workloads[0].path == str(own)
    assert not list(Path(tempfile.gettempdir()).glob("gilbench-scratch-*/counting.py"))
    status = json.loads(gilbench("fleet", "status", two_hosts.address, "--format", "json").stdout)
    assert {host["name"]: host["blocks"] for host in status["hosts"]} == {"east": 10, "west": 10}
    assert all(host["fits"] and not host["doing"] for host in status["hosts"])
    again = gilbench("check", *sides, *plan, "-o", str(path))
    assert again.returncode == 2
    assert "exists" in error_lines(again)[0]
    assert len(read_study(path).runs) == 40


def test_a_study_survives_an_interrupt_and_the_kills_of_its_client_its_scheduler_and_a_host(
    two_hosts: FleetOfProcesses, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    begin(two_hosts, path)
    client = two_hosts.processes["client"]
    client.send_signal(signal.SIGINT)
    assert client.wait(20) == 130
    assert f"--resume {path}" in two_hosts.log("client").replace("\n", " ")
    assert nothing_is_measured(two_hosts)

    begin_again(two_hosts, path)
    two_hosts.processes["client"].kill()
    assert nothing_is_measured(two_hosts)

    begin_again(two_hosts, path)
    two_hosts.processes["scheduler"].kill()
    assert two_hosts.processes["client"].wait(20) == 2
    log = two_hosts.log("client")
    assert "the scheduler closed the connection" in log
    assert "resume: gilbench run --fleet" in log
    assert "Traceback" not in log
    assert nothing_is_measured(two_hosts)

    two_hosts.scheduler()
    two_hosts.until(lambda: two_hosts.log("scheduler").count("joined") == 2)
    begin_again(two_hosts, path)
    two_hosts.processes["east"].kill()
    two_hosts.host("north")  # a late one
    assert two_hosts.processes["client"].wait(120) == 0, two_hosts.log("client")
    assert is_whole(path, 20)
    assert {*hosts_of_blocks(path).values()} <= {"east", "west", "north"}
    assert "north takes part" in two_hosts.log("client")


def test_a_name_belongs_to_one_host_and_hosts_that_leave_while_nothing_runs_are_gone(
    two_hosts: FleetOfProcesses,
) -> None:
    two_hosts.processes["first"] = two_hosts.processes.pop("east")
    two_hosts.host("east", joins=False)
    assert two_hosts.processes["east"].wait(30) == 2
    assert "the fleet has a host 'east' already" in two_hosts.log("east")
    two_hosts.processes["first"].kill()
    two_hosts.processes["west"].send_signal(signal.SIGTERM)
    assert two_hosts.processes["west"].wait(10) == 0
    two_hosts.until(lambda: two_hosts.log("scheduler").count("is lost") == 2)
    done = gilbench("run", "--fleet", two_hosts.address, *two_hosts.specs(), *PLAN)
    assert done.returncode == 2
    assert "no host of the fleet fits" in error_lines(done)[0]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--fleet", "http://127.0.0.1:1"), "is not the address of a fleet"),
        (("--fleet", "tcp://127.0.0.1:99999"), "is not the address of a fleet"),
        (("--fleet", "tcp://127.0.0.1:1"), "no scheduler of a fleet at tcp://127.0.0.1:1: "),
        (("--fleet", "tls://127.0.0.1:1"), "needs --tls-ca, --tls-cert, and --tls-key"),
        (("--fleet", "tls://127.0.0.1:1", "--tls-ca", "ca.pem"), "TLS needs all of"),
        (("--fleet", "tcp://127.0.0.1:1", "--hosts", "cores>"), "expected a value after cores>"),
        (("--fleet", "tcp://127.0.0.1:1", "--budget", "5m"), "a fleet does not measure --budget"),
        (("--fleet", "tcp://127.0.0.1:1", "--python", "./python3"), "is relative"),
        (("--hosts", "cores>=8"), "need --fleet"),
    ],
)
def test_what_cannot_work_is_refused_in_one_or_two_lines(
    options: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", *options]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert len(said.splitlines()) <= 2


def openssl(*words: str, folder: Path) -> None:
    if shutil.which("openssl") is None:
        absent("certificates need openssl")
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder: Path) -> tuple[str, ...]:
    """An authority, and the options of a machine with its certificate, made as the guide says."""
    folder.mkdir()
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj")
    openssl("req", "-x509", *new, "/CN=fleet", "-keyout", "ca.key", "-out", "ca.pem", folder=folder)
    openssl("req", *new, "/CN=east", "-keyout", "east.key", "-out", "east.csr", folder=folder)
    signed = ("x509", "-req", "-in", "east.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(*signed, "-out", "east.pem", folder=folder)
    named = {"--tls-ca": "ca.pem", "--tls-cert": "east.pem", "--tls-key": "east.key"}
    return tuple(word for option, name in named.items() for word in (option, str(folder / name)))


def test_only_certificates_of_the_authority_open_a_fleet_with_tls(tmp_path: Path) -> None:
    ours, theirs = certificates(tmp_path / "ours"), certificates(tmp_path / "theirs")
    port = free_port()
    with fleet(tmp_path, f"tls://127.0.0.1:{port}", ours) as made:
        made.scheduler()
        made.host("east")
        done = gilbench("fleet", "status", made.address, *ours, "--format", "json")
        assert [host["name"] for host in json.loads(done.stdout)["hosts"]] == ["east"]
        for options in (
            (made.address, *theirs),
            (made.address, *theirs[:2], *ours[2:]),
            (f"tcp://127.0.0.1:{port}",),
        ):
            refused = gilbench("fleet", "status", *options)
            assert refused.returncode == 2
            assert "no scheduler of a fleet at" in error_lines(refused)[0]
        half = gilbench("fleet", "status", made.address, *ours[:4], "--tls-key", theirs[5])
        assert half.returncode == 2
        assert "cannot use the TLS files" in error_lines(half)[0]


@pytest.mark.parametrize("words", [("tcp://0.0.0.0:0",), ("--join", "tcp://203.0.113.7:8786")])
def test_other_machines_need_tls(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "serve", *words]) == 2
    assert "whoever reaches" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [("run", "--fleet", "tcp://127.0.0.1:1"), ("fleet", "serve"), ("fleet", "status", "tcp://127.0.0.1:1")],
    ids=" ".join,
)
def test_without_the_extra_one_line_says_how_to_install_it(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert run([*words]) == 2
    assert capsys.readouterr().err == "gilbench: a fleet needs distributed: pip install 'gilbench[fleet]'\n"
