"""``gilbench profile`` against programs that know what they did, and against programs that make trouble."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import GILBENCH, error_lines, gilbench
from interpreters_fixture import absent, interpreter

from gilbench.model.errors import UsageError
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.gil.exact import ExactProbe
from gilbench.observe.running import find_python

TRUTH = str(Path(__file__).parent / "programs" / "gil_truth.py")
SECONDS = 0.6
POINTS = 0.03  # of wall time by which a fraction may be off
BUSY = "while True: pass"
# The main thread keeps the GIL in a call of C, the other wants it.
KEPT = """
import ctypes, threading, time
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
time.sleep(0.1)
ctypes.PyDLL(None).sleep(20)
"""


@pytest.fixture(autouse=True)
def exact() -> None:
    reason = why_not()
    if reason is not None:
        absent(reason)


def profiled(*arguments: str) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """A profile, and how the command ended; nothing but the GIL is observed."""
    path = Path(os.environ["PROFILE"])
    done = gilbench("profile", "--observe", "gil", "-o", str(path), *arguments)
    assert path.exists(), done.stderr
    return json.loads(path.read_text("utf-8")), done


@pytest.fixture(autouse=True)
def profile_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", str(tmp_path / "profile.json"))


def threads_by_tid(profile: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {thread["tid"]: thread for thread in profile["threads"]}


CASES = [
    *((spec, "sleep", 4, 0.005) for spec in ("2.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")),
    ("2.7", "c", 2, 0.05),
    ("3.11", "c", 2, 0.05),
    ("3.12", "sleep", 8, 0.0001),
    ("2.7", "hash", 2, 0.005),
    ("3.13", "hash", 1, 0.001),
    ("3.11", "io", 2, 0.001),
]


@pytest.mark.parametrize(("spec", "mode", "threads", "hold"), CASES)
def test_held_and_waited_are_what_the_program_knows(spec: str, mode: str, threads: int, hold: float) -> None:
    compare_with_the_program(interpreter(spec).executable, mode, threads, hold)


@pytest.mark.parametrize("spec", ["3.13t", "3.14t", "3.15t"])
def test_the_gil_of_a_free_threaded_build_is_timed_as_well(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_GIL", "1")
    found = interpreter(spec)
    compare_with_the_program(found.executable, "sleep", 4, 0.005)


def compare_with_the_program(executable: str, mode: str, threads: int, hold: float) -> None:
    """Profile a program that knows how long its threads held the GIL, and waited for it."""
    command = (executable, TRUTH, mode, str(threads), str(hold), str(SECONDS))
    profile, done = profiled("--", *command)
    assert profile["probe"]["strength"] == "exact"
    assert profile["probe"]["lost"] == 0
    assert profile["process"]["start_up"] > 0
    seen, duration = threads_by_tid(profile), profile["duration"]
    truth = json.loads(done.stdout)
    assert len(truth) == threads
    for tid, known in truth.items():
        thread = seen[int(tid)]
        # A thread that is kept from the CPU just before it lets go, or wants, or that starts, is off by so much.
        allowed = POINTS + known["unknown"] / duration
        assert thread["gil_held"] == pytest.approx(known["held"] / duration, abs=allowed)
        assert thread["gil_wait"] == pytest.approx(known["wait"] / duration, abs=allowed)
        parts = sum(thread[part] for part in ("gil_held", "gil_wait", "off_gil", "blocked"))
        assert parts == pytest.approx(thread["alive"], abs=0.01)


@pytest.mark.parametrize("spec", ["2.7", "3.12"])
def test_a_process_that_runs_is_attached_to_and_goes_on(spec: str) -> None:
    command = [interpreter(spec).executable, TRUTH, "sleep", "2", "0.005", "30"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as target:
        try:
            time.sleep(0.5)
            profile, done = profiled("--pid", str(target.pid), "--duration", "0.8")
            assert done.returncode == 0, done.stderr
            assert target.poll() is None
        finally:
            target.kill()
    # Each holds for 5 ms and sleeps for 2: the two share the GIL, and leave it free for a moment at most.
    held = [thread["gil_held"] for thread in profile["threads"] if thread["gil_held"] > 0.2]
    assert len(held) == 2
    assert 0.75 < sum(held) <= 1.01
    assert profile["duration"] == pytest.approx(0.8, abs=0.3)


def test_what_is_seen_while_a_program_runs_is_of_the_time_since_it_began() -> None:
    two = f"import threading; threading.Thread(target=lambda: exec({BUSY!r})).start()\n{BUSY}"
    program = subprocess.Popen([interpreter("3.11").executable, "-c", two])
    try:
        time.sleep(0.3)
        watching = ExactProbe().watch(find_python(program.pid), live=True)
        time.sleep(2.5)
        figures = watching.so_far()
        watching.finish()
    finally:
        program.kill()
        program.wait()
    assert 0.9 < figures.duration < 2.6
    assert 0.9 < sum(thread.gil_held or 0.0 for thread in figures.threads) < 1.01


def test_threads_without_any_event_are_told_apart() -> None:
    with subprocess.Popen([interpreter("3.11").executable, "-c", KEPT], stdin=subprocess.DEVNULL) as target:
        try:
            time.sleep(1.0)
            profile, _ = profiled("--pid", str(target.pid), "--duration", "0.5")
        finally:
            target.kill()
    threads = threads_by_tid(profile)
    holder = threads.pop(target.pid)
    (waiter,) = threads.values()
    assert holder["gil_held"] == pytest.approx(1.0, abs=0.01)
    assert waiter["gil_wait"] == pytest.approx(1.0, abs=0.01)


def test_the_output_and_the_exit_code_come_through_unchanged() -> None:
    script = "import sys; data = sys.stdin.read(); print(data * 2); sys.stderr.write('oops'); sys.exit(7)"
    command = [GILBENCH, "profile", "--observe", "gil", "--", interpreter("3.12").executable, "-c", script]
    done = subprocess.run(command, input="given", capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "givengiven\n"
    assert "oops" in done.stderr
    assert "held" in done.stderr
    assert done.returncode == 7


def test_a_signal_that_ends_the_program_is_the_exit_code() -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    profile, done = profiled("--", interpreter("3.11").executable, "-c", script)
    assert done.returncode == 128 + signal.SIGTERM
    assert profile["process"]["status"] == -signal.SIGTERM


def test_a_launcher_leads_to_the_python_that_it_starts(tmp_path: Path) -> None:
    script = tmp_path / "tool"
    script.write_text(f"#!{interpreter('3.11').executable}\nimport time\ntime.sleep(0.3)\n")
    script.chmod(0o755)
    direct, _ = profiled("--", str(script))
    assert direct["process"]["start_up"] is not None, "a script's first line is followed before it starts"
    late, _ = profiled("--", "env", interpreter("3.11").executable, "-c", "import time; time.sleep(3)")
    assert late["process"]["version"].startswith("3.11.")


def test_what_comes_after_an_exec_is_not_passed_off_as_seen() -> None:
    other = interpreter("3.13").executable
    script = f"import os; os.execv({other!r}, ['python', '-c', ''])"
    profile, done = profiled("--", interpreter("3.11").executable, "-c", script)
    assert done.returncode == 0
    assert any("exec" in line for line in profile["unavailable"])


def test_a_program_that_closes_everything_and_handles_every_signal_is_profiled() -> None:
    script = """
import os, signal
for number in range(1, 32):
    try: signal.signal(number, lambda *_: None)
    except (OSError, ValueError): pass
os.closerange(0, 4096)
sum(range(3000000))
os._exit(4)
"""
    profile, done = profiled("--", interpreter("3.11").executable, "-c", script)
    assert done.returncode == 4
    assert profile["threads"][0]["gil_held"] > 0.8


def test_a_forked_child_is_watched_on_request() -> None:
    script = """
import os, time
child = os.fork()
end = time.time() + 0.5
while time.time() < end: pass
if child: os.wait()
else: os._exit(0)
"""
    command = (interpreter("3.12").executable, "-c", script)
    alone, _ = profiled("--", *command)
    assert len({thread["pid"] for thread in alone["threads"]}) == 1
    both, _ = profiled("--children", "--", *command)
    held = {thread["pid"]: thread["gil_held"] * both["duration"] for thread in both["threads"]}
    assert len(held) == 2
    assert min(held.values()) > 0.4


def test_a_child_of_another_interpreter_is_named_as_not_seen() -> None:
    other = interpreter("3.12").executable
    script = f"import subprocess; subprocess.run([{other!r}, '-c', 'import time; time.sleep(1.5)'])"
    profile, done = profiled("--children", "--", interpreter("3.11").executable, "-c", script)
    assert done.returncode == 0, done.stderr
    (said,) = [line for line in profile["unavailable"] if "another interpreter" in line]
    assert os.path.realpath(other) in said


def test_gilbench_killed_leaves_no_probe() -> None:
    with subprocess.Popen([interpreter("3.11").executable, "-c", BUSY], stdin=subprocess.DEVNULL) as target:
        try:
            with subprocess.Popen(
                [GILBENCH, "profile", "--pid", str(target.pid)], stderr=subprocess.DEVNULL
            ) as profiler:
                below = psutil.Process(profiler.pid)
                limit = time.monotonic() + 30
                while not any("bpftrace" in one.name() for one in below.children()):
                    assert time.monotonic() < limit
                    time.sleep(0.05)
                probes = below.children()
                profiler.kill()
            _, left = psutil.wait_procs(probes, timeout=10)
            assert not left
            assert target.poll() is None
        finally:
            target.kill()


def test_ctrl_c_reaches_the_program_and_the_profile_is_shown() -> None:
    script = """
import time
try:
    print("re" + "ady", flush=True)
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted" + " once", flush=True)
    raise SystemExit(5)
"""
    command = [GILBENCH, "profile", "--observe", "gil", "--", interpreter("3.12").executable]
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
        os.execv(GILBENCH, [*command, "-c", script])  # noqa: S606 - a terminal of its own
    shown, sent, limit = b"", False, time.monotonic() + 60
    while time.monotonic() < limit:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
        if not sent and b"ready" in shown:
            os.write(terminal, b"\x03")
            sent = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert shown.count(b"interrupted once") == 1
    assert b"held" in shown
    assert os.waitstatus_to_exitcode(status) == 5


def test_without_bpftrace_a_weaker_probe_says_why(tmp_path: Path) -> None:
    target_path = interpreter("3.11").executable
    for said, reason in ((None, "not installed"), ("bpftrace v0.9.4", "too old")):
        folder = tmp_path / (said or "none").replace(" ", "-")
        folder.mkdir()
        if said:
            (folder / "bpftrace").write_text(f"#!/bin/sh\necho {said}\n")
            (folder / "bpftrace").chmod(0o755)
        done = gilbench(
            *("profile", "--observe", "gil", "--format", "json", "--"),
            *(target_path, "-c", "import time\nend = time.time() + 1.5\nwhile time.time() < end: pass"),
            env={**os.environ, "PATH": f"{folder}:{'/bin' if not Path('/bin/bpftrace').exists() else ''}"},
        )
        assert done.returncode == 0, done.stderr
        probe = json.loads(done.stdout)["probe"]
        assert probe["strength"] != "exact"
        assert reason in probe["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pid", "4194305"), "no process"),
        (("--", "no-such-program"), "command not found"),
        (("--", "true"), "CPython"),
        ((), "--pid"),
        (("--observe", "nothing", "--pid", "1"), "nothing"),
        (("-o", "x.zip", "--pid", "1"), ".json"),
    ],
)
def test_what_cannot_be_profiled_is_said_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = gilbench("profile", *arguments)
    (line,) = error_lines(done)
    assert said in line
    assert done.returncode == 2


def test_a_process_that_is_no_python_is_refused() -> None:
    with subprocess.Popen(["sleep", "30"]) as sleeper:
        try:
            done = gilbench("profile", "--pid", str(sleeper.pid))
        finally:
            sleeper.kill()
    (line,) = error_lines(done)
    assert "not CPython" in line
    assert done.returncode == 2


def test_a_process_of_another_user_is_refused_without_permission() -> None:
    if os.geteuid() != 0:
        absent("root, to become another user")
    with subprocess.Popen([interpreter("3.11").executable, "-c", BUSY], stdin=subprocess.DEVNULL) as target:
        try:
            child = os.fork()
            if child == 0:
                os.setuid(65534)
                try:
                    find_python(target.pid)
                except UsageError as error:
                    os._exit(5 if "sudo" in str(error) else 6)
                finally:
                    os._exit(7)
            _, status = os.waitpid(child, 0)
        finally:
            target.kill()
    assert os.waitstatus_to_exitcode(status) == 5


def test_in_a_pid_namespace_of_its_own_a_weaker_probe_says_why(tmp_path: Path) -> None:
    own = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no pid namespace can be made here")
    python = interpreter("3.11").executable
    script = tmp_path / "spin.py"
    script.write_text("import time\nend = time.time() + 2\nwhile time.time() < end: pass\n", "utf-8")
    done = subprocess.run(
        [*own, GILBENCH, "profile", "--format", "json", "--", python, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    seen = json.loads(done.stdout)
    assert seen["probe"]["strength"] == "sampled"
    assert "container" in seen["probe"]["reason"]


WORKERS = """
import multiprocessing, threading, time
def crunch(seconds):
    end, x = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        for i in range(1000): x ^= i * i
def worker():
    helper = threading.Thread(target=crunch, args=(3.0,), name="helper")
    helper.start()
    crunch(3.0)
    helper.join()
if __name__ == "__main__":
    pair = [multiprocessing.get_context("fork").Process(target=worker) for _ in range(2)]
    for one in pair: one.start()
    for one in pair: one.join()
"""


@pytest.mark.parametrize("spec", ["3.11", "3.13"])
def test_threads_and_functions_of_forked_workers_have_their_names(tmp_path: Path, spec: str) -> None:
    script, path = tmp_path / "workers.py", tmp_path / "profile.json"
    script.write_text(WORKERS, "utf-8")
    command = (interpreter(spec).executable, str(script))
    done = gilbench("profile", "--children", "-o", str(path), "--", *command)
    profile = json.loads(path.read_text("utf-8"))
    busy = {(thread["pid"], thread["name"]) for thread in profile["threads"] if thread["gil_held"] > 0.1}
    pids = {pid for pid, _ in busy}
    assert len(pids) == 2
    assert busy == {(pid, name) for pid in pids for name in ("MainThread", "helper")}
    assert any("crunch" in function["name"] for function in profile["functions"])
    assert {stack["pid"] for stack in profile["stacks"] if "crunch" in stack["frames"][-1]} >= pids
    assert "Top GIL-holding function: crunch" in " ".join(done.stderr.split())
    process = {thread["tid"]: thread["pid"] for thread in profile["threads"]}
    sides = [(process[blame["holder"]], process[blame["waiter"]]) for blame in profile["blames"]]
    assert {pid for pid, _ in sides} >= pids
    assert all(holder == waiter for holder, waiter in sides)  # each process has a GIL of its own


def test_children_that_are_not_profiled_are_said_to_be_there(tmp_path: Path) -> None:
    script, path = tmp_path / "workers.py", tmp_path / "profile.json"
    script.write_text(WORKERS, "utf-8")
    command = (interpreter("3.11").executable, str(script))
    done = gilbench("profile", "-o", str(path), "--", *command)
    assert "--children" in done.stderr
    profile = json.loads(path.read_text("utf-8"))
    assert not [function for function in profile["functions"] if "crunch" in function["name"]]


def test_cpu_time_and_memory_are_of_the_program_alone() -> None:
    """A script of two lines uses one CPU at most, and less memory than gilbench, which it was forked off."""
    script = "x = 0\nfor i in range(20000): x ^= i * i"
    profile, _ = profiled("--", interpreter("3.11").executable, "-S", "-c", script)
    process = profile["process"]
    assert 0 < process["cpu"] <= process["counted"] * 1.01
    assert process["counted"] == pytest.approx(profile["duration"] + process["start_up"])
    assert process["memory_peak"] is None or process["memory_peak"] < 30 << 20
