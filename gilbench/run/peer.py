"""Our end of the peer: one process outside for the whole session, started anew when it fails."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gilbench.errors import RunFailure
from gilbench.process import clean_environment
from gilbench.run.affinity import set_affinity
from gilbench.run.endpoint import Endpoint


class Peer:
    """The client of the workers under test."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Let it do one thing, and return what it saw.

        Raises:
            RunFailure: It failed, e.g. because the worker broke the connection.
        """
        try:
            return self._started().ask(request, seconds)
        except RunFailure:
            self.close()
            raise

    def confine(self, cpus: tuple[int, ...]) -> None:
        """Let it run on these CPUs only."""
        set_affinity(self._started().pid, cpus)

    def _started(self) -> Endpoint:
        if self._endpoint is None:
            script = str(Path(__file__).with_name("peer_main.py"))
            self._endpoint = Endpoint([sys.executable, "-I", "-S", script], clean_environment())
        return self._endpoint

    def close(self) -> None:
        """End the process."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
