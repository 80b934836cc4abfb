"""Programs with an interpreter inside, whose own name says nothing of Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from commands import gilbench
from interpreters_fixture import absent, interpreter
from watched import need_bpftrace

HOST = Path(__file__).parent / "programs" / "host.c"
STATUS = 7  # the host's own exit code


def built(folder: Path, *, shared: bool, stripped: bool) -> Path:
    """Compile the host, with a shared libpython or a static one."""
    if shutil.which("gcc") is None:
        absent("no gcc")
    python = Path(interpreter("3.11" if shared else "3.13").executable)
    paths = json.loads(
        subprocess.check_output(
            [
                python,
                "-c",
                "import json, sysconfig; print(json.dumps([sysconfig.get_config_vars(), sysconfig.get_paths()]))",
            ],
            text=True,
        )
    )
    variables, places = paths
    library = Path(variables["LIBPL"]) / variables["LIBRARY"]
    where = (
        [f"-L{variables['LIBDIR']}", f"-lpython{variables['LDVERSION']}", f"-Wl,-rpath,{variables['LIBDIR']}"]
        if shared
        else [str(library)]
    )
    if shared and not variables.get("Py_ENABLE_SHARED"):
        absent(f"{python} has no shared libpython")
    if not shared and not library.exists():
        absent(f"{python} has no static libpython")
    program = folder / "host"
    flags = ["-O2", "-pthread", f"-I{places['include']}", *(["-s"] if stripped else [])]
    more = [*variables["LIBS"].split(), *variables["SYSLIBS"].split(), "-ldl", "-lutil"]
    subprocess.run(["gcc", *flags, "-o", program, HOST, *where, *more], check=True)
    return program


@pytest.mark.parametrize(
    ("shared", "stripped", "strength"),
    [(True, False, "exact"), (False, False, "exact"), (False, True, "futex")],
    ids=["shared", "static", "static and stripped"],
)
def test_an_interpreter_in_another_program_is_found_and_shared_by_its_threads(
    tmp_path: Path, shared: bool, stripped: bool, strength: str
) -> None:
    need_bpftrace()
    assert sysconfig.get_platform().startswith("linux")
    program = built(tmp_path, shared=shared, stripped=stripped)
    saved = tmp_path / "profile.json"
    done = gilbench("profile", "--observe", "gil", "--max-cost", "none", "-o", str(saved), "--", str(program))
    assert done.returncode == STATUS, done.stderr
    profile = json.loads(saved.read_text("utf-8"))
    threads = {thread["name"]: thread for thread in profile["threads"]}
    crew = [threads["strand-0"], threads["strand-1"]]
    slack = 0.03 if strength == "exact" else 0.1
    assert profile["probe"]["strength"] == strength, profile["probe"]
    ready = json.loads(done.stdout.partition("\n")[0])
    for waiter, holder, late in ((0, 1, ready[0]), (1, 0, ready[1])):
        # A thread that loses its CPU as it hands over the GIL may not be seen to wait.
        without_cpu = late / profile["duration"]
        assert -slack < crew[holder]["gil_held"] - crew[waiter]["gil_wait"] < slack + without_cpu
    assert sum(one["gil_held"] for one in crew) / max(one["alive"] for one in crew) > 1 - 2 * slack
    main = threads["MainThread"]
    assert main["gil_held"] < 0.5 * crew[0]["gil_held"]
