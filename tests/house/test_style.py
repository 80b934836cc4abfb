from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import gilbench
from gilbench.host.capture import capture

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(gilbench.__file__).parent
LONGEST = 50  # lines of a function; the options of a command do not count
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_workloads" not in path.parts)


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            yield path.relative_to(PACKAGE), node


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=" ".join,
)
def test_the_code_is_clean(command: tuple[str, ...]) -> None:
    done = capture([sys.executable, "-m", *command], seconds=300, cwd=ROOT)
    assert done.status == 0, done.stdout + done.stderr


def test_no_function_is_long() -> None:
    long = {}
    for path, node in nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0].lineno if path.parts[0] == "cli" else node.lineno
            lines = (node.end_lineno or first) - first + 1
            if lines > LONGEST:
                long[f"{path}:{node.lineno} {node.name}"] = lines
    assert long == {}


def test_each_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for path, node in nodes():
        if isinstance(node, ast.ClassDef):
            places[node.name.strip("_").lower()].append(f"{path}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
