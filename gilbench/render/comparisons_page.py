"""The page of comparisons: interpreters of one study, or two studies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from gilbench.model.results import Comparison, Comparisons
from gilbench.plan.axes import variant
from gilbench.render.columns import counts, labels, table_of, texts
from gilbench.render.counts import judged_by
from gilbench.render.figures import TONES, case_name, ratio_text, verdict_text
from gilbench.render.host_tables import document_of_hosts, head_of_hosts, kinds_of_result, rows_by_host
from gilbench.render.page import Entry, Lines, Page, Text
from gilbench.render.remarks import remarks
from gilbench.render.rows import flat


def comparisons_page(result: Comparisons) -> Page:
    """Make the page of comparisons, a section for each metric of each workload."""
    hosts, kinds = result.hosts, kinds_of_result(result.hosts)
    sections: dict[str, list[Comparison]] = {}
    rows = sorted(result.rows, key=_order(result.rows))
    for row in rows:
        name = f"{case_name(row.case.workload, row.case.parameters)} {row.metric} vs {row.reference}"
        sections.setdefault(name, []).append(row)
    table = table_of(
        "Comparison",
        sections,
        [
            labels(_label),
            counts("threads", lambda row: str(row.case.threads)),
            texts("ratio", ratio_text),
            texts("verdict", lambda row: Text(verdict_text(row), TONES[row.verdict]), "left"),
        ],
    )
    return Page(
        title="",
        lead=head_of_hosts(kinds),
        parts=(
            table,
            Lines(_legend(result)),
            *rows_by_host(rows, hosts),
            *remarks(() if hosts is None else hosts.findings, result.caveats),
        ),
        document={
            "kind": "comparison",
            "comparisons": [flat(row, kinds) for row in result.rows],
            **document_of_hosts(hosts),
            "caveats": result.caveats,
            "warnings": [caveat.text for caveat in result.caveats],
            "threshold": result.threshold,
            "fdr": result.fdr,
        },
        rows=(flat(row, kinds) for row in (*result.rows, *(hosts.rows if hosts else ()))),
    )


def _label(row: Comparison) -> str:
    return f"{variant(row.case)}{'' if row.paired else ' *'}"


def _legend(result: Comparisons) -> tuple[Entry, ...]:
    meaning = (
        f"Equivalent: within {result.threshold:.1%}. False discovery rate over all rows: {result.fdr * 100:g}%. "
        f"Intervals are 95%{', and cover hosts' if any(row.hosts for row in result.rows) else ''}."
    )
    unpaired = "* Unpaired: absolute values from different times, which drift on shared hosts."
    return (
        Text(_summary(result.rows), "strong"),
        Text(meaning, "faint"),
        *((Text(counted, "faint"),) if (counted := judged_by(result.rows)) else ()),
        *(() if all(row.paired for row in result.rows) else (Text(unpaired, "faint"),)),
    )


def _summary(rows: Sequence[Comparison]) -> str:
    """Count the verdicts."""
    counted = Counter[str](row.verdict for row in rows)
    return f"{len(rows)} comparison{'s'[: len(rows) != 1]}: {', '.join(f'{counted[word]} {word}' for word in TONES)}"


def _order(rows: Sequence[Comparison]) -> Callable[[Comparison], tuple[int, ...]]:
    """Sort by workload, metric, and interpreter, each in the order of their first rows, and then by threads."""

    def keys(row: Comparison) -> tuple[tuple[object, ...], ...]:
        return (row.case.workload, row.case.parameters), (row.metric, row.reference), (variant(row.case),)

    orders: list[dict[tuple[object, ...], int]] = [{}, {}, {}]
    for row in rows:
        for order, key in zip(orders, keys(row), strict=True):
            order.setdefault(key, len(order))
    return lambda row: (*(order[key] for order, key in zip(orders, keys(row), strict=True)), row.case.threads)
