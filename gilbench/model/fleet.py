"""A fleet as a user names it, and its hosts as ``gilbench fleet status`` shows them."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.model.study import Struct


class Access(NamedTuple):
    """Files in PEM format that prove who may take part, on both sides of each connection."""

    ca: str  # certificate of the authority that signed all others
    cert: str  # certificate of this process
    key: str  # its private key


class Fleet(NamedTuple):
    """A fleet, as a user names it."""

    address: str  # of its scheduler
    access: Access | None = None  # files of TLS; None: the connection is not encrypted
    hosts: str | None = None  # a condition; see ``plan.host_choice``. None: all hosts


class HostStatus(Struct, frozen=True):
    """A host of a fleet."""

    name: str
    gilbench: str  # its version
    digest: str  # of its sources and its workloads
    fits: bool  # it has the same gilbench as this machine
    doing: str | None  # what it measures; None: nothing
    blocks: int  # that it has answered since it joined
    cores: int
    cpus: int
    memory: int  # bytes
    machine: str
    system: str
    kernel: str
    cpu_model: str
    root: bool
    virtualisation: str | None
    interpreters: tuple[str, ...]  # names


class FleetStatus(Struct, frozen=True):
    """A scheduler and its hosts."""

    gilbench: str  # version of this machine
    digest: str  # of this machine's sources and workloads
    scheduler: str  # its address
    scheduler_gilbench: str
    scheduler_digest: str
    hosts: tuple[HostStatus, ...]
