"""Profiles a block of this process, from another process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import msgspec

from gilbench.analyse.profile.figures import whole
from gilbench.host.environment import clean_environment
from gilbench.host.process import allow_tracing
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.profile_results import PROFILE_METRICS
from gilbench.run.endpoint import Endpoint
from gilbench.work.callables import own_folders
from gilbench.work.profile import ProfileRequest

_LIMIT = 60.0  # s in which probes are placed, and in which a profile is complete


class BlockProfile:
    """The profile of a block, from its end on.

    Each metric of a profile is an attribute, for all threads together: ``gil_held``, ``gil_wait``, ``wait_share``,
    ``longest_hold``, and so on. Shares are sums over the threads, relative to wall time. None: no probe measured it.
    """

    def __init__(self) -> None:
        self._result: Profile | None = None

    @property
    def result(self) -> Profile:
        """The whole profile.

        Raises:
            UsageError: The block has not ended.
        """
        if self._result is None:
            raise UsageError("the profile is complete only after the with block; read it there")
        return self._result

    @property
    def threads(self) -> tuple[ProfiledThread, ...]:
        """The threads, each with its own values."""
        return self.result.threads

    def __getattr__(self, name: str) -> float | None:
        if name not in PROFILE_METRICS:
            raise AttributeError(f"a profile has no {name}; it has {', '.join(PROFILE_METRICS)}")
        figure = whole(self.result).get(name)
        return None if figure is None else figure.value

    def complete(self, result: Profile) -> None:
        """Receive the profile."""
        self._result = result


@contextlib.contextmanager
def profiling(observe: str = "gil") -> Iterator[BlockProfile]:
    """Profile this process during a block: which threads hold the GIL, and which threads wait for it.

    >>> with gilbench.profiling() as profile:
    ...     serve()
    >>> profile.gil_wait < 0.2
    True

    Args:
        observe: Observers: gil, and stacks and syscalls if wanted.

    Raises:
        UsageError: This process cannot be observed, or no probe works.
        RunFailure: The process that observes it has failed.
    """
    endpoint = Endpoint(
        [sys.executable, "-P", "-m", "gilbench.work.attached_main"],
        clean_environment({"PYTHONPATH": os.pathsep.join(own_folders())}),
    )
    try:
        allow_tracing(endpoint.pid)
        request = ProfileRequest(pid=os.getpid(), observe=observe)
        endpoint.send(msgspec.to_builtins(request))
        _answer(endpoint)  # the probes are in place
        found = BlockProfile()
        yield found
        endpoint.process.signal(signal.SIGINT)
        profile = msgspec.convert(_answer(endpoint), Profile)
    finally:
        endpoint.close()
    if profile.probe.strength is None:
        raise UsageError(f"no probe can observe the GIL: {profile.probe.reason or profile.probe.name}")
    found.complete(profile)


def _answer(endpoint: Endpoint) -> dict[str, object]:
    try:
        return endpoint.expect("ok", _LIMIT)
    except RunFailure as failure:
        if failure.kind == "refused":
            raise UsageError(failure.message) from failure
        last = (endpoint.process.output().strip().splitlines() or ["it wrote nothing"])[-1]
        raise RunFailure(failure.kind, f"the profiler {failure.message}: {last}") from failure
