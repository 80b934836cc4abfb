"""Judges what a command did with a hostile input."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

from campaigns.caller import Answer
from campaigns.harm import Harm
from campaigns.mutations import MARK

CODES = frozenset({0, 1, 2, 3, 4, 130})  # the documented ones, without the bug's own
LARGEST = 1 << 20  # KiB of resident memory
_LINES = 3  # of an error; a command of several files has one for each
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ACTIVE = (f"<script>alert({MARK})", f"<img src=x onerror=alert({MARK})", f"<svg/onload=alert({MARK})")
_COMMANDS = re.compile(rf"^\s*::\w+ file={MARK}|##vso\[", re.MULTILINE)
_JSON = frozenset(
    {"json", "bencher", "asv", "gitlab", "speedscope", "github-benchmark-bigger", "github-benchmark-smaller"}
)


def judged(answer: Answer, files: tuple[Path, ...]) -> Iterator[Harm]:
    """Yield the harm of one command."""

    def harm(kind: str, detail: str) -> Harm:
        return Harm(kind, " ".join(answer.command)[:300], detail, answer.command, files)

    if answer.code is None:
        yield harm("hang", answer.err[-2000:])
        return
    if answer.code == 70 or "Traceback (most recent call last)" in answer.err:
        yield harm("traceback", answer.err[-8000:])
        return
    if answer.code not in CODES:
        yield harm("unclear", f"exit code {answer.code}\n{answer.err[-2000:]}")
    if answer.peak > LARGEST or "out of memory" in answer.err:
        yield harm("memory", f"{answer.peak // 1024} MiB\n{answer.err[-2000:]}")
    told = [line for line in answer.err.splitlines() if line.startswith("gilbench:")]
    helped = "Usage:" in answer.text  # a command without arguments shows its help
    if (
        answer.code == 2
        and not helped
        and (
            not told
            or len(answer.err.strip().splitlines()) > _LINES * max(1, len(told))
            or len(answer.err) > 2000
        )
    ):
        yield harm("unclear", f"the error is not one to {_LINES} short lines:\n{answer.err[:3000]}")
    for text in (answer.err, answer.text):
        if found := _CONTROL.search(text):
            yield harm("escaped", f"{found[0]!r} in {text[max(0, found.start() - 80) : found.end() + 80]!r}")
    for problem in faults(answer.text, form_of(answer.command)) if answer.code != 2 else ():
        yield harm("escaped", problem)


def form_of(command: tuple[str, ...]) -> str:
    """Return the format that a command prints."""
    if command[:1] == ("export",) or {"--help", "-h"} & {*command}:
        return "terminal"  # what it writes is a file, or its help
    for option in ("-f", "--format"):
        if option in command[:-1]:
            return command[command.index(option) + 1]
    return "terminal"


def faults(text: str, form: str) -> Iterator[str]:
    """Yield what is wrong with a text in a format."""
    if form in {"html", "svg", "junit", "markdown"}:
        for word in _ACTIVE:
            if word in text and not _in_code(text, word, form):
                at = text.index(word)
                yield f"{word} in {text[max(0, at - 100) : at + 100]!r}"
    if form in _JSON:
        try:
            json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            if text.strip():
                yield f"not JSON: {error}"
    if form == "csv":
        for row in csv.reader(io.StringIO(text)):
            yield from (f"the cell {cell[:80]!r}" for cell in row if cell.lstrip().startswith(("=", "@")))
    if form != "github" and (found := _COMMANDS.search(text)):
        yield f"a command to a CI runner: {found[0]!r}"


def _in_code(text: str, word: str, form: str) -> bool:
    """Return whether a text stands only in code of Markdown."""
    outside = re.sub(r"(`+).*?\1", "", text, flags=re.DOTALL) if form == "markdown" else text
    return word not in outside


def _refuse(name: str) -> None:
    raise ValueError(name)
