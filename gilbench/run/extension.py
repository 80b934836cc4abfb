"""Compiles a small C extension for an interpreter, like a project that does not know of free threading."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.model.errors import GilbenchError, RunFailure
from gilbench.model.study import Interpreter, Struct
from gilbench.run.endpoint import Endpoint

SOURCE = Path(__file__).parent / "c" / "gilbench_borrowing.c"
SECONDS = 30.0  # for one compilation; it takes 0.2 s
_SCRIPT = Path(__file__).parent.parent / "target" / "tester.py"
_LONGEST = 200  # characters kept of a compiler message
# Compiler flags by variant of the same source. 3.6 is the oldest stable ABI in wide use.
VARIANTS = {
    "plain": (),
    "opt_in": ("-DGILBENCH_OPT_IN",),
    "stable_abi": ("-DPy_LIMITED_API=0x03060000",),
}

Text = Annotated[str, msgspec.Meta(max_length=4096)]


class Compiled(Struct, frozen=True):
    """The compiled variants."""

    include: Path | None = None  # folder of the public headers; None: not found
    absent: str | None = None  # why nothing could be compiled
    modules: Mapping[str, str] = {}  # by variant: the name to import
    refusals: Mapping[str, str | None] = {}  # by variant: the compiler's error; None: compiled


class _Toolchain(Struct, frozen=True):
    """The answer of ``target/properties/extension.py``."""

    include: Text | None
    compiler: Text | None
    suffix: Text | None


def compile_extension(interpreter: Interpreter, folder: Path) -> Compiled:
    """Compile each variant into a folder. Never raises for what the interpreter or the compiler does."""
    name = interpreter.build.implementation
    if name in {"Jython", "IronPython"}:
        return Compiled(absent=f"{name} has no C API")
    try:
        tools = _ask(interpreter)
    except RunFailure as error:
        return Compiled(absent=f"cannot ask for the compiler: {error.message}")
    include = Path(tools.include) if tools.include else None
    if include is None or not (include / "Python.h").is_file():
        return Compiled(absent=f"no Python.h in {include}; install its development package")
    compiler = _compiler(tools.compiler)
    if compiler is None:
        return Compiled(include=include, absent="no C compiler found; install gcc")
    modules = {variant: f"gilbench_{variant}" for variant in VARIANTS}
    refusals = {
        variant: _compile(compiler, include, flags, modules[variant], folder, tools.suffix or ".so")
        for variant, flags in VARIANTS.items()
    }
    return Compiled(include=include, modules=modules, refusals=refusals)


def _ask(interpreter: Interpreter) -> _Toolchain:
    environment = clean_environment(dict(interpreter.environment))
    endpoint = Endpoint([*interpreter.command, str(_SCRIPT)], environment)
    try:
        request = {"do": "experiment", "module": "extension", "function": "toolchain", "arguments": {}}
        return msgspec.convert(endpoint.ask(request, SECONDS), _Toolchain)
    except msgspec.ValidationError as error:
        raise RunFailure("protocol", str(error)) from error
    finally:
        endpoint.close()


def _compiler(told: str | None) -> str | None:
    """Return the interpreter's compiler if it is installed; otherwise, the system's."""
    for name in (*shlex.split(told or "")[:1], "cc", "gcc"):
        try:
            if capture([name, "--version"], seconds=SECONDS).status == 0:
                return name
        except GilbenchError:
            continue
    return None


def _compile(
    compiler: str, include: Path, flags: tuple[str, ...], module: str, folder: Path, suffix: str
) -> str | None:
    output = str(folder / f"{module}{suffix}")
    named = f"-DGILBENCH_MODULE={module}"
    command = [compiler, "-shared", "-fPIC", "-O2", f"-I{include}", named, *flags, str(SOURCE), "-o", output]
    try:
        # The compiler's temporary files are removed with the folder.
        done = capture(command, seconds=SECONDS, cwd=folder, env=clean_environment({"TMPDIR": str(folder)}))
    except GilbenchError as error:
        return str(error)
    if done.status == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()[-1:]
    said = lines[0].partition("error:")[2].strip() or lines[0] if lines else f"exit status {done.status}"
    return said.removeprefix("#error").strip().strip('"')[:_LONGEST]
