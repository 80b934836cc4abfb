"""The history: what goes in comes out, once, in order; what is broken is said in a line or two."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from histories import HOSTILE, cell, change, fill, header, points

from gilbench.model.errors import StudyError, UsageError
from gilbench.model.study import Workload
from gilbench.store.history import History

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(place: str) -> str:
    """A filled history."""
    fill(place)
    return place


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A filled history of SQLite."""
    path = tmp_path / "file.sqlite"
    fill(path)
    return path


def test_a_study_that_is_added_twice_changes_nothing_and_says_so(place: str) -> None:
    with History(place, create=True) as history:
        assert history.add(header(), [cell(1.0)], "a" * 64, commit="one")
        before = points(history)
        assert not history.add(header(), [cell(2.0), cell(1.0, threads=1)], "a" * 64, commit="two")
        assert before == points(history)
        assert len(history.series()) == 1


def test_a_figure_comes_out_as_it_went_in(place: str) -> None:
    odd = cell(
        math.inf,
        workload=HOSTILE,
        parameters=(("kind", "a;b"), ("size", 3)),
        gil=False,
        switch_interval=0.001,
        cpus=1,
        observers=("stacks",),
        metric="latency_max",
        lo=None,
        hi=None,
    )
    with History(place, create=True) as history:
        history.add(header(), [odd], "a" * 64, label=HOSTILE)
    with History(place) as history:
        ((series, entry, point),) = points(history)
    assert series.case == odd.case
    for field in ("metric", "unit", "better"):
        assert getattr(series, field) == getattr(odd, field), field
    assert (point.value, point.lo, point.hi, point.blocks) == (math.inf, None, None, 5)
    assert entry.label == HOSTILE
    assert entry.reference_build == "3.13 (CPython 3.13.5)"


def test_ratios_to_another_reference_or_of_another_workload_file_are_another_series(place: str) -> None:
    workload = Workload(
        name="countdown",
        family="cpu",
        path="p",
        digest="d1",
        summary="",
        driver="parallel",
        unit="countdowns",
    )
    edited = msgspec.structs.replace(workload, digest="d2")
    headers = [
        msgspec.structs.replace(header(1), workloads=(workload,)),
        msgspec.structs.replace(header(2), workloads=(edited,)),
        msgspec.structs.replace(header(3, reference="3.12"), workloads=(edited,)),
    ]
    with History(place, create=True) as history:
        for number, head in enumerate(headers):
            history.add(head, [cell(1.0), cell(5.0, metric="throughput")], f"{number:064}")
        assert len(history.series(metric="relative")) == 3
        assert len(history.series(metric="throughput")) == 2


def test_studies_are_in_the_order_of_their_commits_whenever_they_were_measured(place: str) -> None:
    with History(place, create=True) as history:
        history.add(header(9), [cell(1.0)], "a" * 64, commit="new")
        history.add(header(5), [cell(1.0)], "b" * 64, commit="middle")
        history.add(header(10), [cell(1.0)], "c" * 64, commit="old", committed="2026-01-02T03:00:00+02:00")
        assert [entry.commit for entry in history.studies()] == ["old", "middle", "new"]
        assert [entry.commit for _, entry, _ in points(history)] == ["old", "middle", "new"]


def test_a_value_that_is_no_number_is_left_out(place: str) -> None:
    with History(place, create=True) as history:
        history.add(header(), [cell(math.nan), cell(1.0, threads=1)], "a" * 64)
        assert [series.case.threads for series in history.series()] == [1]


def test_names_that_no_database_can_keep_are_mended(place: str) -> None:
    with History(place, create=True) as history:
        history.add(header(), [cell(1.0)], "a" * 64, label="nul\0", branch="half \udcff")
        (entry,) = history.studies()
    assert (entry.label, entry.branch) == ("nul\N{REPLACEMENT CHARACTER}", "half ?")


def test_a_study_with_rubbish_in_it_is_an_error_and_adds_nothing(place: str) -> None:
    with History(place, create=True) as history:
        with pytest.raises(StudyError, match="date"):
            history.add(msgspec.structs.replace(header(), created="yesterday"), [cell(1.0)], "a" * 64)
        with pytest.raises(StudyError, match=r"too large|out of range"):
            history.add(header(), [cell(1.0, threads=10**30)], "a" * 64)
        assert history.studies() == []


def test_reading_a_history_that_is_not_there_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="history add"):
        History(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(UsageError, match="history add"):
        History(tmp_path / "empty.sqlite")


@pytest.mark.parametrize(
    "url", ["nosuch://x/y", "://", "postgresql+nosuch://u:secret@h/d", "sqlite://host:x/y"]
)
def test_a_url_that_cannot_be_served_is_a_usage_error_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        History(url)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_newer_history_is_an_error_that_says_so(database: str) -> None:
    change(database, "UPDATE gilbench_history SET version = 3")
    for create in (False, True):
        with pytest.raises(StudyError, match="has version 3") as caught:
            History(database, create=create)
        assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"not a database at all" * 100,
        lambda content: content[: len(content) // 2],
        lambda content: content[:100] + b"\xff" * (len(content) - 100),
        lambda content: content[:4096] + b"\xff" * (len(content) - 4096),
        lambda content: content.replace(b"TABLE gilbench_series", b"TABLE gilb\xffnch_series"),
    ],
    ids=["text", "torn", "only a head", "only a first page", "a name that is no text"],
)
def test_a_damaged_history_is_an_error_of_two_lines_with_the_next_step(file: Path, damage: Any) -> None:
    file.write_bytes(damage(file.read_bytes()))

    def use(*, create: bool) -> None:
        with History(file, create=create) as history:
            history.add(header(99), [cell(1.0)], "f" * 64)
            history.studies()

    for create in (False, True):
        with pytest.raises(StudyError, match="--database") as caught:
            use(create=create)
        assert len(str(caught.value).splitlines()) == 2


def test_a_history_without_its_tables_or_version_is_damaged(database: str) -> None:
    change(database, "DROP TABLE gilbench_records")
    with pytest.raises(StudyError, match=r"no such table|does not exist"), History(database) as history:
        points(history)
    change(database, "DELETE FROM gilbench_history")
    with pytest.raises(StudyError, match="its version is missing"):
        History(database)
