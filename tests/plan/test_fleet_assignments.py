"""Which host of a fleet measures what: whatever happens, each group is finished once, or given up."""

from __future__ import annotations

import random
from collections import Counter, deque

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from studies import make_plan, make_profile

from gilbench.model.study import Case
from gilbench.plan.blocks import Group, groups
from gilbench.plan.fleet import FAILURES, Assignment, Assignments

HOSTS = ("east", "west", "north")


def planned(blocks: int, workloads: int = 2, long_every: int = 2) -> list[Group]:
    """All groups of a plan; the last workload has no train, so it has only long blocks."""
    names = [f"w{number}" for number in range(workloads)]
    cases = [
        Case(workload=name, interpreter=interpreter, threads=1)
        for name in names
        for interpreter in ("3.13", "3.14t")
    ]
    effort = make_profile(blocks=blocks, long_every=long_every, train_seconds=0.1)
    short = {name: frozenset({2 * number, 2 * number + 1}) for number, name in enumerate(names[:-1])}
    return list(groups(make_plan(cases, effort=effort), short))


def kinds(found: list[Group]) -> Counter[tuple[str, bool]]:
    return Counter((group.workload, group.long) for group in found)


def measure_all(fleet: Assignments, hosts: dict[str, float], seed: int = 1) -> dict[str, list[Group]]:
    """Let hosts of different speed, in groups per time, measure until all is done."""
    rng = random.Random(seed)
    finished: dict[str, list[Group]] = {host: [] for host in hosts}
    now, busy = 0.0, dict[str, tuple[float, Assignment]]()
    while not fleet.done:
        for host, assignment in fleet.hand_out():
            assert host not in busy
            busy[host] = now + rng.expovariate(hosts[host]), assignment
        assert busy, "no host measures, but groups are left"
        first = min(busy, key=busy.__getitem__)
        now, assignment = busy.pop(first)
        assert fleet.finish(assignment.token)
        finished[first].append(assignment.group)
    return finished


@pytest.mark.parametrize("hosts", [1, 3, 7])
@pytest.mark.parametrize("long_every", [1, 2, 3])
def test_each_host_gets_as_many_groups_of_each_kind(hosts: int, long_every: int) -> None:
    everything = planned(10 * hosts, 3, long_every)
    speeds = {f"host{number}": 1.0 + number for number in range(hosts)}  # the fastest is 7 times as fast
    finished = measure_all(Assignments(everything, speeds), speeds)
    assert sorted(group for done in finished.values() for group in done) == sorted(everything)
    for kind, total in kinds(everything).items():
        for done in finished.values():
            assert abs(kinds(done)[kind] - total / hosts) < 1


def test_the_kinds_of_a_host_are_spread_over_time() -> None:
    speeds = {"east": 1.0, "west": 1.0}
    finished = measure_all(Assignments(planned(40), speeds), speeds)
    half = kinds(finished["east"][:15])
    assert all(abs(half[kind] - count / 2) <= 1 for kind, count in kinds(finished["east"]).items())


def test_one_host_measures_in_the_order_of_the_plan() -> None:
    everything = planned(8, 1, 1)
    assert measure_all(Assignments(everything, ["east"]), {"east": 1.0})["east"] == everything


def test_a_late_host_gets_an_equal_share_of_the_rest() -> None:
    everything = planned(40, 1, 1)
    fleet = Assignments(everything, ["east"])
    for _ in range(20):
        assignment = fleet.next("east")
        assert assignment is not None
        fleet.finish(assignment.token)
    fleet.join("west")
    finished = measure_all(fleet, {"east": 1.0, "west": 1.0})
    assert {host: len(done) for host, done in finished.items()} == {"east": 10, "west": 10}
    assert fleet.by_host == {"east": 30, "west": 10}


@pytest.mark.parametrize("missed", [0, 8])
def test_a_slow_host_that_was_lost_does_not_measure_what_others_did_meanwhile(missed: int) -> None:
    fleet = Assignments(planned(90, 1, 1), HOSTS)

    def measure(host: str, groups: int) -> None:
        for _ in range(groups):
            assignment = fleet.next(host)
            assert assignment is not None
            assert fleet.finish(assignment.token)

    for host, number in {"east": 20, "west": 20, "north": 5}.items():
        measure(host, number)
    fleet.lose("north")
    measure("east", missed)
    measure("west", missed)
    fleet.join("north")
    measure_all(fleet, dict.fromkeys(HOSTS, 1.0))
    assert fleet.by_host["north"] == pytest.approx(30 - 2 * missed / 3, abs=1)


def test_the_share_of_a_lost_host_is_shared_by_the_others() -> None:
    fleet = Assignments(planned(30, 1, 1), HOSTS)
    for host in HOSTS:
        fleet.next(host)
    fleet.lose("north")
    for token in (0, 1):
        fleet.finish(token)
    finished = measure_all(fleet, {"east": 1.0, "west": 1.0})
    assert {host: len(done) for host, done in finished.items()} == {"east": 14, "west": 14}


def test_a_late_answer_counts_if_it_comes_first() -> None:
    fleet = Assignments(planned(1, 1), ["east"])
    first = fleet.next("east")
    fleet.lose("east")
    fleet.join("west")
    second = fleet.next("west")
    assert first is not None
    assert second is not None
    assert second.group == first.group
    assert (first.attempt, second.attempt) == (0, 1)
    assert fleet.finish(first.token)
    assert fleet.done
    assert not fleet.finish(second.token)
    assert not fleet.finish(first.token)
    assert fleet.by_host == {"east": 1}


def test_a_block_that_fails_everywhere_is_given_up_and_named() -> None:
    fleet = Assignments(planned(1, 1), HOSTS)
    tried = []
    for host in (*HOSTS, *HOSTS):
        assignment = fleet.next(host)
        if assignment is not None:
            tried.append(host)
            fleet.fail(assignment.token)
    assert tried == list(HOSTS)
    assert len(tried) == FAILURES
    assert fleet.done
    assert fleet.given_up == planned(1, 1)


def test_a_block_goes_back_to_the_host_where_it_failed_only_if_there_is_no_other() -> None:
    fleet = Assignments(planned(1, 1), ["east", "west"])
    assignment = fleet.next("east")
    assert assignment is not None
    fleet.fail(assignment.token)
    assert fleet.next("east") is None
    fleet.lose("west")
    again = fleet.next("east")
    assert again is not None
    assert again.attempt == 1


def test_a_host_where_everything_fails_takes_no_more_than_its_share() -> None:
    fleet = Assignments(planned(90, 1, 1), HOSTS)
    failures = 0
    while (assignment := fleet.next("north")) is not None:
        fleet.fail(assignment.token)
        failures += 1
    assert failures <= 45  # the share grows, since each failure is one more attempt
    measure_all(fleet, {"east": 1.0, "west": 1.0})
    assert fleet.given_up == []
    assert sum(fleet.by_host.values()) == 90


def test_attempts_of_earlier_sessions_are_counted() -> None:
    everything = planned(2, 1, 1)
    fleet = Assignments(everything, ["east"], {(1, "w0"): 2})
    finished = []
    while (assignment := fleet.next("east")) is not None:
        finished.append(assignment.attempt)
        fleet.finish(assignment.token)
    assert finished == [0, 2]


def test_a_late_answer_for_a_group_that_failed_elsewhere_ends_it() -> None:
    fleet = Assignments(planned(1, 1), ["east"])
    late = fleet.next("east")
    fleet.lose("east")
    fleet.join("west")
    failed = fleet.next("west")
    assert late is not None
    assert failed is not None
    fleet.fail(failed.token)
    assert fleet.finish(late.token)
    fleet.join("north")
    assert fleet.next("north") is None
    assert fleet.done


def test_a_late_failure_changes_nothing() -> None:
    fleet = Assignments(planned(1, 1), ["east"])
    late = fleet.next("east")
    fleet.lose("east")
    fleet.join("west")
    second = fleet.next("west")
    assert late is not None
    assert second is not None
    fleet.fail(late.token)
    fleet.join("north")
    assert fleet.next("north") is None
    assert fleet.finish(second.token)
    assert fleet.done


def test_late_answers_count_for_the_share_of_the_host_that_gave_them() -> None:
    fleet = Assignments(planned(60, 1, 1), ["east", "west"])
    for _ in range(20):
        assignment = fleet.next("east")
        fleet.lose("east")
        assert assignment is not None
        assert fleet.finish(assignment.token)
        fleet.join("east")
    measure_all(fleet, {"east": 1.0, "west": 1.0})
    assert fleet.by_host == {"east": 30, "west": 30}


def test_a_measurement_that_a_late_answer_makes_useless_does_not_count() -> None:
    fleet = Assignments(planned(60, 1, 1), ["east", "west"])
    late = fleet.next("east")
    fleet.lose("east")
    useless = fleet.next("west")
    assert late is not None
    assert useless is not None
    assert fleet.finish(late.token)
    assert not fleet.finish(useless.token)
    fleet.join("east")
    measure_all(fleet, {"east": 1.0, "west": 1.0})
    assert fleet.by_host == {"east": 30, "west": 30}


def test_hosts_that_were_idle_take_over_from_a_lost_one() -> None:
    fleet = Assignments(planned(8, 1, 1), HOSTS)
    tokens = {host: assignment.token for host, assignment in fleet.hand_out()}
    assert list(tokens) == list(HOSTS)
    while tokens.keys() != {"north"}:  # north is slow
        for host in tokens.keys() - {"north"}:
            fleet.finish(tokens.pop(host))
        tokens |= {host: assignment.token for host, assignment in fleet.hand_out()}
    assert fleet.left == 2
    fleet.lose("north")
    assert {host for host, _ in fleet.hand_out()} == {"east", "west"}


class Fleet(RuleBasedStateMachine):
    """Hosts join, leave, fail, and answer late or twice, beside a model of what counts."""

    def __init__(self) -> None:
        super().__init__()
        self.everything = planned(6)
        self.fleet = Assignments(self.everything)
        self.present: set[str] = set()
        self.measuring: dict[str, Assignment] = {}
        self.asked: dict[int, tuple[str, Assignment]] = {}  # all assignments ever, also the answered ones
        self.finished: dict[Group, str] = {}

    @rule(host=st.sampled_from(HOSTS))
    def join(self, host: str) -> None:
        self.fleet.join(host)
        self.present.add(host)

    @rule(host=st.sampled_from(HOSTS))
    def lose(self, host: str) -> None:
        self.fleet.lose(host)
        self.present.discard(host)
        self.measuring.pop(host, None)

    @rule(host=st.sampled_from(HOSTS))
    def ask(self, host: str) -> None:
        assignment = self.fleet.next(host)
        if host not in self.present or host in self.measuring:
            assert assignment is None
        if assignment is None:
            return
        group = assignment.group
        assert group in self.everything
        assert group not in self.finished
        assert group not in self.fleet.given_up
        assert all(group != other.group for other in self.measuring.values())
        before = [other.attempt for _, other in self.asked.values() if other.group == group]
        assert assignment.attempt == len(before)
        assert assignment.token not in self.asked
        self.measuring[host] = assignment
        self.asked[assignment.token] = host, assignment

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), fails=st.booleans())
    def answer(self, data: st.DataObject, fails: bool) -> None:
        """Answer an assignment, perhaps a late or a second time."""
        token = data.draw(st.sampled_from(sorted(self.asked)))
        host, assignment = self.asked[token]
        first = self.measuring.get(host) == assignment
        given_up = assignment.group in self.fleet.given_up
        if fails:
            self.fleet.fail(token)
        else:
            counts = self.fleet.finish(token)
            if first and not given_up:
                assert counts == (assignment.group not in self.finished)
            if counts:
                assert assignment.group not in self.finished
                self.finished[assignment.group] = host
        if first:
            del self.measuring[host]

    @invariant()
    def nothing_is_lost_or_counted_twice(self) -> None:
        given_up = self.fleet.given_up
        assert len(set(given_up)) == len(given_up)
        assert not self.finished.keys() & set(given_up)
        assert self.fleet.left == len(self.everything) - len(self.finished) - len(given_up)
        assert self.fleet.done == (self.fleet.left == 0)
        assert self.fleet.by_host == Counter(self.finished.values())

    def teardown(self) -> None:
        """Whatever has happened, the hosts that are left finish the rest."""
        if not self.present:
            self.join("east")
        open_ = deque(self.measuring)
        while not self.fleet.done:
            for host in sorted(self.present):
                if host not in self.measuring:
                    self.ask(host)
                    open_.extend({host} & self.measuring.keys())
            host = open_.popleft()  # fails if nobody measures, although something is left
            assignment = self.measuring.pop(host)
            if self.fleet.finish(assignment.token):
                assert assignment.group not in self.finished
                self.finished[assignment.group] = host
        self.nothing_is_lost_or_counted_twice()
        assert self.finished.keys() | set(self.fleet.given_up) == set(self.everything)
        for host in self.present:
            self.fleet.lose(host)
        assert not self.fleet._handed  # nothing is kept for ever


TestFleet = Fleet.TestCase
