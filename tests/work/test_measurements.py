"""Sessions of tests: saved, compared with the last one, and shown."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from studies import DRIFT, StudyBuilder, make_slice, make_workload, named

from gilbench.model.errors import UsageError
from gilbench.model.measurements import Measurement, Reported
from gilbench.model.study import Study
from gilbench.render.formats import text_of
from gilbench.store.study import read_study
from gilbench.work.compare import Limits
from gilbench.work.measurements import settle


def study(name: str, gain: float) -> Study:
    builder = StudyBuilder([named("3.13")], [make_workload(name, "own")], blocks=6)
    for block in range(6):
        rate = 1000.0 * DRIFT[block] * (1 + 0.001 * (-1) ** block)
        builder.run(builder.case(name, "3.13", 1), block, [make_slice(0, rate)])
        faster = rate * gain * (1 + 0.001 * block)
        builder.run(builder.case(name, "3.13", 2), block, [make_slice(0, faster, threads=2)])
    return builder.study()


def reported(name: str, gain: float) -> Reported:
    measurement = Measurement(
        test=f"test_it.py::{name}", check="scales", subject=f"m:{name}", outcome="passed"
    )
    return Reported(measurement=measurement, study=study(name, gain))


def test_a_session_is_compared_with_the_last_one_and_saved_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "last.jsonl"
    first = settle([reported("a", 1.9), reported("b", 1.9)], save=path, baseline=path)
    assert (first.check, first.saved) == (None, str(path))
    assert "nothing to compare with" in (first.note or "")
    same = settle([reported("a", 1.9), reported("b", 1.9)], save=path, baseline=path)
    assert same.check is not None
    assert (same.check.gate.verdict, same.check.exit_code) == ("pass", 0)
    before = path.read_bytes()
    worse = settle([reported("a", 1.9), reported("b", 1.2)], save=path, baseline=path)
    assert worse.check is not None
    assert (worse.check.gate.verdict, worse.check.exit_code) == ("regressed", 1)
    assert [row.case.workload for row in worse.check.gate.regressed] == ["b"]
    assert path.read_bytes() == before
    assert "keeps the earlier session" in (worse.note or "")
    better = settle([reported("a", 1.95), reported("b", 2.5)], save=path, baseline=path)
    assert better.saved is not None
    assert len(read_study(path).runs) == 24
    assert [one.name for one in tmp_path.iterdir()] == ["last.jsonl"]


def test_throughputs_of_two_times_are_compared_only_if_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "last.jsonl"
    settle([reported("a", 1.9)], save=path, baseline=None)
    checks = [
        settle([reported("a", 1.9)], save=None, baseline=path, limits=Limits(allow_unpaired=allowed)).check
        for allowed in (False, True)
    ]
    metrics = [
        {row.metric for rows in (check.gate.equivalent, check.gate.inconclusive) for row in rows}
        for check in checks
        if check is not None
    ]
    assert metrics == [{"speedup"}, {"speedup", "throughput"}]


def test_a_missing_baseline_and_other_tests_are_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "last.jsonl"
    with pytest.raises(UsageError, match="--gilbench-save"):
        settle([reported("a", 1.9)], save=None, baseline=path)
    settle([reported("a", 1.9)], save=path, baseline=None)
    with pytest.raises(UsageError, match="no case of this session"):
        settle([reported("b", 1.9)], save=None, baseline=path)


def test_a_session_without_studies_says_so(tmp_path: Path) -> None:
    one = msgspec.structs.replace(reported("a", 1.9), study=None)
    found = settle([one], save=tmp_path / "last.jsonl", baseline=None)
    assert (found.saved, list(tmp_path.iterdir())) == (None, [])
    assert "nothing was saved" in (found.note or "")


def test_a_session_is_written_in_every_format_and_escaped(tmp_path: Path) -> None:
    row = Measurement(
        test="test_it.py::test[\x1b[31mred]",
        check="releases the GIL",
        subject="=1+1",
        outcome="failed",
        value=0.25,
        lo=0.2,
        hi=0.3,
        unit="fraction",
        required=0.5,
        waited=42.0,
    )
    found = settle(
        [Reported(measurement=row), reported("a", 1.9)], save=tmp_path / "last.jsonl", baseline=None
    )
    document = json.loads(text_of(found, "json"))
    assert (document["kind"], [one["outcome"] for one in document["rows"]]) == (
        "measurements",
        ["failed", "passed"],
    )
    text = text_of(found, "terminal")
    assert "\x1b" not in text
    assert "25.0%" in text
    assert "waited 42.0 s for other measurements" in text
    assert "test_it.py::a" in text_of(found, "markdown")
    assert "\x1b" not in text_of(found, "csv")
