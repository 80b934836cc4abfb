"""The catalogue: reads the declarations in ``workloads/`` without running the files.

A workload is one file, named like the workload, in the folder of its family. The file has a docstring and a literal
``WORKLOAD = {...}`` with fields of ``model.study.Workload``. ``target/drivers.py`` describes the functions that each
driver calls.
"""

from __future__ import annotations

import ast
import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.study import Family, Workload

FAMILIES: tuple[str, ...] = get_args(Family)


def catalogue_folder() -> Path:
    """Return the folder of the workloads: inside the package in a wheel, next to it in a checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "_workloads"
    return packaged if packaged.is_dir() else package.parent / "workloads"


def catalogue(folder: Path | None = None) -> Mapping[str, Workload]:
    """Return all workloads by name, in the order of families: gilbench's own, then those of other packages.

    A package adds workloads with an entry point in the group ``gilbench.workloads``. The entry point names a package
    with a folder for each family. The package is not imported.

    Raises:
        UsageError: A declaration cannot be read, or two workloads have the same name.
    """
    roots = [folder] if folder else [catalogue_folder(), *_folders_of_packages()]
    found: dict[str, Workload] = {}
    for family in FAMILIES:
        for path in (path for root in roots for path in sorted((root / family).glob("*.py"))):
            if path.name.startswith("_"):
                continue
            workload = read_declaration(path, family)
            if workload.name in found:
                raise UsageError(
                    f"{path} has the name of another workload, {found[workload.name].path}; rename the file"
                )
            found[workload.name] = workload
    return found


def read_declaration(path: Path, family: str = "cpu") -> Workload:
    """Read the declaration in a file.

    Args:
        path: The file.
        family: Family of the workload, unless the file declares one.

    Raises:
        UsageError: The file is not Python, has no docstring or no literal ``WORKLOAD``, or has an invalid field.
    """
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text, str(path))
        declared = ast.literal_eval(_assigned(tree, "WORKLOAD"))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, RecursionError, MemoryError) as error:
        lines = str(getattr(error, "strerror", None) or error).splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise UsageError(f"{path} does not declare a workload: {reason}") from error
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    if not summary or not isinstance(declared, dict):
        raise UsageError(f"{path} does not declare a workload; add a docstring and WORKLOAD = {{...}}")
    fields: dict[str, Any] = {
        "family": family,
        **declared,
        "name": path.stem,
        "path": str(path.resolve()),
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "summary": summary,
    }
    if "foreground" in declared:
        fields.setdefault("driver", "service")
    try:
        unknown = set(declared) - set(Workload.__struct_fields__)
        if unknown:
            raise UsageError(f"{path} declares unknown fields; remove {', '.join(sorted(map(str, unknown)))}")
        workload = msgspec.convert(fields, Workload)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UsageError(f"{path} does not declare a workload: {error}") from error
    fault = _fault(workload)
    if fault is not None:
        raise UsageError(f"{path} does not declare a workload: {fault}")
    return workload


def _fault(workload: Workload) -> str | None:
    """Return the first contradiction between the fields of a declaration; None: there is none."""
    parameters = workload.parameters
    if (workload.driver == "command") is not (workload.command is not None):
        return "the driver command needs the field `command`, and others have none"
    undeclared = [name for name in workload.choices if name not in parameters]
    if undeclared:
        return f"`$.choices` has {', '.join(undeclared)}, but `$.parameters` does not"
    if workload.driver == "signals":
        interval = parameters.get("interval")
        if not isinstance(interval, int | float) or interval <= 0:
            return "the driver signals needs a parameter `interval` of more than 0 s"
        if not isinstance(parameters.get("signal"), str):
            return "the driver signals needs a parameter `signal`, for example SIGUSR1"
    return None


def choose(
    all_workloads: Mapping[str, Workload], names: Sequence[str] = (), families: Sequence[str] = ()
) -> tuple[Workload, ...]:
    """Choose workloads by glob patterns, files, and families; without any, the default set.

    Raises:
        UsageError: A pattern or family matches nothing, or a file declares no workload.
    """
    for family in families:
        if family not in FAMILIES:
            raise UsageError(f"unknown family {family!r}; use {', '.join(FAMILIES)}")
    paths = list(dict.fromkeys(Path(name) for name in names if name.endswith(".py") or "/" in name))
    patterns = [name for name in names if Path(name) not in paths]
    for pattern in patterns:
        if not fnmatch.filter(all_workloads, pattern):
            near = get_close_matches(pattern, all_workloads)
            meant = f"did you mean {' or '.join(near)}? " if near else ""
            raise UsageError(f"no workload matches {pattern!r}; {meant}see: gilbench workloads list")
    own = [read_declaration(path) for path in paths]
    for number, workload in enumerate(own):
        if workload.name in all_workloads:
            raise UsageError(f"{workload.path} has the name of a workload in the catalogue; rename the file")
        if any(workload.name == other.name for other in own[:number]):
            raise UsageError(f"{workload.path} has the name of another workload of this run; rename one file")
    chosen = [
        workload
        for workload in all_workloads.values()
        if (workload.core or names or families)
        and (not families or workload.family in families)
        and (not names or any(fnmatch.fnmatch(workload.name, pattern) for pattern in patterns))
    ]
    if not [*chosen, *own]:
        raise UsageError("no workload matches both --family and --workload; remove one of them")
    return (*chosen, *own)


def _folders_of_packages() -> list[Path]:
    folders = []
    for entry in entry_points(group="gilbench.workloads"):
        # find_spec of a subpackage would import its parent package.
        top, *below = entry.value.partition(":")[0].strip().split(".")
        spec = find_spec(top)
        folders += [Path(place, *below) for place in (spec.submodule_search_locations or ())] if spec else []
    return folders


def _assigned(tree: ast.Module, name: str) -> ast.expr:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return node.value
    raise LookupError(f"{name} = {{...}} is missing")
