"""The charts of a scorecard: a matrix of verdicts for the claims, and one for the requirements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import altair as alt

from gilbench.model.scores import Score, Scorecard
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.style import INK, SCORES
from gilbench.render.charts.svg import rendered

_CELL, _LINE = 88, 24  # px


def scorecard_charts(card: Scorecard) -> Iterator[Chart]:
    """Yield the matrices that are not empty."""
    if card.claims:
        yield _matrix("claims", "Claims about the GIL", card.claims)
    if card.properties:
        yield _matrix("requirements", "Requirements for a replacement of the GIL", card.properties)


def _matrix(name: str, title: str, scores: Sequence[Score]) -> Chart:
    """Make a matrix of the overall verdicts."""
    whole = [score for score in scores if score.part is None]
    named = {score.id.partition(".")[0] for score in whole}
    whole += [score for score in scores if score.id.partition(".")[0] not in named]
    rows = labels((_title(score) for score in whole), 88)
    columns = labels((score.interpreter for score in whole), 24)
    cells = [
        {
            "row": rows[_title(score)],
            "column": columns[score.interpreter],
            "verdict": score.verdict,
            "text": "n/a" if score.verdict == "not here" else score.verdict,
            "ink": SCORES[score.verdict][1],
        }
        for score in whole
    ]
    by_row: dict[str, dict[str, str]] = {}
    for score in whole:
        by_row.setdefault(_title(score), {})[score.interpreter] = score.verdict
    return Chart(
        name=name,
        title=title,
        summary="Overall verdict of each row, by interpreter. The tables below have the values behind it.",
        table=table_of_chart(
            ("", *columns),
            ((row, *(found.get(one, "-") for one in columns)) for row, found in by_row.items()),
        ),
        draw=partial(_draw, cells, list(rows.values()), list(columns.values())),
    )


def _title(score: Score) -> str:
    number = score.id.partition(".")[0]
    whole = score.title if score.part is None else f"{score.title}: {score.part}"
    return f"({number}) {whole}" if number.isdecimal() else whole


def _draw(cells: Sequence[Record], rows: Sequence[str], columns: Sequence[str]) -> str:
    base = alt.Chart(alt.InlineData(values=list(cells))).encode(
        x=alt.X(
            "column:N",
            title=None,
            sort=list(columns),
            axis=alt.Axis(orient="top", labelAngle=0, labelLimit=_CELL, domain=False, ticks=False),
        ),
        y=alt.Y("row:N", title=None, sort=list(rows), axis=alt.Axis(domain=False, ticks=False)),
    )
    verdicts = [verdict for verdict in SCORES if any(cell["verdict"] == verdict for cell in cells)]
    scale = alt.Scale(domain=verdicts, range=[SCORES[verdict][0] for verdict in verdicts])
    layered = alt.layer(
        base.mark_rect(stroke=INK, strokeOpacity=0.3).encode(
            color=alt.Color("verdict:N", scale=scale, legend=None)
        ),
        base.mark_text(fontSize=11).encode(text="text:N", color=alt.Color("ink:N", scale=None)),
    ).resolve_scale(color="independent")
    return rendered(layered.properties(width=_CELL * len(columns), height=_LINE * len(rows)), rows)
