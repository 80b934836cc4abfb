"""Compiles a small C extension for an interpreter, as a project that knows nothing of free threading would."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from gilbench.errors import GilbenchError, RunFailure
from gilbench.model import Interpreter, Struct
from gilbench.process import capture, clean_environment
from gilbench.run.endpoint import Endpoint

SOURCE = Path(__file__).parent / "c" / "gilbench_borrowing.c"
SECONDS = 30.0  # for one compilation; it takes 0.2 s
_SCRIPT = Path(__file__).parent.parent / "target" / "tester.py"
_LONGEST = 200  # characters of what the compiler says that are kept
# What is asked of the same source. 3.2 had the first stable ABI, 3.6 is the oldest one that is still in wide use.
VARIANTS = {
    "plain": (),
    "opt_in": ("-DGILBENCH_OPT_IN",),
    "stable_abi": ("-DPy_LIMITED_API=0x03060000",),
}

Text = Annotated[str, msgspec.Meta(max_length=4096)]


class Compiled(Struct, frozen=True):
    """What came of it."""

    include: Path | None = None  # where the public headers are, if they are anywhere
    absent: str | None = None  # why nothing could be compiled at all
    modules: Mapping[str, str] = {}  # by variant: the name to import
    refusals: Mapping[str, str | None] = {}  # by variant: what the compiler said; None: it did compile


class _Toolchain(Struct, frozen=True):
    """What ``target/properties/extension.py`` answers."""

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
        return Compiled(absent=f"it does not say how to compile: {error.message}")
    include = Path(tools.include) if tools.include else None
    if include is None or not (include / "Python.h").is_file():
        return Compiled(absent=f"no Python.h in {include}: install its development package")
    compiler = _compiler(tools.compiler)
    if compiler is None:
        return Compiled(include=include, absent="no C compiler was found: install gcc")
    modules = {variant: f"gilbench_{variant}" for variant in VARIANTS}
    refusals = {
        variant: _compile(compiler, include, flags, modules[variant], folder, tools.suffix or ".so")
        for variant, flags in VARIANTS.items()
    }
    return Compiled(include=include, modules=modules, refusals=refusals)


def _ask(interpreter: Interpreter) -> _Toolchain:
    endpoint = Endpoint([interpreter.executable, str(_SCRIPT)], clean_environment())
    try:
        request = {"do": "trial", "module": "extension", "function": "toolchain", "arguments": {}}
        return msgspec.convert(endpoint.ask(request, SECONDS), _Toolchain)
    except msgspec.ValidationError as error:
        raise RunFailure("protocol", str(error)) from error
    finally:
        endpoint.close()


def _compiler(told: str | None) -> str | None:
    """The program that the interpreter was compiled with where it is here, else the system's."""
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
        # Its own temporary files go with ours.
        done = capture(command, seconds=SECONDS, cwd=folder, env=clean_environment({"TMPDIR": str(folder)}))
    except GilbenchError as error:
        return str(error)
    if done.status == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()[-1:]
    said = lines[0].partition("error:")[2].strip() or lines[0] if lines else f"exit status {done.status}"
    return said.removeprefix("#error").strip().strip('"')[:_LONGEST]
