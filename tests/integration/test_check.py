"""``gilbench check`` as a CI calls it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import msgspec
import pytest
from checks import HOSTILE
from commands import gilbench
from junitparser import JUnitXml
from studies import StudyBuilder, make_workload, named, save

from gilbench.analyse.stats.layout import LAYOUT_SD
from gilbench.cli import run
from gilbench.cli.check_ways import HISTORY
from gilbench.interpreters import select
from gilbench.model.study import Study
from gilbench.store.study import read_study

NOISE = (1.002, 1.009, 0.992, 1.001)


def study(
    rate: float = 800.0, *, workload: str = "countdown", host: float = 1.0, cpu_model: str = "Some CPU"
) -> Study:
    builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], [make_workload(workload)])
    builder.host = {"cpu_model": cpu_model}
    builder.work(workload, "3.13", 1000.0 * host)
    builder.work(workload, "3.13t", rate * host, noise=NOISE)
    return builder.study()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save(study(), tmp_path / "base.jsonl")


def check(*arguments: object) -> int:
    return run(["check", *map(str, arguments)])


# --- measured now ---------------------------------------------------------------------------------------


def test_an_interpreter_is_no_worse_than_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved, answer = tmp_path / "study.jsonl", tmp_path / "answer.json"
    code = check(
        *("--python", sys.executable, "--against", sys.executable, "--workload", "countdown"),
        *(
            "--threads",
            "1",
            "--profile",
            "quick",
            "-o",
            saved,
            "--json",
            answer,
            "--junit",
            tmp_path / "a.xml",
        ),
        *("--threshold", "5", "--quiet"),
    )
    said = json.loads(answer.read_text())
    assert code == said["exit_code"] == 0, capsys.readouterr().out
    assert said["verdict"] in {"pass", "inconclusive"}
    (row,) = said["comparisons"]
    assert row["paired"]
    assert row["interpreter"] != row["reference"]
    header = read_study(saved).header
    assert [one.name for one in header.interpreters] == [row["reference"], row["interpreter"]]
    assert header.plan.reference == row["reference"]
    assert len(JUnitXml.fromfile(str(tmp_path / "a.xml"))) == 1


@pytest.mark.parametrize(("options", "included"), [((), True), (("--layout", 0), False)])
def test_another_binary_of_the_same_kind_may_differ_by_its_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[object, ...], included: bool
) -> None:
    one = select([sys.executable]).interpreters[0]
    other = tmp_path / "python-rebuilt"
    other.write_bytes(Path(one.binary).read_bytes() + b"\0")  # a program may be followed by anything
    other.chmod(0o755)
    code = check(
        *("--python", other, "--against", one.executable, "--workload", "countdown", "--threads", "1"),
        *("--effort", "quick", "-o", tmp_path / "study.jsonl", "--format", "json", "--quiet", *options),
    )
    said = json.loads(capsys.readouterr().out)
    assert code == said["exit_code"]
    told = [caveat["next"] for caveat in said["caveats"] if caveat["kind"] == "layout"]
    assert len(told) == included
    assert all("--count instructions" in step for step in told)
    (row,) = said["comparisons"]
    if included:
        assert math.log(row["hi"] / row["lo"]) > 4 * LAYOUT_SD


def test_layout_is_of_what_is_measured_now(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(base, "--baseline", base, "--layout", 1) == 2
    assert "does not remeasure" in capsys.readouterr().err


# --- judged by an earlier study -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "code", "verdict"), [(800.0, 0, "pass"), (700.0, 1, "regressed"), (900.0, 0, "pass")]
)
def test_the_exit_code_is_the_verdict(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], rate: float, code: int, verdict: str
) -> None:
    now = save(study(rate, host=0.8), tmp_path / "now.jsonl")
    assert check(now, "--baseline", base, "--format", "json") == code
    assert json.loads(capsys.readouterr().out)["verdict"] == verdict


def test_inconclusive_fails_only_a_strict_check(tmp_path: Path, base: Path) -> None:
    now = save(study(785.0), tmp_path / "now.jsonl")
    assert check(now, "--baseline", base) == 0
    assert check(now, "--baseline", base, "--strict") == 3


def test_a_failed_run_is_told(tmp_path: Path, base: Path) -> None:
    builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], [make_workload()])
    builder.work("countdown", "3.13", 1000.0)
    builder.work("countdown", "3.13t", 800.0, noise=NOISE)
    builder.fail(builder.case("countdown", "3.13t", 4))
    assert check(save(builder.study(), tmp_path / "now.jsonl"), "--baseline", base) == 4


def test_what_is_known_to_be_bad_does_not_fail(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.toml"
    known.write_text('[[known]]\nworkload = "count*"\nreason = "issue 17"\n')
    now = save(study(700.0), tmp_path / "now.jsonl")
    assert check(now, "--baseline", base, "--known-bad", known) == 0
    assert "issue 17" in capsys.readouterr().out
    assert check(base, "--baseline", base, "--known-bad", known) == 0
    assert "Fixed" in capsys.readouterr().out


def test_github_gets_annotations_and_a_summary(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    now = save(study(700.0), tmp_path / "now.jsonl")
    assert check(now, "--baseline", base, "--format", "github") == 1
    assert "::error title=gilbench%3A Regressed::countdown on 3.13t" in capsys.readouterr().out
    assert summary.read_text().startswith("before\n# ")


def test_hostile_names_do_no_harm_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = save(study(workload=HOSTILE), tmp_path / "before.jsonl")
    now = save(study(700.0, workload=HOSTILE), tmp_path / "now.jsonl")
    files = {name: tmp_path / f"answer.{name}" for name in ("markdown", "junit", "json")}
    options = [part for name, path in files.items() for part in (f"--{name}", path)]
    for form in ("terminal", "json", "markdown", "github"):
        assert check(now, "--baseline", before, "--format", form, *options) == 1
        out = capsys.readouterr().out
        assert not {"\x1b", "\x00", "\r"} & set(out)
    assert json.loads(files["json"].read_text())["comparisons"][0]["workload"] == HOSTILE
    assert len(JUnitXml.fromfile(str(files["junit"]))) == 1


# --- judged by the history ------------------------------------------------------------------------------


def test_the_history_is_a_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = tmp_path / "history.sqlite"
    for number in range(12):
        rate = 800.0 * (1 + 0.004 * (number % 4 - 1.5))
        made = msgspec.structs.replace(study(rate).header, created=f"2026-01-{number + 1:02}T00:00:00+00:00")
        path = save(msgspec.structs.replace(study(rate), header=made), tmp_path / f"{number}.jsonl")
        assert run(["history", "add", str(path), "--branch", "main", "--database", str(database)]) == 0
    for rate, code in ((800.0, 0), (700.0, 1)):
        now = save(study(rate, host=0.5), tmp_path / f"now{rate}.jsonl")
        given = (now, "--baseline", HISTORY, "--database", database, "--branch", "main", "--format", "json")
        capsys.readouterr()
        assert check(*given) == code
        (row,) = json.loads(capsys.readouterr().out)["comparisons"]
        assert (row["metric"], row["reference"]) == ("relative", "history")


@pytest.mark.parametrize("history", ["absent", "empty", "other branch", "other cpu", "itself"])
def test_a_history_without_a_comparable_study_is_no_baseline_yet(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], history: str
) -> None:
    database, branch = tmp_path / "history.sqlite", "side" if history == "other branch" else "main"
    if history == "empty":
        database.touch()
    elif history != "absent":
        other = study(host=2.0, cpu_model="Other CPU" if history == "other cpu" else "Some CPU")
        path = base if history == "itself" else save(other, tmp_path / "other.jsonl")
        assert run(["history", "add", str(path), "--branch", branch, "--database", str(database)]) == 0
    given = (base, "--baseline", HISTORY, "--database", database, "--branch", "main")
    saved = tmp_path / "answer.json"
    capsys.readouterr()
    assert check(*given, "-o", saved) == 0
    out = capsys.readouterr().out
    assert "no baseline yet" in " ".join(out.split())
    remedy = f"gilbench history add STUDY --branch main --database {database}"
    assert remedy.replace(" ", "") in "".join(out.split())  # a long path is wrapped, too
    assert check(*given, "--strict") == 3
    assert json.loads(saved.read_text())["verdict"] == "no baseline"
    capsys.readouterr()
    assert run(["report", str(saved)]) == 0
    assert "no baseline yet" in capsys.readouterr().out


def test_a_password_of_the_history_is_not_told(
    base: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/absent.sqlite?user=secret"
    assert check(base, "--baseline", HISTORY, "--database", url) == 0
    assert "secret" not in capsys.readouterr().out


def test_unpaired_rows_fail_a_check_only_if_the_risk_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = []
    for rate in (1000.0, 10.0):
        builder = StudyBuilder([named("3.13")], [make_workload()])
        builder.work("countdown", "3.13", rate, noise=NOISE)
        paths.append(save(builder.study(), tmp_path / f"{rate}.jsonl"))
    before, now = paths
    assert check(now, "--baseline", before, "--threshold", "0") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "inconclusive, unpaired" in said
    assert "gilbench check --python NEW --against OLD" in said
    assert check(now, "--baseline", before, "--strict") == 3
    assert check(now, "--baseline", before, "--allow-unpaired", "--format", "json") == 1
    capsys.readouterr()
    assert run(["compare", str(before), str(now), "--strict"]) == 3
    assert "* Unpaired" in capsys.readouterr().out
    assert run(["compare", str(before), str(now), "--strict", "--allow-unpaired"]) == 0
    assert "regressed" in capsys.readouterr().out


# --- wrong use ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["BASE"],
        ["--baseline", "BASE"],
        ["--python", "3"],
        ["--against", "3"],
        ["BASE", "--baseline", "BASE", "--python", "3"],
        ["BASE", "--baseline", "BASE", "--threads", "1"],
        ["BASE", "--python", "3", "--against", "3"],
        ["BASE", "--baseline", "absent.jsonl"],
        ["BASE", "--baseline", "BASE", "--database", "a"],
        ["BASE", "--baseline", "BASE", "--metric", "cpu_utilisation"],
        ["BASE", "--baseline", "BASE", "--metric", "nonsense"],
        ["BASE", "--baseline", "BASE", "--known-bad", "absent.toml"],
        ["BASE", "--baseline", "BASE", "--junit", "/proc/nowhere/a.xml"],
        ["BASE", "--baseline", "history", "--allow-unpaired"],
        ["--python", "3", "--against", "3", "--allow-unpaired"],
        ["BASE", "--baseline", "BASE", "--format", "xml"],
        ["--python", "all", "--against", sys.executable, "--workload", "countdown"],
        ["--python", "/nowhere/python", "--against", sys.executable],
    ],
)
def test_wrong_use_is_two_clear_lines(
    base: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert check(*(str(base) if part == "BASE" else part for part in arguments)) == 2
    said = capsys.readouterr().err
    assert 1 <= len(said.splitlines()) <= 3
    assert "Traceback" not in said


def test_a_file_of_results_is_no_command(tmp_path: Path) -> None:
    study = tmp_path / "study.jsonl"
    study.write_text("{}", "utf-8")
    done = gilbench("check", str(study), "--python", "3.13", "--against", "3.12")
    assert done.returncode == 2
    assert "is not measured again" in done.stderr
