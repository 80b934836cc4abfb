"""The rules of the house, read off the imports of gilbench itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gilbench
from gilbench.plan.catalogue import read_declaration

PACKAGE = Path(gilbench.__file__).parent
WORKLOADS = PACKAGE.parent / "workloads"
# Each imports what stands before it, never what stands behind it.
ORDER = (
    "model",
    "host",
    "interpreters",
    "plan",
    "observe",
    "run",
    "store",
    "analyse",
    "work",
    "render",
    "testing",
    "cli",
)
# What stands before it and is none of its business all the same.
NOT_FOR = {
    "analyse": {"host", "interpreters", "observe", "run", "store"},
    "render": {"host", "interpreters", "observe", "run", "store", "work"},
    "testing": {"observe", "run", "store"},
    "cli": {"observe", "run", "store", "testing"},
}
ALONE = {
    "typer": {"cli"},
    "rich": {"cli", "render"},
    "pytest": {"testing"},
}  # libraries, and the rooms that know them
INSIDE = PACKAGE / "target"  # runs inside the measured interpreter
CHILDREN = {
    PACKAGE / name
    for name in (
        "run/peer_main.py",
        "run/control_main.py",
        "run/starter_main.py",
        "host/noise_main.py",
        "host/tuning_main.py",
    )
}
SHARED = {PACKAGE / "host/cgroups.py", PACKAGE / "run/peer_links.py"}  # modules that children import, too
# The second computes in several processes, which end at once; the third starts the user's commands, and must be smaller
# than gilbench; the last becomes another program.
STARTING_PROCESSES = {
    PACKAGE / name
    for name in ("host/process.py", "run/control_main.py", "run/starter_main.py", "host/tuning_main.py")
}
MAY_PRINT = {PACKAGE / "__main__.py", *CHILDREN}
# Where the system's tools are found, and where the user's own command is, as a shell would.
LOOK_UP = {
    PACKAGE / name
    for name in ("host/environment.py", "observe/running.py", "work/profile.py", "run/verify.py")
}
# Of Jython, of IronPython, and of Python 2's standard library.
OLD = {"java", "System", "Queue", "BaseHTTPServer", "SocketServer"}
# Ways around the GIL that are measured where the interpreter has them.
OPTIONAL = {
    "elsewhere.py": {"greenlet", "stackless", "_interpreters", "_xxsubinterpreters"},
    "atomicity.py": {"pypyjit"},  # PyPy's own, to turn its JIT off
    "compiling.py": {"pypyjit"},  # to see whether it is on
}
DASK = {PACKAGE / "work/fleet/wire.py", PACKAGE / "work/fleet/plain_connections.py"}  # its pickles stay there
HEAVY = {"rich", "numpy", "scipy", "psutil", "msgspec", "typer"}
STARTERS = {"subprocess", "multiprocessing", "concurrent.futures.process", "pty", "_posixsubprocess"}
STARTING = ("fork", "forkpty", "spawn", "posix_spawn", "system", "popen", "exec")

ours = sorted(
    path for path in PACKAGE.rglob("*.py") if INSIDE not in path.parents and "_workloads" not in path.parts
)
inside = sorted(INSIDE.rglob("*.py"))
workloads = sorted(path for path in WORKLOADS.glob("*/*.py") if path.name[0] != "_")


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules and names that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layers_used(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("gilbench.")}


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def test_every_module_stands_in_a_layer() -> None:
    known = {*ORDER, "version", "__init__", "__main__"}
    assert {layer(path) for path in ours} <= known
    assert set(ORDER) <= {layer(path) for path in ours}


@pytest.mark.parametrize("path", [path for path in ours if layer(path) in ORDER], ids=short)
def test_a_stage_imports_only_what_stands_before_it(path: Path) -> None:
    before = {*ORDER[: ORDER.index(layer(path)) + 1], "version"}
    assert layers_used(path) <= before - NOT_FOR.get(layer(path), set())


@pytest.mark.parametrize("path", ours, ids=short)
def test_typer_and_rich_are_known_in_their_rooms_only(path: Path) -> None:
    for library, rooms in ALONE.items():
        used = {name for name in imported(path) if name.partition(".")[0] == library}
        assert not used or layer(path) in rooms


@pytest.mark.parametrize("path", [path for path in ours if path not in DASK], ids=short)
def test_dask_is_known_where_its_messages_are_read(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imported(path)}
    assert not roots & {"dask", "distributed", "tornado", "pickle", "cloudpickle"}


@pytest.mark.parametrize("path", [path for path in ours if layer(path) == "cli"], ids=short)
def test_the_command_line_computes_nothing(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.BinOp):
            assert isinstance(node.op, ast.Add | ast.BitOr), f"line {node.lineno}"


def test_an_import_in_the_wrong_direction_would_be_seen(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from gilbench import cli\n    import gilbench.render.terminal\n")
    assert layers_used(file) == {"cli", "render"}


@pytest.mark.parametrize(
    "path", [path for path in ours if layer(path) != "cli" and path not in MAY_PRINT], ids=short
)
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "exit", "quit", "input"}, f"line {node.lineno}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            assert node.attr not in {"stdout", "stderr", "exit", "__stdout__", "__stderr__"}, (
                f"line {node.lineno}"
            )
        if isinstance(node, ast.Raise):
            assert "SystemExit" not in ast.dump(node), f"line {node.lineno}"
    assert not {"sys.stdout", "sys.stderr", "sys.exit"} & set(imported(path))


@pytest.mark.parametrize(
    "path", [path for path in ours if layer(path) == "cli" and path.name != "output.py"], ids=short
)
def test_the_command_line_prints_in_one_place(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"print", "Console", "sys.stdout.write", "sys.stderr.write"}, (
                f"line {node.lineno}"
            )


@pytest.mark.parametrize("path", ours, ids=short)
def test_no_error_cuts_a_text_without_a_sign(path: Path) -> None:
    """A path that lacks its end is another path: ``excerpt`` puts an ellipsis there."""
    for error in ast.walk(tree(path)):
        if isinstance(error, ast.Raise):
            for node in ast.walk(error):
                if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Subscript):
                    part = node.value.slice
                    cut = isinstance(part, ast.Slice) and part.lower is None
                    assert not cut, f"line {node.lineno}"


@pytest.mark.parametrize("path", ours, ids=short)
def test_no_module_is_run_from_the_current_folder(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.List | ast.Tuple):
            words = [ast.unparse(word) for word in node.elts]
            if "sys.executable" in words and "'-m'" in words:
                assert "'-P'" in words, f"line {node.lineno}"


@pytest.mark.parametrize("path", [path for path in ours if path not in STARTING_PROCESSES], ids=short)
def test_only_process_starts_processes(path: Path) -> None:
    names = set(imported(path))
    assert not {name for name in names for starter in STARTERS if f"{name}.".startswith(f"{starter}.")}
    used = {
        node.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    } | {name.removeprefix("os.") for name in names if name.startswith("os.")}
    assert not {name for name in used if name.startswith(STARTING)}


@pytest.mark.parametrize("path", [path for path in ours if path not in LOOK_UP], ids=short)
def test_only_process_looks_for_a_tool_of_the_system(path: Path) -> None:
    assert "shutil.which" not in imported(path)
    assert not [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "shutil.which"
    ]


@pytest.mark.parametrize("path", [*inside, *workloads, *sorted(CHILDREN), *sorted(SHARED)], ids=short)
def test_what_is_measured_imports_the_standard_library_and_its_neighbours_only(path: Path) -> None:
    folders = {one.parent.name for one in inside if one.name == "__init__.py"}
    near = {one.stem for one in (*inside, *path.parent.glob("*.py"))} | folders
    neighbours = near if path not in CHILDREN | SHARED else set()
    optional = OPTIONAL.get(path.name, set())
    declared = set(read_declaration(path, path.parent.name).requires) if path in workloads else set()
    shared = {".".join(one.relative_to(PACKAGE.parent).with_suffix("").parts) for one in SHARED}
    names = {name for name in imported(path) if name.rpartition(".")[0] not in shared}
    roots = {name.partition(".")[0] for name in names} - {"__future__"}
    assert roots - set(sys.stdlib_module_names) - neighbours - OLD - optional <= declared


def test_gilbench_never_imports_what_runs_inside_the_interpreter() -> None:
    assert not [path for path in ours if "target" in layers_used(path)]


def modules_of(*argv: str) -> set[str]:
    """Top-level modules that a command line imports."""
    command = [sys.executable, "-X", "importtime", "-m", "gilbench", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    modules = modules_of("--version")
    assert "gilbench" in modules
    assert not HEAVY & modules
    assert not {"asyncio", "dataclasses", "inspect", "subprocess", "json"} & modules


@pytest.mark.parametrize("argv", [("--help",), ("run", "--help"), ("report", "--help")])
def test_help_imports_no_statistics_and_nothing_that_measures(argv: tuple[str, ...]) -> None:
    modules = modules_of(*argv)
    assert "typer" in modules
    assert not {"numpy", "scipy", "psutil", "msgspec"} & modules
