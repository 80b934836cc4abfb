"""Folders of results for asv, published by asv itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from studies import StudyBuilder, make_workload, named, save

from gilbench.cli import run

RATES = {"one": 1000.0, "two": 1500.0}


def git(*words: str) -> str:
    person = ("-c", "user.name=A", "-c", "user.email=a@b")
    done = subprocess.run(["git", *person, *words], check=True, timeout=30, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of asv about two commits of a project; the second study has one more interpreter."""
    folder = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    os.chdir(folder)
    try:
        git("init", "-q", "-b", "main")
        for number, (name, rate) in enumerate(RATES.items()):
            git("commit", "-q", "--allow-empty", "-m", name, "--date", f"2026-01-0{number + 1}T00:00:00Z")
            interpreters = ["3.13", "3.13t"][: number + 1]
            builder = StudyBuilder([named(one) for one in interpreters], [make_workload()])
            for interpreter in interpreters:
                builder.work("countdown", interpreter, rate, noise=[1.0] * 4)
                builder.work("countdown", interpreter, 2 * rate, threads=2, noise=[1.0] * 4)
            study = save(builder.study(), folder / f"{name}.jsonl")
            assert run(["export", str(study), "--format", "asv"]) == 0
        configuration = {"version": 1, "project": "p", "repo": ".", "branches": ["main"], "html_dir": "html"}
        Path("asv.conf.json").write_text(json.dumps(configuration))
        done = subprocess.run(
            [sys.executable, "-m", "asv", "publish", "--no-pull"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        os.chdir(before)
    return folder


def index(project: Path) -> Any:
    return json.loads((project / "html" / "index.json").read_text())


def test_asv_knows_the_benchmarks_the_machine_and_both_commits(published: Path) -> None:
    about = index(published)
    benchmark = about["benchmarks"]["countdown.throughput"]
    assert (benchmark["unit"], benchmark["param_names"]) == ("1/s", ["interpreter", "threads"])
    assert benchmark["params"] == [["'3.13'", "'3.13t'"], ["1", "2"]]
    assert set(about["machines"]) == {"gilbench"}
    assert about["machines"]["gilbench"]["cpu"] == "Some CPU"
    assert len(about["revision_to_hash"]) == 2


def test_the_graph_has_the_values_of_both_studies(published: Path) -> None:
    (graph,) = (published / "html" / "graphs").rglob("arch-*/**/countdown.throughput.json")
    points = json.loads(graph.read_text())
    # Four combinations of parameters; the first commit has no free-threaded interpreter.
    assert [values for _, values in points] == [
        [pytest.approx(1000.0, rel=0.2), pytest.approx(2000.0, rel=0.2), None, None],
        [pytest.approx(rate, rel=0.2) for rate in (1500.0, 3000.0, 1500.0, 3000.0)],
    ]


def test_benchmarks_of_asv_itself_stay_in_the_list(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published)
    results = tmp_path / "results"
    results.mkdir()
    own = {"name": "time_it", "params": [], "param_names": [], "type": "time", "unit": "seconds"}
    (results / "benchmarks.json").write_text(json.dumps({"version": 2, "time_it": own}))
    assert run(["export", "one.jsonl", "--format", "asv", "-o", str(results), "--machine", "ci"]) == 0
    listed = json.loads((results / "benchmarks.json").read_text())
    assert listed["time_it"] == own
    assert "countdown.speedup" in listed
    (path,) = (results / "ci").glob("*-gilbench.json")
    assert json.loads(path.read_text())["commit_hash"] == git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--commit", "1.0"), "the measured commit is unknown"),
        (("--machine", "../elsewhere"), "--machine: '../elsewhere' is not a name"),
        (("-o", "damaged"), "benchmarks.json in the output folder is damaged"),
        (("-o", "old"), "benchmarks.json in the output folder is not of version 2"),
        (("-o", "one.jsonl"), "cannot write one.jsonl"),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_line(
    arguments: tuple[str, ...],
    said: str,
    published: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(published)
    for name, text in (("damaged", "{"), ("old", '{"version": 1}')):
        Path(name).mkdir(exist_ok=True)
        Path(name, "benchmarks.json").write_text(text)
    assert run(["export", "one.jsonl", "--format", "asv", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_outside_of_a_checkout_the_commit_is_given(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = str(published / "one.jsonl")
    assert run(["export", study, "--format", "asv"]) == 2
    assert run(["export", study, "--format", "asv", "--commit", "ab" * 20]) == 0
    assert (tmp_path / "results" / "gilbench" / "abababab-gilbench.json").exists()


def test_the_options_of_asv_are_for_asv(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(published / "one.jsonl"), "--machine", "ci"]) == 2
    assert "--commit and --machine need --format asv" in capsys.readouterr().err
