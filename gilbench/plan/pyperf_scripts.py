"""Finds the scripts that ``--pyperf`` names: one script, or those of a manifest of pyperformance.

A manifest (https://github.com/python/pyperformance, ``doc/custom_benchmarks.rst``) has a section ``[benchmarks]``
with a table of names and metafiles. ``<local>`` stands for ``bm_NAME/pyproject.toml``, and ``<local:BASE>`` for
``bm_BASE/bm_NAME.toml``, a variant. The metafile names the script, if it is not ``run_benchmark.py``, its options, and
the required version of Python. Nothing is run here.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

_MANIFEST, _SCRIPT, _METAFILE = "MANIFEST", "run_benchmark.py", "pyproject.toml"
_PACKAGED = Path("data-files", "benchmarks", _MANIFEST)  # in the folder of pyperformance
_LOCAL = re.compile(r"<local(?::(?P<base>[\w.-]+))?>\Z")
_SECTION = re.compile(r"\[\s*(?P<name>[^\]]+?)\s*\]\Z")


class PyperfScript(NamedTuple):
    """A script that is written for pyperf."""

    path: Path
    arguments: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()  # as in ``Workload.requires``
    entry: str | None = None  # its name in a manifest; None: given as a file


def find_scripts(given: str) -> tuple[PyperfScript, ...]:
    """Find the scripts of one value of ``--pyperf``.

    Args:
        given: A script, with its arguments after it; a manifest; or a folder with one of them.

    Raises:
        UsageError: A file is missing or cannot be read.
    """
    path, arguments = _split(given)
    if path.is_dir():
        inside = [path / _MANIFEST, path / _PACKAGED, path / _SCRIPT]
        found = next((file for file in inside if file.is_file()), None)
        if found is None:
            raise UsageError(
                f"--pyperf {path}: no {_MANIFEST} and no {_SCRIPT} in this folder; name a script"
            )
        path = found
    if path.suffix == ".py":
        return (PyperfScript(path.resolve(), arguments),)
    if arguments:
        raise UsageError(f"--pyperf {path}: a manifest takes no arguments; choose with --pyperf-benchmark")
    return tuple(_of_entry(name, metafile, path.resolve().parent) for name, metafile in _entries(path))


def _split(given: str) -> tuple[Path, tuple[str, ...]]:
    """Split a script from its arguments; a path with spaces need not be quoted if it exists."""
    if Path(given).exists():
        return Path(given), ()
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"--pyperf {given}: {error}") from error
    if not words or not Path(words[0]).exists():
        raise UsageError(f"--pyperf {given}: no such file; name a script, a {_MANIFEST}, or its folder")
    return Path(words[0]), tuple(words[1:])


def _entries(manifest: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and metafiles of a manifest."""
    try:
        lines = manifest.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UsageError(f"cannot read {manifest}: {reason}") from error
    section, found = "", 0
    for line in (line.partition("#")[0].strip() for line in lines):
        title = _SECTION.match(line)
        if title:
            section = title["name"]
        elif section == "benchmarks" and line and line.split() != ["name", "metafile"]:
            name, *rest = line.split()
            if len(rest) != 1:
                raise UsageError(f"{manifest}: {excerpt(line, 60)!r} is not a name and a metafile")
            found += 1
            yield name, rest[0]
    if not found:
        raise UsageError(f"{manifest} has no [benchmarks]; name a script, or a {_MANIFEST} of pyperformance")


def _of_entry(name: str, metafile: str, folder: Path) -> PyperfScript:
    local = _LOCAL.match(metafile)
    if local is None:
        file = folder / metafile
    elif local["base"]:
        file = folder / f"bm_{local['base']}" / f"bm_{name}.toml"
    else:
        file = folder / f"bm_{name}" / _METAFILE
    own = _read(file)
    common = file.with_name(_METAFILE)  # a variant has the fields of its base
    base = _read(common) if common != file and common.is_file() else {}
    options = {**_table(base, "tool", "pyperformance"), **_table(own, "tool", "pyperformance")}
    script = file.parent / str(options.get("runscript", _SCRIPT))
    arguments = options.get("extra_opts", [])
    python = {**_table(base, "project"), **_table(own, "project")}.get("requires-python", "")
    needed = re.match(r"\s*>=\s*(\d+\.\d+)", str(python))
    if not script.is_file() or not isinstance(arguments, list):
        raise UsageError(f"{file} does not name a script and its options; restore it, or name the script")
    requires = (f"python>={needed[1]}",) if needed else ()
    return PyperfScript(script, tuple(map(str, arguments)), requires, name)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}; it is named in the {_MANIFEST}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}") from error


def _table(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        content = content.get(key, {})
        if not isinstance(content, dict):
            return {}
    return content
