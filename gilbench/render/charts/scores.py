"""The charts of a scorecard: a matrix of verdicts for the claims, and one for the requirements."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from functools import partial

import altair as alt

from gilbench.model.scores import Score, Scorecard
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.style import INK, SCORES
from gilbench.render.charts.svg import rendered
from gilbench.render.scorecard_page import place_of, verdict_label

_CELL, _LINE, _GAP = 88, 14, 10  # px: width of a cell, height of a line of its label, and around it
_WIDEST, _LONGEST = 62, 180  # characters of a line, and of a label


def scorecard_charts(card: Scorecard) -> Iterator[Chart]:
    """Yield the matrices that are not empty."""
    if card.claims:
        yield _matrix("claims", "Claims about the GIL", card.claims)
    if card.properties:
        yield _matrix("requirements", "Requirements for a replacement of the GIL", card.properties)


def _matrix(name: str, title: str, scores: Sequence[Score]) -> Chart:
    """Make a matrix of the overall verdicts, whose cells lead to the values behind them."""
    whole = [score for score in scores if score.part is None]
    named = {score.id.partition(".")[0] for score in whole}
    whole += [score for score in scores if score.id.partition(".")[0] not in named]
    rows = labels((_title(score) for score in whole), _LONGEST)
    columns = labels((score.interpreter for score in whole), 24)
    cells = [
        {
            "row": rows[_title(score)],
            "column": columns[score.interpreter],
            "verdict": score.verdict,
            "text": verdict_label(score.verdict),
            "ink": SCORES[score.verdict][1],
        }
        for score in whole
    ]
    for cell in cells:
        cell["told"] = f"{cell['row']}, {cell['column']}: {cell['text']}"
    by_row: dict[str, dict[str, str]] = {}
    for score in whole:
        by_row.setdefault(_title(score), {})[score.interpreter] = verdict_label(score.verdict)
    return Chart(
        name=name,
        title=title,
        summary="Overall verdict of each row, by interpreter. On a page, each cell links to the values behind it.",
        table=table_of_chart(
            ("", *columns),
            ((row, *(found.get(one, "-") for one in columns)) for row, found in by_row.items()),
        ),
        draw=partial(_draw, cells, list(rows.values()), list(columns.values())),
        links={cell["told"]: place_of(score.id) for cell, score in zip(cells, whole, strict=True)},
    )


def _title(score: Score) -> str:
    number = score.id.partition(".")[0]
    whole = score.title if score.part is None else f"{score.title}: {score.part}"
    return f"({number}) {whole}" if number.isdecimal() else whole


def _draw(cells: Sequence[Record], rows: Sequence[str], columns: Sequence[str]) -> str:
    lines = {row: textwrap.wrap(row, _WIDEST) for row in rows}
    height = _GAP + _LINE * max(map(len, lines.values()))
    label = f"{json.dumps(lines)}[datum.value]"
    raised = {"condition": {"test": f"length({label}) > 1", "value": -_LINE / 2}, "value": 0}
    axis = alt.Axis(labelExpr=label, labelOffset=raised, domain=False, ticks=False)
    base = alt.Chart(alt.InlineData(values=list(cells))).encode(
        x=alt.X(
            "column:N",
            title=None,
            sort=list(columns),
            axis=alt.Axis(orient="top", labelAngle=0, labelLimit=_CELL, domain=False, ticks=False),
        ),
        y=alt.Y("row:N", title=None, sort=list(rows), axis=axis),
    )
    verdicts = [verdict for verdict in SCORES if any(cell["verdict"] == verdict for cell in cells)]
    scale = alt.Scale(domain=verdicts, range=[SCORES[verdict][0] for verdict in verdicts])
    layered = alt.layer(
        base.mark_rect(stroke=INK, strokeOpacity=0.3).encode(
            color=alt.Color("verdict:N", scale=scale, legend=None), description="told:N"
        ),
        base.mark_text(fontSize=11).encode(text="text:N", color=alt.Color("ink:N", scale=None)),
    ).resolve_scale(color="independent")
    longest = [line for found in lines.values() for line in found]
    return rendered(layered.properties(width=_CELL * len(columns), height=height * len(rows)), longest)
