"""The interface between a running use case and its caller."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gilbench.model.events import Events
    from gilbench.model.profile import Profile
    from gilbench.model.watch import WatchEvent, WatchState


class Listener:
    """Ignores everything and never stops the work. Callers override the methods that they need."""

    def note(self, text: str) -> None:
        """Receive a line for the user."""

    def progress(self, text: str, share: float | None = None, planned: float | None = None) -> None:
        """Receive the current step.

        Args:
            text: The step, in a few words.
            share: Fraction of the work that is done; None: unknown.
            planned: Duration of all the work in seconds; None: unknown.
        """

    def stop(self) -> bool:
        """Return whether the work should end after the current slice. Finished runs are kept."""
        return False


class ProfileListener(Listener):
    """Also receives profiles of a running program."""

    def watching(self) -> None:
        """Receive the moment from which a running process is observed."""

    def wait(self, seconds: float) -> None:
        """Let some seconds pass; return earlier if there is something to do."""
        time.sleep(seconds)

    def sample(self, profile: Profile) -> None:
        """Receive the profile from the start to now."""

    def recorded(self, events: Events) -> None:
        """Receive what each thread did, before the complete profile."""

    def profiled(self, profile: Profile) -> None:
        """Receive the complete profile. The program may still be running."""


class WatchListener(Listener):
    """Also receives what a watch saw."""

    def seen(self, state: WatchState) -> None:
        """Receive the state at the end of each interval."""

    def happened(self, event: WatchEvent) -> None:
        """Receive an event."""


SILENT = Listener()
