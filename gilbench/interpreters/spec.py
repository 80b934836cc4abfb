"""Reads how a user names an interpreter: a SPEC with options, such as ``3.14 -X importtime``, and variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Variables

_FLAGS = re.compile(r"-[BEIOPRSbsu]+")
_VALUED = re.compile(r"-[WX]|--jit|--check-hash-based-pycs")  # the value follows; --jit is PyPy's
_ATTACHED = re.compile(r"-[WX].+", re.DOTALL)
_KNOWN = "-X, -W, -B, -E, -I, -O, -P, -R, -S, -b, -s, -u, or PyPy's --jit"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 60  # characters quoted of a text that is refused


class Spec(NamedTuple):
    """An interpreter, and the options that it is started with."""

    name: str  # a path, a name, or a spec of python-discovery
    options: tuple[str, ...] = ()


def parse_spec(text: str) -> Spec:
    """Split a SPEC as a shell does. The path of a file that exists is never split.

    Raises:
        UsageError: It has an option that does not belong to the interpreter, or that is incomplete.
    """
    if " -" not in text or Path(text).expanduser().exists():
        return Spec(text)
    try:
        name, *options = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{_quote(text)}: {str(error).lower()}; quote it as for a shell") from error
    words = iter(options)
    for word in words:
        _check(text, word, words)
    return Spec(name, tuple(options))


def parse_environment(settings: Sequence[str]) -> Variables:
    """Read ``NAME=VALUE``. If a name is repeated, the last value counts.

    Raises:
        UsageError: A setting has another form.
    """
    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (equals and _VARIABLE.fullmatch(name)):
            raise UsageError(f"--env: {_quote(setting)} is not a variable; use NAME=VALUE")
        if not _can_be_saved(value):
            raise UsageError(f"--env: the value of {_quote(name)} is not UTF-8, or contains NUL")
        found[name] = value
    return tuple(sorted(found.items()))


def _check(text: str, word: str, following: Iterator[str]) -> None:
    """Check an option, and take its value from the words that follow."""
    if _VALUED.fullmatch(word):
        value = next(following, None)
        if value is None:
            raise UsageError(f"{_quote(text)}: {word} needs a value")
        word += value
    elif not (_FLAGS.fullmatch(word) or _ATTACHED.fullmatch(word)):
        raise UsageError(f"{_quote(text)}: {_quote(word)} is no option of an interpreter; use {_KNOWN}")
    if not _can_be_saved(word):
        raise UsageError(f"{_quote(text)}: {_quote(word)} is not UTF-8, or contains NUL")


def _can_be_saved(text: str) -> bool:
    """Return whether a text can be saved in a study and passed to a process."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _quote(text: str) -> str:
    return repr(excerpt(text, _LONGEST))
