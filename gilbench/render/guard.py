"""Neutralizes text from outside, for terminals, CI logs, and programs.

Anyone can choose the name of a function, a thread, a file, or a branch. On a terminal, it could move the cursor or
reverse the line. In a CI log, it could be a command to the runner. GitHub accepts ``::error ...::`` at the start of a
line, after optional spaces. GitHub and Azure accept ``##[...`` and ``##vso[...``, and TeamCity ``##teamcity[...``,
anywhere in a line.

``cli.output`` passes all output through these functions. A renderer needs them only if the width or the position of a
text matters in its format.
"""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 1200  # characters of a line of an error
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_COMMAND = re.compile(r"(?:^|(?<=\s)):{2,}|#{2,}(?=\w*\[)", re.MULTILINE)


def printable(text: str) -> str:
    """Return one line of text without control characters, which could move the cursor or change the color."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _REPLACEMENT for letter in text)


def quotable(text: str) -> str:
    """Return one line of text for the inside of a quoted label of OpenMetrics."""
    return printable(text).replace("\\", r"\\").replace('"', r"\"")


def shortened(line: str) -> str:
    """Leave out the middle of a line that quotes a very long value. The remedy is at its end."""
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]}…{line[-_LONGEST // 4 :]}"


def printable_lines(text: str) -> str:
    """Return several lines without other control characters than line feeds."""
    return "\n".join(map(printable, text.split("\n")))


def without_commands(text: str) -> str:
    """Return a text without commands to CI runners. Spaces break them."""
    return _COMMAND.sub(lambda found: " ".join(found[0]), text)


def json_text(document: Any, *, indent: int = 2) -> str:
    """Return JSON that is safe to print and equivalent: characters that are not printable are escaped.

    Args:
        document: A value that msgspec can encode. Infinity becomes null.
        indent: Number of spaces; 0: everything in one line.
    """
    import msgspec  # noqa: PLC0415 - not needed for --version

    try:
        encoded = msgspec.json.encode(document)
    except UnicodeEncodeError:  # the name of a file or an argument is invalid UTF-8
        encoded = msgspec.json.encode(_utf8(msgspec.to_builtins(document, str_keys=True)))
    text = (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    # Neither these characters nor commands occur outside strings or after a backslash.
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
    if number < 0x10000:  # noqa: PLR2004 - fits in one UTF-16 unit
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
