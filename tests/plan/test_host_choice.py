from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gilbench.model.errors import UsageError
from gilbench.plan.host_choice import HostFacts, parse_hosts

EAST = HostFacts(
    name="east",
    cores=8,
    cpus=16,
    memory=16 * 1000**3,
    machine="x86_64",
    system="Linux",
    kernel="6.1.0-13-amd64",
    cpu_model="Intel(R) Xeon(R) Gold 6130",
    root=True,
    virtualisation=None,
    interpreters=("3.13.5", "3.14t", "3.15.0a2", "pypy3.11", "3.13 -X importtime"),
)


@pytest.mark.parametrize(
    "text",
    [
        "cores>=8",
        "cores >= 8 and 3.14t",
        "cpus==16.0",
        "cpus!=8",
        "memory>=16GB",
        "memory<16GiB",
        "memory==16000000000",
        "machine==x86_64",
        "name=='east'",
        'kernel~"6.1"',
        "cpu_model~'xeon(r) gold'",
        "virtualisation==''",
        "root",
        "not virtual",
        "root and (virtual or cores>4)",
        "virtual and root or cores==8",  # "and" binds more tightly
        "not virtual and not not root",
        "3.13",
        "3.13.5",
        "cpython3.13",
        "3.15",
        "3.15.0a2",
        "pypy",
        "pypy3.11",
        "'3.13 -X importtime'",
        "not 3.14",  # it has only the free-threaded build
        "not 3.13.4",
        "not 3.13t",
        "not 3.15.0a1",
        "not pypy3.10",
        "not '3.14t -O'",
    ],
)
def test_a_host_is_chosen_by_what_it_has(text: str) -> None:
    assert parse_hosts(text)(EAST)
    assert not parse_hosts(f"not ({text})")(EAST)


def test_a_choice_follows_the_facts() -> None:
    choice = parse_hosts("cores>=4 and not virtual")
    assert choice(EAST)
    assert not choice(msgspec.structs.replace(EAST, cores=2))
    assert not choice(msgspec.structs.replace(EAST, virtualisation="kvm"))


@pytest.mark.parametrize(
    ("text", "problem", "place"),
    [
        ("", "expected a condition: cores, cpus, memory, name,", "at the end of ''"),
        ("core>=8", "expected a condition", "at 'core>=8'"),
        ("cores>=8 andd 3.14t", "expected and, or, or the end", "at 'andd 3.14t'"),
        ("cores", "expected >=, <=, >, <, ==, or != after cores", "at the end of 'cores'"),
        ("cores=8", "expected", "at '=8'"),
        ("cores>=", "expected a value after cores>=", "at the end of 'cores>='"),
        ("cores>=many", "expected a number", "at 'many'"),
        ("cores>=8GB", "expected a number", "at '8GB'"),
        ("memory>=8XB", "expected bytes, or a number with a unit", "at '8XB'"),
        ("name>=east", "expected ==, !=, or ~ after name", "at '>=east'"),
        ("(root", "expected )", "at the end of '(root'"),
        ("root)", "expected and, or, or the end", "at ')'"),
        ("not", "expected a condition", "at the end of 'not'"),
        ("root and and root", "expected a condition", "at 'and root'"),
        ("x86", "expected a condition", "at 'x86'"),
        ("root; rm", "quote values", "at '; rm'"),
        ("name=='east", "quote values", 'at "\'east"'),
        ("(" * 500, "inside each other", "at '(((("),
        ("not " * 500, "inside each other", "at 'not not"),
    ],
)
def test_a_problem_is_shown_with_its_place(text: str, problem: str, place: str) -> None:
    with pytest.raises(UsageError, match="--hosts: ") as raised:
        parse_hosts(text)
    assert problem in str(raised.value)
    assert place in str(raised.value)
    assert len(str(raised.value)) < 300


@given(
    st.text()
    | st.lists(st.sampled_from([*"()'\"~<>=8", "and ", "or ", "not ", "root ", "cores"])).map("".join)
)
@example("'<'")
def test_any_text_is_a_choice_or_is_refused_with_its_place(text: str) -> None:
    try:
        choice = parse_hosts(text)
    except UsageError as error:
        said = str(error)
    else:
        said = ""
        assert choice(EAST) in {True, False}
    assert not said or re.fullmatch(r"--hosts: .+, at .+", said)
