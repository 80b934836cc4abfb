"""The charts of a profile: what each thread did, who made whom wait, the stacks, and the speedup without a GIL."""

from __future__ import annotations

from collections.abc import Iterator

from gilbench.analyse.profile.groups import rows_of
from gilbench.model.profile import SHORTEST, Profile, RecordedProfile
from gilbench.render.charts.chart import Chart
from gilbench.render.charts.profile.cores import cores_chart
from gilbench.render.charts.profile.flames import flame_charts
from gilbench.render.charts.profile.holders import holder_charts
from gilbench.render.charts.profile.lanes import lane_charts
from gilbench.render.charts.profile.threads import thread_charts
from gilbench.render.charts.profile.waits import wait_charts


def profile_charts(profile: Profile) -> Iterator[Chart]:
    """Yield the charts of a profile."""
    yield from recorded_charts(RecordedProfile(profile))


def recorded_charts(recorded: RecordedProfile) -> Iterator[Chart]:
    """Yield the charts of a profile whose events are known, too."""
    profile = recorded.profile
    if profile.duration < SHORTEST:
        return
    rows = rows_of(profile.threads)
    yield from thread_charts(profile, rows)
    yield from lane_charts(profile, recorded.events)
    yield from holder_charts(profile, rows)
    yield from wait_charts(profile)
    yield from flame_charts(profile)
    if profile.what_if is not None and profile.what_if.curve:
        yield cores_chart(profile.what_if)
