"""Chooses the hosts of a fleet by what they have: ``cores>=8 and 3.14t and not (virtual or machine==aarch64)``.

Conditions are joined with ``and``, ``or``, ``not``, and parentheses. A condition is one of:

- a comparison of a number with ``>=``, ``<=``, ``>``, ``<``, ``==``, or ``!=``: cores, cpus, memory (``16GB``);
- a comparison of a text with ``==``, ``!=``, or ``~`` (contains, ignoring case): name, machine, system, kernel,
  cpu_model, virtualisation;
- ``root``: gilbench has root privileges there; ``virtual``: the host is a virtual machine;
- the name or SPEC of an interpreter that the host has: ``3.14t``, ``pypy3.11``.

A value with spaces or parentheses stands in quotes: ``cpu_model~'Xeon Gold'``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from python_discovery import PythonSpec

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Struct


class HostFacts(Struct, frozen=True):
    """The properties of a host of a fleet."""

    name: str  # unique within the fleet
    cores: int  # physical cores that can be used
    cpus: int  # CPUs of the operating system that can be used
    memory: int  # bytes
    machine: str  # for example x86_64
    system: str  # for example Linux
    kernel: str
    cpu_model: str
    root: bool  # gilbench has root privileges
    virtualisation: str | None  # None: not a virtual machine, or unknown
    interpreters: tuple[str, ...]  # names, short or full: "3.14t", "3.13.5"


Choice = Callable[[HostFacts], bool]

_NUMBERS = ("cores", "cpus", "memory")
_TEXTS = ("name", "machine", "system", "kernel", "cpu_model", "virtualisation")
_FLAGS: dict[str, Choice] = {
    "root": lambda host: host.root,
    "virtual": lambda host: host.virtualisation is not None,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}
_OF_TEXTS = ("==", "!=", "~")
_UNITS: dict[str, int] = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate(("KB", "MB", "GB", "TB"), start=1)},
}
_UNITS |= {unit: 1024**power for power, unit in enumerate(("KIB", "MIB", "GIB", "TIB"), start=1)}
_IMPLEMENTATIONS = ("cpython", "pypy", "graalpy", "jython", "ironpython", "stackless")
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[()]|>=|<=|==|!=|[<>~])|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<word>[\w.+-]+))"""
)
_PRERELEASE = re.compile(r"(\d)(?:a|b|rc)\d+")
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)([A-Za-z]*)")
_DEEPEST = 50  # parentheses and "not" inside each other
_LONGEST = 60  # characters quoted of a text that is refused
_CONDITIONS = f"{', '.join([*_NUMBERS, *_TEXTS, *_FLAGS])}, or an interpreter such as 3.14t"


def parse_hosts(text: str) -> Choice:
    """Read the value of ``--hosts``.

    Returns:
        A function that says whether a host is chosen.

    Raises:
        UsageError: The text has another form. The message names the place.
    """
    return _Parser(text).choice()


class _Token(NamedTuple):
    place: int  # in the text
    text: str
    kind: str  # sign, word, or quoted; empty: the end of the text


class _Parser:
    """A recursive descent through the text, with one token of lookahead.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._end = 0  # of the lookahead
        self._next = self._read()

    def choice(self) -> Choice:
        """Parse the whole text."""
        choice = self._any()
        if self._next.kind:
            self._refuse("expected and, or, or the end")
        return choice

    def _any(self) -> Choice:
        choices = [self._all()]
        while self._accept("or"):
            choices.append(self._all())
        return choices[0] if len(choices) == 1 else lambda host: any(choice(host) for choice in choices)

    def _all(self) -> Choice:
        choices = [self._one()]
        while self._accept("and"):
            choices.append(self._one())
        return choices[0] if len(choices) == 1 else lambda host: all(choice(host) for choice in choices)

    def _one(self) -> Choice:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(f"more than {_DEEPEST} parentheses or nots inside each other")
        if self._accept("not"):
            inverse = self._one()
            choice: Choice = lambda host: not inverse(host)  # noqa: E731 - its type is known
        elif self._accept("("):
            choice = self._any()
            if not self._accept(")"):
                self._refuse("expected )")
        else:
            choice = self._condition()
        self._depth -= 1
        return choice

    def _condition(self) -> Choice:
        token = self._next
        word = token.text
        if token.kind == "word" and word in {*_NUMBERS, *_TEXTS}:
            self._take()
            return self._comparison(word)
        if token.kind == "word" and word in _FLAGS:
            self._take()
            return _FLAGS[word]
        if token.kind not in {"word", "quoted"} or not _names_interpreter(word):
            self._refuse(f"expected a condition: {_CONDITIONS}")
        self._take()
        return lambda host: any(_fits(word, name) for name in host.interpreters)

    def _comparison(self, field: str) -> Choice:
        signs = tuple(_COMPARE) if field in _NUMBERS else _OF_TEXTS
        if self._next.kind != "sign" or self._next.text not in signs:
            self._refuse(f"expected {', '.join(signs[:-1])}, or {signs[-1]} after {field}")
        sign = self._take().text
        if self._next.kind not in {"word", "quoted"}:
            self._refuse(f"expected a value after {field}{sign}")
        if field in _NUMBERS:
            number, compare = self._number(field), _COMPARE[sign]
            return lambda host: compare(getattr(host, field), number)
        value = self._take().text
        if sign == "~":
            return lambda host: value.casefold() in (getattr(host, field) or "").casefold()
        return lambda host: _COMPARE[sign](getattr(host, field) or "", value)

    def _number(self, field: str) -> float:
        match = _NUMBER.fullmatch(self._next.text)
        unit = _UNITS.get(match[2].upper()) if match else None
        if match is None or unit is None or (match[2] and field != "memory"):
            example = "bytes, or a number with a unit such as 16GB" if field == "memory" else "a number"
            self._refuse(f"expected {example}")
        self._take()
        return float(match[1]) * unit

    def _accept(self, text: str) -> bool:
        """Take the next token if it is this sign or keyword."""
        if self._next.kind not in {"sign", "word"} or self._next.text != text:
            return False
        self._take()
        return True

    def _take(self) -> _Token:
        token, self._next = self._next, self._read()
        return token

    def _read(self) -> _Token:
        match = _TOKEN.match(self._text, self._end)
        if match is None:
            rest = self._text[self._end :].lstrip()
            self._next = _Token(len(self._text) - len(rest), rest, "")
            if rest:
                self._refuse("expected a condition; quote values with other characters")
            return self._next
        self._end = match.end()
        kind = match.lastgroup or ""
        place = match.end() - len(match[0].lstrip())
        return _Token(place, match[kind], kind if kind in {"sign", "word"} else "quoted")

    def _refuse(self, problem: str) -> NoReturn:
        rest = self._text[self._next.place :]
        where = f"at {_quote(rest)}" if rest else f"at the end of {_quote(self._text)}"
        raise UsageError(f"--hosts: {problem}, {where}")


def _names_interpreter(word: str) -> bool:
    """Return whether a word is the name or the SPEC of an interpreter that may exist."""
    try:
        spec = _parse_name(word.partition(" -")[0])
    except ValueError:  # a version with a sign
        return False
    known = spec.implementation in {None, *_IMPLEMENTATIONS}
    return known and spec.path is None and (spec.major is not None or spec.implementation is not None)


def _fits(spec: str, name: str) -> bool:
    """Return whether an interpreter fits a SPEC, by its name. Only its own name has options or a prerelease."""
    if spec == name:
        return True
    wanted, found = PythonSpec.from_string_spec(spec), _parse_name(name)
    version = [part for part in (wanted.major, wanted.minor, wanted.micro) if part is not None]
    return (
        wanted.path is None
        and found.path is None
        and (wanted.implementation or "cpython") == (found.implementation or "cpython")
        and [found.major, found.minor, found.micro][: len(version)] == version
        and bool(wanted.free_threaded) == bool(found.free_threaded)
        and bool(wanted.debug) == bool(found.debug)
    )


def _parse_name(name: str) -> PythonSpec:
    """Parse a name, whose version may be a prerelease: 3.15.0a2t."""
    return PythonSpec.from_string_spec(_PRERELEASE.sub(r"\1", name))


def _quote(text: str) -> str:
    return repr(excerpt(text, _LONGEST))
