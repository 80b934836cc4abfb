"""The history: what goes in comes out, once, in order; what is broken is said in a line or two."""

from __future__ import annotations

import csv
import json
import math
import random
import sqlite3
import subprocess
import types
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import typer
from html_pages import HtmlPage
from typer.testing import CliRunner, Result

from gilbench.cli import history as command
from gilbench.model.errors import GilbenchError, StudyError, UsageError
from gilbench.model.history import Entry, Point, Series
from gilbench.model.results import Cell
from gilbench.model.study import Build, Case, Effort, Header, Host, Interpreter, Plan, Workload
from gilbench.store import study as study_files
from gilbench.store.history import History
from gilbench.store.history_records import as_points
from gilbench.work import checkout as checkout_work
from gilbench.work import history as history_work

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "=cmd()|<script>]]>\n\x1b[31m[red]" + "x" * 10_000


def header(day: int = 0, *, reference: str = "3.13", cpu: str = "some CPU") -> Header:
    build = Build(implementation="CPython", version="3.13.5", version_info=(3, 13, 5))
    return Header(
        gilbench="0.1",
        created=(START + timedelta(days=day)).isoformat(),
        host=Host(system="Linux", kernel="6.1", machine="x86_64", cpu_model=cpu, cores=2, memory=8 << 30),
        plan=Plan(
            effort=Effort(
                name="quick", blocks=3, slices=9, slice_seconds=0.01, latency_seconds=0.1, warmup_seconds=1
            ),
            cases=(),
            seed=1,
            reference=reference,
            cpus=(0, 1),
            seconds=1.0,
        ),
        interpreters=(Interpreter(name="3.13", executable="/p", binary="/p", build=build, gil_enabled=True),),
        workloads=(),
    )


def cell(value: float, **changed: Any) -> Cell:
    """A cell; fields of its case are changed by their names, too."""
    case: dict[str, Any] = {"workload": "countdown", "interpreter": "3.14t", "threads": 4}
    case |= {name: changed.pop(name) for name in list(changed) if name in Case.__struct_fields__}
    plain = Cell(
        case=Case(**case),
        family="cpu",
        metric="relative",
        unit="x",
        better="higher",
        value=value,
        lo=value * 0.99,
        hi=value * 1.01,
        blocks=5,
    )
    return msgspec.structs.replace(plain, **changed)


def points(history: History) -> list[tuple[Series, Entry, Point]]:
    """All points of a history."""
    studies = history.studies()
    return [
        (found.series, studies[at], point)
        for found in history.figures(history.series(), studies)
        for at, point in zip(
            found.at, as_points([studies[at].id for at in found.at], found.rows), strict=True
        )
    ]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A history of 60 studies with a regression of 5 % at the 41st."""
    path = tmp_path / "history.sqlite"
    noise = random.Random(1)
    with History(path, create=True) as history:
        for day in range(60):
            value = (1.0 if day < 40 else 0.95) * math.exp(noise.gauss(0, 0.01))
            cells = [cell(value), cell(0.01, metric="latency_p99", unit="s", better="lower")]
            history.add(header(day), cells, f"{day:064}", commit=f"c{day}", branch="main")
    return path


def run(*arguments: str | Path) -> Result:
    """Call ``gilbench history``; an error of gilbench is raised, anything else fails the test."""
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    result = CliRunner().invoke(app, ["history", *map(str, arguments)], env={"COLUMNS": "80"})
    if isinstance(result.exception, GilbenchError):
        raise result.exception
    assert result.exception is None, result.output
    return result


# --- the store ------------------------------------------------------------------------------------------


def test_a_study_that_is_added_twice_changes_nothing_and_says_so(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        assert history.add(header(), [cell(1.0)], "a" * 64, commit="one")
        before = points(history)
        assert not history.add(header(), [cell(2.0), cell(1.0, threads=1)], "a" * 64, commit="two")
        assert before == points(history)
        assert len(history.series()) == 1


def test_a_figure_comes_out_as_it_went_in(tmp_path: Path) -> None:
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
    with History(tmp_path / "h.sqlite", create=True) as history:
        history.add(header(), [odd], "a" * 64, label=HOSTILE)
    with History(tmp_path / "h.sqlite") as history:
        ((series, entry, point),) = points(history)
    assert series.case == odd.case
    for field in ("metric", "unit", "better"):
        assert getattr(series, field) == getattr(odd, field), field
    assert (point.value, point.lo, point.hi, point.blocks) == (math.inf, None, None, 5)
    assert entry.label == HOSTILE
    assert entry.reference_build == "3.13 (CPython 3.13.5)"


def test_ratios_to_another_reference_or_of_another_workload_file_are_another_series(tmp_path: Path) -> None:
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
    with History(tmp_path / "h.sqlite", create=True) as history:
        for number, head in enumerate(headers):
            history.add(head, [cell(1.0), cell(5.0, metric="throughput")], f"{number:064}")
        assert len(history.series(metric="relative")) == 3
        assert len(history.series(metric="throughput")) == 2


def test_studies_are_in_the_order_of_their_commits_whenever_they_were_measured(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        history.add(header(9), [cell(1.0)], "a" * 64, commit="new")
        history.add(header(5), [cell(1.0)], "b" * 64, commit="middle")
        history.add(header(10), [cell(1.0)], "c" * 64, commit="old", committed="2026-01-02T03:00:00+02:00")
        assert [entry.commit for entry in history.studies()] == ["old", "middle", "new"]
        assert [entry.commit for _, entry, _ in points(history)] == ["old", "middle", "new"]


def test_a_value_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        history.add(header(), [cell(math.nan), cell(1.0, threads=1)], "a" * 64)
        assert [series.case.threads for series in history.series()] == [1]


def test_names_that_no_database_can_keep_are_mended(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        history.add(header(), [cell(1.0)], "a" * 64, label="nul\0", branch="half \udcff")
        (entry,) = history.studies()
    assert (entry.label, entry.branch) == ("nul\N{REPLACEMENT CHARACTER}", "half ?")


def test_a_study_with_rubbish_in_it_is_an_error_and_adds_nothing(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        with pytest.raises(StudyError, match="date"):
            history.add(msgspec.structs.replace(header(), created="yesterday"), [cell(1.0)], "a" * 64)
        with pytest.raises(StudyError, match="too large"):
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


def test_a_newer_history_is_an_error_that_says_so(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE gilbench_history SET version = 3")
    connection.close()
    with pytest.raises(StudyError, match="has version 3"):
        History(database)


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
def test_a_damaged_history_is_an_error_of_two_lines_with_the_next_step(database: Path, damage: Any) -> None:
    database.write_bytes(damage(database.read_bytes()))

    def use(*, create: bool) -> None:
        with History(database, create=create) as history:
            history.add(header(99), [cell(1.0)], "f" * 64)
            history.studies()

    for create in (False, True):
        with pytest.raises(StudyError, match="--database") as caught:
            use(create=create)
        assert len(str(caught.value).splitlines()) == 2


def test_a_history_without_its_tables_or_version_is_damaged(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE gilbench_records")
    connection.close()
    with History(database) as history, pytest.raises(StudyError, match="no such table"):
        points(history)
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM gilbench_history")
    connection.close()
    with pytest.raises(StudyError, match="its version is missing"):
        History(database)


# --- the commands ---------------------------------------------------------------------------------------


def test_detect_names_the_commits_the_size_and_how_sure(database: Path) -> None:
    found = json.loads(run("detect", "--database", database, "--format", "json").stdout)["changes"]
    assert len(found) == 1
    change = found[0]
    assert change["likely"] in {"c39", "c40", "c41"}
    assert int(change["last_good"][1:]) < int(change["likely"][1:]) <= int(change["first_changed"][1:])
    assert change["lo"] < 0.95 < change["hi"]
    assert change["p"] < 0.001
    assert (change["verdict"], change["notes"]) == ("regressed", [])
    text = run("detect", "--database", database).stdout
    assert change["last_good"] in text
    assert "regressed: -" in text
    assert "1 change in 1 series" in text


def test_detect_says_what_else_changed_with_the_figure(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        for day in range(40):
            moved = day >= 20
            head = header(day, cpu="other CPU" if moved else "some CPU")
            history.add(head, [cell(2.0 if moved else 1.0)], f"{day:064}", commit="same")
    (change,) = json.loads(run("detect", "--database", tmp_path / "h.sqlite", "--format", "json").stdout)[
        "changes"
    ]
    assert change["verdict"] == "improved"
    assert change["notes"] == ["the same commit on both sides", "another host"]


def one_interpreter(path: Path, *metrics: str) -> Path:
    """A history in which nothing is relative to a reference, with a step at the 21st study."""
    with History(path, create=True) as history:
        for day in range(40):
            cells = [cell(2.0 if day >= 20 else 1.0, metric=metric, unit="1/s") for metric in metrics]
            history.add(header(day), cells, f"{day:064}", commit=f"c{day}")
    return path


@pytest.mark.parametrize(
    ("metrics", "taken"),
    [
        (("throughput", "latency_p50"), "throughput"),
        (("memory_peak", "latency_p50"), "latency_p50"),
        (("of the future",), "of the future"),
    ],
)
def test_without_a_reference_the_default_is_the_first_metric_that_is_there(
    metrics: tuple[str, ...], taken: str, tmp_path: Path
) -> None:
    path = one_interpreter(tmp_path / "h.sqlite", *metrics)
    for arguments in (["detect"], ["show", "countdown"]):
        text = run(*arguments, "--database", path).stdout
        assert "no result is relative to a reference" in text
        assert f"so these are of {taken}" in text
        told = json.loads(run(*arguments, "--database", path, "--format", "json").stdout)
        (one,) = told["changes" if "changes" in told else "series"]
        assert one["metric"] == told["fallback"] == taken
    (change,) = json.loads(run("detect", "--database", path, "--format", "json").stdout)["changes"]
    assert change["likely"] == "c20"


def test_where_a_result_is_relative_the_default_is_relative_and_nothing_is_said(database: Path) -> None:
    for arguments in (["detect"], ["show", "countdown"], ["detect", "--metric", "latency_p99"]):
        assert "reference, so" not in run(*arguments, "--database", database).stdout
        told = json.loads(run(*arguments, "--database", database, "--format", "json").stdout)
        assert told["fallback"] is None
    with pytest.raises(UsageError, match="Use latency_p99, relative"):
        run("detect", "--metric", "throughput", "--database", database)


def test_detect_leaves_out_what_has_no_logarithm(tmp_path: Path) -> None:
    with History(tmp_path / "h.sqlite", create=True) as history:
        for day, value in enumerate([1.0, 0.0, math.inf, -1.0] * 10):
            history.add(header(day), [cell(value)], f"{day:064}")
    assert "0 changes" in run("detect", "--database", tmp_path / "h.sqlite").stdout


def test_one_branch_is_looked_at_alone(database: Path) -> None:
    with History(database, create=True) as history:
        history.add(header(70), [cell(3.0)], "e" * 64, commit="topic", branch="other")
    listed = json.loads(run("list", "--branch", "other", "--database", database, "--format", "json").stdout)
    assert [study["commit"] for study in listed["studies"]] == ["topic"]
    assert "topic" not in run("show", "countdown", "--branch", "main", "--database", database).stdout
    assert "topic" in run("show", "countdown", "--database", database).stdout


def test_show_plots_and_lists_the_last_studies_within_80_columns(database: Path) -> None:
    text = run("show", "countdown", "--database", database, "--last", "10").stdout
    assert text.count("●") == 10 + 1  # and the legend
    assert "c59" in text
    assert "c49" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    shown_points = json.loads(
        run("show", "countdown", "--database", database, "--last", "3", "--format", "json").stdout
    )["series"][0]["points"]
    assert [point["commit"] for point in shown_points] == ["c57", "c58", "c59"]


def test_show_draws_the_change_that_detect_finds(database: Path, tmp_path: Path) -> None:
    page = tmp_path / "trend.html"
    done = run("show", "countdown", "--last", "100", "--database", database, "-o", page)
    assert done.exit_code == 0
    found = HtmlPage(page.read_text("utf-8"))
    words = "".join(found.all("main")[0].text)
    assert "Vertical rules: lasting changes" in words
    assert words.count("regressed -") == 1


def test_show_of_what_is_not_there_names_what_is(database: Path) -> None:
    with pytest.raises(UsageError, match="Use countdown"):
        run("show", "nothing", "--database", database)
    with pytest.raises(UsageError, match="Use latency_p99, relative"):
        run("show", "countdown", "--metric", "speed", "--database", database)


def test_list_is_short_in_a_terminal_and_whole_for_programs(database: Path) -> None:
    text = run("list", "--database", database).stdout
    assert "c59" in text
    assert "c29" not in text
    assert "30 older studies" in text
    whole = json.loads(run("list", "--database", database, "--format", "json").stdout)["studies"]
    assert len(whole) == 60
    assert {"digest", "created", "commit", "branch", "label", "host", "reference_build"} == set(whole[0])


def test_export_writes_each_figure_once_as_csv_and_as_json(database: Path, tmp_path: Path) -> None:
    run("export", "--database", database, "-o", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    points = json.loads(run("export", "--database", database, "--format", "json").stdout)["points"]
    assert len(rows) == len(points) == 120
    assert set(rows[0]) == set(points[0])
    assert [float(row["value"]) for row in rows] == [point["value"] for point in points]
    with pytest.raises(UsageError, match="cannot write"):
        run("export", "--database", database, "-o", tmp_path / "no" / "such" / "folder")


def test_an_export_without_a_history_keeps_the_file(tmp_path: Path) -> None:
    kept = tmp_path / "out.csv"
    kept.write_text("earlier")
    with pytest.raises(UsageError):
        run("export", "--database", tmp_path / "absent.sqlite", "-o", kept)
    assert kept.read_text() == "earlier"


def test_hostile_names_do_no_harm_in_any_output(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with History(path, create=True) as history:
        for day in range(20):
            odd = cell(
                1.0 if day < 10 else 2.0,
                workload=HOSTILE,
                interpreter=HOSTILE,
                parameters=((HOSTILE, HOSTILE),),
                observers=(HOSTILE,),
            )
            history.add(
                header(day, reference=HOSTILE),
                [odd],
                f"{day:064}",
                commit=HOSTILE + str(day),
                branch=HOSTILE,
                label=HOSTILE,
            )
    for arguments in (["list"], ["show", HOSTILE], ["detect"]):
        text = run(*arguments, "--database", path).stdout
        assert "\x1b" not in text
        assert len(text) < 10_000
        json.loads(run(*arguments, "--database", path, "--format", "json").stdout)
    rows = list(csv.reader(run("export", "--database", path).stdout.splitlines(keepends=True)))
    assert len(rows) == 21
    assert not any(field.startswith(("=", "+", "@")) for row in rows for field in row)
    with pytest.raises(UsageError) as caught:
        run("show", HOSTILE, "--metric", "other", "--database", path)
    with pytest.raises(UsageError) as missing:
        run("show", "x" + HOSTILE, "--database", path)
    for message in (str(caught.value), str(missing.value)):
        assert "\x1b" not in message
        assert len(message) < 1000


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file, read for real; its figures are given."""
    path = tmp_path / "study.jsonl"
    with study_files.StudyWriter(path, header()):
        pass
    report = types.SimpleNamespace(cells=(cell(1.0),))
    monkeypatch.setattr(history_work, "build_report", lambda _: report)
    return path


def test_add_takes_the_commit_from_the_checkout(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"show": "0123abcd 2025-01-01T00:00:00+00:00", "symbolic-ref": "topic"}
    monkeypatch.setattr(checkout_work, "_git", lambda verb, *_: said[verb])
    database = tmp_path / "new" / "h.sqlite"
    assert "commit 0123abcd of topic" in run("add", study, "--database", database).stdout
    assert "nothing changed" in run("add", study, "--database", database).stdout
    with History(database) as history:
        (entry,) = history.studies()
    assert (entry.commit, entry.branch) == ("0123abcd", "topic")
    assert entry.moment == datetime(2025, 1, 1, tzinfo=UTC).timestamp()


def test_add_runs_nothing_that_the_repository_names(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, checkout = tmp_path / "trap", tmp_path / "checkout"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/run\n")
    trap.chmod(0o755)

    def git(*words: str, given: str = "") -> str:
        command = ["git", "-C", str(checkout), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.strip()

    checkout.mkdir()
    git("init", "-q", "-b", "topic")
    tree = git("mktree")
    signed = f"tree {tree}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n"
    signed += "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n"
    commit = git("hash-object", "-t", "commit", "-w", "--stdin", given=signed)
    git("update-ref", "HEAD", commit)
    for name in (
        "gpg.program",
        "core.fsmonitor",
        "core.pager",
        "pager.show",
        "core.sshCommand",
        "diff.external",
    ):
        git("config", name, str(trap))
    for name, value in {
        "log.showSignature": "true",
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": "ssh://nowhere/x",
        "remote.origin.promisor": "true",
        "protocol.allow": "always",
        "protocol.ssh.allow": "always",
    }.items():
        git("config", name, value)
    monkeypatch.chdir(checkout)
    database = tmp_path / "h.sqlite"
    assert f"commit {commit[:12]} of topic" in run("add", study, "--database", database).stdout
    run("add", study, "--commit", "1" * 40, "--database", tmp_path / "other.sqlite")  # would be fetched
    assert not (tmp_path / "run").exists()


def test_add_outside_of_a_checkout_leaves_the_commit_empty_or_as_given(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout_work, "_git", lambda *_: None)
    assert "no commit" in run("add", study, "--database", tmp_path / "a.sqlite").stdout
    run("add", study, "--commit", "v1.2", "--label", "nightly", "--database", tmp_path / "b.sqlite")
    with History(tmp_path / "b.sqlite") as history:
        (entry,) = history.studies()
    assert (entry.commit, entry.branch, entry.label) == ("v1.2", None, "nightly")


def test_add_of_a_study_that_cannot_be_read_makes_no_history(tmp_path: Path, study: Path) -> None:
    study.write_text("{}\n")
    with pytest.raises(StudyError):
        run("add", study, "--database", tmp_path / "h.sqlite")
    assert not (tmp_path / "h.sqlite").exists()
