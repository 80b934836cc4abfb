"""Profile files: one JSON object, ``{"kind": "profile", "schema": 3, ...}``, the fields of ``model.profile.Profile``.

History of the schema:

1. No ``kind``; findings are texts; what was not observed is only in ``unavailable``.
2. Findings and caveats are objects; stacks are saved.
3. A thread can be the sum of ``count`` threads. CPU time is that of ``process.counted`` seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.profile import SCHEMA, Profile
from gilbench.store.profile_integrity import FRACTION, contradictions

_MOST = 2.0**53  # maximum of any number; every JSON reader holds smaller integers exactly
_SHOWN = 1e300  # a larger integer may not fit into a float, as which it is formatted
_FRACTIONS = {
    *("functions.value", "contended", "free_wanted", "probe.error"),
    *(f"lanes.threads.{name}" for name in ("held", "wait", "off", "blocked")),
}
_STATUS = 255.0  # largest exit status
_LEAST = {  # status -64: ended by signal 64
    "process.status": -64.0,
    "stack_rate": 1.0,
    "what_if.cores": 1.0,
    "what_if.curve.cores": 1.0,
    "threads.count": 1.0,
}


def read_profile(path: Path) -> Profile:
    """Read a saved profile.

    Raises:
        StudyError: The file cannot be read, is not a profile, has a newer schema, or has impossible values.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_profile(path) from error
    try:
        profile = msgspec.convert(_current(path, saved), Profile)
    except msgspec.ValidationError as error:
        raise StudyError(f"{path} is damaged: {error}; restore the file") from error
    for fault in chain(_out_of_bounds(msgspec.to_builtins(profile), ""), contradictions(profile)):
        raise StudyError(f"{path} is damaged: {fault}; restore the file")
    return profile


def _no_profile(path: Path) -> StudyError:
    return StudyError(
        f"{path} is not a profile, or is truncated; save one with: gilbench profile -o FILE.json -- COMMAND"
    )


def _current(path: Path, saved: Any) -> dict[str, Any]:
    """Return a document in the current schema."""
    if not isinstance(saved, dict):
        raise _no_profile(path)
    old = "kind" not in saved and saved.keys() >= {"schema", "probe", "duration", "process", "threads"}
    if not old and saved.get("kind") != "profile":
        raise _no_profile(path)
    schema = saved.get("schema")
    if type(schema) is not int or schema < 1:
        raise StudyError(f"{path} is damaged: schema {excerpt(repr(schema), 20)}; restore the file")
    if schema > SCHEMA:
        version = str(saved.get("gilbench", "a newer version"))[:20]
        raise StudyError(
            f"{path} has schema {schema}, but this gilbench reads up to {SCHEMA}; use gilbench {version}"
        )
    return _upgraded(saved) if schema == 1 else saved  # schema 3 only adds fields to schema 2


def _upgraded(saved: dict[str, Any]) -> dict[str, Any]:
    """Convert a document of schema 1."""

    def objects(field: str, kind: str) -> Any:
        texts = saved.get(field, [])
        return [{"kind": kind, "text": text} for text in texts] if isinstance(texts, list) else texts

    return {
        **saved,
        "findings": objects("findings", "text"),
        "caveats": objects("unavailable", "unavailable"),
    }


def _out_of_bounds(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _out_of_bounds(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _out_of_bounds(inner, f"{path}[{number}]")
    elif isinstance(value, int | float):
        field = re.sub(r"\[\d+\]", "", path)
        most = _STATUS if field == "process.status" else FRACTION if field in _FRACTIONS else _MOST
        if not _LEAST.get(field, 0.0) <= value <= most:
            yield f"{path} is {f'{value:.6g}' if abs(value) <= _SHOWN else 'out of range'}"
