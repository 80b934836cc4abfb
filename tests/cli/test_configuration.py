"""Options of a file: where they are found, what overrides them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gilbench.cli import run

REFERENCE = Path(__file__).parents[2] / "reports/reference"
STUDY = str(REFERENCE / "quick.jsonl")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(folder: Path, text: str, name: str = "pyproject.toml") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def in_force(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, tuple[Any, str | None]]:
    """Run ``gilbench config``: value and key by command and option."""
    assert run(["config", *argv, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["settings"]
    return {f"{row['command']} {row['option']}": (row["value"], row["key"]) for row in rows}


def refusal(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert run([*argv]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 2
    return lines[0]


def test_the_table_of_a_command_overrides_that_of_its_group_and_that_of_all(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(
        home,
        """
        [tool.gilbench]
        metric = "throughput"
        threshold = 5
        [tool.gilbench.check]
        threshold = 3.5
        [tool.gilbench.history]
        database = "h.db"
        metric = "speedup"
        [tool.gilbench.history.show]
        metric = "relative"
        """,
    )
    shown = in_force(capsys)
    assert shown["compare threshold"] == (5, "tool.gilbench.threshold")
    assert shown["check threshold"] == (3.5, "tool.gilbench.check.threshold")
    assert shown["check metric"] == (["throughput"], "tool.gilbench.metric")
    assert shown["history detect metric"] == ("speedup", "tool.gilbench.history.metric")
    assert shown["history show metric"] == ("relative", "tool.gilbench.history.show.metric")
    assert "check database" not in shown
    everything = in_force(capsys, "check")
    assert everything["check fdr"] == (5.0, None)
    assert everything["check threshold"] == shown["check threshold"]


def test_a_command_obeys_the_file_and_the_command_line_overrides_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, '[tool.gilbench]\nthreshold = 7\nformat = "json"\n')
    assert run(["compare", STUDY]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.07
    assert run(["compare", STUDY, "--threshold", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.03
    assert run(["--no-config", "compare", STUDY, "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.02


def test_the_nearest_file_in_the_repository_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, "[tool.gilbench]\nfdr = 1\n")
    configure(home / "a", "[tool.other]\n")
    configure(home / "a/b", "fdr = 2\n", "gilbench.toml")
    configure(home / "a/b", "[tool.gilbench]\nfdr = 3\n")
    (home / ".git").mkdir()
    monkeypatch.chdir(home / "a")
    assert in_force(capsys)["compare fdr"] == (1, "tool.gilbench.fdr")
    monkeypatch.chdir(home / "a/b")
    assert in_force(capsys)["compare fdr"] == (2, "fdr")
    (home / ".git").rmdir()
    monkeypatch.chdir(home / "a")
    assert in_force(capsys) == {}


def test_a_common_key_holds_for_the_commands_that_take_such_a_value(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, '[tool.gilbench]\npython = ["3.13", "./mine/python"]\nthreads = [1, 2]\n')
    shown = in_force(capsys)
    both = ["3.13", str(home / "mine/python")]
    assert shown["run python"] == shown["scorecard python"] == (both, "tool.gilbench.python")
    assert shown["run threads"] == ("1,2", "tool.gilbench.threads")
    assert not {"check python", "selftest python", "history show threads"} & shown.keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('pyhton = "3"', "tool.gilbench.pyhton is unknown; did you mean python?"),
        ("switch_interval = 1", "tool.gilbench.switch_interval is unknown; did you mean switch-interval?"),
        ('threshold = "much"', "tool.gilbench.threshold must be a number"),
        ("threshold = 500", "tool.gilbench.threshold is invalid"),
        ("strict = 1", "tool.gilbench.strict must be true or false"),
        ("python = [true]", "tool.gilbench.python must be a string"),
        ('format = "paper"', "tool.gilbench.format is invalid: unknown format 'paper'"),
        ("resume = 1", "tool.gilbench.resume must be a string"),
        ("run = 1", "tool.gilbench.run is a command; write the table [tool.gilbench.run]"),
        ("[tool.gilbench.chek]\nfdr = 1", "tool.gilbench.chek is unknown; did you mean check?"),
        ("[tool.gilbench.check]\nduration = 1", "tool.gilbench.check.duration is unknown"),
        ("[tool.gilbench.run]\ntrust-file = true", "trust-file is only accepted on the command line"),
        ("profile = 'quick'", "tool.gilbench.profile is a command"),
    ],
)
def test_a_key_or_value_that_makes_no_sense_is_refused_by_every_command(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    configure(home, f"[tool.gilbench]\n{text}\n")
    line = refusal(capsys, "compare", STUDY)
    assert line.startswith(f"gilbench: {home}/pyproject.toml: ")
    assert said in line
    assert run(["--no-config", "config"]) == 0


NUL = [
    '[tool.gilbench]\ninterpreters = ["\\u0000"]',
    '[tool.gilbench.check]\nknown-bad = "a\\u0000b"',
    '[tool.gilbench]\n"\\u0000" = 1',
]


@pytest.mark.parametrize("text", ["[tool.gilbench", "[tool]\ngilbench = 1\n", *NUL])
def test_a_file_that_cannot_be_read_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    configure(home, text)
    assert f"{home}/pyproject.toml" in refusal(capsys, "compare", STUDY)


def test_tables_of_other_tools_may_contain_anything(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(home, '[tool.other]\nend = "\\u0000"\n[tool.gilbench]\nthreshold = 5\n')
    assert in_force(capsys)["check threshold"] == (5, "tool.gilbench.threshold")


def test_a_wrong_value_that_only_the_command_notices_is_traced_to_the_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, '[tool.gilbench]\neffort = "fast"\n')
    line = refusal(capsys, "run", "--python", "3", "--workload", "countdown", "--dry-run")
    assert "unknown effort 'fast'" in line
    assert line.endswith(f"it is tool.gilbench.effort in {home}/pyproject.toml")


def test_options_that_another_user_could_have_written_are_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(home, '[tool.gilbench]\npython = ["./trap"]\n')
    trap = home / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {home}/started\n")
    trap.chmod(0o755)
    (home / "pyproject.toml").chmod(0o666)
    line = refusal(capsys, "run", "--workload", "countdown", "--dry-run")
    assert line == (
        f"gilbench: {home}/pyproject.toml is not used: other users may write to {home}/pyproject.toml"
    )
    assert not (home / "started").exists()
    assert run(["--no-config", "config"]) == 0
    assert "No file sets options" in capsys.readouterr().out


def test_options_of_the_file_leave_room_for_another_way_to_use_a_command(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is measured now, and limits of profiles, do not disturb a check of two saved studies."""
    configure(
        home,
        """
        [tool.gilbench]
        threads = "1,2"
        workload = ["countdown"]
        effort = "quick"
        [tool.gilbench.compare]
        allow-unpaired = true
        [tool.gilbench.check]
        limit = ["gil_wait<20%"]
        python = "3"
        against = "3"
        branch = "main"
        """,
    )
    assert run(["check", STUDY, "--baseline", STUDY, "-f", "json"]) in {0, 1}
    assert json.loads(capsys.readouterr().out)["kind"] == "check"
    assert run(["compare", STUDY]) == 0
    capsys.readouterr()
    line = refusal(capsys, "check", STUDY, "--baseline", STUDY, "--threads", "1")
    assert "check does not remeasure STUDY" in line
    line = refusal(capsys, "run", "--resume", str(home / "gone.jsonl"))
    assert "gone.jsonl" in line


@pytest.mark.usefixtures("home")
def test_an_unknown_command_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown command 'chek'; did you mean check?" in refusal(capsys, "config", "chek")
