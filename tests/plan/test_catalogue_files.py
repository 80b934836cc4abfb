"""What each file of the families cpu, offgil and shared must keep to, and that its operation is right here."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gilbench
from gilbench.model.study import Workload
from gilbench.plan.catalogue import catalogue, catalogue_folder

FAMILIES = ("cpu", "offgil", "shared")
MINE = [workload for workload in catalogue().values() if workload.family in FAMILIES]
FILES = sorted(path for family in FAMILIES for path in (catalogue_folder() / family).glob("*.py"))
TWINS = {"lock_uncontended": "lock_contended"}  # under the name by which it is known
TWINS |= {one.name: one.name.removesuffix("_own") for one in MINE if one.name.endswith("_own")}

# What Python 2.7 does not parse, as far as a tree can tell.
TOO_NEW = (
    ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.YieldFrom, ast.Await, ast.AsyncFunctionDef,
    ast.AsyncFor, ast.AsyncWith, ast.Match, ast.MatMult, ast.Starred, ast.TryStar,
)  # fmt: skip

each = pytest.mark.parametrize("workload", MINE, ids=lambda one: one.name)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
each_twin = pytest.mark.parametrize(("twin", "original"), sorted(TWINS.items()))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("ascii"), str(path))


def loaded(workload: Workload) -> ModuleType:
    """As a worker loads it: the source is run, under no name that could hide a module of the library."""
    module = ModuleType(f"workload_{workload.name}")
    module.__file__ = workload.path
    exec(compile(Path(workload.path).read_text("ascii"), workload.path, "exec"), module.__dict__)  # noqa: S102
    return module


def bound(module: Any, workload: Workload, threads: int) -> list[Any]:
    """What each of so many threads works on."""
    shared = module.prepare(dict(workload.parameters)) if hasattr(module, "prepare") else None
    return [module.local(shared, i) if hasattr(module, "local") else shared for i in range(threads)]


def too_new(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        annotated = node.returns or any(argument.annotation for argument in arguments.args)
        return bool(annotated or arguments.kwonlyargs or arguments.posonlyargs)
    if isinstance(node, ast.Raise):
        return node.cause is not None
    if isinstance(node, ast.ClassDef):  # without a base it would be another kind of class on 2.7
        return not node.bases or bool(node.keywords)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in {"super", "print"} and not node.args
    return isinstance(node, TOO_NEW)


@each
def test_a_workload_says_what_it_does_its_unit_and_its_source(workload: Workload) -> None:
    text = ast.get_docstring(tree(Path(workload.path))) or ""
    summary, _, rest = text.partition("\n\n")
    assert summary == workload.summary
    assert summary.endswith(".")
    flat = " ".join(rest.split())
    assert re.search(r"Unit: [^.]+\.", flat), "no 'Unit: ...' in the docstring"
    assert re.search(r"Source: \S.*\.$", flat), "no 'Source: ...' at the end of the docstring"
    assert re.search(r"Unit: (\w+)", flat).group(1) == workload.unit.split()[0]  # type: ignore[union-attr]


@each
def test_a_workload_declares_the_checksum_of_its_operation(workload: Workload) -> None:
    assert workload.driver == "parallel"
    assert workload.checksum
    assert re.fullmatch(r"[0-9a-f -]+|\d+ [\w ]+", workload.checksum)


@each_file
def test_a_file_is_one_source_for_all_interpreters(path: Path) -> None:
    late = [node for node in ast.walk(tree(path)) if too_new(node)]
    assert not late, f"{path.name}:{late[0].lineno} is not for Python 2.7"  # type: ignore[attr-defined]
    numbers = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("ascii")).readline)
        if token.type == tokenize.NUMBER
    ]
    assert not [number for number in numbers if "_" in number]


@each_twin
def test_a_twin_has_its_neighbours_operation_and_declaration(twin: str, original: str) -> None:
    found = catalogue()
    one, other = found[twin], found[original]
    assert (one.family, one.unit, one.parameters, one.checksum, one.requires) == (
        other.family, other.unit, other.parameters, other.checksum, other.requires,
    )  # fmt: skip
    assert not [node for node in ast.walk(tree(Path(one.path))) if isinstance(node, ast.FunctionDef)]
    names = {node.value for node in ast.walk(tree(Path(one.path))) if isinstance(node, ast.Constant)}
    assert original in names


def test_every_shared_workload_has_a_twin() -> None:
    shared = {one.name for one in MINE if one.family == "shared"}
    assert shared - set(TWINS) == set(TWINS.values())


@pytest.fixture
def folder_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a file import its neighbours, as a worker does."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    target = Path(gilbench.__file__).parent / "target"
    return lambda path: monkeypatch.setattr(sys, "path", [*sys.path, str(target), str(Path(path).parent)])


@each
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a worker ends without closing what its threads used
def test_an_operation_gives_its_checksum_each_time_and_to_each_thread(
    workload: Workload, folder_of: Callable[[str], None]
) -> None:
    for name in workload.requires:
        if name.isidentifier():
            pytest.importorskip(name)
    folder_of(workload.path)
    module = loaded(workload)
    states = bound(module, workload, threads=3)
    results = [module.operation(state) for state in states for _ in range(3)]
    assert {str(result) for result in results} == {workload.checksum}
    assert {type(result) for result in results} <= {int, str}
    if hasattr(module, "backend"):
        assert isinstance(module.backend(), str)


@each_twin
def test_the_threads_of_a_twin_share_nothing(
    twin: str, original: str, folder_of: Callable[[str], None]
) -> None:
    found = catalogue()
    folder_of(found[twin].path)
    shared = [parts(state) for state in bound(loaded(found[original]), found[original], threads=2)]
    own = [parts(state) for state in bound(loaded(found[twin]), found[twin], threads=2)]
    assert not own[0] & own[1]
    assert shared[0] & shared[1] or not shared[0]  # nothing: what is shared there is the code


def parts(state: Any) -> set[int]:
    """The identities of the objects that a state is made of, save numbers."""
    return {
        id(part) for part in (state if isinstance(state, tuple) else (state,)) if not isinstance(part, int)
    }
