"""What is printed: no command to a CI's runner, no control of the terminal, and one line where it cannot be written."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import make_profile, make_thread
from rich.table import Table
from rich.text import Text
from studies import StudyBuilder, make_slice, make_workload, named, save

from gilbench.cli import output, run
from gilbench.render.console import PlainConsole
from gilbench.render.csv import write_csv
from gilbench.render.formats import text_of
from gilbench.render.guard import json_text, without_commands
from gilbench.render.page import Page

HARM = "\n::error title=x::y \x1b[31m##[group]##vso[task.setvariable]\u202e\x9b2J [red]:bomb: =1+1"
COMMAND = re.compile(r"(?:^|\r)\s*::|##\w*\[", re.MULTILINE)
MAIN = (sys.executable, "-m", "gilbench")


def is_harmless(text: str) -> bool:
    return not COMMAND.search(text) and all(line.isprintable() for line in text.split("\n"))


# --- commands to a CI's runner ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "::error::x",
        "  ::set-env name=PATH::x",
        "a\n\t::add-mask::x",
        "a\r::error::x",
        "\u2003::error::",
        "::: :error::",
        ":::error::x",
        "x ##[error]y",
        "##vso[task.complete]",
        "###[group]",
        "##teamcity[x]",
    ],
)
def test_a_command_is_broken(text: str) -> None:
    assert COMMAND.search(text)
    broken = without_commands(text)
    assert not COMMAND.search(broken)
    assert broken.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["x[::2]", "std::vector", "## [link](x)", "a: b", "fe80::1", "### Heading"])
def test_what_is_no_command_stays(text: str) -> None:
    assert without_commands(text) == text


@given(st.lists(st.text(":#[ \nvsoe", max_size=6)))
def test_no_command_is_put_together_from_pieces(pieces: Sequence[str]) -> None:
    written = io.StringIO()
    stream = output.Stream(written, "stdout")
    for piece in pieces:
        stream.write(piece)
    assert not COMMAND.search(written.getvalue())
    assert re.sub(r"[ ]", "", written.getvalue()) == "".join(pieces).replace(" ", "")


# --- JSON, CSV, tables -----------------------------------------------------------------------------------


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text(':#[]vso \\"\x85'))))
def test_json_says_the_same_and_is_harmless(document: dict[str, object]) -> None:
    for indent in (0, 2):
        written = json_text(document, indent=indent)
        assert json.loads(written) == document
        assert is_harmless(written)
        assert without_commands(written) == written


def test_json_has_a_place_for_names_that_are_no_text() -> None:
    name = os.fsdecode(b"\xffpython")
    profile = make_profile(make_thread(100), command=(name, "app.py"))
    assert json.loads(text_of(profile, "json"))["process"]["command"] == ["\ufffdpython", "app.py"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\uff1d1", "\x1b[2J", "a\rb"]
)
def test_no_cell_of_csv_is_a_formula_or_moves_the_cursor(text: str) -> None:
    written = io.StringIO()
    write_csv(Page("", (), (), {}, [{"name": text, "value": -1.5}]), written)
    line = written.getvalue().splitlines()[1]
    assert line.isprintable()
    assert not line.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
    assert line.endswith(",-1.5")


def test_a_table_is_text_whatever_is_in_it() -> None:
    table = Table(title=HARM)
    table.add_column(HARM)
    table.add_row(Text(HARM))
    table.add_row(HARM)
    written = io.StringIO()
    console = PlainConsole(file=written)
    console.print(table)
    console.print(HARM, Text(HARM))
    with console.status(HARM.replace("[", "(")):
        pass
    assert all(line.isprintable() for line in written.getvalue().split("\n"))
    assert "[red]:bomb:" in written.getvalue()


def test_only_rich_itself_colours() -> None:
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        patch.setenv("TERM", "xterm")
        console = PlainConsole(file=written)
        console.print(Text("\x1b[32mred", "red"))
    assert written.getvalue().count("\x1b") == 2
    assert "\ufffd[32mred" in written.getvalue()


# --- commands with hostile names -------------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A study of a workload and interpreters whose names are commands."""
    path = tmp_path / "study.jsonl"
    names = [f"3.13{HARM}", f"3.14{HARM}"]
    builder = StudyBuilder([named(name) for name in names], [make_workload(HARM)])
    for name in names:
        case = builder.case(HARM, name)
        for block in range(builder.blocks):
            builder.run(case, block, [make_slice(turn) for turn in range(4)])
    builder.host = {"cpu_model": HARM}
    builder.warnings = (HARM,)
    return save(builder.study(), path)


@pytest.mark.parametrize(
    "argv",
    [
        ["report"],
        ["report", "--format", "json"],
        ["compare"],
        ["compare", "--format", "json"],
        ["scorecard", "--study"],
        ["scorecard", "--format", "json", "--study"],
        ["scorecard", "--format", "markdown", "--study"],
    ],
)
def test_no_name_in_a_study_is_more_than_a_name(
    argv: list[str], hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*argv, str(hostile)]) == 0
    said = capsys.readouterr()
    assert "error" in said.out
    assert is_harmless(said.out)
    assert is_harmless(said.err)


@pytest.mark.parametrize("form", ["terminal", "json", "markdown"])
def test_no_name_in_a_check_is_more_than_a_name(
    form: str, hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["check", str(hostile), "--baseline", str(hostile), "--format", form])
    said = capsys.readouterr()
    assert "error" in said.out
    assert is_harmless(said.out)
    assert is_harmless(said.err)


@pytest.mark.parametrize(
    "argv", [["report"], ["compare"], ["run", "--workload"], ["profile", "--pid", "1", "-o"]]
)
def test_no_argument_in_an_error_is_more_than_an_argument(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*argv, HARM]) == 2
    assert is_harmless(capsys.readouterr().err)


# --- streams that take nothing ---------------------------------------------------------------------------


def ended(argv: Sequence[str], redirections: str, **how: object) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-c", f'exec "$@" {redirections}', "sh", *MAIN, *argv]
    return subprocess.run(shell, capture_output=True, text=True, timeout=120, check=False, **how)  # type: ignore[call-overload, no-any-return]


def commands(study: Path) -> list[list[str]]:
    shown = [["report", str(study)], ["compare", str(study)], ["scorecard", "--study", str(study)]]
    return [
        ["--version"],
        ["--help"],
        ["run", "--help"],
        ["workloads", "list"],
        ["workloads", "show", "countdown"],
        *shown,
        *([*argv, "--format", "json"] for argv in shown),
        ["check", str(study), "--baseline", str(study)],
        ["profile", "--format", "json", "--duration", "0.2", "--observe", "gil", "--pid"],
    ]


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("number", range(len(commands(Path()))))
def test_a_stdout_that_takes_nothing_is_one_line_and_2(number: int, redirection: str, hostile: Path) -> None:
    argv = commands(hostile)[number]
    if argv[-1] == "--pid":
        argv.append(str(os.getpid()))
    done = ended(argv, redirection)
    lines = [line for line in done.stderr.splitlines() if "saved with" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("gilbench: cannot write to stdout: ")
    assert done.returncode == 2


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_other_streams_are_not_needed(redirection: str, hostile: Path) -> None:
    done = ended(["report", str(hostile)], redirection)
    assert done.returncode == 0
    assert done.stdout == ended(["report", str(hostile)], "").stdout
    assert ended(["report", "/nowhere"], redirection).returncode == 2


def test_a_file_does_not_get_the_number_of_a_closed_stream(hostile: Path, tmp_path: Path) -> None:
    for redirection in (">/dev/full", "<&- >&- 2>&-"):
        path = tmp_path / f"answer-{len(redirection)}.json"
        check = ["check", str(hostile), "--baseline", str(hostile), "--json", str(path)]
        assert ended(check, redirection).returncode == 2
        assert json.loads(path.read_text())["exit_code"] == 0


def test_where_proc_is_not_mounted_that_is_said(hostile: Path) -> None:
    inside = 'mount -t tmpfs none /proc && exec "$@"'
    for argv, code in (
        (["report", str(hostile)], 0),
        (["run", "--python", sys.executable, "--dry-run"], 2),
        (["profile", "--pid", "1"], 2),
    ):
        shell = ["unshare", "--mount", "sh", "-c", inside, "sh", *MAIN, *argv]
        done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
        if "mount" in done.stderr and "gilbench" not in done.stderr:
            pytest.skip("this user may not mount")
        assert "Traceback" not in done.stderr
        assert done.returncode == code
        assert code == 0 or "mount -t proc proc /proc" in done.stderr


@pytest.mark.parametrize("argv", [["report"], ["report", "--format", "json"], ["compare"]])
def test_a_reader_that_goes_ends_it_quietly(argv: list[str], hostile: Path) -> None:
    with subprocess.Popen(
        [*MAIN, *argv, str(hostile)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as pipe:
        assert pipe.stdout is not None
        assert pipe.stderr is not None
        pipe.stdout.close()
        assert pipe.stderr.read() == b""
        assert pipe.wait(60) == 0


def test_a_log_of_another_encoding_gets_what_it_can_hold(hostile: Path) -> None:
    done = ended(["report", str(hostile)], "", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_few_files_end_in_a_line(hostile: Path) -> None:
    shell = ["sh", "-c", 'ulimit -n 8; exec "$@"', "sh", *MAIN, "report", str(hostile)]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, 2}
    assert "Traceback" not in done.stderr


def test_what_msgspec_cannot_write_is_nowhere_a_figure() -> None:
    assert msgspec.json.decode(json_text({"a": float("inf")})) == {"a": None}
