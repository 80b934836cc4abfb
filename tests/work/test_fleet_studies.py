"""What is done with a saved study of a fleet: no use case counts a host twice."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from host_studies import EPYC, XEON, as_fleet, countdowns, on_host, save_fleet, two_kinds

from gilbench.model.errors import UsageError
from gilbench.model.profile_results import ProfileComparison
from gilbench.model.results import Comparisons, Report
from gilbench.model.study import Study
from gilbench.work.check import check_history, check_study
from gilbench.work.compare import Limits, compare
from gilbench.work.export import export_pyperf
from gilbench.work.history import SeriesRequest, add_study, list_studies, read_trends
from gilbench.work.read import read_result
from gilbench.work.scorecard import read_card


def similar(change: float, created: str, **facts: object) -> Study:
    hosts = {
        name: on_host(countdowns(1.1 * change * (1 + 0.01 * seed), seed=seed), **(facts or EPYC))
        for seed, name in enumerate(("east", "north", "west"))
    }
    study = as_fleet(hosts)
    return msgspec.structs.replace(study, header=msgspec.structs.replace(study.header, created=created))


def test_a_comparison_has_rows_over_hosts_and_by_host(tmp_path: Path) -> None:
    found = compare(save_fleet(two_kinds(), tmp_path / "fleet.jsonl"))
    assert isinstance(found, Comparisons)
    assert not isinstance(found, ProfileComparison)
    assert {row.host for row in found.rows} == {None}
    assert found.hosts is not None
    assert {row.host for row in found.hosts.rows} == {"east", "north", "west", "south", "attic"}
    assert found.hosts.findings


def test_the_study_of_a_fleet_of_one_is_an_ordinary_one(tmp_path: Path) -> None:
    path = save_fleet(as_fleet({"east": on_host(countdowns(1.1), **EPYC)}), tmp_path / "one.jsonl")
    found, report = compare(path), read_result(path)
    assert isinstance(found, Comparisons)
    assert isinstance(report, Report)
    assert found.hosts is None
    assert report.header.host.cpu_model == EPYC["cpu_model"]
    assert export_pyperf(path, tmp_path / "one.json")


def test_a_check_of_fleets_is_host_by_host(tmp_path: Path) -> None:
    before = save_fleet(similar(1.0, "2026-01-01T00:00:00+00:00"), tmp_path / "before.jsonl")
    now = save_fleet(similar(0.9, "2026-01-02T00:00:00+00:00"), tmp_path / "now.jsonl")
    gate = check_study(now, before, Limits()).check.gate
    assert gate.verdict == "regressed"
    assert {row.hosts for row in gate.regressed} == {3}


def test_a_history_compares_fleets_of_the_same_kinds_only(tmp_path: Path) -> None:
    database = str(tmp_path / "history.sqlite")
    for day in range(1, 6):
        change = 1 + 0.001 * (day % 3)
        study = similar(change, f"2026-01-0{day}T00:00:00+00:00")
        add_study(save_fleet(study, tmp_path / f"{day}.jsonl"), database=database)
    assert all(
        entry.host.startswith("fleet of 3: 3 of AMD EPYC")
        for entry in list_studies(database=database).entries
    )
    trends = read_trends(SeriesRequest(metric="relative", threads=1, database=database))
    ((_, points),) = [one for one in trends.series if one[0].case.interpreter == "3.13t"]
    assert len(points) == 5  # one of each study, not one of each host
    slower = save_fleet(similar(0.8, "2026-02-01T00:00:00+00:00"), tmp_path / "slower.jsonl")
    assert check_history(slower, database, None, Limits()).check.gate.verdict == "regressed"
    other = save_fleet(similar(0.8, "2026-02-02T00:00:00+00:00", **XEON), tmp_path / "other.jsonl")
    assert check_history(other, database, None, Limits()).check.gate.verdict == "no baseline"


def test_what_is_of_one_host_refuses_a_fleet(tmp_path: Path) -> None:
    path = save_fleet(two_kinds(), tmp_path / "fleet.jsonl")
    with pytest.raises(UsageError, match="is of 5 hosts, but a file of pyperf is of one"):
        export_pyperf(path)
    with pytest.raises(UsageError, match="is of 5 hosts, but a scorecard is of one"):
        read_card(path)
