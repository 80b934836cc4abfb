"""How a call becomes a workload."""

from __future__ import annotations

from pathlib import Path

import pytest

from gilbench.model.calls import OwnCall
from gilbench.model.errors import UsageError
from gilbench.plan.axes import Axes, cases
from gilbench.plan.calls import is_function, write_call
from gilbench.plan.catalogue import read_declaration
from gilbench.store.calls import is_kept, keep_source
from gilbench.work.calls import call_workloads

HERE = Path("/somewhere")


def declared(*arguments: str) -> tuple[dict[str, object], dict[str, object]]:
    source = write_call(OwnCall(code="pkg.mod:function", arguments=arguments), (), HERE)
    workload = read_declaration(keep_source(source))
    return dict(workload.parameters), dict(workload.choices)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("n=10", [10]),
        ("n=1,2.5", [1, 2.5]),
        ("n=[1,2],(3,4)", ["[1,2]", "(3,4)"]),
        ("n='a,b',c", ["'a,b'", "c"]),
        ("n=don't,stop", ["don't", "stop"]),
        ("n=True,None", ["True", "None"]),
        ("n=b'x,y'", ["b'x,y'"]),
        ("n={'a': 'it,s'},2", ["{'a': 'it,s'}", 2]),
        ("n=", ["''"]),
        ("n=1e400", ["1e400"]),
        ("n=a=b", ["a=b"]),
        ("n=3,3", [3]),
    ],
)
def test_an_argument_has_one_value_or_several(argument: str, values: list[object]) -> None:
    parameters, choices = declared(argument)
    if len(values) == 1:
        assert (parameters["n"], choices) == (values[0], {})
    else:
        assert list(choices["n"]) == values  # type: ignore[call-overload]


def test_each_of_several_values_is_a_case_at_every_effort_and_is_named() -> None:
    workload = read_declaration(
        keep_source(write_call(OwnCall(code="m:f", arguments=("n=1,x", "k=7")), (), HERE))
    )
    from made import interpreter  # noqa: PLC0415

    made = cases([workload], [interpreter("3.13", (3, 13, 5))], Axes(threads=(1,), few_choices=True))
    assert [case.parameters for case in made] == [(("n", 1),), (("n", "x"),)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (OwnCall(code="  "), "is empty"),
        (OwnCall(code="x + 1", arguments=("n=1",)), "--arg is for a function"),
        (OwnCall(code="m:f", arguments=("n",)), "NAME=VALUE"),
        (OwnCall(code="m:f", arguments=("0=1",)), "1=VALUE"),
        (OwnCall(code="m:f", arguments=("n=1", "n=2")), "given twice"),
        (OwnCall(code="m:f", name="../f"), "not a name"),
        (OwnCall(code="m:f", name="countdown"), "another workload"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(call: OwnCall, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        write_call(call, {"countdown"}, HERE)


def test_names_are_unique() -> None:
    calls = [OwnCall(code=code) for code in ("a:f", "b:f", "b:f", "1 + 1", "2 + 2", "a:countdown")]
    names = [workload.name for workload in call_workloads(calls, {"countdown"})]
    assert names == ["f", "b.f", "b.f_2", "statement", "statement_2", "a.countdown"]


@pytest.mark.parametrize("code", ["m:f", "a.b.c:D.e", "_m:_f", "modül:f"])
def test_a_function_has_a_module_and_a_name(code: str) -> None:
    assert is_function(code)


@pytest.mark.parametrize("code", ["f", "m:f()", "m.f", "m:", ":f", "m:f + 1", "for x in y: z"])
def test_everything_else_is_a_statement(code: str) -> None:
    assert not is_function(code)


def test_only_what_gilbench_wrote_is_known_to_be_its_own(tmp_path: Path) -> None:
    path = keep_source(write_call(OwnCall(code="m:f"), (), HERE))
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert (is_kept(path), is_kept(copy), is_kept(path.parent / ".." / ".." / "x.py")) == (True, False, False)
    path.chmod(0o666)
    assert not is_kept(path)
