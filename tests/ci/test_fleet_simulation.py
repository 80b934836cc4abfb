"""A simulated fleet with failures fills a study by the code of a real one."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.store.study import read_study

CI = Path(__file__).parents[2] / "ci"
HOSTS, BLOCKS = 100, 2000


@pytest.fixture
def fleet_study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CI))
    return importlib.import_module("fleet_study")


def test_a_fleet_whose_hosts_fail_finishes_each_block_once(fleet_study: ModuleType, tmp_path: Path) -> None:
    template = StudyBuilder([named("3.13"), named("3.14")], [make_workload()])
    template.work("countdown", "3.13", 1000.0)
    template.work("countdown", "3.14", 1200.0)
    fleet = fleet_study.World(
        hosts=HOSTS, life=60.0, connection=60.0, away=10.0, fails=0.01, twice=0.02, commit=0.2
    )
    path = tmp_path / "study.jsonl"
    tally = fleet_study.merge(template.study(), BLOCKS, path, fleet=fleet)
    assert min(tally.lost, tally.late, tally.dropped, tally.failed) > 10  # so all of that has happened
    study = read_study(path)
    runs = {(run.block, run.case): run for run in study.runs}
    assert len(runs) == len(study.runs) == 2 * BLOCKS
    assert {(group.block, host) for group, host in tally.finished} == {
        (run.block, run.host) for run in study.runs
    }
    assert {host.name for host in study.hosts} == {run.host for run in study.runs}
    row = next(row for row in compare_interpreters(study) if row.metric == "throughput")
    assert row.ratio == pytest.approx(1.2, rel=0.01)
    fleet_study.check_whole(path, BLOCKS)


def test_a_missing_and_a_second_run_are_noticed(fleet_study: ModuleType, tmp_path: Path) -> None:
    template = StudyBuilder([named("3.13")], [make_workload()])
    template.work("countdown", "3.13", 1000.0)
    path = tmp_path / "study.jsonl"
    fleet_study.merge(template.study(), 4, path, fleet=fleet_study.World(hosts=1))
    *rest, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rest))
    with pytest.raises(ValueError, match="3 runs instead of 4"):
        fleet_study.check_whole(path, 4)
    path.write_bytes(b"".join([*rest, last, last]))
    with pytest.raises(ValueError, match="a second run"):
        fleet_study.check_whole(path, 4)
