"""Help: every option says what it does, no type of Python is shown, and every command ends with examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer

from gilbench.cli import COMMANDS, run
from gilbench.render.formats import CHARTS, FORMATS, PAGES, names_for

GROUPS = {
    "fleet": ("serve", "status"),
    "history": ("add", "list", "show", "detect", "site", "export"),
    "pythons": ("list", "build", "install"),
    "workloads": ("list", "show", "new", "test"),
}
LEAVES = [
    *((name,) for name in COMMANDS if name not in GROUPS),
    *((group, name) for group, names in GROUPS.items() for name in names),
]
OLD = {"run": "--profile", "check": "--profile"}  # options that still work and are not shown


def command_of(path: tuple[str, ...]) -> typer.core.TyperCommand:
    import importlib  # noqa: PLC0415

    app = typer.Typer()
    app.callback()(lambda: None)
    importlib.import_module(f"gilbench.cli.{path[0]}").register(app)
    found = typer.main.get_command(app)
    for name in path:
        found = found.commands[name]  # type: ignore[attr-defined]
    return found  # type: ignore[return-value]


def parameters() -> Iterator[tuple[str, object]]:
    for path in LEAVES:
        for parameter in command_of(path).params:
            yield f"{' '.join(path)} {parameter.name}", parameter


@pytest.mark.parametrize("path", [(), *LEAVES], ids=" ".join)
def test_help_shows_no_type_of_python_and_fits_80_columns(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*path, "-h"]) == 0
    shown = capsys.readouterr().out
    assert not re.search(r"<\w+(\[\w+\])?>|\blist\[|\bOptional\b|\bBOOL", shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_every_option_and_argument_has_a_sentence() -> None:
    for name, parameter in parameters():
        if getattr(parameter, "hidden", False):
            continue
        text = getattr(parameter, "help", None)
        assert text, name
        assert text[0].isupper() or text.split()[0].endswith((",", ":")) or text.startswith("gil"), name
        assert text.endswith((".", ")")), (name, text)


@pytest.mark.parametrize(
    "path", [path for path in LEAVES if path[-1] not in {"list", "new", "show"}], ids=" ".join
)
def test_commands_end_with_examples(path: tuple[str, ...]) -> None:
    epilog = command_of(path).epilog or ""
    assert epilog.startswith("Examples:")
    for line in epilog.split("\n\n")[1:]:
        assert line.strip().startswith(("gilbench ", "sudo gilbench ")), line


@pytest.mark.parametrize(("name", "option"), OLD.items())
def test_old_names_work_and_are_not_shown(name: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert option not in capsys.readouterr().out
    assert any(option in parameter.opts for parameter in command_of((name,)).params)


def test_the_first_letters_of_other_profilers_work() -> None:
    options = {option for parameter in command_of(("profile",)).params for option in parameter.opts}
    assert {"-p", "--pid", "-d", "--duration", "-o", "-f", "--format"} <= options


def test_a_shell_can_complete_commands_and_options() -> None:
    environment = {
        **os.environ,
        "_GILBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "gilbench sco",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "gilbench"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["scorecard"]


def test_every_page_and_every_writer_of_the_registry_can_be_loaded() -> None:
    import importlib  # noqa: PLC0415

    for where in [*PAGES.values(), *CHARTS.values(), *(form.writer for form in FORMATS)]:
        module, _, name = where.partition(":")
        assert callable(getattr(importlib.import_module(f"gilbench.render.{module}"), name)), where


def test_the_formats_that_every_command_knows() -> None:
    assert names_for() == ["terminal", "markdown", "json", "csv", "html"]
