"""The commands that are killed, and what must hold after a kill: a registry, one line each."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from campaigns.processes import run_really
from gilbench.model.errors import StudyError
from gilbench.store.study import read_study

_QUICK = ("--workload", "countdown", "--threads", "1,2", "--quiet", "--seed", "1")
_RESUMED = 120.0  # s
_RESUMING = frozenset({0, 4})  # exit codes; 4: some runs have failed, as those do that lose their worker
_BUSY = """
import threading, time
def count():
    end = time.monotonic() + 8
    while time.monotonic() < end:
        sum(range(1000))
threads = [threading.Thread(target=count, name=f"t{number}") for number in range(3)]
for one in threads: one.start()
for one in threads: one.join()
"""


class Killable(NamedTuple):
    """One command."""

    name: str
    words: Callable[[Path], tuple[str, ...]]  # in a folder
    seconds: float  # that it usually takes
    whole: Callable[[Path, Mapping[str, str]], Iterator[str]]  # yields what is lost after a kill
    passes_code_on: bool = False  # its exit code is that of the program that it starts


def _finished_runs(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Check that each whole line is a run, and that the study can be resumed."""
    path = folder / "study.jsonl"
    if not path.exists():
        return
    content = path.read_bytes()
    lines = content.split(b"\n")[:-1]
    if not lines:
        if content:
            yield "the study has only a part of its first line"
        return
    try:
        found = len(read_study(path).runs)
    except StudyError as error:
        yield f"the study cannot be read: {error}"
        return
    if found != len(lines) - 1:
        yield f"{len(lines) - 1} lines, {found} runs"
    answer = run_really(("run", "--resume", path, "--quiet"), folder, environment, _RESUMED)
    if answer.code not in _RESUMING or not path.read_bytes().startswith(b"\n".join(lines) + b"\n"):
        yield f"it cannot be resumed: {answer.code} {answer.err[-500:]}"


def _nothing(_: Path, __: Mapping[str, str]) -> Iterator[str]:
    yield from ()


def _once(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Check that the study is in the history once after it is added again."""
    database = folder / "history.sqlite"
    again = run_really(
        ("history", "add", folder / "sound.jsonl", "--database", database), folder, environment
    )
    if again.code != 0:
        yield f"the study cannot be added again: {again.err[-500:]}"
        return
    with closing(sqlite3.connect(database)) as connection:
        (fault,) = connection.execute("PRAGMA integrity_check").fetchone()
        (count,) = connection.execute("SELECT count(*) FROM gilbench_studies").fetchone()
        (records,) = connection.execute("SELECT count(*) FROM gilbench_records").fetchone()
    if fault != "ok" or count != 61 or not records:
        yield f"the history has {count} studies and {records} records, and its check says {fault}"


def _old_or_new(folder: Path, _: Mapping[str, str]) -> Iterator[str]:
    if (folder / "sound.jsonl").stat().st_size == 0:
        yield "the study is empty"


def _run(folder: Path) -> tuple[str, ...]:
    return ("run", "--python", sys.executable, *_QUICK, "-o", str(folder / "study.jsonl"))


def _check(folder: Path) -> tuple[str, ...]:
    ours = ("--python", sys.executable, "--against", sys.executable, "--effort", "quick")
    return ("check", *ours, *_QUICK, "-o", str(folder / "study.jsonl"))


def _profile(*options: str) -> Callable[[Path], tuple[str, ...]]:
    def words(folder: Path) -> tuple[str, ...]:
        program = folder / "busy.py"
        program.write_text(_BUSY, "utf-8")
        kept = ("-o", str(folder / "profile.json"), "--duration", "3")
        return ("profile", *options, *kept, "--", sys.executable, str(program))

    return words


def _watch(folder: Path, program: str = _BUSY) -> tuple[str, ...]:
    (folder / "busy.py").write_text(program, "utf-8")
    kept = ("--interval", "1s", "--file", str(folder / "watch.jsonl"))
    served = ("--listen", f"unix:{folder / 'watch.sock'}", "--alert", "gil_held>1%")
    return ("watch", *kept, *served, "--", sys.executable, str(folder / "busy.py"))


def _watched(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Check that a watch that is started again keeps the lines, and that its file can be read."""
    path = folder / "watch.jsonl"
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")[:-1]
    again = run_really(_watch(folder, "import time; time.sleep(2)"), folder, environment)
    if again.code != 0 or not path.read_bytes().startswith(b"\n".join(lines)):
        yield f"a watch cannot be started again: {again.code} {again.err[-500:]}"
        return
    read = run_really(("report", path), folder, environment)
    if read.code != 0:
        yield f"the file of the watch cannot be read: {read.err[-500:]}"


def _add(folder: Path) -> tuple[str, ...]:
    return ("history", "add", str(folder / "sound.jsonl"), "--database", str(folder / "history.sqlite"))


def _report(folder: Path) -> tuple[str, ...]:
    return (
        "report",
        str(folder / "sound.jsonl"),
        "-o",
        str(folder / "page.html"),
        "-o",
        str(folder / "a.md"),
    )


# A new command that must survive a kill is one more line.
KILLABLE = (
    Killable("run", _run, 6.0, _finished_runs),
    Killable("check", _check, 8.0, _finished_runs),
    Killable("profile", _profile(), 6.0, _nothing, passes_code_on=True),
    Killable("watch", _watch, 6.0, _watched, passes_code_on=True),
    Killable("history add", _add, 1.5, _once),
    Killable("report", _report, 2.0, _old_or_new),
)


def prepare(folder: Path, samples: Path) -> None:
    """Write the files that the commands read."""
    shutil.copy(samples / "small.jsonl", folder / "sound.jsonl")
    shutil.copy(samples / "history.sqlite", folder / "history.sqlite")
