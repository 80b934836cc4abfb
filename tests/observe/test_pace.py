"""The pace of samples, in a time of its own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gilbench.observe import pace
from gilbench.observe.pace import STEP, Pace

KINDS = ("waits", "few waits", "holder")


class World:
    """A clock, and the CPU time that a watch uses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.used = 0.0
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: self.now))

    def run(self, one: Pace, seconds: float, cost: dict[str, float], rest: float = 0.0) -> float:
        """Sample for some time; return the CPU time used for each second."""
        began, before = self.now, self.used
        while self.now < began + seconds:
            gap = one.debt() + one.step
            self.now += gap
            self.used += rest * gap + cost[one.kind]
            one.sampled(cost[one.kind])
        return (self.used - before) / (self.now - began)


@pytest.mark.parametrize("cost", [1e-5, 3e-4, 3e-3, 3e-2])
@pytest.mark.parametrize("rest", [0.0, 0.004, 0.02])
def test_the_limit_holds_whatever_a_sample_costs(
    monkeypatch: pytest.MonkeyPatch, cost: float, rest: float
) -> None:
    world = World(monkeypatch)
    one = Pace(0.01, lambda: world.used, KINDS)
    world.run(one, 120, dict.fromkeys(KINDS, cost), rest)
    # What else costs more than the limit cannot be held back, but then there are few samples.
    assert world.run(one, 600, dict.fromkeys(KINDS, cost), rest) < max(0.0101, rest + 0.003)


def test_cheap_samples_come_at_their_usual_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    one = Pace(0.01, lambda: world.used, KINDS)
    world.run(one, 60, dict.fromkeys(KINDS, 5e-5))
    assert one.step == STEP
    assert one.kind == "waits"
    assert one.paused == 0.0


def test_it_steps_down_to_cheaper_samples_and_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    one = Pace(0.01, lambda: world.used, KINDS)
    world.run(one, 120, {"waits": 0.02, "few waits": 0.01, "holder": 1e-4})
    assert one.kind == "holder"
    world.run(one, 2000, dict.fromkeys(KINDS, 1e-4))
    assert one.kind == "waits"


def test_a_burst_is_paid_for_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    one = Pace(0.01, lambda: world.used, KINDS)
    world.run(one, 60, dict.fromkeys(KINDS, 1e-4))
    world.used += 1.0  # 100 s of the allowance
    before = world.used
    began = world.now
    world.run(one, 120, dict.fromkeys(KINDS, 1e-4))
    assert (world.used - before) / (world.now - began) < 0.005
    assert one.paused > 50


def test_a_calm_night_allows_no_busy_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    one = Pace(0.01, lambda: world.used, KINDS)
    world.run(one, 10, dict.fromkeys(KINDS, 1e-4))
    world.now += 100_000
    used = world.run(one, 60, dict.fromkeys(KINDS, 1e-3), rest=0.05)
    assert used < 0.05 + 0.01
