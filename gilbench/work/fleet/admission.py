"""Decides which hosts of a fleet take part in a study, and says why others do not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.study import FleetHost, Header, Interpreter
from gilbench.plan.fleet_builds import alike
from gilbench.plan.host_choice import Choice
from gilbench.work.fleet.client import FleetClient, JobError
from gilbench.work.fleet.messages import Find, FoundInterpreters, HostState, Software, Wanted
from gilbench.work.fleet.software import own_software
from gilbench.work.listener import Listener


class Admission:
    """Asks hosts for their interpreters, and compares these with those of the study.

    Args:
        client: The connection to the fleet.
        wanted: What the study measures.
        choice: Chooses hosts.
        listener: Receives a line for each host that does not take part.
    """

    def __init__(self, client: FleetClient, wanted: Wanted, choice: Choice, listener: Listener) -> None:
        self._client, self._wanted, self._choice = client, wanted, choice
        self._listener = listener
        self._told: set[str] = set()

    async def find(self, names: Collection[str]) -> dict[str, FoundInterpreters]:
        """Return the interpreters of those hosts that fit by their software and by the user's choice."""
        states = [state for name in sorted(names) if (state := self._client.hosts.get(name)) is not None]
        fitting = [state.facts.name for state in states if self._fits(state)]
        found = await asyncio.gather(*map(self._find, fitting))
        return {name: one for name, one in zip(fitting, found, strict=True) if one is not None}

    def admit(
        self, name: str, found: FoundInterpreters, header: Header, known: FleetHost | None
    ) -> FleetHost | None:
        """Return a host as the study has it; None: it does not fit.

        Args:
            name: Name of the host.
            found: Its interpreters.
            header: Header of the study.
            known: The host of this name that the study has already.
        """
        host = FleetHost(
            name=name,
            host=found.host,
            cpus=found.cpus,
            interpreters=_renamed(found.interpreters, header.interpreters),
        )
        reason = next(_differences(host, header, known), None)
        if reason is not None:
            self.leave_out(name, reason)
            return None
        return host

    def leave_out(self, name: str, reason: str) -> None:
        """Say once why a host does not take part."""
        line = f"{name} is left out: {reason}"
        if line not in self._told:
            self._told.add(line)
            self._listener.note(line)

    def _fits(self, state: HostState) -> bool:
        if not self._is_same(state.facts.name, state.software):
            return False
        if not self._choice(state.facts):
            self.leave_out(state.facts.name, "--hosts does not choose it")
            return False
        return True

    def _is_same(self, name: str, theirs: Software) -> bool:
        ours = own_software()
        if theirs != ours:
            self.leave_out(
                name,
                f"it has gilbench {theirs.version} (sources {theirs.digest}), this is {ours.version} "
                f"({ours.digest}); install the same version there",
            )
        return theirs == ours

    async def _find(self, name: str) -> FoundInterpreters | None:
        try:
            found = await self._client.call(name, Find(wanted=self._wanted), FoundInterpreters)
        except JobError as error:
            self.leave_out(name, str(error).splitlines()[0] if str(error) else "it did not answer")
            return None
        return found if self._is_same(name, found.software) else None


def planning_host(found: dict[str, FoundInterpreters]) -> str:
    """Return the host that plans: of those with the most common builds, one with the fewest cores.

    Every other one has the cores that its plan needs.

    Raises:
        UsageError: There is no host.
    """
    if not found:
        raise UsageError("no host of the fleet fits; see them: gilbench fleet status ADDRESS")

    def rank(name: str) -> tuple[int, int, str]:
        one = found[name]
        same = sum(_all_alike(one.interpreters, other.interpreters) for other in found.values())
        return -same, one.host.cores, name

    return min(found, key=rank)


def _renamed(theirs: Sequence[Interpreter], ours: Sequence[Interpreter]) -> tuple[Interpreter, ...]:
    """Give interpreters the names that they have in the study."""
    if len(theirs) != len(ours):
        return tuple(theirs)
    return tuple(
        msgspec.structs.replace(one, name=other.name) for one, other in zip(theirs, ours, strict=True)
    )


def _all_alike(some: Sequence[Interpreter], others: Sequence[Interpreter]) -> bool:
    return len(some) == len(others) and all(
        alike(one.build, other.build) for one, other in zip(some, others, strict=True)
    )


def _differences(host: FleetHost, header: Header, known: FleetHost | None) -> Iterator[str]:
    """Yield why a host cannot measure blocks of a study."""
    ours, theirs = header.interpreters, host.interpreters
    if len(ours) != len(theirs):
        yield f"it has {_versions(theirs)} for the interpreters of this study, {_versions(ours)}"
        return
    for one, other in zip(theirs, ours, strict=True):
        if not alike(one.build, other.build):
            yield f"its {other.name} is {_versions([one])}, but this study's is {_versions([other])}"
    needed = max((case.cpus or 1 for case in header.plan.cases), default=1)
    if len(host.cpus) < needed:
        yield f"it has {len(host.cpus)} CPUs of one kind, but the plan needs {needed}"
    if known is not None and _lasting(known) != _lasting(host):
        yield "it is not the host of this name that measured before; join with another --name"


def _lasting(host: FleetHost) -> tuple[object, ...]:
    """Return what a host keeps between two sessions."""
    one = host.host
    builds = tuple(interpreter.build for interpreter in host.interpreters)
    return one.machine, one.cpu_model, one.cores, host.cpus, builds


def _versions(interpreters: Iterable[Interpreter]) -> str:
    return ", ".join(
        f"{one.build.implementation} {one.build.version}{' free-threaded' if one.build.free_threaded else ''}"
        for one in interpreters
    )
