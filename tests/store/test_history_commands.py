"""The commands of the history: what they find, list, and export; what is broken is said in a line or two."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import typer
from histories import HOSTILE, cell, fill, header
from html_pages import HtmlPage
from typer.testing import CliRunner, Result

from gilbench.cli import history as command
from gilbench.model.errors import GilbenchError, StudyError, UsageError
from gilbench.store import study as study_files
from gilbench.store.history import History
from gilbench.work import checkout as checkout_work
from gilbench.work import history as history_work

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def database(place: str) -> str:
    """A filled history."""
    fill(place)
    return place


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


def test_detect_names_the_commits_the_size_and_how_sure(database: str) -> None:
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


def test_detect_says_what_else_changed_with_the_figure(place: str) -> None:
    with History(place, create=True) as history:
        for day in range(40):
            moved = day >= 20
            head = header(day, cpu="other CPU" if moved else "some CPU")
            history.add(head, [cell(2.0 if moved else 1.0)], f"{day:064}", commit="same")
    (change,) = json.loads(run("detect", "--database", place, "--format", "json").stdout)["changes"]
    assert change["verdict"] == "improved"
    assert change["notes"] == ["the same commit on both sides", "another host"]


def one_interpreter(place: str, *metrics: str) -> None:
    """A history in which nothing is relative to a reference, with a step at the 21st study."""
    with History(place, create=True) as history:
        for day in range(40):
            cells = [cell(2.0 if day >= 20 else 1.0, metric=metric) for metric in metrics]
            history.add(header(day), cells, f"{day:064}", commit=f"c{day}")


@pytest.mark.parametrize(
    ("metrics", "taken"),
    [
        (("throughput", "latency_p50"), "throughput"),
        (("memory_peak", "latency_p50"), "latency_p50"),
        (("of the future",), "of the future"),
    ],
)
def test_without_a_reference_the_default_is_the_first_metric_that_is_there(
    metrics: tuple[str, ...], taken: str, place: str
) -> None:
    one_interpreter(place, *metrics)
    for arguments in (["detect"], ["show", "countdown"]):
        text = run(*arguments, "--database", place).stdout
        assert "no result is relative to a reference" in text
        assert f"so these are of {taken}" in text
        told = json.loads(run(*arguments, "--database", place, "--format", "json").stdout)
        (one,) = told["changes" if "changes" in told else "series"]
        assert one["metric"] == told["fallback"] == taken
    (change,) = json.loads(run("detect", "--database", place, "--format", "json").stdout)["changes"]
    assert change["likely"] == "c20"


def test_where_a_result_is_relative_the_default_is_relative_and_nothing_is_said(database: str) -> None:
    for arguments in (["detect"], ["show", "countdown"], ["detect", "--metric", "latency_p99"]):
        assert "reference, so" not in run(*arguments, "--database", database).stdout
        told = json.loads(run(*arguments, "--database", database, "--format", "json").stdout)
        assert told["fallback"] is None
    with pytest.raises(UsageError, match="Use latency_p99, relative"):
        run("detect", "--metric", "throughput", "--database", database)


def test_detect_leaves_out_what_has_no_logarithm(place: str) -> None:
    with History(place, create=True) as history:
        for day, value in enumerate([1.0, 0.0, math.inf, -1.0] * 10):
            history.add(header(day), [cell(value)], f"{day:064}")
    assert "0 changes" in run("detect", "--database", place).stdout


def test_one_branch_is_looked_at_alone(database: str) -> None:
    with History(database, create=True) as history:
        history.add(header(70), [cell(3.0)], "e" * 64, commit="topic", branch="other")
    listed = json.loads(run("list", "--branch", "other", "--database", database, "--format", "json").stdout)
    assert [study["commit"] for study in listed["studies"]] == ["topic"]
    assert "topic" not in run("show", "countdown", "--branch", "main", "--database", database).stdout
    assert "topic" in run("show", "countdown", "--database", database).stdout


def test_show_plots_and_lists_the_last_studies_within_80_columns(database: str) -> None:
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


def test_show_draws_the_change_that_detect_finds(database: str, tmp_path: Path) -> None:
    page = tmp_path / "trend.html"
    done = run("show", "countdown", "--last", "100", "--database", database, "-o", page)
    assert done.exit_code == 0
    found = HtmlPage(page.read_text("utf-8"))
    words = "".join(found.all("main")[0].text)
    assert "Vertical rules: lasting changes" in words
    assert words.count("regressed -") == 1


def test_show_of_what_is_not_there_names_what_is(database: str) -> None:
    with pytest.raises(UsageError, match="Use countdown"):
        run("show", "nothing", "--database", database)
    with pytest.raises(UsageError, match="Use latency_p99, relative"):
        run("show", "countdown", "--metric", "speed", "--database", database)


def test_list_is_short_in_a_terminal_and_whole_for_programs(database: str) -> None:
    text = run("list", "--database", database).stdout
    assert "c59" in text
    assert "c29" not in text
    assert "30 older studies" in text
    whole = json.loads(run("list", "--database", database, "--format", "json").stdout)["studies"]
    assert len(whole) == 60
    assert {"digest", "created", "commit", "branch", "label", "host", "reference_build"} == set(whole[0])


def test_export_writes_each_figure_once_as_csv_and_as_json(database: str, tmp_path: Path) -> None:
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


def test_hostile_names_do_no_harm_in_any_output(place: str) -> None:
    with History(place, create=True) as history:
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
        text = run(*arguments, "--database", place).stdout
        assert "\x1b" not in text
        assert len(text) < 10_000
        json.loads(run(*arguments, "--database", place, "--format", "json").stdout)
    rows = list(csv.reader(run("export", "--database", place).stdout.splitlines(keepends=True)))
    assert len(rows) == 21
    assert not any(field.startswith(("=", "+", "@")) for row in rows for field in row)
    with pytest.raises(UsageError) as caught:
        run("show", HOSTILE, "--metric", "other", "--database", place)
    with pytest.raises(UsageError) as missing:
        run("show", "x" + HOSTILE, "--database", place)
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
