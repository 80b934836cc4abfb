"""What keeps a text from outside from being more than text: for a terminal, for a CI's log, for a program.

A name of a function, a thread, a file or a branch is anybody's. On a terminal it could move the cursor or turn
the line round; in the log of a CI it could be a command to the runner: GitHub takes ``::error ...::`` at the
start of a line, spaces before it or not, GitHub and Azure ``##[...`` and ``##vso[...``, and TeamCity
``##teamcity[...``, anywhere in it.

``cli.output`` lets everything that is printed pass through here; a renderer needs these only where a text's
width or place in its own format counts.
"""

from __future__ import annotations

import re
from typing import Any

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_COMMAND = re.compile(r"(?:^|(?<=\s)):{2,}|#{2,}(?=\w*\[)", re.MULTILINE)


def printable(text: str) -> str:
    """One line of a text from outside, in which nothing can move the cursor or change the colour."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _REPLACEMENT for letter in text)


def printable_lines(text: str) -> str:
    """The same for a text of our own lines."""
    return "\n".join(map(printable, text.split("\n")))


def without_commands(text: str) -> str:
    """A text in which no runner of a CI finds a command: spaces break it."""
    return _COMMAND.sub(lambda found: " ".join(found[0]), text)


def json_text(document: Any, *, indent: int = 2) -> str:
    """Write JSON that is harmless to print and says exactly the same: what is not printable is escaped.

    Args:
        document: As msgspec takes it. A figure that is infinite becomes null.
        indent: Spaces; 0: everything in one line.
    """
    import msgspec  # noqa: PLC0415 - not needed for --version

    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:  # the name of a file or an argument that is no UTF-8
        encoded = msgspec.json.encode(_utf8(msgspec.to_builtins(document, str_keys=True)))
    text = (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    # Neither of the two can stand outside a string, or behind a backslash.
    text = "\n".join(
        line if line.isprintable() else "".join(map(_escaped, line)) for line in text.split("\n")
    )
    return _COMMAND.sub(
        lambda found: found[0][0] + "".join(_unit(ord(letter)) for letter in found[0][1:]), text
    )


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    number = ord(letter)
    if number < 0x10000:  # noqa: PLR2004 - what one unit of UTF-16 holds
        return _unit(number)
    high, low = divmod(number - 0x10000, 0x400)
    return _unit(0xD800 + high) + _unit(0xDC00 + low)


def _unit(number: int) -> str:
    return f"\\u{number:04x}"


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_utf8(key): _utf8(one) for key, one in value.items()}
    return [_utf8(one) for one in value] if isinstance(value, list | tuple) else value
