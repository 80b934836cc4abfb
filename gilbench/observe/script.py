r"""Fills in the templates of the bpftrace scripts.

A template is a ``.bt`` file with sections and placeholders:

    // section: live
    interval:s:1 { print(@held); }
    // end
    @until[tid] = nsecs;  // section: timeline
    printf("${line_begin} %llu\n", nsecs);

A section is the text between its marker and ``// end``; a marker behind code makes a section of that line. Only
the requested sections remain. Sections may be nested and may share a name. All placeholders are replaced in a
single pass, so that a value which looks like a placeholder stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from gilbench.observe.bpftrace import quoted

_MARKER = re.compile(r"^(?P<code>.*?)\s*// section: (?P<name>\w+)$")
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_END = "// end"


def filled(template: Path, values: Mapping[str, str], sections: Collection[str] = ()) -> str:
    """Return a template with the requested sections and all placeholders replaced.

    Args:
        template: The ``.bt`` file.
        values: Text by the name of its placeholder.
        sections: Names of the sections to keep.

    Raises:
        ValueError: The template and the arguments do not match: an unknown section, a placeholder without a value,
            a value without a placeholder, or a section without its end.
    """
    text = template.read_text("utf-8")
    lines = text.splitlines()
    known = {found["name"] for found in map(_MARKER.match, lines) if found}
    if unknown := set(sections) - known:
        raise ValueError(f"{template.name} has no section {', '.join(sorted(unknown))}")
    kept = "\n".join(_kept(template, lines, sections)) + "\n"
    if missing := set(_PLACEHOLDER.findall(kept)) - values.keys():
        raise ValueError(f"{template.name} needs a value for {', '.join(sorted(missing))}")
    if unused := values.keys() - set(_PLACEHOLDER.findall(text)):
        raise ValueError(f"{template.name} has no placeholder for {', '.join(sorted(unused))}")
    return _PLACEHOLDER.sub(lambda found: values[found[1]], kept)


def places(kind: str, path: Path, functions: Iterable[str]) -> str:
    """Return the attach points of a uprobe or uretprobe on functions of a file.

    Raises:
        BpftraceError: bpftrace cannot probe the path or a function of this name.
    """
    return ",\n".join(f"{kind}:{quoted(str(path))}:{quoted(name)}" for name in functions)


def _kept(template: Path, lines: Iterable[str], sections: Collection[str]) -> Iterator[str]:
    """Yield the lines outside sections and in the requested ones, without the markers."""
    open_sections: list[bool] = []  # whether each was requested, the innermost last
    for line in lines:
        found = _MARKER.match(line)
        if line.strip() == _END:
            if not open_sections:
                raise ValueError(f"{template.name} ends a section that has not begun")
            open_sections.pop()
        elif found and not found["code"].strip():
            open_sections.append(found["name"] in sections)
        elif all(open_sections) and (found is None or found["name"] in sections):
            yield found["code"] if found else line
    if open_sections:
        raise ValueError(f"{template.name} does not end {len(open_sections)} of its sections")
