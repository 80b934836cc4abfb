"""The option --chart: a command that would draw no picture refuses it, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from studies import everything, save

from gilbench.cli import run

LINE = "gilbench: --chart needs a picture: -o chart.svg or -o chart.png\n"
COMMANDS: dict[str, list[str]] = {
    "run": ["run", "--workload", "countdown", "-o", "new.jsonl"],
    "timeit": ["timeit", "pass", "-o", "new.jsonl"],
    "scorecard": ["scorecard", "-o", "new.jsonl"],
    "check": ["check", "study.jsonl", "--baseline", "study.jsonl"],
    "limits": ["check", "study.jsonl", "--limit", "gil_wait<20%"],
    "compare": ["compare", "study.jsonl"],
    "profile": ["profile", "-o", "new.json", "--", "touch", "started"],
    "report": ["report", "study.jsonl", "-o", "report.html"],
    "history show": ["history", "show", "countdown", "--database", "none.sqlite"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(everything().study(), tmp_path / "study.jsonl")
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_chart_without_a_picture_is_refused_before_the_work(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name]
    end = words.index("--") if "--" in words else len(words)
    assert run([*words[:end], "--chart", "scaling-cpu", *words[end:]]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", LINE)
    assert [path.name for path in folder.iterdir()] == ["study.jsonl"]


def test_a_chart_that_a_file_names_is_for_the_runs_that_draw_it(folder: Path) -> None:
    (folder / "gilbench.toml").write_text('[report]\nchart = "one-thread"\n', "utf-8")
    assert run(["report", "study.jsonl", "-o", "report.md"]) == 0
    assert run(["report", "study.jsonl", "-o", "chart.svg"]) == 0
    assert "Single-thread speed" in (folder / "chart.svg").read_text("utf-8")
