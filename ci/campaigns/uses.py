"""The commands that read each kind of artefact."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Command = tuple[str | Path, ...]
PAGES = ("terminal", "json", "csv", "markdown", "html")
_OF_STUDIES = ("bencher", "asv", "openmetrics", "github-benchmark-bigger", "github-benchmark-smaller")
_OF_CHECKS = ("github", "junit", "gitlab", "bencher", "openmetrics", "github-benchmark-bigger")


class Place(NamedTuple):
    """Where the commands run."""

    folder: Path  # scratch
    sound: Path  # a sound study
    history: Path  # a sound history
    profile: Path


def _report(path: Path, *forms: str) -> list[Command]:
    return [("report", path, "-f", form) for form in (*PAGES, *forms)]


def _study(path: Path, place: Place) -> list[Command]:
    return [
        *_report(path, *_OF_STUDIES),
        *(("compare", path, "-f", form) for form in PAGES),
        ("compare", path, place.sound),
        ("compare", place.sound, path, "--allow-unpaired", "-f", "html"),
        *(("check", path, "--baseline", place.sound, "-f", form) for form in ("terminal", *_OF_CHECKS)),
        ("check", place.sound, "--baseline", path, "--strict"),
        ("check", path, "--baseline", "history", "--database", place.history),
        ("history", "add", path, "--database", place.folder / "new.sqlite"),
        ("scorecard", "--study", path, "-f", "markdown"),
        ("export", path, "-o", place.folder / "exported.json"),
        ("export", path, "-f", "asv", "-o", place.folder / "asv", "--commit", "0" * 40),
        ("run", "--resume", path, "--dry-run"),
        ("report", path, place.sound),
    ]


def _profile(path: Path, place: Place) -> list[Command]:
    return [
        *_report(path, "speedscope"),
        ("compare", path, place.profile, "-f", "html"),
        ("compare", place.profile, path),
        *(
            ("check", path, "--limit", "gil_wait<20%", "--limit", "worker-*: longest_hold<10ms", "-f", form)
            for form in ("terminal", "github", "junit", "gitlab")
        ),
    ]


def _history(path: Path, place: Place) -> list[Command]:
    database = ("--database", path)
    return [
        ("history", "list", *database),
        ("history", "list", *database, "-f", "html"),
        ("history", "show", "countdown", *database, "-f", "html"),
        ("history", "show", "*", "--metric", "all", *database),
        ("history", "detect", *database, "-f", "json"),
        ("history", "detect", "--branch", "main", *database),
        ("history", "export", *database),
        ("history", "export", *database, "-f", "json"),
        ("history", "site", place.folder / "site", *database),
        ("history", "add", place.sound, *database),
        ("check", place.sound, "--baseline", "history", *database),
    ]


def _printed(path: Path, place: Place) -> list[Command]:
    return [
        *_report(path),
        ("compare", path, path),
        ("compare", path, place.sound, "-f", "markdown"),
        ("history", "add", path, "--database", place.folder / "new.sqlite"),
        ("export", path, "-o", place.folder / "exported.json"),
    ]


USES: dict[str, Callable[[Path, Place], list[Command]]] = {
    "study": _study,
    "profile": _profile,
    "scores": lambda path, _: [
        ("scorecard", "--study", path.with_name(path.name.replace(".scores.json", ".jsonl")), "-f", form)
        for form in PAGES
    ],
    "scorecard": lambda path, _: _report(path),
    "check": lambda path, _: _report(path, *_OF_CHECKS),
    "releases": lambda path, _: _report(path),
    "history": _history,
    "pyperf": lambda path, place: [
        *_report(path, *_OF_STUDIES),
        ("compare", path, path),
        ("compare", path, place.sound),
        ("check", path, "--baseline", path, "--allow-unpaired", "-f", "junit"),
        ("history", "add", path, "--database", place.folder / "new.sqlite"),
    ],
    "printed": _printed,
    "known regressions": lambda path, place: [
        ("validate", path),
        ("check", place.sound, "--baseline", place.sound, "--known-bad", path, "-f", "html"),
        ("history", "site", place.folder / "site", "--database", place.history, "--known-bad", path),
    ],
    "configuration": lambda _, place: [
        ("config",),
        ("config", "-f", "html"),
        ("config", "check", "-f", "json"),
        ("report", place.sound),
        ("pythons", "list", "-f", "csv"),
        ("check", place.sound, "--baseline", place.sound),
    ],
    "workload": lambda path, _: [
        ("workloads", "show", path),
        ("run", "--dry-run", "--workload", path, "--python", "/usr/bin/python3"),
        ("run", "--dry-run", "--workload", path, "--python", "/usr/bin/python3", "-f", "html"),
    ],
    "interpreter cache": lambda _, __: [("pythons", "list", "-f", form) for form in ("terminal", "json")],
}


def chosen(kind: str, path: Path, place: Place, rng: random.Random, count: int) -> list[Command]:
    """Choose some of the commands that read a kind."""
    commands = USES[kind](path, place)
    return rng.sample(commands, min(count, len(commands)))
