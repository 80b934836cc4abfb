"""The experiments on the properties that a replacement of the GIL must have, and the configurations to run them in.

An experiment is declared only here. ``run`` calls its function, and ``analyse`` judges the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from gilbench.model.scores import Configuration
from gilbench.model.study import Case, Interpreter
from gilbench.plan.axes import variant

THREADS: Final = 4  # more than the CPUs of a small host, so that threads are preempted
ROUNDS: Final = 8  # of a race; a JIT compiler or bad timing hides lost updates in some rounds
ROUND: Final = 0.06  # s, length of a round
_MOST_PARALLEL: Final = 8
PROMPT_LIMIT: Final = 0.6  # s; a prompt finalizer has run by then


class Experiment(NamedTuple):
    """One experiment on a property: a function to call inside an interpreter, and how to judge its answer."""

    id: str  # as in the scorecard
    property: str
    part: str  # title within the property
    reading: str  # key of ``analyse.properties.READINGS``: the function that judges the answer
    module: str = ""  # in target/properties/
    function: str = ""
    arguments: Mapping[str, Any] = {}
    folder: bool = False  # the function also takes a temporary folder
    of: str | None = None  # id of the experiment whose answer is judged, instead of calling a function
    control: str | None = (
        None  # id of the positive control: what this experiment looks for is certain to happen there
    )


def several_threads(cores: int) -> int:
    """Return the number of threads that show whether threads run in parallel: as many as cores, from two to eight.

    Slices of threads that share a GIL grow with their number. With more than eight, a scorecard would take too long.
    """
    return min(max(2, cores), _MOST_PARALLEL)


def configurations(interpreters: Iterable[Interpreter]) -> tuple[Configuration, ...]:
    """Return one configuration for each interpreter, and two for a free-threaded build (GIL on, GIL off)."""
    return tuple(
        configured(one, gil)
        for one in interpreters
        for gil in ((True, False) if one.build.free_threaded else (None,))
    )


def configured(interpreter: Interpreter, gil: bool | None) -> Configuration:
    """Return an interpreter with a GIL mode, named as in tables."""
    name = variant(Case(workload="", interpreter=interpreter.name, threads=1, gil=gil))
    return Configuration(name=name, interpreter=interpreter, gil=gil)


def _atomicity(name: str, part: str) -> Experiment:
    arguments = {"operation": name, "threads": THREADS, "rounds": ROUNDS, "seconds": ROUND}
    return Experiment(
        f"atomicity.{name}",
        "atomicity",
        part,
        "lost_updates",
        "atomicity",
        "race",
        arguments,
        control="atomicity.add_call",
    )


def _memory(kind: str, part: str) -> Experiment:
    arguments = {"kind": kind, "count": 40000, "rounds": 4}
    return Experiment(f"speed.memory_{kind}", "speed", part, "lean", "footprint", "objects", arguments)


def _prompt(name: str, part: str, function: str, reading: str = "prompt", **arguments: Any) -> Experiment:
    seconds = {"seconds": PROMPT_LIMIT, **arguments}
    return Experiment(f"prompt.{name}", "prompt", part, reading, "destruction", function, seconds)


def _extension(name: str, part: str, variant: str, reading: str) -> Experiment:
    arguments = {"variant": variant}
    return Experiment(f"api.{name}", "api", part, reading, "extension", "works", arguments, folder=True)


_LOCKS: Final = {"count": 20, "seconds": 1.0}
_WEAK: Final = {"threads": THREADS, "timeout": 3.0}
_ORDER: Final = {"count": 100, "seconds": 1.0}
_DROPS: Final = {"count": 250, "threads": THREADS, "seconds": 3.0}
EXPERIMENTS: Final[tuple[Experiment, ...]] = (
    _atomicity("list_append", "list.append"),
    _atomicity("list_extend", "list.extend"),
    _atomicity("list_pop", "list.pop"),
    _atomicity("dict_set", "dict[new key] = x"),
    _atomicity("dict_setdefault", "dict.setdefault"),
    _atomicity("dict_pop", "dict.pop"),
    _atomicity("set_add", "set.add"),
    _atomicity("deque_append", "deque.append"),
    _atomicity("deque_popleft", "deque.popleft"),
    _atomicity("queue_put", "Queue.put"),
    _atomicity("attribute_set", "object.new_attribute = x"),
    _atomicity("next_count", "next(itertools.count())"),
    _atomicity("add_global", "global += 1"),
    _atomicity("add_attribute", "object.attribute += 1"),
    _atomicity("add_list_item", "list[0] += 1"),
    _atomicity("add_dict_item", "dict[key] += 1"),
    _atomicity("add_call", "object.attribute += function()"),
    _memory("float", "memory of a float"),
    _memory("tuple", "memory of a tuple of two"),
    _memory("list", "memory of a list of one"),
    _memory("dict", "memory of a dict of one"),
    _memory("object", "memory of an object with two attributes"),
    Experiment(
        "speed.memory_thread",
        "speed",
        "memory of an idle thread",
        "lean",
        "footprint",
        "idle_threads",
        {"count": 50, "rounds": 4},
    ),
    Experiment(
        "features.resurrection",
        "features",
        "objects resurrected by their finalizer",
        "resurrection",
        "finalizers",
        "resurrection",
        _DROPS,
    ),
    Experiment(
        "features.callbacks",
        "features",
        "callbacks of weak references",
        "callbacks",
        "weak",
        "callbacks",
        {**_DROPS, "count": 500},
    ),
    Experiment(
        "features.weak_dictionary",
        "features",
        "a weak dictionary: set and get",
        "weak_dictionary",
        "weak",
        "dictionary",
        {**_WEAK, "seconds": 0.5, "iterate": False},
    ),
    Experiment(
        "features.weak_iteration",
        "features",
        "a weak dictionary: list(values()) while other threads set",
        "weak_dictionary",
        "weak",
        "dictionary",
        {**_WEAK, "seconds": 1.0, "iterate": True},
    ),
    Experiment(
        "features.lock_dropped",
        "features",
        "no deadlock if an object is dropped with a lock held",
        "no_deadlock",
        "finalizers",
        "lock_held",
        {**_LOCKS, "cyclic": False},
    ),
    Experiment(
        "features.lock_collected",
        "features",
        "no deadlock if a cycle is collected with a lock held",
        "no_deadlock",
        "finalizers",
        "lock_held",
        {**_LOCKS, "cyclic": True},
    ),
    Experiment(
        "features.own_thread",
        "features",
        "finalizer runs in the thread that drops the object",
        "own_thread",
        of="prompt.same_thread",
    ),
    Experiment(
        "features.other_owner",
        "features",
        "the same, for an object created by another thread",
        "own_thread",
        of="prompt.owner_busy",
    ),
    _prompt("same_thread", "object dropped by the thread that created it", "same_thread", count=200),
    _prompt(
        "owner_busy",
        "object of a busy thread, dropped by another thread",
        "handed_over",
        count=50,
        owner="busy",
    ),
    _prompt(
        "owner_asleep",
        "object of a waiting thread, dropped by another thread",
        "handed_over",
        count=50,
        owner="asleep",
    ),
    _prompt("cycle", "cycle, while other objects are created", "cycle", "eventual", count=50),
    _prompt("file", "file, written but not closed", "file", "prompt_text", count=40)._replace(folder=True),
    Experiment(
        "ordered.alone",
        "ordered",
        "attributes in __del__",
        "still_there",
        "destruction",
        "order",
        {**_ORDER, "cyclic": False},
    ),
    Experiment(
        "ordered.before_part",
        "ordered",
        "__del__ before that of the objects it holds",
        "before_its_part",
        of="ordered.alone",
    ),
    Experiment(
        "ordered.cycle",
        "ordered",
        "attributes in __del__, in a cycle",
        "still_there",
        "destruction",
        "order",
        {**_ORDER, "cyclic": True},
    ),
    _extension("builds", "an extension with borrowed references, unchanged", "plain", "works"),
    Experiment(
        "api.safe",
        "api",
        "free threading is opt-in: the unchanged extension enables the GIL",
        "opt_in",
        of="api.builds",
    ),
    Experiment(
        "api.stays_off", "api", "the unchanged extension keeps the GIL off", "gil_stays_off", of="api.builds"
    ),
    _extension("slot", "with the slot Py_mod_gil, the GIL stays off", "opt_in", "gil_stays_off"),
    _extension("stable_abi", "the stable ABI (Py_LIMITED_API)", "stable_abi", "works"),
)
