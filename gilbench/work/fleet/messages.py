"""The messages of a fleet, and the jobs that a host does. On the wire, they are JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gilbench.model.study import Block, Count, Header, Host, Interpreter, Name, Rounds, Struct
from gilbench.plan.host_choice import HostFacts
from gilbench.work.planning import MeasureRequest

LONGEST_LABEL = 200  # characters
Label = Annotated[str, Meta(max_length=LONGEST_LABEL)]


class Software(Struct, frozen=True):
    """The gilbench of a process. Those of one fleet must be equal."""

    version: str
    digest: str  # of its sources and its catalogue of workloads


class HostState(Struct, frozen=True):
    """A host as the scheduler knows it."""

    facts: HostFacts
    software: Software
    doing: Label = ""  # its job; empty: none
    blocks: Count = 0  # that it has answered since it joined


# --- between a host and the scheduler ---------------------------------------------------------------------


class Join(Struct, frozen=True, tag="join"):
    """A host joins, or comes back."""

    session: Name  # of its process
    state: HostState


class Order(Struct, frozen=True, tag="order"):
    """A job for the host."""

    client: Name
    number: Count  # unique for the client
    label: Label  # what the job measures; empty: nothing
    job: msgspec.Raw


class Stop(Struct, frozen=True, tag="stop"):
    """Jobs of a client that must end."""

    client: Name
    number: Count | None = None  # None: all


class Result(Struct, frozen=True, tag="result"):
    """The end of a job."""

    client: Name
    number: Count
    label: Label
    end: msgspec.Raw  # an ``End``


# --- between a client and the scheduler -------------------------------------------------------------------


class Enter(Struct, frozen=True, tag="enter"):
    """A client enters."""


class Ask(Struct, frozen=True, tag="ask"):
    """A job for a host; the answer has the same number."""

    host: Name
    number: Count
    label: Label
    job: msgspec.Raw


class Cancel(Struct, frozen=True, tag="cancel"):
    """A job of this client that must end."""

    host: Name
    number: Count


class Reply(Struct, frozen=True, tag="answer"):
    """The end of a job."""

    host: Name
    number: Count
    end: msgspec.Raw  # an ``End``


class Present(Struct, frozen=True, tag="present"):
    """Hosts that are there: all when a client enters, later those that join."""

    software: Software  # of the scheduler
    hosts: tuple[HostState, ...]


class Gone(Struct, frozen=True, tag="gone"):
    """A host that is lost, with all its jobs."""

    host: Name


# --- both -------------------------------------------------------------------------------------------------


class Beat(Struct, frozen=True, tag="beat"):
    """A sign of life."""


class Refused(Struct, frozen=True, tag="refused"):
    """The scheduler does not accept a host."""

    reason: str


Message = Join | Order | Stop | Result | Enter | Ask | Cancel | Reply | Present | Gone | Beat | Refused


# --- jobs of a host ---------------------------------------------------------------------------------------


class OwnFile(Struct, frozen=True):
    """A workload file of the user, as it is on the client."""

    given: str  # how the user named it
    name: Annotated[str, Meta(pattern=r"^\w{1,100}$")]  # of the workload
    path: str
    text: str


class Wanted(Struct, frozen=True):
    """What a study measures."""

    request: MeasureRequest
    sides: tuple[str, str] | None = None  # SPECs of the baseline and the candidate of a check
    files: tuple[OwnFile, ...] = ()


class Describe(Struct, frozen=True, tag="describe"):
    """Describe the host; the value is ``HostState``."""

    name: str


class Find(Struct, frozen=True, tag="find"):
    """Find the interpreters of a study; the value is ``FoundInterpreters``."""

    wanted: Wanted


class MakePlan(Struct, frozen=True, tag="plan"):
    """Plan a study; the value is ``Planned``."""

    wanted: Wanted


class Measure(Struct, frozen=True, tag="measure"):
    """Measure a block of one workload; the value is the runs, a tuple of ``Run``."""

    header: Header  # with the interpreters and the CPUs of this host
    block: Block
    workload: Name
    cases: tuple[Count, ...]
    long: bool
    attempt: Rounds
    files: tuple[OwnFile, ...] = ()


Job = Describe | Find | MakePlan | Measure


class FoundInterpreters(Struct, frozen=True):
    """The interpreters of a study on one host, in the order of the request."""

    software: Software  # as it is now: it may have been updated since the host joined
    host: Host
    cpus: tuple[Count, ...]  # that a study uses
    interpreters: tuple[Interpreter, ...]


class Planned(Struct, frozen=True):
    """A planned study."""

    header: Header
    notes: tuple[str, ...]


class Success(Struct, frozen=True, tag="success"):
    """A job that was done."""

    value: msgspec.Raw


class Fault(Struct, frozen=True, tag="fault"):
    """A job that was not done."""

    reason: str


End = Success | Fault
