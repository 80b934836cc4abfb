"""Functions by their names, and arguments as text."""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import sys
import sysconfig
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.model.errors import UsageError
from gilbench.plan.calls import parse_argument
from gilbench.work.callables import as_arguments, import_path, name_of


class Parser:
    def parse(self) -> None: ...

    @classmethod
    def made(cls) -> None: ...


def test_importable_functions_have_names() -> None:
    assert name_of(json.dumps) == "json:dumps"
    assert name_of(zlib.compress) == "zlib:compress"
    assert name_of(sorted) == "builtins:sorted"
    assert name_of("package.module:function") == "package.module:function"
    assert name_of(Parser.parse) == f"{__name__}:Parser.parse"


@pytest.mark.parametrize(
    "function",
    [lambda: 1, Parser().parse, functools.partial(sorted, [1]), "text".upper],
    ids=["lambda", "bound method", "partial", "method of a text"],
)
def test_others_are_refused_with_a_remedy(function: object) -> None:
    with pytest.raises(UsageError, match="cannot import") as refused:
        name_of(function)  # type: ignore[arg-type]
    assert len(str(refused.value).splitlines()) == 2


def test_a_nested_function_and_a_shadowed_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nested() -> None: ...

    with pytest.raises(UsageError, match="<locals>"):
        name_of(nested)
    before = time.sleep
    monkeypatch.setattr(time, "sleep", nested)
    with pytest.raises(UsageError, match="time:sleep"):
        name_of(before)


def test_a_worker_imports_from_where_this_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = import_path("m:f")
    assert str(tmp_path) in found
    assert sysconfig.get_path("stdlib") in found
    assert all(Path(folder).is_absolute() for folder in found)


def test_another_interpreter_gets_no_packages_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "lib" / "site-packages"))
    found = import_path("m:f", foreign=True)
    assert str(tmp_path) in found
    assert not [folder for folder in found if "site-packages" in folder]
    assert sysconfig.get_path("stdlib") not in found


def test_a_module_that_pytest_imported_by_its_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "package_of_tests" / "test_mine.py"
    file.parent.mkdir()
    file.write_text("def f(): pass\n")
    name = "package_of_tests.test_mine"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    assert name_of(module.f) == f"{name}:f"
    assert str(tmp_path) in import_path(module.f)


SIMPLE = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.binary(max_size=8)
)


@given(
    st.lists(SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(st.text(max_size=3), SIMPLE, max_size=2))
)
def test_an_argument_arrives_as_it_was_or_is_refused(values: list[object]) -> None:
    try:
        texts = as_arguments(values)
    except UsageError:
        return
    for number, (text, value) in enumerate(zip(texts, values, strict=True), start=1):
        name, (found,) = parse_argument(text)
        read = ast.literal_eval(found) if isinstance(found, str) else found
        assert (name, read, type(read)) == (str(number), value, type(value))


@pytest.mark.parametrize("value", [object(), float("nan"), [1] * 10_000, {1: open}])
def test_what_is_no_literal_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="argument 1 cannot be passed"):
        as_arguments([value])
