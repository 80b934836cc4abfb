"""Changes a sound file at random: its bytes, its lines, or values of its JSON."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "31337"  # in each text that must not act
ACTING = (
    f"\x1b[31m{MARK}\x1b]0;title\x07\x1b]8;;https://x.y/{MARK}\x1b\\",
    f"<script>alert({MARK})</script>",
    f"</script><img src=x onerror=alert({MARK})>",
    f"\"'><svg/onload=alert({MARK})>",
    f"\n::error file={MARK}::x\n##vso[task.setvariable variable=x]{MARK}",
    f"=cmd|' /C calc'!A{MARK}",
    f"](javascript:alert({MARK}))`|**x** ![x](https://x.y/{MARK})",
    f"{{{{7*{MARK}}}}}{{%x%}}${{jndi:x}}%s%n",
    f"\u202e{MARK}\u2066\u0085\u2028",
    f"../../../../etc/{MARK}",
    "\ud800\udfff",
    "\x00",
    "",
    " ",
    "[red]" + MARK,
)
NUMBERS: tuple[Any, ...] = (
    *(0, -0.0, 1, -1, 0.5, 1e-320, 1e308, -1e308, 2**31, 2**53 + 1, 2**63, -(2**63), 2**64, 10**30, 10**400),
    *(float("nan"), float("inf"), float("-inf")),
)
_MANY = 1_000_000  # bytes of a repeated list
_SWAPS: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"a": {}}, "7", 7, 0.1, [1, "a", None])


def mutated(content: bytes, rng: random.Random, other: bytes) -> bytes:
    """Return a changed copy of a file; ``other`` is another sound file, which can be mixed in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(_WAYS)(content, rng, other)
    return content


def mutate_database(path: Path, rng: random.Random) -> None:
    """Change values of a history in SQLite, or the bytes of its file."""
    if rng.random() < 0.4:
        content = bytearray(path.read_bytes())
        for _ in range(rng.choice((1, 4, 64))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.3:
            del content[rng.randrange(len(content)) :]
        path.write_bytes(content)
        return
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for _ in range(rng.choice((1, 1, 3))):
        table = rng.choice(tables)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        column = rng.choice(columns)
        value = rng.choice((None, *ACTING, b"", b"\xff" * 18, rng.randbytes(36), 0, -1, 1e308, 2**62, "nan"))
        where = rng.choice(("", "WHERE rowid = 1", "WHERE rowid % 3 = 0"))
        queries = (
            f'UPDATE "{table}" SET "{column}" = ? {where}',  # noqa: S608
            f'DELETE FROM "{table}" {where}',  # noqa: S608
            f'DROP TABLE "{table}"',
            f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "other"',
        )
        query = rng.choices(queries, (12, 2, 1, 1))[0]
        try:
            connection.execute(query, (_storable(value),) if "?" in query else ())
        except sqlite3.Error:
            continue
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        if not tables:
            break
    connection.commit()
    connection.close()


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


# --- bytes ------------------------------------------------------------------------------------------------


def _flip(content: bytes, rng: random.Random, _: bytes) -> bytes:
    changed = bytearray(content or b"\0")
    for _number in range(rng.choice((1, 1, 2, 8, 200))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(content: bytes, rng: random.Random, _: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _cut(content: bytes, rng: random.Random, _: bytes) -> bytes:
    begin = rng.randrange(len(content) + 1)
    return content[:begin] + content[begin + rng.choice((1, 2, 16, 512, 4096)) :]


def _insert(content: bytes, rng: random.Random, other: bytes) -> bytes:
    begin = rng.randrange(len(content) + 1)
    inserted = rng.choice(
        (
            rng.randbytes(rng.choice((1, 8, 512))),
            b"\0" * 4096,
            b"\xed\xa0\x80",
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"9" * 20_000,
            b'"' + b"x" * 2_000_000 + b'"',
            b"\xef\xbb\xbf",
            other[:4096],
            content[begin : begin + 512],
        )
    )
    return content[:begin] + inserted + content[begin:]


def _lines(content: bytes, rng: random.Random, other: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    here, there = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(8)
    if way == 0:
        del lines[here]
    elif way == 1:
        lines.insert(there, lines[here])
    elif way == 2:
        lines[here], lines[there] = lines[there], lines[here]
    elif way == 3:
        rng.shuffle(lines)
    elif way == 4:
        lines[here] = lines[here].replace(b"\n", b"\r\n")
    elif way == 5:
        lines.insert(here, rng.choice((b"\n", b"{}\n", b"null\n", b"[]\n", b"\xff\n")))
    elif way == 6:
        lines[here] = rng.choice(other.splitlines(keepends=True) or [b""])
    else:
        lines += lines[1:]
    return b"".join(lines)


def _number(content: bytes, rng: random.Random, _: bytes) -> bytes:
    """Change one number of a text, whatever it is."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", content[:200_000]))
    if not found:
        return content
    one = rng.choice(found)
    words = (
        b"-1",
        b"0",
        b"NaN",
        b"Infinity",
        b"1e999",
        b"-0.0",
        b"99999999999999999999",
        b"0x10",
        b"1_0",
        b"",
    )
    return content[: one.start()] + rng.choice(words) + content[one.end() :]


def _quoted(content: bytes, rng: random.Random, _: bytes) -> bytes:
    """Change one quoted text, whatever the format."""
    found = list(re.finditer(rb'"[^"\\\n]{0,200}"', content[:200_000]))
    if not found:
        return content
    one = rng.choice(found)
    text = json.dumps(rng.choice(ACTING), ensure_ascii=rng.random() < 0.7)
    return content[: one.start()] + text.encode("utf-8", "surrogatepass") + content[one.end() :]


# --- values -----------------------------------------------------------------------------------------------


def _values(content: bytes, rng: random.Random, _: bytes) -> bytes:
    """Change values of the JSON of a whole file, or of one of its lines."""
    lines = content.splitlines(keepends=True)
    if len(lines) > 1 and lines[0].startswith(b"{") and lines[0].rstrip().endswith(b"}"):
        at = rng.choice((0, rng.randrange(len(lines))))
        lines[at] = _of_json(lines[at], rng) + b"\n"
        return b"".join(lines)
    return _of_json(content, rng)


def _of_json(text: bytes, rng: random.Random) -> bytes:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for _ in range(rng.choice((1, 1, 2, 5))):
        document = _changed(document, rng)
    try:
        made = json.dumps(document, ensure_ascii=rng.random() < 0.8, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text
    return made.encode("utf-8", "surrogatepass")


def _changed(document: Any, rng: random.Random) -> Any:
    """Change one value, found by a random walk from the root."""
    holder, key, value = None, None, document
    while isinstance(value, dict | list) and value and (holder is None or rng.random() < 0.85):
        holder = value
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        value = value[key]
    if holder is None:
        return rng.choice(_SWAPS)
    _change(holder, key, value, rng)
    return document


def _change(holder: Any, key: Any, value: Any, rng: random.Random) -> None:
    way = rng.random()
    if way < 0.1:
        del holder[key]
    elif way < 0.2:
        holder[key] = rng.choice(_SWAPS)
    elif isinstance(value, list):
        holder[key] = rng.choice(
            ([], value * 2, value[::-1], value[:1], _many(value), rng.sample(value, len(value)))
        )
    elif isinstance(value, dict):
        name = rng.choice(list(value) or ["a"])
        holder[key] = rng.choice(({}, {**value, "more": 1}, {name: value.get(name)}, {**value, MARK: value}))
    elif isinstance(value, str):
        holder[key] = rng.choice(
            (*ACTING, *ACTING, value + ACTING[rng.randrange(10)], value * 2000, value[:1])
        )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = rng.choice(NUMBERS) if rng.random() < 0.5 else _scaled(value, rng)
    elif isinstance(holder, dict):
        holder[key] = holder[rng.choice(list(holder))]
    else:
        holder[key] = rng.choice(_SWAPS)


def _many(value: list[Any]) -> list[Any]:
    """Repeat a list, but not so often that repeated repetitions fill the memory."""
    return value * max(2, min(1000, _MANY // len(json.dumps(value))))


def _scaled(value: float, rng: random.Random) -> Any:
    factor = rng.choice((1000, 0.001, -1, 1.01, 10**6))
    try:
        return rng.choice((value * factor, value + 1, value - 1, int(value)))
    except (OverflowError, ValueError):  # it is infinite, or not a number
        return 0


_WAYS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (
    *(_flip, _truncate, _cut, _insert, _lines, _number, _quoted, _quoted),
    *(_values, _values, _values, _values, _values, _values),
)
