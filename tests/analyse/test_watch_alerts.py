from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watches import make_interval

from gilbench.analyse.watch.alerts import Alert, alert_value, parse_alert
from gilbench.analyse.watch.condensed import mean
from gilbench.analyse.watch.totals import WatchTotals
from gilbench.model.errors import UsageError
from gilbench.model.watch import WATCH_METRICS, WatchedGroup


@given(
    metric=st.sampled_from(sorted(WATCH_METRICS)),
    relation=st.sampled_from(["<", ">", "<=", ">="]),
    value=st.integers(0, 10_000),
    minutes=st.one_of(st.none(), st.integers(1, 600)),
    blanks=st.sampled_from(["", " "]),
)
def test_a_rule_says_what_it_was_given(
    metric: str, relation: str, value: int, minutes: int | None, blanks: str
) -> None:
    unit = {"fraction": "%", "s": "ms", "cores": "", "1/s": ""}[WATCH_METRICS[metric].unit]
    ending = "" if minutes is None else f" for {minutes}m"
    rule = parse_alert(f"{metric}{blanks}{relation}{blanks}{value}{unit}{ending}")
    scale = {"%": 0.01, "ms": 1e-3, "": 1.0}[unit]
    assert (rule.limit.metric, rule.limit.most) == (metric, relation.startswith("<"))
    assert rule.limit.value == pytest.approx(value * scale)
    assert rule.seconds == (minutes or 0) * 60


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_an_error_of_one_line(text: str) -> None:
    said = ""
    try:
        assert parse_alert(text).limit.metric in WATCH_METRICS
    except UsageError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "gil_wait",
        "gil_wait>30% for",
        "gil_wait>30% for 0s",
        "gil_wait>30ms",
        "worker: switches>3",
        "acquires>1",
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--alert"):
        parse_alert(text)


@pytest.mark.parametrize("metric", ["wait_share>3%", "switches>3", "paused>3%"])
def test_a_figure_of_the_whole_program_has_no_group(metric: str) -> None:
    with pytest.raises(UsageError, match=r"is of the whole program; leave out 'worker'"):
        parse_alert(f"worker: {metric}")


def test_a_rule_of_a_group_sums_its_threads_and_takes_the_longest_hold() -> None:
    interval = make_interval()
    assert alert_value(parse_alert("worker-*: gil_wait>1%"), interval) == 0.25
    assert alert_value(parse_alert("*: gil_held>1%"), interval) == 0.5
    assert alert_value(parse_alert("*: longest_hold>1ms"), interval) == 0.125
    assert alert_value(parse_alert("db-*: gil_wait>1%"), interval) is None
    assert alert_value(parse_alert("wait_share>1%"), interval) == 0.25


def test_an_alert_fires_once_until_its_limit_was_kept_for_as_long() -> None:
    alert = Alert(parse_alert("gil_wait>30% for 20s"))
    waits = [0.4, 0.2, 0.4, 0.4, 0.4, 0.2, 0.4, 0.2, 0.2, 0.4, 0.4]
    said = [alert.judge(make_interval(gil_wait=wait)) for wait in waits]
    nothing = None
    assert said == [
        *(nothing, nothing, nothing, "fired"),
        *(nothing, nothing, nothing, nothing, "cleared"),
        *(nothing, "fired"),
    ]


def test_what_is_unknown_neither_fires_nor_clears() -> None:
    alert = Alert(parse_alert("gil_wait>30% for 20s"))
    assert alert.judge(make_interval(gil_wait=0.4)) is None
    assert alert.judge(make_interval(gil_wait=None)) is None
    assert alert.judge(make_interval(gil_wait=0.4)) is None
    firing = Alert(parse_alert("gil_wait>30%"), firing=True)
    assert firing.judge(make_interval(gil_wait=None)) is None
    assert firing.judge(make_interval(gil_wait=0.1)) == "cleared"


def test_sums_are_thread_seconds() -> None:
    totals = WatchTotals()
    for _ in range(3):
        totals.add(make_interval())
    assert totals.watched == 30.0
    assert totals.switches == 60_000.0
    assert [(one.name, one.gil_held, one.gil_wait) for one in totals.groups()] == [
        ("MainThread", 0.0, 0.0),
        ("worker-*", 15.0, 7.5),
    ]


def test_time_in_which_a_figure_was_unknown_is_no_time_without_waits() -> None:
    totals = WatchTotals()
    totals.add(make_interval())
    blind = make_interval(gil_wait=None, groups=(WatchedGroup(name="worker-*", threads=8, gil_held=0.5),))
    totals.add(blind)
    (_, workers) = totals.groups()
    assert totals.known["gil_wait"] == 10.0
    assert totals.known["gil_held"] == 20.0
    assert totals.share(workers.gil_wait, "gil_wait") == 0.25
    assert totals.share(workers.gil_held, "gil_held") == 0.5
    assert totals.share(workers.parked, "parked") is None
    assert mean([make_interval(), blind], "gil_wait") == 0.25
    # The interpreter counts its waiting threads, but does not say which.
    counted = make_interval(gil_wait=1.5, groups=blind.groups)
    totals.add(counted)
    assert totals.known["gil_wait"] == 10.0
    assert totals.known["gil_held"] == 30.0
