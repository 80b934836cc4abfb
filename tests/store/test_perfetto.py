"""Traces are read back with the classes of the perfetto package, and their slices added up."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gilbench.model.errors import UsageError
from gilbench.model.profile import StateChange
from gilbench.store.perfetto import TimelineWriter

trace_classes: Any = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
STATES = ("held", "wait", "off", "blocked")


def read(path: Path) -> Any:
    trace = trace_classes.Trace()
    trace.ParseFromString(path.read_bytes())
    return trace


def sums(path: Path) -> dict[tuple[int, str], float]:
    """Seconds by tid and state; every slice has an end, and ends before the next one begins."""
    trace = read(path)
    tids = {
        packet.track_descriptor.uuid: packet.track_descriptor.thread.tid
        for packet in trace.packet
        if packet.track_descriptor.HasField("thread")
    }
    seconds: defaultdict[tuple[int, str], float] = defaultdict(float)
    running: dict[int, tuple[str, int]] = {}
    for packet in trace.packet:
        event = packet.track_event
        if event.type == trace_classes.TrackEvent.TYPE_SLICE_BEGIN:
            assert tids[event.track_uuid] not in running
            running[tids[event.track_uuid]] = event.name, packet.timestamp
        elif event.type == trace_classes.TrackEvent.TYPE_SLICE_END:
            state, begun = running.pop(tids[event.track_uuid])
            seconds[tids[event.track_uuid], state] += (packet.timestamp - begun) / 1e9
    assert not running
    return dict(seconds)


def random_walk(count: int, start: float) -> Iterator[StateChange]:
    rng, now = random.Random(5), start
    for _ in range(count):
        now += rng.expovariate(1e5)
        yield StateChange(now, rng.choice((101, 102, 40_000)), rng.choice(STATES))  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [0.0, 0.2, 268.435, 12_345.678, 3e7])
def test_the_slices_of_each_thread_add_up_to_the_time_in_each_state(tmp_path: Path, start: float) -> None:
    changes = list(random_walk(3000, start))
    expected: defaultdict[tuple[int, str], float] = defaultdict(float)
    since: dict[int, StateChange] = {}
    for change in [*changes, *(StateChange(changes[-1].stamp, tid, "ended") for tid in (101, 102, 40_000))]:
        if before := since.get(change.tid):
            expected[change.tid, before.state] += change.stamp - before.stamp
        since[change.tid] = change
    with TimelineWriter(tmp_path / "trace", 100, ["python", "app.py"]) as writer:
        writer.add(changes[:1000])
        writer.add(changes[1000:])
    assert sums(tmp_path / "trace") == pytest.approx(dict(expected), abs=1e-5)


def test_threads_carry_the_names_that_are_known_at_the_end(tmp_path: Path) -> None:
    with TimelineWriter(tmp_path / "trace", 100, ["python", "app.py"]) as writer:
        writer.add([StateChange(1.0, 101, "held"), StateChange(2.0, 101, "ended")])
        writer.name({101: "worker", 102: "never seen"})
    described = [packet.track_descriptor for packet in read(tmp_path / "trace").packet]
    assert [one.thread.thread_name for one in described if one.HasField("thread")] == ["", "worker"]
    assert next(list(one.process.cmdline) for one in described if one.HasField("process")) == [
        "python",
        "app.py",
    ]
    assert {one.parent_uuid for one in described if one.HasField("thread")} == {201}


def test_lost_events_are_written_in_where_they_were_lost(tmp_path: Path) -> None:
    with TimelineWriter(tmp_path / "trace", 100, ["x"]) as writer:
        writer.add([StateChange(1.5, 101, "held")])
        writer.lose(0)
        writer.lose(17)
    events = [(packet.timestamp, packet.track_event.name) for packet in read(tmp_path / "trace").packet]
    assert (1_500_000_000, "17 events lost") in events
    assert writer.lost == 17


def test_a_thread_that_has_ended_may_leave_its_tid_to_another(tmp_path: Path) -> None:
    with TimelineWriter(tmp_path / "trace", 100, ["x"]) as writer:
        writer.add([StateChange(1.0, 7, "off"), StateChange(2.0, 7, "ended"), StateChange(5.0, 7, "off")])
        writer.close(6.0)
    assert sums(tmp_path / "trace") == {(7, "off"): 2.0}


def test_a_million_events_take_no_memory_that_stays(tmp_path: Path) -> None:
    script = (
        "import itertools, resource, sys\n"
        "from pathlib import Path\n"
        "from gilbench.model.profile import StateChange\n"
        "from gilbench.store.perfetto import TimelineWriter\n"
        "with TimelineWriter(Path(sys.argv[1]), 1, ['x']) as writer:\n"
        "    writer.add([StateChange(0.5, 1, 'held')])\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    writer.add(StateChange(1 + n * 1e-6, n % 4, ('held', 'wait')[n % 8 > 3]) for n in range(1_000_000))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "trace")], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * resource.getpagesize() / 4096 < 20_000  # KiB
    assert (tmp_path / "trace").stat().st_size > 20_000_000


def test_a_state_that_is_told_twice_is_one_slice(tmp_path: Path) -> None:
    with TimelineWriter(tmp_path / "trace", 100, ["x"]) as writer:
        writer.add(StateChange(moment, 7, "off") for moment in (1.0, 2.0, 3.0))
        writer.close(4.0)
    assert sums(tmp_path / "trace") == {(7, "off"): 3.0}
    kinds = [packet.track_event.type for packet in read(tmp_path / "trace").packet]
    assert kinds.count(trace_classes.TrackEvent.TYPE_SLICE_BEGIN) == 1


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*: No such file or directory"):
        TimelineWriter(tmp_path / "absent" / "trace", 1, ["x"])


def test_without_the_package_the_user_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace", None)
    with pytest.raises(UsageError, match=r"pip install 'gilbench\[trace\]'"):
        TimelineWriter(tmp_path / "trace", 1, ["x"])
    assert not (tmp_path / "trace").exists()


def test_a_full_disk_is_told_at_the_end_and_disturbs_no_event(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.symlink_to("/dev/full")
    writer = TimelineWriter(path, 100, ["x"])
    for moment in range(100_000):
        writer.add([StateChange(float(moment), 7, "held" if moment % 2 else "off")])
    with pytest.raises(UsageError, match=r"cannot write .*: No space left on device"):
        writer.close()
    writer.close()
