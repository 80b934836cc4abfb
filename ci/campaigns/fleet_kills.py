"""Part ``kills of a fleet``: SIGKILL at random moments, of client, scheduler, host, or what measures there."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fleets import FleetOfProcesses, fleet, free_port, is_whole

from campaigns.caller import Answer
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.processes import carrying, environment_in
from campaigns.traces import temporary_files
from gilbench.store.study import read_study

_HOSTS = ("east", "west")
_VICTIMS = ("client", "scheduler", "east", "west", "job")
_PLAN = ("--workload", "countdown", "--threads", "1", "--effort", "quick", "--seed", "1")
_SECONDS = 12.0  # that the study usually takes
_PATIENCE = 60.0  # s in which the client ends, whatever else was killed


def try_fleet_kills(part: Part, folder: Path, count: int) -> None:
    """Measure ``count`` studies on a fleet, kill one of its processes in each, and resume the study."""
    environment = environment_in(folder / "own")
    with fleet(folder, f"tcp://127.0.0.1:{free_port()}", environment=environment) as made:
        for number in range(count):
            rng = random.Random(f"{part.seed} fleet {number}")
            victim = rng.choice(_VICTIMS)
            part.count(f"of {'a host' if victim in _HOSTS else victim}", 2)
            try:
                _revive(made)
                part.add(_killed(made, folder / f"{number}.jsonl", victim, rng))
            except AssertionError as error:  # of the fleet's patience and of its checks
                part.add([Harm("lost", f"{victim} killed, study {number}", str(error)[-4000:])])
    if there := temporary_files(environment):
        part.add([Harm("left over", "the fleet", f"temporary files: {there}")])


def _killed(made: FleetOfProcesses, path: Path, victim: str, rng: random.Random) -> Iterator[Harm]:
    """Measure a study, kill a process, and yield the harm after the study is resumed."""
    moment = rng.uniform(0, _SECONDS)
    name = f"{victim} killed after {moment:.3f} s"
    words = ("run", *made.specs(), *_PLAN, "-o", str(path))
    client = made.client(*words)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(moment)
    _kill(made, victim, rng)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait(_PATIENCE)
    if client.returncode != -signal.SIGKILL:
        answer = Answer(words, client.poll(), b"", _errors(made), 0)
        client.kill()
        yield from (harm._replace(trial=name) for harm in judged(answer, ()))
    _revive(made)
    made.until(lambda: not made.jobs() and all(map(made.is_free, _HOSTS)), 20)
    if not path.exists():
        if client.returncode == 0:
            yield Harm("lost", name, "the client says that it has ended, and there is no study", words)
        return
    lines = path.read_bytes().split(b"\n")[:-1]
    if not lines:
        yield Harm("lost", name, "the study has only a part of its first line", words, (path,))
        return
    blocks = read_study(path).header.plan.effort.blocks
    failures = victim == "job"  # the run whose worker was killed has failed
    if not is_whole(path, blocks, failures=failures):
        again = made.client("run", "--resume", str(path), *made.specs())
        if again.wait(_PATIENCE) not in ({0, 4} if failures else {0}):
            yield Harm("lost", name, f"it cannot be resumed: {made.log('client')[-2000:]}", words, (path,))
            return
    if not path.read_bytes().startswith(b"\n".join(lines) + b"\n"):
        yield Harm("lost", name, "finished blocks have changed", words, (path,))
    if not is_whole(path, blocks, failures=failures):
        yield Harm("lost", name, "a block is missing", words, (path,))


def _kill(made: FleetOfProcesses, victim: str, rng: random.Random) -> None:
    """Kill one of the processes; a job: one of those that a host has started."""
    if victim != "job":
        made.processes[victim].kill()
        return
    ours = {process.pid for process in made.processes.values()}
    if others := sorted(carrying(made.marker).keys() - ours):
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(others), signal.SIGKILL)


def _revive(made: FleetOfProcesses) -> None:
    """Start what does not run, and wait until both hosts have joined."""
    ended = {name for name, process in made.processes.items() if process.poll() is not None}
    if "scheduler" not in made.processes or "scheduler" in ended:
        made.scheduler()
    for host in _HOSTS:
        if host not in made.processes or host in ended:
            made.host(host)
    made.until(lambda: _present(made) == {*_HOSTS})


def _present(made: FleetOfProcesses) -> set[str]:
    """Return the hosts that the scheduler has now, by its log."""
    present: set[str] = set()
    for line in made.log("scheduler").splitlines():
        for host in _HOSTS:
            if f"{host} joined" in line:
                present.add(host)
            if f"{host} is lost" in line:
                present.discard(host)
    return present


def _errors(made: FleetOfProcesses) -> str:
    """Return the lines of the client's log from its error on; before, there are notes about hosts."""
    log = made.log("client")
    return log[log.find("gilbench: ") :] if "gilbench: " in log else log
