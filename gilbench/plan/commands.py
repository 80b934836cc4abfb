"""Writes the user's commands as a workload, and fills in the words of a command."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path

import msgspec

from gilbench.model.commands import CommandRequest
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Case, Command, Effort, Parameters, Workload
from gilbench.plan.axes import parse_duration
from gilbench.plan.calls import FAMILY, Source

PARAMETER = "command"  # the parameter that names one of several commands
HOST = "host"  # name of the interpreter of commands without {python}
PYTHON, THREADS, PORT = "python", "threads", "port"  # words that gilbench knows
_SHELL = ("/bin/sh", "-c")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{([^\W\d]\w*)\}")  # {{NAME}} is the text {NAME}
_LONGEST_NAME, _LONGEST_TITLE = 40, 60
_READY = re.compile(r"(?:port\s+\S+|line\s+\S.*|file\s+\S.*)")
_BLOCK_FACTOR = 3  # the runs of a case in a block take this many times its slices at the same effort level
_MOST_ROUNDS = 200  # runs of a case in a block


def uses(command: Command, name: str) -> bool:
    """Return whether any words of a command have a placeholder."""
    return name in _placeholders(_all_words(command))


def without_python(command: Command) -> list[str]:
    """Return the names of the commands that run the same on each interpreter."""
    load = PYTHON in _placeholders(command.load)
    return [
        name for name, words in command.commands.items() if not load and PYTHON not in _placeholders(words)
    ]


def program_words(command: Command, name: str | None) -> tuple[str, ...]:
    """Return the words of a command by its name; None: of the only one."""
    return next(iter(command.commands.values())) if name is None else command.commands[name]


def fill(words: Sequence[str], values: Mapping[str, str], python: Sequence[str], *, shell: bool) -> list[str]:
    """Replace the placeholders in words.

    A word that is ``{python}`` becomes the words of the interpreter's command. In a shell, values are quoted.

    Args:
        words: The words.
        values: Texts by placeholder.
        python: Command of the interpreter.
        shell: Whether a shell reads the words.
    """
    known = {**values, PYTHON: shlex.join(python)}

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return f"{{{match[1]}}}"
        text = known[match[2]]
        return shlex.quote(text) if shell and match[2] != PYTHON else text

    if shell:
        return [*_SHELL, *(_PLACEHOLDER.sub(value, word) for word in words)] if words else []
    filled: list[str] = []
    for word in words:
        filled += python if word == f"{{{PYTHON}}}" else [_PLACEHOLDER.sub(value, word)]
    return filled


def declare(request: CommandRequest, taken: Collection[str], folder: Path) -> Source:
    """Return the file that declares the commands of a request.

    Args:
        request: The request.
        taken: Names that other workloads have.
        folder: Where the commands run.

    Raises:
        UsageError: The request is invalid.
    """
    command = _command(request, folder)
    names = list(command.commands)
    several = len(names) > 1
    known = {PYTHON, THREADS, *([PORT] if command.ready else ())}
    own = sorted(_placeholders(_all_words(command)) - known)
    if PARAMETER in own:
        raise UsageError(f"{{{PARAMETER}}} is a reserved name; choose another one")
    if PORT in own:
        raise UsageError(f"{{{PORT}}} is for a server; add --ready 'port {{{PORT}}}' --load COMMAND")
    # With several commands, each one is named in tables: none equals the default.
    declared = {
        "driver": "command",
        "family": FAMILY,
        "unit": "runs",
        "parameters": {**dict.fromkeys(own, ""), **({PARAMETER: ""} if several else {})},
        "choices": {PARAMETER: names} if several else {},
        "command": msgspec.to_builtins(command),
    }
    if not uses(command, THREADS):
        declared["threads"] = (1,)
    title = excerpt(" ".join(", ".join(names).split()), _LONGEST_TITLE)
    name = _unique("commands" if several else _program_name(command), taken)
    return Source(name, f"{title!a}\n\nWORKLOAD = {declared!a}\n")


def refuse_without_value(workload: Workload, given: Collection[str]) -> None:
    """Check that each placeholder of a command has a value.

    Raises:
        UsageError: A placeholder is unknown.
    """
    unknown = [name for name in workload.parameters if name not in {*given, PARAMETER}]
    if unknown:
        name = unknown[0]
        raise UsageError(
            f"{{{name}}} has no value; pass --set {name}=VALUE,... or, for the text itself, write {{{{{name}}}}}\n"
            f"Known without --set: {{{PYTHON}}}, {{{THREADS}}}, and for a server {{{PORT}}}"
        )


def parameters_of(workload: Workload, parameters: Parameters) -> tuple[str | None, dict[str, str]]:
    """Return the name of a case's command (None: the only one) and the texts of its own placeholders."""
    values = {name: str(value) for name, value in {**workload.parameters, **dict(parameters)}.items()}
    return values.pop(PARAMETER, None), values


def block_seconds(effort: Effort) -> float:
    """Return how long the runs of one short command take in a block, in s."""
    return _BLOCK_FACTOR * effort.slices * effort.slice_seconds


def command_effort(effort: Effort, seconds: Sequence[float], runs: int | None) -> Effort:
    """Return an effort level for commands: the blocks of the level, with as many runs as they have time for.

    Args:
        effort: The effort level.
        seconds: Length of one run of each case.
        runs: Wanted number of runs of each case; None: by the effort level.
    """
    wanted = block_seconds(effort)
    mean = sum(seconds) / len(seconds) if seconds else wanted
    rounds = max(1, min(_MOST_ROUNDS, math.ceil(wanted / max(mean, 1e-6))))
    blocks = effort.blocks
    if runs is not None:
        blocks = min(blocks, runs)
        rounds = math.ceil(runs / blocks)
        blocks = math.ceil(runs / rounds)
    return msgspec.structs.replace(effort, blocks=blocks, slices=rounds, long_every=1, train_seconds=0.0)


def command_of(case: Case) -> str | None:
    """Return the name of the command of a case, one of several; None: there is only one."""
    return next((str(value) for name, value in case.parameters if name == PARAMETER), None)


def reference_command(cases: Sequence[Case]) -> str | None:
    """Return the first of several commands; None: there is only one."""
    return next(filter(None, map(command_of, cases)), None)


def _command(request: CommandRequest, folder: Path) -> Command:
    if bool(request.arguments) is bool(request.commands):
        raise UsageError("give one command after --, or several: --command 'A' --command 'B'")
    if bool(request.load) is not bool(request.ready):
        raise UsageError("a server needs both --ready 'port NUMBER' and --load COMMAND")
    if request.ready is not None and not _READY.fullmatch(request.ready):
        raise UsageError(
            f"--ready: {excerpt(request.ready, 40)!r} is none of 'port NUMBER', 'line REGEX', and 'file PATH'"
        )
    shell = request.shell
    if request.arguments:
        # With a shell, several words are a command line, and a single one may be one already.
        line = request.arguments[0] if len(request.arguments) == 1 else shlex.join(request.arguments)
        commands = {" ".join(map(_quoted, request.arguments)): (line,) if shell else request.arguments}
    else:
        commands = {
            " ".join(text.split()): _words(text, "--command", shell=shell) for text in request.commands
        }
        if len(commands) < len(request.commands):
            raise UsageError("two --command are the same; to compare interpreters, use {python}")
    file = None if request.input is None else Path(folder, request.input)
    if file is not None and not (file.is_file() and os.access(file, os.R_OK)):
        raise UsageError(f"--input: {request.input} is not a file that can be read")
    found = Command(
        commands=commands,
        folder=str(folder),
        shell=shell,
        prepare=_words(request.prepare, "--prepare", shell=shell),
        cleanup=_words(request.cleanup, "--cleanup", shell=shell),
        ready=request.ready,
        load=_words(request.load, "--load", shell=shell),
        input=None if file is None else str(file),
        warmup=request.warmup,
        timeout=parse_duration("--timeout", request.timeout),
        ignore_failure=request.ignore_failure,
    )
    try:
        msgspec.json.encode(found)
    except UnicodeEncodeError as error:
        raise UsageError("the command is not UTF-8, and cannot be saved") from error
    return found


def _words(text: str | None, option: str, *, shell: bool) -> tuple[str, ...]:
    if text is None:
        return ()
    try:
        words = (text,) if shell and text.strip() else tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option}: {excerpt(text, 40)!r}: {str(error).lower()}") from error
    if not words:
        raise UsageError(f"{option} is empty; give a program and its arguments")
    return words


def _quoted(word: str) -> str:
    """Quote a word as for a shell, unless only its placeholders need it."""
    plain = _PLACEHOLDER.sub("x", word)
    return word if shlex.quote(plain) == plain else shlex.quote(word)


def _all_words(command: Command) -> list[str]:
    ready = () if command.ready is None else (command.ready,)
    return [*chain(*command.commands.values()), *command.prepare, *command.cleanup, *command.load, *ready]


def _placeholders(words: Sequence[str]) -> set[str]:
    return {match[2] for word in words for match in _PLACEHOLDER.finditer(word) if match[2]}


def _program_name(command: Command) -> str:
    """Return a short name: that of the script if ``{python}`` runs one, else that of the program."""
    (words,) = command.commands.values()
    words = tuple(shlex.split(words[0], posix=False)) if command.shell else words
    after = words[1:] if words[0] == f"{{{PYTHON}}}" else words
    path = next((word for word in after if not word.startswith("-")), words[0])
    name = re.sub(r"\W+", "_", Path(path).name.removesuffix(".py")).strip("_")
    return name[:_LONGEST_NAME] or "command"


def _unique(name: str, taken: Collection[str]) -> str:
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (name, *numbered) if one not in taken)
