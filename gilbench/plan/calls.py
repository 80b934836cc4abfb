"""Writes the user's own code as a workload: a file that declares it and hands it to ``target/calling.py``."""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.model.calls import OwnCall
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Value

FAMILY = "own"
_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""
_LONGEST_TITLE = 60


class Source(NamedTuple):
    """A workload to write."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """Return the name of its folder: equal code has the same."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def is_function(code: str) -> bool:
    """Return whether code names a function, as ``package.module:function``."""
    return _FUNCTION.fullmatch(code) is not None


def write_call(call: OwnCall, taken: Collection[str], folder: Path) -> Source:
    """Write the workload of a call.

    Args:
        call: The call.
        taken: Names that other workloads have.
        folder: Folder to import modules from, unless the call names others; those of ``PYTHONPATH`` follow.

    Raises:
        UsageError: The code is empty, an argument has another form, or the name is invalid or taken.
    """
    function = is_function(call.code)
    if not call.code.strip():
        raise UsageError("the statement is empty; pass for example 'sum(range(100))'")
    if call.arguments and not function:
        raise UsageError("--arg is for a function, package.module:function; set variables with --setup")
    parameters: dict[str, Value] = {}
    choices: dict[str, list[Value]] = {}
    for argument in call.arguments:
        name, values = parse_argument(argument)
        if name in parameters:
            raise UsageError(f"--arg {name} is given twice; pass its values together: --arg {name}=1,2")
        # With several values, each one is named in tables: none equals the default.
        parameters[name] = values[0] if len(values) == 1 else ""
        if len(values) > 1:
            choices[name] = values
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [*(call.path or [os.fspath(folder)]), *filter(os.path.isabs, folders)]
    declared: dict[str, object] = {
        "driver": "parallel",
        "family": FAMILY,
        "unit": "calls" if function else "statements",
    }
    declared |= {"parameters": parameters, "choices": choices}
    own = {
        "path": list(dict.fromkeys(paths)),
        "function" if function else "statement": call.code,
        "setup": call.setup,
        "shared": call.shared,
    }
    text = (
        f"{_title(call)!a}\n\n"
        "from __future__ import unicode_literals\n\n"
        "from calling import Own\n\n"
        f"WORKLOAD = {declared!a}\n"
        f"own = Own(**{own!a})\n"
        "prepare, local, repeat = own.prepare, own.local, own.repeat\n"
    )
    return Source(_name(call, taken), text)


def _title(call: OwnCall) -> str:
    line = " ".join(call.code.split())
    return excerpt(line, _LONGEST_TITLE)


def _name(call: OwnCall, taken: Collection[str]) -> str:
    if call.name is not None:
        if not re.fullmatch(r"\w[\w.+-]{0,59}", call.name):
            raise UsageError(
                f"--name: {excerpt(call.name, 40)!r} is not a name; use letters, digits, and _ . + -"
            )
        if call.name in taken:
            raise UsageError(f"--name: {call.name} is the name of another workload; choose another name")
        return call.name
    module, _, attributes = call.code.partition(":") if is_function(call.code) else ("", "", "statement")
    last = attributes.rpartition(".")[2]
    known = [last, *([f"{module}.{attributes}"] if module else [])]
    numbered = (f"{known[-1]}_{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*known, *numbered) if name not in taken)


def parse_argument(text: str) -> tuple[str, list[Value]]:
    """Read ``NAME=VALUE[,VALUE...]``.

    Raises:
        UsageError: The text has another form.
    """
    name, equals, values = text.partition("=")
    if not equals or not (name.isidentifier() or re.fullmatch(r"[1-9]\d?", name)):
        raise UsageError(
            f"--arg: {excerpt(text, 40)!r} is not an argument; use NAME=VALUE or NAME=VALUE,VALUE,\n"
            "and for an argument without a name its position: 1=VALUE"
        )
    return name, list(dict.fromkeys(map(_value, _split(values))))


def _split(text: str) -> list[str]:
    """Split values at commas that are in neither brackets nor quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += character
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES and (depth or parts[-1].strip("bBrRuU ") == character):
            quote = character  # at its start; an apostrophe inside a word is none
        else:
            depth += (character in _OPENING) - (character in _CLOSING)
    return [part.strip() for part in parts]


def _value(text: str) -> Value:
    """Return a number as a number, and everything else as source: a Python literal, or plain text."""
    try:
        found = ast.literal_eval(text)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return msgspec.convert(found, Value)  # type: ignore[no-any-return]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    return text or repr(text)
