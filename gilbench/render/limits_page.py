"""The page of a profile held to limits."""

from __future__ import annotations

from gilbench.model.metrics import write
from gilbench.model.profile_results import PROFILE_METRICS, LimitCheck, Limited
from gilbench.render.figures import figure_within, short
from gilbench.render.page import Column, Page, Section, Sentences, Table, Text, Tone

SCHEMA = 1
_TONES: dict[str, Tone] = {"pass": "good", "exceeded": "bad", "inconclusive": "warning"}


def limits_page(check: LimitCheck) -> Page:
    """Make the page of a profile held to limits."""
    title = Text(f"gilbench check: {limits_headline(check)}", _TONES[check.verdict])
    rows = tuple(
        (one.limit.text, value_text(one), threads_text(one), Text(one.verdict, _TONES[one.verdict]))
        for one in check.results
    )
    columns = (
        Column("limit", "left", folds=True),
        Column("value"),
        Column("threads"),
        Column("verdict", "left"),
    )
    warnings = tuple(caveat.text for caveat in check.caveats)
    return Page(
        title=title,
        lead=(Text(f"Profile: {short(check.profile)}. {how_to_read_limits(check)}", "faint"),),
        parts=(
            Table("Limits", columns, (Section(rows),)),
            *((Sentences("Warnings", warnings, "warning"),) if warnings else ()),
        ),
        document={
            "schema": SCHEMA,
            "kind": "limits",
            "verdict": check.verdict,
            "exit_code": check.exit_code,
            "profile": check.profile,
            "limits": [_flat(one) for one in check.results],
            "warnings": warnings,
            "caveats": check.caveats,
        },
        rows=map(_flat, check.results),
        closing=title,
    )


def limits_headline(check: LimitCheck) -> str:
    """Return the verdict in one sentence."""
    count = len(check.results)
    of = f"of {count} limit{'s'[: count != 1]}"
    found = {verdict: sum(one.verdict == verdict for one in check.results) for verdict in _TONES}
    if check.verdict == "pass":
        return f"pass: 0 {of} exceeded"
    open_ = f", {found['inconclusive']} inconclusive" if found["inconclusive"] else ""
    return f"{check.verdict}: {found['exceeded']} {of}{' exceeded' if check.verdict != 'exceeded' else ''}{open_}"


def how_to_read_limits(check: LimitCheck) -> str:
    """Explain shares, and intervals if there are any."""
    sampled = any(one.figure.lo is not None for one in check.results)
    interval = " A limit inside the 95% interval of a sampled value is inconclusive." if sampled else ""
    return f"Shares are of the wall time, all threads together.{interval}"


def value_text(one: Limited) -> str:
    """Write a value with its interval, if it was sampled."""
    figure = one.figure
    return figure_within(figure.value, figure.lo, figure.hi, PROFILE_METRICS[one.limit.metric].unit)


def threads_text(one: Limited) -> str:
    """Write the number of threads."""
    return str(one.count)


def sentence(one: Limited) -> str:
    """Return a limit and its value in one sentence."""
    metric = PROFILE_METRICS[one.limit.metric]
    bound = write(one.limit.value, metric.unit)
    side = "at most" if one.limit.most else "at least"
    return f"{one.limit.text}: {metric.title} {value_text(one)}, limit {side} {bound}: {one.verdict}"


def _flat(one: Limited) -> dict[str, object]:
    return {
        "limit": one.limit.text,
        "threads": one.limit.threads,
        "metric": one.limit.metric,
        "unit": PROFILE_METRICS[one.limit.metric].unit,
        "bound": one.limit.value,
        "side": "most" if one.limit.most else "least",
        "value": one.figure.value,
        "lo": one.figure.lo,
        "hi": one.figure.hi,
        "count": one.count,
        "verdict": one.verdict,
    }
