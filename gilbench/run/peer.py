"""The load generator, seen from gilbench: one process for the whole session, restarted after a failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gilbench.host.environment import without_site
from gilbench.host.placement import set_affinity
from gilbench.model.errors import RunFailure
from gilbench.run.endpoint import Endpoint


class Peer:
    """The load generator of the workers."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            RunFailure: The request failed, for example because the worker closed the connection.
        """
        try:
            return self._started().ask(request, seconds)
        except RunFailure:
            self.close()
            raise

    def confine(self, cpus: tuple[int, ...]) -> None:
        """Confine the process to some CPUs."""
        set_affinity(self._started().pid, cpus)

    def _started(self) -> Endpoint:
        if self._endpoint is None:
            self._endpoint = Endpoint(*without_site("gilbench.run.peer_main"))
        return self._endpoint

    def close(self) -> None:
        """End the process."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
