"""Caveats of a fleet: those of its hosts, each with its hosts, and builds that differ between hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gilbench.analyse.study.comparability import comparability
from gilbench.analyse.study.hosts import HostPart
from gilbench.analyse.study.sentences import listed
from gilbench.model.results import Caveat


def caveats_of_hosts(found: Mapping[str, Sequence[Caveat]]) -> Iterator[Caveat]:
    """Unite the caveats of hosts, by name of the host: one per reason, with its hosts unless all have it alike."""
    reasons: dict[tuple[str, str | None, str | None], dict[str, list[str]]] = defaultdict(dict)
    firsts: dict[tuple[str, str | None, str | None], Caveat] = {}
    for name, caveats in found.items():
        for caveat in caveats:
            reason = caveat.kind, caveat.subject, caveat.next
            firsts.setdefault(reason, caveat)
            reasons[reason].setdefault(caveat.text, []).append(name)
    for reason, texts in reasons.items():
        (text, hosts), *others = texts.items()
        if not others and len(hosts) == len(found):
            yield firsts[reason]
            continue
        more = dict.fromkeys(name for _, names in others for name in names if name not in hosts)
        similar = f"; similar on {listed(list(more))}" if more else ""
        yield msgspec.structs.replace(firsts[reason], text=f"on {listed(hosts)}: {text}{similar}")


def unlike_builds(parts: Sequence[HostPart]) -> Iterator[Caveat]:
    """Yield a caveat for each interpreter that hosts have built differently, such as with another compiler."""
    first, *others = parts
    builds = {one.name: one.build for one in first.host.interpreters}
    for name, build in builds.items():
        reasons: dict[str, list[str]] = defaultdict(list)
        for part in others:
            (other,) = [one.build for one in part.host.interpreters if one.name == name]
            for reason in comparability(build, other):
                reasons[reason].append(part.host.name)
        for reason, hosts in reasons.items():
            yield Caveat(
                kind="build",
                subject=name,
                text=f"{name} is built differently on {listed(hosts)} than on {first.host.name}: {reason}",
                next="Install the same build on all hosts; until then, hosts differ by it, too.",
            )
