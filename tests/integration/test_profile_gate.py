"""``compare`` and ``check`` on saved profiles, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import error_lines, gilbench
from golden import written
from profiles import contended, sampled
from studies import everything, save


@pytest.fixture
def before(tmp_path: Path) -> str:
    return saved(tmp_path / "before.json", contended())


@pytest.fixture
def study(tmp_path: Path) -> str:
    return str(save(everything().study(), tmp_path / "study.jsonl"))


def saved(path: Path, profile: object) -> str:
    path.write_text(written(profile, "json"), "utf-8")
    return str(path)


def test_two_profiles_are_compared(before: str, tmp_path: Path) -> None:
    after = saved(tmp_path / "after.json", sampled())
    done = gilbench("compare", before, after)
    assert done.returncode == 0, done.stderr
    assert "GIL wait" in done.stdout
    assert gilbench("compare", before, after, "--strict").returncode == 3
    found = json.loads(gilbench("compare", before, after, "--metric", "gil_*", "--format", "json").stdout)
    assert {row["metric"] for row in found["differences"]} <= {"gil_held", "gil_wait", "share"}


def test_a_profile_is_compared_with_a_profile_only(before: str, study: str) -> None:
    for arguments in ((before,), (before, study), (study, before)):
        done = gilbench("compare", *arguments)
        (line,) = error_lines(done)
        assert "compare two profiles: gilbench compare BEFORE.json AFTER.json" in line
        assert done.returncode == 2
    done = gilbench("compare", before, before, "--metric", "throughput")
    assert "no such metric; use gil_held" in "".join(error_lines(done))


@pytest.mark.parametrize(
    ("limits", "code", "said"),
    [
        (("gil_held<99%", "crunch: longest_hold<50ms"), 0, "pass: 0 of 2 limits exceeded"),
        (("gil_held<99%", "gil_wait<20%"), 1, "exceeded: 1 of 2 limits"),
    ],
)
def test_a_limit_that_is_exceeded_fails_the_check(
    before: str, limits: tuple[str, ...], code: int, said: str
) -> None:
    done = gilbench("check", before, *(word for limit in limits for word in ("--limit", limit)))
    assert done.returncode == code, done.stderr
    assert said in done.stdout


def test_a_sampled_value_near_its_limit_fails_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "sampled.json", sampled())
    assert gilbench("check", path, "--limit", "gil_held<95%").returncode == 0
    assert gilbench("check", path, "--limit", "gil_held<95%", "--strict").returncode == 3


def test_limits_are_written_in_the_formats_of_a_check(before: str, tmp_path: Path) -> None:
    report = tmp_path / "limits.xml"
    done = gilbench("check", before, "--limit", "gil_wait<20%", "--format", "github", "-o", str(report))
    assert done.returncode == 1
    assert "::error title=gilbench%3A limit::gil_wait<20%25" in done.stdout
    assert "<failure" in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--limit", "gil_wait<20"), "use %"),
        (("--limit", "nobody: gil_wait<20%"), "no thread matches"),
        (("--limit", "gil_wait<20%", "--baseline", "x.jsonl"), "no baseline"),
        (("--limit", "gil_wait<20%", "--workload", "countdown"), "no baseline"),
        (("--limit", "gil_wait<20%", "-o", "x.zip"), ".json"),
        ((), "--limit LIMIT"),
    ],
)
def test_nonsense_ends_with_2_and_the_next_step(before: str, arguments: tuple[str, ...], said: str) -> None:
    done = gilbench("check", before, *arguments)
    assert said in " ".join(error_lines(done))
    assert done.returncode == 2


def test_a_limit_needs_a_profile(study: str, tmp_path: Path) -> None:
    done = gilbench("check", study, "--limit", "gil_wait<20%")
    assert f"{study} is a study" in "".join(error_lines(done))
    assert done.returncode == 2
    done = gilbench("check", str(tmp_path / "absent.json"), "--limit", "gil_wait<20%")
    assert "No such file" in "".join(error_lines(done))
    assert gilbench("check", "--limit", "gil_wait<20%").returncode == 2
