"""Holds a saved profile to limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gilbench.analyse.profile.limits import exit_code, judge, parse_limit
from gilbench.model.errors import UsageError
from gilbench.model.profile import Profile
from gilbench.model.profile_results import LimitCheck
from gilbench.model.results import Caveat
from gilbench.store.profile import read_profile
from gilbench.work.read import kind_of


def check_profile(path: Path, limits: Sequence[str], *, strict: bool = False) -> LimitCheck:
    """Hold a profile to limits.

    Args:
        path: A saved profile.
        limits: Limits such as ``gil_wait<20%`` or ``worker-*: gil_held<50%``; at least one.
        strict: An inconclusive limit has its own exit code.

    Raises:
        StudyError: The profile cannot be read.
        UsageError: A limit cannot be read, or the profile does not have its value.
    """
    wanted = [parse_limit(text) for text in limits]
    if kind_of(path) == "study":
        raise UsageError(
            f"--limit is for profiles, and {path} is a study; save one: gilbench profile -o FILE.json"
        )
    profile = read_profile(path)
    results = tuple(judge(profile, limit) for limit in wanted)
    return LimitCheck(
        profile=str(path),
        results=results,
        caveats=tuple(_doubts(profile)),
        exit_code=exit_code(results, strict=strict),
    )


def _doubts(profile: Profile) -> Iterator[Caveat]:
    if profile.probe.lost:
        yield Caveat(kind="lost", text=f"{profile.probe.lost} events were lost, so values can be too low")
    if profile.probe.strength == "sampled":
        text = "values are sampled; a longer profile, or one by the exact probe, has narrower intervals"
        yield Caveat(kind="sampled", text=text)
