"""Counts the lines of public headers that are conditional on free threading: a proxy for its maintenance cost.

Only direct conditions count. A condition on a macro that is itself defined under such a condition is not followed.
"""

from __future__ import annotations

import re
from pathlib import Path

from gilbench.model.scores import HeaderLines

MACRO = re.compile(r"\bPy_GIL_DISABLED\b")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b(.*)")


def count_headers(folder: Path) -> HeaderLines | None:
    """Count the lines of the public headers in an include folder; None: it has no ``Python.h``.

    Excluded are ``internal/``, which no extension may use, and ``pyconfig.h``, which configure writes.
    """
    if not (folder / "Python.h").is_file():
        return None
    files = [
        path
        for path in sorted(folder.rglob("*.h"))
        if "internal" not in path.relative_to(folder).parts and path.name != "pyconfig.h"
    ]
    counts = [conditional_lines(path.read_text("utf-8", "replace")) for path in files]
    return HeaderLines(
        lines=sum(lines for lines, _ in counts),
        conditional=sum(conditional for _, conditional in counts),
        files=len(files),
        conditional_files=sum(conditional > 0 for _, conditional in counts),
    )


def conditional_lines(text: str) -> tuple[int, int]:
    """Return the number of lines of code of a header, and how many of them are conditional on the macro."""
    without = _COMMENT.sub(lambda found: "\n" * found.group().count("\n") or " ", text)
    joined = re.sub(r"\\\n", lambda _: "\v", without)  # a continued line is one line for the preprocessor
    lines = conditional = 0
    open_conditions: list[bool] = []  # whether any condition of each open #if has named the macro
    for line in joined.split("\n"):
        weight = sum(1 for part in line.split("\v") if part.strip())
        lines += weight
        directive = _DIRECTIVE.match(line)
        word = directive[1] if directive else ""
        if word in {"if", "ifdef", "ifndef"}:
            open_conditions.append(False)
        if directive and word != "endif" and MACRO.search(directive[2]) and open_conditions:
            open_conditions[-1] = True
        conditional += weight * any(open_conditions)
        if word == "endif" and open_conditions:
            open_conditions.pop()
    return lines, conditional
