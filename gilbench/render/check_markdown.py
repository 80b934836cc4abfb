"""A check as Markdown that GitHub renders, for a comment or a step summary.

Whatever comes from outside stands in a code span: nothing in it is markup, HTML, a link, a mention or a
reference to an issue. A bar becomes a broken bar, since no two renderers agree on what a bar after a backslash
is in a table.
"""

from __future__ import annotations

import re

from gilbench.render.check import Check, Section, failure, headline, notes, promise, sections, short
from gilbench.render.guard import printable

LIMIT = 60_000  # characters of a comment, of which GitHub takes 65 536
OPEN_ROWS = 10  # a longer list is folded
_OPEN = frozenset({"regressed", "known bad", "recovered"})  # unless it is long; what is well is folded always
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#@&~!$]|://|www\.", re.IGNORECASE)
_ICONS = {"pass": "✅", "regressed": "❌", "inconclusive": "⚠️"}


def render_check_markdown(check: Check) -> str:
    """Write a check; lists that do not fit are cut, the least important first."""
    page = [f"### {_ICONS[check.gate.verdict]} gilbench check: {headline(check.gate)}", ""]
    page += _list([f"❌ {code(failure(failed))}" for failed in check.gate.failed])
    tail = [f"Ratios to {code(short(check.against))}. {promise(check)}", ""]
    tail += _list([code(note) for note in notes(check)])
    room = LIMIT - sum(len(line) + 1 for line in (*page, *tail))
    for section in sections(check.gate):
        lines = _section(section, room)
        room -= sum(len(line) + 1 for line in lines)
        page += lines
    return "\n".join([*page, *tail])


def code(text: str) -> str:
    """A code span that holds a text without a line break, whatever backticks are in it."""
    safe = text.replace("|", "\N{BROKEN BAR}")
    fence = "`" * (max(map(len, re.findall("`+", safe)), default=0) + 1)
    pad = " " if safe[:1] in {"`", " "} or safe[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{safe or '-'}{pad}{fence}"


def inline(text: str) -> str:
    """A text from outside as it is, unless a character of it could be markup: then as a code span."""
    line = printable(text)
    return code(line) if _MARKUP.search(line) else line


def _list(items: list[str]) -> list[str]:
    """As many items as may stand beside the tables."""
    shown = items[:OPEN_ROWS]
    more = [f"and {len(items) - len(shown)} more"] if len(shown) < len(items) else []
    return [*(f"- {item}" for item in (*shown, *more)), *([""] if items else [])]


def _section(section: Section, room: int) -> list[str]:
    known = any(line.reason for line in section.lines)
    columns = ["workload", "interpreter", "metric", "threads", "ratio (95 % interval)", "verdict"]
    columns += ["known"] if known else []
    head = [f"| {' | '.join(columns)} |", f"|{'|'.join(' --- ' for _ in columns)}|"]
    title = f"{section.title}: {len(section.rows)}"
    is_open = section.status in _OPEN and len(section.rows) <= OPEN_ROWS
    before = [f"**{title}**", ""] if is_open else ["<details>", f"<summary>{title}</summary>", ""]
    after = [""] if is_open else ["", "</details>", ""]
    room -= sum(len(line) + 1 for line in (*before, *head, *after)) + 200  # for a line that says what is cut
    rows: list[str] = []
    for line in section.lines:
        cells = [code(line.workload), code(line.interpreter), code(line.metric), str(line.threads)]
        cells += [line.ratio, line.verdict, *([code(line.reason)] if known else [])]
        row = f"| {' | '.join(cells)} |"
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    if not rows:
        return [f"{title}, not shown here for want of room", ""]
    cut = len(section.rows) - len(rows)
    return [
        *before,
        *head,
        *rows,
        *(["", f"and {cut} more, not shown here for want of room"] if cut else []),
        *after,
    ]
