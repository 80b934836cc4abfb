"""Hosts in network namespaces that a bridge connects. Needs root. All are removed at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from interpreters_fixture import absent

_NETWORK = "10.213.7."  # inside the namespaces only
_NAMES = 9  # characters; a network device has 15 at most


class Namespaces:
    """Network namespaces of this test.

    Args:
        names: Their names; the first one has the bridge.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._prefix = f"gb{os.getpid() % 100_000}"
        self._names = list(names)
        self.addresses = {name: f"{_NETWORK}{number}" for number, name in enumerate(names, start=1)}

    def within(self, name: str) -> tuple[str, ...]:
        """Words before a command that runs in a namespace."""
        return ("ip", "netns", "exec", self._of(name))

    def make(self) -> None:
        """Make the namespaces and their connections."""
        first = self._names[0]
        for name in self._names:
            _ip("netns", "add", self._of(name))
            self._inside(name, "link", "set", "lo", "up")
        self._inside(first, "link", "add", "bridge", "type", "bridge")
        self._inside(first, "address", "add", f"{self.addresses[first]}/24", "dev", "bridge")
        self._inside(first, "link", "set", "bridge", "up")
        for name in self._names[1:]:
            port = f"to-{name}"
            self._inside(first, "link", "add", port, "type", "veth", "peer", "eth0", "netns", self._of(name))
            self._inside(first, "link", "set", port, "master", "bridge", "up")
            self._inside(name, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
            self._inside(name, "link", "set", "eth0", "up")

    def set_link(self, name: str, state: str) -> None:
        """Set the cable of a namespace up or down."""
        self._inside(self._names[0], "link", "set", f"to-{name}", state)

    def remove(self) -> None:
        """Remove the namespaces, with their devices."""
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", self._of(name)], capture_output=True, check=False)

    def _of(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _inside(self, name: str, *words: str) -> None:
        _ip("-n", self._of(name), *words)


@contextmanager
def namespaces(*names: str) -> Iterator[Namespaces]:
    """Connected network namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        absent("network namespaces need root and ip of iproute2")
    made = Namespaces(names)
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            absent(f"network namespaces cannot be made: {error.stderr}")
        yield made
    finally:
        made.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
