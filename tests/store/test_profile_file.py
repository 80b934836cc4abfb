"""Profile files: what is written is read, and what no observer can have seen is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import profiles
import pytest
from golden import written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiles import NAMES, contended

from gilbench.model.errors import StudyError
from gilbench.model.profile import SCHEMA, Profile, Stack, document
from gilbench.render import formats
from gilbench.store.profile import read_profile

FORMS = ("terminal", "markdown", "json", "csv", "speedscope")


def whole() -> Profile:
    """A profile with something in each field."""
    stacks = (
        Stack(tid=101, thread="crunch", frames=("main (app.py:1)", "parse (app.py:20)"), samples=7),
        Stack(tid=None, thread="thread (0x7F)", frames=("f",), samples=1, named=False),
    )
    pauses = profiles.free_threaded().pauses
    parked = profiles.free_threaded().threads[1].parked
    threads = (msgspec.structs.replace(contended().threads[0], parked=parked), *contended().threads[1:])
    return msgspec.structs.replace(
        contended(),
        threads=threads,
        pauses=pauses,
        stacks=stacks,
        stack_rate=200,
        contended=0.9,
        free_wanted=0.1,
    )


WHOLE = json.loads(msgspec.json.encode(document(whole())))


def saved(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "profile.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def refusal(path: Path) -> str:
    """What is said of a file that cannot be read: one line that names it."""
    with pytest.raises(StudyError) as raised:
        read_profile(path)
    said = str(raised.value)
    assert said.startswith((str(path), f"cannot read {path}"))
    assert said.isprintable()
    assert len(said) < 400
    return said


def with_value(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The whole document, with another value at one place."""
    changed: dict[str, Any] = json.loads(json.dumps(WHOLE))
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a document has something, lists by their first entry."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def value_at(path: tuple[str | int, ...]) -> Any:
    place: Any = WHOLE
    for step in path:
        place = place[step]
    return place


PLACES = list(places(WHOLE))
NUMBERS = [path for path in PLACES if path != ("schema",) and type(value_at(path)) in {int, float}]


# --- what is written is read ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_read(name: str, tmp_path: Path) -> None:
    path, profile = tmp_path / "profile.json", getattr(profiles, name)()
    path.write_text(written(profile, "json"))
    assert read_profile(path) == profile


def test_every_field_survives(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(written(whole(), "json"))
    assert read_profile(path) == whole()


def test_a_profile_that_was_read_can_be_written_in_every_format(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(written(whole(), "json"))
    for form in FORMS:
        before, after = io.StringIO(), io.StringIO()
        formats.write(whole(), form, before)
        formats.write(read_profile(path), form, after)
        assert after.getvalue() == before.getvalue() != ""


def test_a_field_of_a_later_version_of_the_same_schema_is_no_error(tmp_path: Path) -> None:
    assert read_profile(saved(tmp_path, {**WHOLE, "weather": "fine"})) == whole()


# --- files of schema 1 ----------------------------------------------------------------------------------


def old() -> dict[str, Any]:
    """The same profile as an older gilbench wrote it."""
    document = {
        name: value
        for name, value in WHOLE.items()
        if name not in {"kind", "gilbench", "caveats", "stacks", "stack_rate"}
    }
    return {**document, "schema": 1, "findings": [finding["text"] for finding in WHOLE["findings"]]}


def test_a_profile_of_schema_1_opens(tmp_path: Path) -> None:
    profile = read_profile(saved(tmp_path, old()))
    assert profile.threads == whole().threads
    assert profile.what_if == whole().what_if
    assert [finding.text for finding in profile.findings] == [one.text for one in whole().findings]
    assert [(one.kind, one.text) for one in profile.caveats] == [("unavailable", whole().caveats[0].text)]
    text = io.StringIO()
    formats.write(profile, "terminal", text)
    assert "Findings" in text.getvalue()


def test_a_profile_of_schema_1_is_checked_too(tmp_path: Path) -> None:
    assert "findings" in refusal(saved(tmp_path, {**old(), "findings": [3]}))
    assert "unavailable" not in refusal(saved(tmp_path, {**old(), "unavailable": 3})).partition("damaged")[0]
    assert "duration is -1" in refusal(saved(tmp_path, {**old(), "duration": -1}))


# --- files of schema 2, and sums of threads -------------------------------------------------------------


def test_a_profile_of_schema_2_opens(tmp_path: Path) -> None:
    threads = [{name: value for name, value in one.items() if name != "count"} for one in WHOLE["threads"]]
    stacks = [{name: value for name, value in one.items() if name != "pid"} for one in WHOLE["stacks"]]
    process = {name: value for name, value in WHOLE["process"].items() if name != "counted"}
    older = {**WHOLE, "schema": 2, "threads": threads, "stacks": stacks, "process": process}
    assert read_profile(saved(tmp_path, older)) == whole()


def test_a_sum_of_threads_may_have_the_shares_of_all_of_them(tmp_path: Path) -> None:
    summed = with_value(("threads", 0, "count"), 60)
    summed["threads"][0] |= {"alive": 60.0, "gil_held": 57.0}
    assert read_profile(saved(tmp_path, summed)).threads[0].count == 60
    summed["threads"][0]["gil_held"] = 64.0
    assert "threads[0].gil_held is 64" in refusal(saved(tmp_path, summed))
    assert "count" in refusal(saved(tmp_path, with_value(("threads", 0, "count"), 0)))


# --- no profile -----------------------------------------------------------------------------------------


NO_PROFILE = {
    "empty": "",
    "text": "Dear reader",
    "a list": "[]",
    "a number": "3",
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "another kind": '{"kind": "study", "schema": 1}',
    "no kind": '{"schema": 1, "properties": []}',
    "an infinity": '{"kind": "profile", "duration": NaN}',
    "truncated": json.dumps(WHOLE)[:-40],
}


@pytest.mark.parametrize("kind", NO_PROFILE)
def test_what_is_no_profile_is_said_to_be_none(tmp_path: Path, kind: str) -> None:
    assert "is not a profile" in refusal(saved(tmp_path, NO_PROFILE[kind]))


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "absent")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("schema", [None, "1" * 999, 0, -1, 1.5, True, [2]])
def test_a_schema_that_is_no_number_is_damage(tmp_path: Path, schema: Any) -> None:
    assert "is damaged: schema" in refusal(saved(tmp_path, {**WHOLE, "schema": schema}))


def test_a_newer_schema_names_both_and_the_version_that_reads_it(tmp_path: Path) -> None:
    newer = {"kind": "profile", "schema": SCHEMA + 6, "gilbench": "9.9.9"}
    said = refusal(saved(tmp_path, newer))
    assert f"schema {SCHEMA + 6}" in said
    assert f"up to {SCHEMA}" in said
    assert "9.9.9" in said


# --- impossible values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_no_number_may_be_impossible(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    impossible: tuple[Any, ...] = (-65, 1e300, 10**30, 10**400, "3", [], {"a": 1}, True)
    for value in impossible:
        assert str(path[-1]) in refusal(saved(tmp_path, with_value(path, value)))
    for text in ("NaN", "Infinity", "1e999"):
        content = json.dumps(with_value(path, "instead")).replace('"instead"', text)
        assert "is not a profile" in refusal(saved(tmp_path, content))


@pytest.mark.parametrize("field", ["alive", "gil_held", "gil_wait", "off_gil", "blocked"])
def test_no_share_is_more_than_all(tmp_path: Path, field: str) -> None:
    assert f"threads[0].{field} is 57" in refusal(saved(tmp_path, with_value(("threads", 0, field), 57)))
    rounded = with_value(("threads", 0, field), 1.01)
    rounded["threads"][0] |= dict.fromkeys({"gil_held", "gil_wait", "off_gil", "blocked"} - {field}, 0.0)
    rounded["threads"][0]["waits"], rounded["blames"] = [], []
    assert read_profile(saved(tmp_path, rounded))


def test_a_blame_of_a_thread_that_is_not_there_is_damage(tmp_path: Path) -> None:
    for side in ("holder", "waiter"):
        assert "blames[0]" in refusal(saved(tmp_path, with_value(("blames", 0, side), 999)))
    assert "blocked[0]" in refusal(saved(tmp_path, with_value(("blocked", 0, "tid"), 999)))


def test_stacks_need_their_rate(tmp_path: Path) -> None:
    assert "stack_rate" in refusal(saved(tmp_path, with_value(("stack_rate",), None)))
    assert "stack_rate" in refusal(saved(tmp_path, with_value(("stack_rate",), 0)))


def test_a_bucket_has_its_bounds_in_order(tmp_path: Path) -> None:
    bucket = {"lo": 2.0, "hi": 1.0, "count": 1}
    assert "bucket" in refusal(saved(tmp_path, with_value(("threads", 1, "waits", 0), bucket)))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=9),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.sampled_from(PLACES), value=VALUES)
def test_any_value_anywhere_is_refused_in_one_line_or_can_be_shown(
    path: tuple[str | int, ...], value: Any, tmp_path: Path
) -> None:
    file = saved(tmp_path, with_value(path, value))
    try:
        profile = read_profile(file)
    except StudyError:
        refusal(file)
        return
    for form in FORMS:
        formats.write(profile, form, io.StringIO())
    file.write_text(written(profile, "json"))
    assert read_profile(file) == profile
