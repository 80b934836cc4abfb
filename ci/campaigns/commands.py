"""Part ``commands``: command lines that hypothesis makes of the real commands and their options."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from typer.main import get_command

from campaigns.artefacts import fresh_place
from campaigns.caller import Caller, warm
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.processes import environment_in
from campaigns.samples import make_samples
from gilbench.cli import COMMANDS

# Commands that measure, build, or serve if their words are right get a last word that is wrong, or only show the plan.
_MEASURING = {
    ("run",): ("--dry-run",),
    ("timeit",): ("--no-such-option",),
    ("releases",): ("--no-such-option",),
    ("check",): ("--baseline", "missing.jsonl"),
    ("profile",): ("--no-such-option",),
    ("scorecard",): ("--study", "missing.jsonl"),
    ("selftest",): ("--no-such-option",),
    ("fleet", "serve"): ("--no-such-option",),
    ("system",): ("--no-such-option",),
    ("pythons", "build"): ("--no-such-option",),
    ("pythons", "install"): ("--no-such-option",),
    ("pythons", "list"): ("--no-such-option",),
    ("workloads", "test"): ("--no-such-option",),
}
_NUMBERS = ("0", "-1", "1", "2", "1e999", "nan", "-inf", "9" * 400, "0x10", "1.5", "\uff11", "5m", "")
_TEXTS = (
    "",
    " ",
    "*",
    "-",
    "--",
    "a=b",
    "=",
    "1=2,3",
    "\x1b[31m",
    "é\udcff",
    "\u202e",
    "x" * 5000,
    "{python}",
    "@x",
)
_FORMS = ("terminal", "json", "csv", "html", "markdown", "svg", "png", "junit", "smoke")
_SECONDS = 20.0


class Command(NamedTuple):
    """One command of the command line, with its options."""

    path: tuple[str, ...]
    options: tuple[tuple[str, bool], ...]  # name; whether it takes a value


def commands() -> Iterator[Command]:
    """Walk the real commands."""
    app = typer.Typer()
    for name in COMMANDS:
        importlib.import_module(f"gilbench.cli.{name}").register(app)
    yield from _walk(get_command(app), ())


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[Command]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _walk(inner, (*path, name))
    if path:
        options = tuple(
            (name, not getattr(one, "is_flag", False))
            for one in command.params
            for name in one.opts
            if name.startswith("-")
        )
        yield Command(path, options)


def try_commands(part: Part, folder: Path, count: int) -> None:
    """Try ``count`` command lines."""
    warm()
    make_samples(folder / "samples")
    known = list(commands())
    place = fresh_place(folder)
    paths = _paths(folder, place.folder)
    set_hypothesis_home_dir(folder / "hypothesis")
    before = _outside(folder)
    with Caller(environment_in(folder)) as caller:

        @seed(part.seed)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(_lines(known, paths))
        def tried(words: tuple[str, ...]) -> None:
            part.count(words[0] if words and words[0] in COMMANDS else "other words", 1)
            answer = caller.call(words, place.folder, _SECONDS)
            part.peak = max(part.peak, answer.peak)
            part.add(judged(answer, ()))

        tried()
    if new := _outside(folder) - before:
        part.add([Harm("left over", "files outside of the scratch folder", str(sorted(new)))])


def _lines(known: Sequence[Command], paths: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    values = st.one_of(*(st.sampled_from(words) for words in (_NUMBERS, _TEXTS, _FORMS, paths)), text)

    @st.composite
    def line(draw: st.DrawFn) -> tuple[str, ...]:
        command = draw(st.sampled_from(known))
        words: list[list[str]] = [[value] for value in draw(st.lists(values, max_size=2))]
        options = st.sampled_from((*command.options, ("--help", False)))
        for name, has_value in draw(st.lists(options, max_size=5)):
            words.append([name, draw(values)] if has_value and draw(st.integers(0, 9)) else [name])
        ordered = draw(st.permutations(words))
        flat = [word.replace("\0", "") for group in ordered for word in group]
        return (*command.path, *_MEASURING.get(command.path, ()), *flat)

    return line()


def _paths(folder: Path, work: Path) -> list[str]:
    """Make one of each kind of path; none of them blocks for ever or is outside of the folder."""
    samples = folder / "samples"
    closed = work / "closed"
    closed.mkdir(mode=0)
    (work / "loop").symlink_to(work / "loop")
    (work / "link").symlink_to(samples / "small.jsonl")
    return [
        *(str(path) for path in sorted(samples.iterdir())),
        *("missing", "missing/file.json", ".", "..", "/dev/null", "/dev/full", "/proc/self/mem", "x" * 300),
        *(
            str(work / name)
            for name in ("closed", "loop", "link", "new.html", "new.json", "new.csv", "new.sqlite")
        ),
        f"sqlite:///{work}/other.sqlite",
        "postgresql://nobody:secret@127.0.0.1:1/none",
    ]


def _outside(folder: Path) -> set[str]:
    """List what commands could have written by mistake."""
    here = Path.cwd()
    return {entry for entry in os.listdir(here) if here != folder}  # noqa: PTH208 - names are enough
