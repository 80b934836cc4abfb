from __future__ import annotations

import msgspec
import pytest
from interpreters_fakes import make_build, make_interpreter

from gilbench.interpreters.names import name_all, short_name, version_key
from gilbench.model.study import Interpreter


def names(*interpreters: Interpreter) -> list[str]:
    return [one.name for one in name_all(interpreters)]


@pytest.mark.parametrize(
    ("version", "facts", "name"),
    [
        ("3.13.5", {"free_threaded": True}, "3.13t"),
        ("3.11.7", {}, "3.11"),
        ("2.7.18", {}, "2.7"),
        ("3.13.5", {"debug": True}, "3.13d"),
        ("3.13.5", {"debug": True, "free_threaded": True}, "3.13td"),
        ("3.9.16", {"implementation": "PyPy"}, "pypy3.9"),
        ("2.7.3", {"implementation": "Jython"}, "jython2.7"),
        ("3.9.1", {"implementation": "My [red]Python"}, "myredpython3.9"),
    ],
)
def test_an_interpreter_is_called_by_its_shortest_usual_name(
    version: str, facts: dict[str, object], name: str
) -> None:
    assert short_name(make_build(version, **facts)) == name


def test_two_releases_of_one_version_are_told_apart_by_the_whole_version() -> None:
    found = names(make_interpreter("3.13.0"), make_interpreter("3.13.5"), make_interpreter("3.12.1"))
    assert found == ["3.13.0", "3.13.5", "3.12"]


def test_two_builds_of_one_release_are_numbered() -> None:
    one, other = make_interpreter("3.13.5"), make_interpreter("3.13.5", pgo=True)
    assert names(one, other, make_interpreter("3.13.0")) == ["3.13.5", "3.13.5#2", "3.13.0"]


def test_a_free_threaded_build_does_not_collide_with_the_ordinary_one() -> None:
    assert names(make_interpreter("3.13.5"), make_interpreter("3.13.5", free_threaded=True)) == [
        "3.13",
        "3.13t",
    ]


def test_named_builds_of_one_release_are_told_apart_by_where_their_paths_differ() -> None:
    def by_path(*paths: str) -> list[str]:
        made = [make_interpreter("3.11.7", executable=path) for path in paths]
        return [one.name for one in name_all(made, by_path=True)]

    assert by_path("/x/py-slower", "/x/py-a") == ["3.11.7 py-slower", "3.11.7 py-a"]
    assert by_path("/x/old/bin/python3", "/x/new/bin/python3") == ["3.11.7 old", "3.11.7 new"]
    assert by_path("/usr/bin/python3", "/x/wrapper") == ["3.11.7 python3", "3.11.7 wrapper"]
    assert by_path("/a/x/py", "/b/x/py", "/b/y/py") == ["3.11.7 x", "3.11.7 x#2", "3.11.7 y"]
    assert by_path("/bin/py", "/x/bin/py") == ["3.11.7 /", "3.11.7 x"]
    assert by_path("/x/py", "/x/py") == ["3.11.7", "3.11.7#2"]
    assert by_path("/x/py") == ["3.11"]


def test_options_are_part_of_a_name() -> None:
    plain = make_interpreter("3.14.0")
    optimized = msgspec.structs.replace(plain, options=("-X", "no_debug ranges", "-O"))
    assert names(optimized) == ["3.14 -X 'no_debug ranges' -O"]
    assert names(plain, optimized) == ["3.14", "3.14 -X 'no_debug ranges' -O"]
    assert names(make_interpreter("3.14.1"), optimized)[1] == "3.14.0 -X 'no_debug ranges' -O"
    assert names(plain, plain, optimized) == ["3.14.0", "3.14.0#2", "3.14.0 -X 'no_debug ranges' -O"]


def test_a_release_is_newer_than_its_candidates_and_those_than_its_alphas() -> None:
    versions = ["3.15.0", "3.9.18", "3.15.0a2", "3.15.0rc1", "3.15.0a10", "3.15.0b1", "3.14.1", "3.14.0+"]
    ordered = sorted(versions, key=lambda version: version_key(make_build(version)))
    assert ordered == [
        "3.9.18",
        "3.14.0+",
        "3.14.1",
        "3.15.0a2",
        "3.15.0a10",
        "3.15.0b1",
        "3.15.0rc1",
        "3.15.0",
    ]
