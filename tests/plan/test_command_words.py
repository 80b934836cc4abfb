from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gilbench.model.commands import CommandRequest
from gilbench.model.errors import UsageError
from gilbench.model.study import Workload
from gilbench.plan.blocks import EFFORTS
from gilbench.plan.catalogue import read_declaration
from gilbench.plan.commands import command_effort, declare, fill, refuse_without_value, uses

PYTHON = ("/opt/my python/bin/python3", "-O")


def declared(tmp_path: Path, **fields: object) -> Workload:
    name, text = declare(CommandRequest(**fields), (), tmp_path)  # type: ignore[arg-type]
    path = tmp_path / f"{name}.py"
    path.write_text(text, "utf-8")
    return read_declaration(path)


def test_a_word_that_is_the_interpreter_becomes_its_words() -> None:
    words = ("{python}", "a.py", "--n={n}", "{{n}}", "${HOME}", "{print $1}")
    filled = fill(words, {"n": "1 2", "HOME": "x"}, PYTHON, shell=False)
    assert filled == [*PYTHON, "a.py", "--n=1 2", "{n}", "$x", "{print $1}"]


def test_in_a_shell_a_value_stays_one_word() -> None:
    filled = fill(("{python} a.py {n} | wc",), {"n": "1; rm"}, PYTHON, shell=True)  # noqa: S604 - nothing is run
    assert filled == ["/bin/sh", "-c", "'/opt/my python/bin/python3' -O a.py '1; rm' | wc"]


def test_a_command_is_declared_like_any_workload(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        arguments=("{python}", "-X", "dev", "tools/my app.py", "{n}"),
        prepare="rm -f 'a b'",
        timeout="90s",
    )
    assert (found.name, found.driver, found.family, found.threads) == ("dev", "command", "own", (1,))
    assert found.parameters == {"n": ""}
    command = found.command
    assert command is not None
    assert list(command.commands) == ["{python} -X dev 'tools/my app.py' {n}"]
    assert (command.prepare, command.timeout, command.folder) == (("rm", "-f", "a b"), 90.0, str(tmp_path))
    assert uses(command, "n")
    assert not uses(command, "threads")


def test_several_commands_are_choices_and_each_is_named(tmp_path: Path) -> None:
    found = declared(tmp_path, commands=("sort x", "sort -j {threads} x"))
    assert found.choices == {"command": ("sort x", "sort -j {threads} x")}
    assert found.parameters == {"command": ""}
    assert found.threads is None


def test_a_name_differs_from_those_of_other_workloads(tmp_path: Path) -> None:
    name, text = declare(CommandRequest(arguments=("nbody",)), {"nbody"}, tmp_path)
    assert name == "nbody_2"
    assert ast.parse(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one command after --"),
        ({"arguments": ("a",), "commands": ("b",)}, "one command after --"),
        ({"commands": ("a 'b",)}, "no closing quotation"),
        ({"commands": ("a", "a ")}, "are the same"),
        ({"commands": (" ",)}, "is empty"),
        ({"arguments": ("a",), "ready": "port 80"}, "needs both"),
        ({"arguments": ("a",), "ready": "soon", "load": "b"}, "none of"),
        ({"arguments": ("a", "{port}")}, "for a server"),
        ({"arguments": ("a", "{command}")}, "reserved"),
        ({"arguments": ("a",), "input": "absent"}, "not a file"),
        ({"arguments": ("a",), "timeout": "soon"}, "not a time"),
        ({"arguments": ("a", "\udcff")}, "not UTF-8"),
    ],
)
def test_bad_requests_are_refused_with_the_reason(
    tmp_path: Path, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        declare(CommandRequest(**fields), (), tmp_path)  # type: ignore[arg-type]


def test_a_placeholder_without_a_value_is_refused(tmp_path: Path) -> None:
    found = declared(tmp_path, arguments=("{python}", "{n}", "{m}"))
    refuse_without_value(found, {"n", "m"})
    with pytest.raises(UsageError, match=r"\{m\} has no value; pass --set m=VALUE"):
        refuse_without_value(found, {"n"})


def test_short_commands_run_often_and_long_ones_once_a_block() -> None:
    quick = EFFORTS["quick"]
    short, long = (command_effort(quick, [seconds], None) for seconds in (0.001, 60.0))
    assert short.slices > 50
    assert (long.slices, long.blocks) == (1, quick.blocks)
    assert short.long_every == 1


@pytest.mark.parametrize("runs", [1, 3, 10, 25, 1000])
def test_there_are_as_many_runs_as_wanted_and_hardly_more(runs: int) -> None:
    effort = command_effort(EFFORTS["quick"], [0.01], runs)
    assert runs <= effort.blocks * effort.slices <= 1.2 * runs
