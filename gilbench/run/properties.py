"""Tries what a replacement of the GIL must have on each interpreter, and keeps what was seen.

A trial that hangs or kills its interpreter has that as its outcome; another process goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from gilbench.errors import RunFailure
from gilbench.interpreters.headers import Counted, count_headers
from gilbench.model import Failure, Interpreter, Struct
from gilbench.process import clean_environment
from gilbench.run.endpoint import Endpoint
from gilbench.run.extension import VARIANTS, Compiled, compile_extension
from gilbench.scratch import scratch

_SCRIPT = Path(__file__).parent.parent / "target" / "tester.py"
START_LIMIT = (
    60.0  # s for an interpreter to come up with its first answer; a JVM on a busy host takes its time
)
LIMIT = 15.0  # s for a trial; the longest takes 3 s on a quiet host
THREADS = (
    4  # of a trial: more than a small host has processors, so that a thread is stopped in the middle too
)
ROUNDS, ROUND = (
    8,
    0.06,
)  # of a race, and s of each; in some rounds a JIT or an unlucky start hides what is lost
PATIENCE = 0.6  # s in which a finaliser that is prompt has surely run


class Trial(NamedTuple):
    """One experiment inside an interpreter."""

    id: str  # as in the scorecard
    module: str  # of target/properties/
    function: str
    arguments: dict[str, Any]


class Column(Struct, frozen=True):
    """An interpreter, and the GIL that it was made to run with."""

    name: str  # as the tables call it: 3.11, 3.13t GIL on
    interpreter: Interpreter
    gil: bool | None  # forced on or off; None: as it comes up


class Outcome(Struct, frozen=True):
    """What one trial gave in one column: figures, a failure, or the reason why it could not be made."""

    id: str
    column: str
    figures: dict[str, Any] | None = None
    failure: Failure | None = None
    absent: str | None = None


class Trials(Struct, frozen=True):
    """Everything that was tried."""

    columns: tuple[Column, ...]
    outcomes: tuple[Outcome, ...]
    headers: dict[str, Counted | None]  # by column; None: there are none


ATOMIC: Final = (
    "list_append",
    "list_extend",
    "list_pop",
    "dict_set",
    "dict_setdefault",
    "dict_pop",
    "set_add",
    "deque_append",
    "deque_popleft",
    "queue_put",
    "attribute_set",
    "next_count",
    "add_global",
    "add_attribute",
    "add_list_item",
    "add_dict_item",
    "add_call",
)
KINDS: Final = ("float", "tuple", "list", "dict", "object")
TRIALS: Final = (
    *(
        Trial(
            f"atomicity.{name}",
            "atomicity",
            "race",
            {"operation": name, "threads": THREADS, "rounds": ROUNDS, "seconds": ROUND},
        )
        for name in ATOMIC
    ),
    *(
        Trial(f"speed.memory_{kind}", "footprint", "objects", {"kind": kind, "count": 40000, "rounds": 4})
        for kind in KINDS
    ),
    Trial("speed.memory_thread", "footprint", "idle_threads", {"count": 50, "rounds": 4}),
    Trial(
        "features.resurrection",
        "finalisers",
        "resurrection",
        {"count": 250, "threads": THREADS, "seconds": 3.0},
    ),
    Trial("features.lock_dropped", "finalisers", "lock_held", {"count": 20, "seconds": 1.0, "cyclic": False}),
    Trial(
        "features.lock_collected", "finalisers", "lock_held", {"count": 20, "seconds": 1.0, "cyclic": True}
    ),
    Trial("features.callbacks", "weak", "callbacks", {"count": 500, "threads": THREADS, "seconds": 3.0}),
    Trial(
        "features.weak_dictionary",
        "weak",
        "dictionary",
        {"threads": THREADS, "seconds": 0.5, "patience": 3.0, "iterate": False},
    ),
    Trial(
        "features.weak_iteration",
        "weak",
        "dictionary",
        {"threads": THREADS, "seconds": 1.0, "patience": 3.0, "iterate": True},
    ),
    Trial("prompt.same_thread", "destruction", "same_thread", {"count": 200, "seconds": PATIENCE}),
    Trial(
        "prompt.owner_busy",
        "destruction",
        "handed_over",
        {"count": 50, "seconds": PATIENCE, "owner": "busy"},
    ),
    Trial(
        "prompt.owner_asleep",
        "destruction",
        "handed_over",
        {"count": 50, "seconds": PATIENCE, "owner": "asleep"},
    ),
    Trial("prompt.cycle", "destruction", "cycle", {"count": 50, "seconds": PATIENCE}),
    Trial("prompt.file", "destruction", "file", {"count": 40, "seconds": PATIENCE}),
    Trial("ordered.alone", "destruction", "order", {"count": 100, "seconds": 1.0, "cyclic": False}),
    Trial("ordered.cycle", "destruction", "order", {"count": 100, "seconds": 1.0, "cyclic": True}),
)
EXTENSIONS: Final = tuple(VARIANTS)
_READY: Final = Trial("ready", "patience", "ready", {})


def column_name(interpreter: Interpreter, gil: bool | None) -> str:
    """How the tables call an interpreter and the GIL that it was made to run with, as ``axes.variant`` does."""
    return interpreter.name if gil is None else f"{interpreter.name} GIL {'on' if gil else 'off'}"


def columns_of(interpreters: Iterable[Interpreter]) -> tuple[Column, ...]:
    """One column for each interpreter, two for one whose GIL can be switched."""
    return tuple(
        Column(
            name=column_name(one, gil),
            interpreter=one,
            gil=gil,
        )
        for one in interpreters
        for gil in ((True, False) if one.build.free_threaded else (None,))
    )


def try_properties(interpreters: Sequence[Interpreter], tell: Callable[[str], None]) -> Trials:
    """Make every trial on every interpreter, one after the other.

    Args:
        interpreters: What to try, their names unique.
        tell: Is told in a few words what is done now.
    """
    columns = columns_of(interpreters)
    outcomes: list[Outcome] = []
    headers: dict[str, Counted | None] = {}
    with scratch() as place:
        for number, column in enumerate(columns):
            folder = place / str(number)
            folder.mkdir()
            for module, trials in groupby(TRIALS, key=lambda trial: trial.module):
                tell(f"{column.name}: {module}")
                outcomes += _try_all(column, list(trials), folder)
            tell(f"{column.name}: extension")
            compiled = compile_extension(column.interpreter, folder)
            headers[column.name] = count_headers(compiled.include) if compiled.include else None
            outcomes += _try_extensions(column, compiled, folder)
    return Trials(columns=columns, outcomes=tuple(outcomes), headers=headers)


def _try_all(column: Column, trials: Sequence[Trial], folder: Path) -> Iterator[Outcome]:
    """Make trials in one process, and in another one after each that fails."""
    left = list(trials)
    while left:
        with _Tester(column.interpreter, column.gil) as tester:
            while left and not tester.failed:
                trial = left.pop(0)
                arguments = dict(trial.arguments)
                if trial.id == "prompt.file":
                    arguments["folder"] = str(folder)
                yield tester.outcome(trial._replace(arguments=arguments), column.name)


def _try_extensions(column: Column, compiled: Compiled, folder: Path) -> Iterator[Outcome]:
    """Import each way to compile the extension, in a process that comes up as the column's does by itself.

    A GIL that is forced off stays off whatever is imported, so that of a free-threaded build is left as it comes up.
    """
    gil = column.gil or None
    for name in EXTENSIONS:
        identity = f"api.{name}"
        if compiled.absent is not None:
            yield Outcome(id=identity, column=column.name, absent=compiled.absent)
            continue
        refusal = compiled.refusals[name]
        if refusal is not None:
            yield Outcome(id=identity, column=column.name, failure=Failure(kind="compiler", message=refusal))
            continue
        arguments = {"folder": str(folder), "module": compiled.modules[name]}
        with _Tester(column.interpreter, gil) as tester:
            yield tester.outcome(Trial(identity, "extension", "works", arguments), column.name)


class _Tester:
    """A process that makes trials until one fails."""

    def __init__(self, interpreter: Interpreter, gil: bool | None) -> None:
        self.failed = False
        self._endpoint: Endpoint | None = None
        self._command = [interpreter.executable, str(_SCRIPT)]
        self._environment = clean_environment({} if gil is None else {"PYTHON_GIL": str(int(gil))})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._endpoint is not None:
            self._endpoint.close()

    def outcome(self, trial: Trial, column: str) -> Outcome:
        """Make one trial and say what became of it."""
        try:
            figures = self._ask(trial)
        except RunFailure as error:
            self.failed = True
            return Outcome(
                id=trial.id, column=column, failure=Failure(kind=error.kind, message=error.message)
            )
        return Outcome(id=trial.id, column=column, figures=figures)

    def _ask(self, trial: Trial) -> dict[str, Any]:
        if self._endpoint is None:  # coming up is no part of the trial
            self._endpoint = Endpoint(self._command, self._environment)
            self._endpoint.ask(_request(_READY), START_LIMIT)
        return self._endpoint.ask(_request(trial), LIMIT)


def _request(trial: Trial) -> dict[str, Any]:
    return {"do": "trial", "module": trial.module, "function": trial.function, "arguments": trial.arguments}
