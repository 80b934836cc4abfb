"""Our patience with a child, tried on real small ones."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from children import LONG, open_descriptors, python, wait_for_end

from gilbench.host.environment import clean_environment
from gilbench.model.errors import RunFailure
from gilbench.run.endpoint import Endpoint

SHORT = 0.1  # s, for what never comes
PROLOGUE = """
import json, os, signal, sys, time
requests, replies = int(sys.argv[1]), int(sys.argv[2])
def write(data): os.write(replies, data)
def say(message): write(json.dumps(message).encode() + b"\\n")
def hear(): return json.loads(lines.readline())
lines = open(requests)
"""

Child = Callable[[str], Endpoint]


@pytest.fixture
def child() -> Iterator[Child]:
    """Start a child with such a body; all are ended after the test."""
    started: list[Endpoint] = []

    def start(body: str) -> Endpoint:
        code = PROLOGUE + textwrap.dedent(body)
        started.append(Endpoint(python(code), clean_environment()))
        return started[-1]

    yield start
    for endpoint in started:
        if endpoint._replies >= 0:  # not closed by the test
            endpoint.failed = True
            endpoint.close()


def failure(action: Callable[[], Any]) -> RunFailure:
    with pytest.raises(RunFailure) as raised:
        action()
    assert "\n" not in raised.value.message
    return raised.value


def test_a_request_is_answered(child: Child) -> None:
    one = child("while True: say({'ok': {'heard': hear()}})")
    assert one.ask({"do": "sing", "loud": True}, LONG) == {"heard": {"do": "sing", "loud": True}}
    assert one.ask({"do": "again"}, LONG) == {"heard": {"do": "again"}}
    assert not one.failed


def test_a_message_in_between_is_waited_for(child: Child) -> None:
    one = child("hear(); say({'ready': {'pid': 1}}); say({'ok': {'n': 2}}); hear()")
    one.send({"do": "measure"})
    assert one.expect("ready", LONG) == {"pid": 1}
    assert one.expect("ok", LONG) == {"n": 2}


def test_an_answer_in_pieces_is_put_together(child: Child) -> None:
    one = child("""
        hear()
        for slice_ in (b'{"o', b'k": {"n"', b': 3', b'}}', b'\\n{"ok": {"n": 4}}\\n'):
            write(slice_)
            time.sleep(0.01)
        hear()
    """)
    assert one.ask({}, LONG) == {"n": 3}
    assert one.expect("ok", LONG) == {"n": 4}


def test_an_answer_larger_than_a_pipe_is_read_whole(child: Child) -> None:
    one = child("hear(); open(replies, 'w').write(json.dumps({'ok': {'n': [7] * 300000}}) + '\\n'); hear()")
    assert len(one.ask({}, LONG)["n"]) == 300_000


@pytest.mark.parametrize(
    "rubbish",
    [
        "b'hello\\n'",
        "b'\\xff\\xfe\\n'",
        "b'\\n'",
        "b'[1]\\n'",
        "b'3\\n'",
        "b'{\"ok\"\\n'",
        "bytes(1000) + b'\\n'",
    ],
)
def test_rubbish_where_an_answer_is_due_is_a_failed_run(child: Child, rubbish: str) -> None:
    one = child(f"hear(); write({rubbish}); hear()")
    found = failure(lambda: one.ask({}, LONG))
    assert found.kind == "protocol"
    assert "invalid JSON" in found.message
    assert len(found.message) < 300
    assert one.failed


@pytest.mark.parametrize("answer", ["{}", "{'ready': {}}", "{'ok': 3}", "{'ok': None}"])
def test_another_message_than_the_one_that_is_due_is_a_failed_run(child: Child, answer: str) -> None:
    one = child(f"hear(); say({answer}); hear()")
    found = failure(lambda: one.ask({}, LONG))
    assert (found.kind, "instead of 'ok'" in found.message) == ("protocol", True)


def test_silence_is_a_timeout(child: Child) -> None:
    one = child("hear(); time.sleep(60)")
    found = failure(lambda: one.ask({}, SHORT))
    assert (found.kind, found.message[:16]) == ("timeout", "no answer within")


def test_half_an_answer_is_a_timeout_too(child: Child) -> None:
    one = child("hear(); write(b'{\"ok\": '); time.sleep(60)")
    assert failure(lambda: one.ask({}, 0.3)).kind == "timeout"


@pytest.mark.parametrize("status", [0, 3])
def test_a_child_that_exits_says_with_which_status(child: Child, status: int) -> None:
    one = child(f"hear(); sys.exit({status})")
    found = failure(lambda: one.ask({}, LONG))
    assert (found.kind, found.message) == ("exit", f"exited with status {status} during a run")


@pytest.mark.parametrize(("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (signal.SIGKILL, "SIGKILL")])
def test_a_child_that_is_ended_by_a_signal_says_by_which(child: Child, number: int, name: str) -> None:
    one = child(f"hear(); os.kill(os.getpid(), {int(number)})")
    found = failure(lambda: one.ask({}, LONG))
    assert (found.kind, found.message) == ("crash", f"ended by {name}")


def test_a_signal_without_a_name_is_numbered(child: Child) -> None:
    number = signal.SIGRTMIN + 3
    one = child(f"hear(); os.kill(os.getpid(), {int(number)})")
    assert failure(lambda: one.ask({}, LONG)).message == f"ended by signal {int(number)}"


def test_a_child_that_had_gone_before_it_was_asked_is_a_failed_run(child: Child) -> None:
    one = child("sys.exit(9)")
    assert one.process.wait(LONG) == 9
    assert failure(lambda: one.ask({"do": "measure"}, LONG)).kind == "exit"


def test_a_child_that_closes_its_answers_and_goes_on_is_a_failed_run(child: Child) -> None:
    one = child("hear(); os.close(replies); time.sleep(60)")
    found = failure(lambda: one.ask({}, LONG))
    assert (found.kind, found.message) == ("protocol", "closed its reply descriptor but did not exit")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("{'kind': 'checksum', 'message': 'it gave 3'}", "checksum", "it gave 3"),
        ("{'kind': 'unsupported', 'message': 'no ssl'}", "unsupported", "no ssl"),
        ("{}", "workload", "no reason given"),
        ("'odd'", "workload", "no reason given"),
    ],
)
def test_an_error_reply_is_a_failed_run_with_its_reason(
    child: Child, error: str, kind: str, message: str
) -> None:
    one = child(f"hear(); say({{'error': {error}}}); hear()")
    found = failure(lambda: one.ask({}, LONG))
    assert (found.kind, found.message) == (kind, message)


def test_what_a_child_prints_is_kept_and_breaks_nothing(child: Child) -> None:
    one = child("""
        hear()
        print('{"ok": {"n": "from stdout"}}', flush=True)
        print("a word on stderr", file=sys.stderr, flush=True)
        say({'ok': {'n': 1}})
        hear()
    """)
    assert one.ask({}, LONG) == {"n": 1}
    assert "from stdout" in one.process.output()
    assert "a word on stderr" in one.process.output()


def test_a_child_that_listens_is_asked_to_stop(child: Child) -> None:
    one = child("sys.exit(7 if hear() == {'do': 'stop'} else 1)")
    one.close()
    assert one.process.poll() == 7


@pytest.mark.parametrize(
    "body", ["time.sleep(60)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"]
)
def test_a_child_that_does_not_listen_is_killed(child: Child, body: str) -> None:
    one = child(body)
    one.close()
    assert one.process.poll() == -signal.SIGKILL
    assert wait_for_end(one.pid)


def test_no_descriptor_is_left_open(child: Child) -> None:
    before = open_descriptors()
    one = child("hear()")
    assert open_descriptors() > before
    one.close()
    assert open_descriptors() == before


def test_a_program_that_is_not_there_is_a_failed_run_and_leaves_no_descriptor() -> None:
    before = open_descriptors()
    found = failure(lambda: Endpoint(["/nowhere/python"], clean_environment()))
    assert (found.kind, found.message) == ("crash", "cannot start /nowhere/python: No such file or directory")
    assert open_descriptors() == before


def test_an_answer_that_never_ends_is_a_timeout(child: Child) -> None:
    one = child("hear()\nwhile True: write(b'x')")
    assert failure(lambda: one.ask({}, SHORT)).kind == "timeout"
