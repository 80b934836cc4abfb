"""Part ``hostile``: programs and workloads that do their worst to gilbench while it looks at them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from campaigns.caller import Answer
from campaigns.harm import Harm, Part
from campaigns.judge import judged
from campaigns.mutations import MARK
from campaigns.processes import GILBENCH, environment_in, marked, run_really
from campaigns.traces import left_over, machine

_SECONDS = 90.0  # gilbench itself waits 60 s for an answer of a worker
_WORK = "\nend = time.monotonic() + 2\nwhile time.monotonic() < end: sum(range(2000))\n"
_NAME = f"\\x1b]8;;x\\x07<script>alert({MARK})</script>=cmd|{MARK}"
_IMPORTS = "import ctypes, os, signal, sys, threading, time\n"
_RENAMED = f"libc = ctypes.CDLL(None)\nlibc.prctl(15, b'\\x1b[31m<b>=1', 0, 0, 0)\n_name = '{_NAME}'\n"
PROGRAMS = {
    "names with commands to terminals and browsers": _RENAMED
    + "def work():\n    end = time.monotonic() + 2\n    while time.monotonic() < end: sum(range(2000))\n"
    + "for _ in range(3): threading.Thread(target=work, name=_name).start()\n",
    "a switch interval of 30 years": "sys.setswitchinterval(1e9)\n" + _WORK,
    "closed descriptors": "os.closerange(0, 4096)\n" + _WORK,
    "an endless stderr": "end = time.monotonic() + 2\nwhile time.monotonic() < end: os.write(2, b'x' * 65536)\n",
    "a fork bomb of 200": "for _ in range(200):\n    if os.fork() == 0:\n        time.sleep(1)\n        os._exit(0)\n"
    + _WORK,
    "orphans that stay": "for _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n"
    "        time.sleep(3)\n        os._exit(0)\n" + _WORK,
    "a process that stops itself": "threading.Timer(1, os.kill, (os.getpid(), signal.SIGSTOP)).start()\n"
    "if os.fork() == 0:\n    time.sleep(2)\n    os.kill(os.getppid(), signal.SIGCONT)\n    os._exit(0)\n"
    + _WORK,
    "gilbench's own messages": 'print(\'{"kind": "ready", "port": 1}\\n{"kind": "run"}\\nready\', flush=True)\n'
    + _WORK,
    "a forged map of functions": "os.symlink('/etc/shadow', '/tmp/perf-%d.map' % os.getpid())\n"
    + _WORK
    + "os.unlink('/tmp/perf-%d.map' % os.getpid())\n",
    "no memory left for others": "held = [bytearray(1 << 20) for _ in range(300)]\n" + _WORK,
    "a death by SIGSEGV": "threading.Timer(1, ctypes.string_at, (0,)).start()\n" + _WORK,
    "a thousand threads": "for _ in range(1000): threading.Thread(target=time.sleep, args=(1.5,)).start()\n"
    + _WORK,
    "threads that come and go": "end = time.monotonic() + 2\nwhile time.monotonic() < end:\n"
    "    one = threading.Thread(target=time.sleep, args=(0.001,)); one.start(); one.join()\n",
}
_WORKLOAD = '''"""A workload."""
import os, sys, time

WORKLOAD = {{"family": "cpu", "driver": "parallel", "unit": "operations"}}


def prepare(parameters):
    {prepare}
    return None


def operation(local):
    {operation}
'''
WORKLOADS = {
    "a checksum that lies": ("pass", "return str(time.time())"),
    "a checksum with commands": ("pass", f"return '\\x1b[31m<script>alert({MARK})</script>'"),
    "an exit in the middle": ("pass", "os._exit(3)"),
    "an endless operation": ("pass", "time.sleep(1e6)"),
    "an error with commands": (
        "pass",
        f"raise ValueError('\\x1b[31m<script>alert({MARK})</script>\\n::error file={MARK}::x')",
    ),
    "a protocol of its own": (
        "pass",
        "os.write(1, b'{\"kind\": \"slice\"}\\n' * 9); os.write(2, b'x' * 99999); return '1'",
    ),
    "closed descriptors": ("os.closerange(0, 256)", "return '1'"),
    "a parent that is killed": ("os.kill(os.getppid(), 15)", "return '1'"),
    "huge answers": ("pass", "return 'x' * 10000000"),
}


def try_hostile(part: Part, folder: Path, count: int) -> None:
    """Profile each program and measure each workload, ``count`` of each at most."""
    for number, (name, code) in enumerate(list(PROGRAMS.items())[:count]):
        place = folder / f"program-{number}"
        place.mkdir()
        (place / "program.py").write_text(_IMPORTS + code, "utf-8")
        saved = str(place / "profile.json")
        words = ("profile", "-o", saved, "--duration", "4", "--", sys.executable, "program.py")
        part.count("programs", 1)
        part.add(_tried(name, words, place, f"{os.getpid()}-program-{number}"))
        if (place / "profile.json").exists():
            part.add(_shown(part, name, saved, place))
    for number, (name, (prepare, operation)) in enumerate(list(WORKLOADS.items())[:count]):
        place = folder / f"workload-{number}"
        place.mkdir()
        text = _WORKLOAD.format(prepare=prepare, operation=operation)
        (place / "mine.py").write_text(text, "utf-8")
        words = ("run", "--python", sys.executable, "--workload", "./mine.py", "--threads", "1", "--quiet")
        saved = str(place / "study.jsonl")
        part.count("workloads", 1)
        part.add(_tried(name, (*words, "-o", saved), place, f"{os.getpid()}-workload-{number}"))
        if (place / "study.jsonl").exists():
            part.add(_shown(part, name, saved, place))


def _tried(name: str, words: tuple[str, ...], place: Path, marker: str) -> Iterator[Harm]:
    environment = environment_in(place / "own")
    before = machine()
    with (place / "out.txt").open("wb") as out, (place / "err.txt").open("wb") as err:
        process = subprocess.Popen(
            [*GILBENCH, *words],
            cwd=place,
            env=marked(environment, marker),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            code: int | None = process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
            process.kill()
            process.wait()
    # The program writes to the same streams, whatever it likes; only the lines of gilbench are judged.
    said = (place / "err.txt").read_bytes()[-(1 << 20) :].decode("utf-8", "replace")
    if words[0] == "profile":
        said = "\n".join(re.findall(r"^gilbench: .*", said, re.MULTILINE))
        code = code if code is None or code in {2, 4, 70, 130} else 0  # that of the program
    answer = Answer(words, code, b"" if words[0] == "profile" else (place / "out.txt").read_bytes(), said, 0)
    yield from (
        harm._replace(trial=name, files=(place / "program.py", place / "mine.py"))
        for harm in judged(answer, ())
    )
    for trace in left_over(marker, before, environment):
        yield Harm("left over", name, trace, words)


def _shown(part: Part, name: str, saved: str, place: Path) -> Iterator[Harm]:
    """Show what was saved in every format."""
    for form in ("terminal", "json", "csv", "markdown", "html"):
        answer = run_really(("report", saved, "-f", form), place, environment_in(place / "own"))
        part.calls += 1
        if answer.code not in {0, 4}:
            yield Harm(
                "unclear", name, f"{form}: {answer.code} {answer.err[-1000:]}", answer.command, (Path(saved),)
            )
        yield from (harm._replace(trial=name) for harm in judged(answer, (Path(saved),)))
