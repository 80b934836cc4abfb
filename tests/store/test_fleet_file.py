from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from full_disk import room_for
from studies import everything, named

from gilbench.model.errors import StudyError
from gilbench.model.study import FleetHost, Run, Study
from gilbench.store.study import StudyWriter, read_study


@pytest.fixture(scope="module")
def study() -> Study:
    """A study of two hosts: the first has the even blocks, the second has the odd ones."""
    alone = everything().study()
    hosts = tuple(
        FleetHost(name=name, host=alone.header.host, cpus=(0, 1), interpreters=alone.header.interpreters)
        for name in ("east", "west")
    )
    runs = tuple(msgspec.structs.replace(run, host=hosts[run.block % 2].name) for run in alone.runs)
    return Study(header=alone.header, runs=runs, hosts=hosts)


def write(study: Study, path: Path) -> None:
    with StudyWriter(path, study.header) as writer:
        for host in study.hosts:
            writer.add_block([run for run in study.runs if run.host == host.name], host)


def refusal(study: Study, path: Path) -> str:
    write(study, path)
    with pytest.raises(StudyError) as raised:
        read_study(path)
    return str(raised.value)


def test_a_study_of_a_fleet_is_read_as_it_was_written(study: Study, tmp_path: Path) -> None:
    write(study, tmp_path / "study.jsonl")
    read = read_study(tmp_path / "study.jsonl")
    assert read.hosts == study.hosts
    assert sorted(read.runs, key=study.runs.index) == list(study.runs)


def test_a_file_of_the_first_schema_has_no_hosts(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    write(msgspec.structs.replace(study, hosts=()), path)
    path.write_bytes(path.read_bytes().replace(b'"schema":2', b'"schema":1', 1))
    assert read_study(path).hosts == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda host: msgspec.structs.replace(host, name="west"), "a second host"),
        (lambda host: msgspec.structs.replace(host, cpus=()), "`$.cpus` is empty"),
        (lambda host: msgspec.structs.replace(host, cpus=(1, 1)), "duplicate CPU"),
        (
            lambda host: msgspec.structs.replace(host, interpreters=host.interpreters[1:]),
            "not those of the header",
        ),
        (
            lambda host: msgspec.structs.replace(
                host, interpreters=(named(host.interpreters[0].name, "3.9.1"), *host.interpreters[1:])
            ),
            "another build",
        ),
    ],
)
def test_an_impossible_host_is_refused(
    study: Study, tmp_path: Path, change: Callable[[FleetHost], FleetHost], said: str
) -> None:
    east, west = study.hosts
    assert said in refusal(
        msgspec.structs.replace(study, hosts=(west, change(east))), tmp_path / "study.jsonl"
    )


def test_runs_of_an_unknown_host_are_refused(study: Study, tmp_path: Path) -> None:
    def lost(run: Run) -> Run:
        return msgspec.structs.replace(run, host="north")

    path = tmp_path / "study.jsonl"
    with StudyWriter(path, study.header) as writer:
        writer.add_block([lost(study.runs[0])], study.hosts[0])
    with pytest.raises(StudyError, match="not among the hosts"):
        read_study(path)


def test_a_block_that_two_hosts_share_is_refused(study: Study, tmp_path: Path) -> None:
    plan = study.header.plan
    first = study.runs[0]
    beside = next(
        run
        for run in study.runs
        if run.case != first.case
        and (run.block, run.attempt) == (first.block, first.attempt)
        and plan.cases[run.case].workload == plan.cases[first.case].workload
    )
    path = tmp_path / "study.jsonl"
    with StudyWriter(path, study.header) as writer:
        writer.add_block([first], study.hosts[0])
        writer.add_block([msgspec.structs.replace(beside, host="west")], study.hosts[1])
    with pytest.raises(StudyError, match="another host measured the same block"):
        read_study(path)


def test_a_block_that_does_not_fit_on_the_disk_leaves_no_part(study: Study, tmp_path: Path) -> None:
    first, second = study.hosts
    path = tmp_path / "study.jsonl"
    with StudyWriter(path, study.header) as writer:
        writer.add_block([run for run in study.runs if run.host == first.name], first)
        before = path.read_bytes()
        with room_for(len(before) + 300), pytest.raises(StudyError, match="cannot write"):
            writer.add_block([run for run in study.runs if run.host == second.name], second)
    assert path.read_bytes() == before
