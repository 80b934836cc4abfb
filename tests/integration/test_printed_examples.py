"""The examples of the guide and of the README are run as they are printed, and name options that exist."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import typer
from commands import gilbench
from printed import GUIDE, PAGES, REASONS, ROOT, examples, files

from gilbench.cli import COMMANDS
from gilbench.host.capture import capture

_DONE: set[tuple[str, ...]] = set()  # lines that need no file, which several pages print
RUN = [page for page in PAGES if any(example.reason is None for example in examples(page))]


def test_most_pages_have_examples_that_run() -> None:
    assert len(RUN) >= 8


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_each_example_runs_as_it_is_printed(page: Path, tmp_path: Path) -> None:
    for name, text in files(page).items():
        (tmp_path / name).write_text(text, "utf-8")
    for words, reason in examples(page):
        alone = "-o" not in words and not any((tmp_path / word).is_file() for word in words)
        if alone and words in _DONE:
            continue
        if reason is not None:
            assert reason.startswith(REASONS), reason
            continue
        if words[0] == "pytest":
            done = capture([sys.executable, "-m", *words], seconds=300, cwd=tmp_path)
            assert done.status == 0, (words, done.stdout)
        else:
            assert words[0] == "gilbench"
            ran = gilbench(*words[1:], cwd=tmp_path, seconds=300)
            assert ran.returncode == 0, (words, ran.stderr)
        if alone:
            _DONE.add(words)


def test_the_example_in_python_works(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (GUIDE / "results.md").read_text("utf-8"), re.DOTALL)
    done = capture([sys.executable, "-c", code], seconds=120, cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
    assert "2 threads: " in done.stdout
    assert "countdown" in (tmp_path / "countdown.md").read_text("utf-8")


def test_samples_are_what_gilbench_prints() -> None:
    """A sample may leave lines out."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        found += re.findall(r"<!-- sample: (\w+ \S+[^>]*?) -->\n```text\n(.*?)```", text, re.DOTALL)
    assert found
    for words, sample in found:
        ran = gilbench(*words.split(), cwd=ROOT, seconds=60)
        printed = iter(ran.stdout.splitlines())
        assert [line for line in sample.splitlines() if line not in printed] == []  # in this order


def known_options() -> dict[tuple[str, ...], set[str]]:
    """Options of each command and subcommand."""
    app = typer.Typer()
    app.callback()(lambda: None)
    for name in COMMANDS:
        importlib.import_module(f"gilbench.cli.{name}").register(app)
    found: dict[tuple[str, ...], set[str]] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for path, one in {(name,): command, **_below(name, command)}.items():
            found[path] = {option for parameter in one.params for option in parameter.opts}
    return found


def _below(name: str, command: object) -> dict[tuple[str, ...], object]:
    return {(name, inner): one for inner, one in getattr(command, "commands", {}).items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_all_printed_commands_have_the_options_that_they_name(page: Path) -> None:
    known = known_options()
    lines = [example.words for example in examples(page)]
    lines += [
        tuple(line.split()) for line in re.findall(r"`((?:sudo )?gilbench [^`]+)`", page.read_text("utf-8"))
    ]
    for line in lines:
        words = list(line)
        if words[0] == "sudo":
            words.pop(0)
        if words[0] != "gilbench" or words[1].startswith("-"):
            continue
        mine = words[1 : words.index("--")] if "--" in words else words[1:]
        path = tuple(mine[:2]) if tuple(mine[:2]) in known else (mine[0],)
        given = {word.partition("=")[0] for word in mine if word.startswith("--") and word != "--"}
        assert path in known, line
        assert given <= known[path], line
