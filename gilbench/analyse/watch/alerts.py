"""Alerts of a watch, such as ``gil_wait>30% for 1m`` or ``worker-*: longest_hold>100ms``."""

from __future__ import annotations

import fnmatch
from typing import Literal

from gilbench.analyse.profile.limits import parse_limit
from gilbench.model.metrics import write
from gilbench.model.watch import WATCH_METRICS, AlertRule, WatchedGroup, WatchInterval
from gilbench.plan.axes import parse_duration

_OPTION = "--alert"
_FOR = " for "
_OF_PROGRAM = tuple(name for name in WATCH_METRICS if name not in WatchedGroup.__struct_fields__)


def parse_alert(text: str) -> AlertRule:
    """Read a rule: ``[GROUP:] METRIC > VALUE UNIT [for DURATION]``, or with ``<``.

    Raises:
        UsageError: It is none, the metric is unknown, or the unit does not suit the metric.
    """
    condition, word, duration = text.rpartition(_FOR)
    limit = parse_limit(condition if word else text, _OPTION, WATCH_METRICS, _OF_PROGRAM)
    return AlertRule(
        text=" ".join(text.split()), limit=limit, seconds=parse_duration(_OPTION, duration) if word else 0.0
    )


def alert_value(rule: AlertRule, interval: WatchInterval) -> float | None:
    """Return the value of an interval that a rule is about; None: it is unknown."""
    metric, pattern = rule.limit.metric, rule.limit.threads
    if pattern is None:
        value: float | None = getattr(interval, metric)
        return value
    # Brackets of a name are no set of letters.
    pattern = pattern.replace("[", "[[]")
    members = [group for group in interval.groups if fnmatch.fnmatchcase(group.name, pattern)]
    values: list[float] = [value for group in members if (value := getattr(group, metric)) is not None]
    if not values:
        return None
    return max(values) if metric == "longest_hold" else sum(values)


class Alert:
    """A rule, and whether it is firing.

    It fires once, when its limit has been exceeded for as long as the rule says, and again only after the limit has
    been kept for as long.

    Args:
        rule: The rule.
        firing: It fired, and has not cleared.
    """

    def __init__(self, rule: AlertRule, *, firing: bool = False) -> None:
        self.rule, self.firing = rule, firing
        self._turned: float | None = None  # s for which the limit has been exceeded, or of a firing one: kept

    def judge(self, interval: WatchInterval) -> Literal["fired", "cleared"] | None:
        """Take an interval into account, and return what changed."""
        value = alert_value(self.rule, interval)
        if value is None or self._exceeded(value) == self.firing:
            self._turned = None
            return None
        self._turned = (self._turned or 0.0) + interval.duration
        if self._turned < self.rule.seconds:
            return None
        self.firing, self._turned = not self.firing, None
        return "fired" if self.firing else "cleared"

    def sentence(self, interval: WatchInterval) -> str:
        """Describe the state with the latest value."""
        value = alert_value(self.rule, interval)
        known = "" if value is None else f" ({write(value, WATCH_METRICS[self.rule.limit.metric].unit)} now)"
        return f"alert {'fired' if self.firing else 'cleared'}: {self.rule.text}{known}"

    def _exceeded(self, value: float) -> bool:
        limit = self.rule.limit
        return value < limit.value if limit.most else value > limit.value
