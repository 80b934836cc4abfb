"""The README: its two commands are those of CI, it is short, and its picture is what gilbench shows."""

from __future__ import annotations

import io
import re

from printed import README, ROOT
from rich.console import Console

from gilbench.analyse.study.report import build_report
from gilbench.render.formats import page_of
from gilbench.render.screen import screen_of
from gilbench.render.terminal import show
from gilbench.store.study import read_study

TEXT = README.read_text("utf-8")


def test_the_two_set_up_commands_are_the_ones_that_ci_calls() -> None:
    commands = re.findall(r"^python3 -m venv .+$", TEXT, re.MULTILINE)
    assert len(commands) == 2
    called = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if ".venv &&" in line]
    assert called == commands


def test_it_is_short_and_links_to_what_is_there() -> None:
    assert len(TEXT.splitlines()) <= 200
    linked = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", TEXT)]
    assert not [target for target in linked if "://" not in target and not (ROOT / target).exists()]


def test_the_picture_is_the_last_screen_of_the_study_that_it_names() -> None:
    ((study, picture),) = re.findall(r"<!-- sample: (\S+) -->\n```text\n(.*?)```", TEXT, re.DOTALL)
    page = page_of(build_report(read_study(ROOT / study)))
    console = Console(file=io.StringIO(), width=80, highlight=False)
    show(screen_of(page, console, "gilbench report FILE"), console)
    assert isinstance(console.file, io.StringIO)
    assert picture == console.file.getvalue()
