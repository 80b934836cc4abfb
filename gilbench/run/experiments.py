"""Makes the experiments of the properties on each interpreter.

An experiment that hangs or kills its interpreter has that as its outcome; the next ones run in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from gilbench.host.environment import clean_environment
from gilbench.host.scratch import scratch
from gilbench.interpreters.headers import count_headers
from gilbench.model.errors import RunFailure
from gilbench.model.scores import Configuration, Experiments, HeaderLines, Outcome
from gilbench.model.study import Failure, Interpreter
from gilbench.plan.experiments import EXPERIMENTS, Experiment, configurations
from gilbench.run.endpoint import Endpoint
from gilbench.run.extension import Compiled, compile_extension

_SCRIPT = Path(__file__).parent.parent / "target" / "tester.py"
START_LIMIT = 60.0  # s for an interpreter to start; a JVM on a busy host is slow
LIMIT = 15.0  # s for an experiment; the longest takes 3 s on a quiet host
_READY = Experiment("", "", "", "", module="timeouts", function="ready")


def try_properties(
    interpreters: Sequence[Interpreter],
    tell: Callable[[str], None],
    experiments: Sequence[Experiment] = EXPERIMENTS,
) -> Experiments:
    """Make the experiments on every interpreter, one after another.

    Args:
        interpreters: The interpreters, their names unique.
        tell: Called with the current step, in a few words.
        experiments: The experiments to make.
    """
    modules: dict[str, list[Experiment]] = {}
    for one in experiments:
        if one.of is None:
            modules.setdefault(one.module, []).append(one)
    extension = modules.pop("extension", [])
    tried = configurations(interpreters)
    outcomes: list[Outcome] = []
    headers: dict[str, HeaderLines | None] = {}
    with scratch() as place:
        for number, configuration in enumerate(tried):
            folder = place / str(number)
            folder.mkdir()
            for module, chosen in modules.items():
                tell(f"{configuration.name}: {module}")
                outcomes += _try_all(configuration, chosen, folder)
            tell(f"{configuration.name}: extension")
            compiled = compile_extension(configuration.interpreter, folder)
            headers[configuration.name] = count_headers(compiled.include) if compiled.include else None
            outcomes += _try_extension(configuration, extension, compiled, folder)
    return Experiments(configurations=tried, outcomes=tuple(outcomes), headers=headers)


def _try_all(
    configuration: Configuration, experiments: Sequence[Experiment], folder: Path
) -> Iterator[Outcome]:
    """Make experiments in one process, and in another one after each failure."""
    left = list(experiments)
    while left:
        with _TesterProcess(configuration, configuration.gil, folder) as tester:
            while left and not tester.failed:
                yield tester.outcome(left.pop(0))


def _try_extension(
    configuration: Configuration, experiments: Sequence[Experiment], compiled: Compiled, folder: Path
) -> Iterator[Outcome]:
    """Import each variant of the extension, each in a process of its own.

    A GIL that is forced off stays off whatever is imported. A free-threaded build without its GIL therefore runs as it
    does by default.
    """
    for one in experiments:
        variant = one.arguments["variant"]
        if compiled.absent is not None:
            yield Outcome(id=one.id, configuration=configuration.name, absent=compiled.absent)
        elif (refusal := compiled.refusals[variant]) is not None:
            failure = Failure(kind="compiler", message=refusal)
            yield Outcome(id=one.id, configuration=configuration.name, failure=failure)
        else:
            with _TesterProcess(configuration, configuration.gil or None, folder) as tester:
                yield tester.outcome(one._replace(arguments={"module": compiled.modules[variant]}))


class _TesterProcess:
    """A process that makes experiments until one fails."""

    def __init__(self, configuration: Configuration, gil: bool | None, folder: Path) -> None:
        self.failed = False
        self._name, self._folder = configuration.name, folder
        self._endpoint: Endpoint | None = None
        interpreter = configuration.interpreter
        self._command = [*interpreter.command, str(_SCRIPT)]
        forced = {} if gil is None else {"PYTHON_GIL": str(int(gil))}
        self._environment = clean_environment({**dict(interpreter.environment), **forced})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._endpoint is not None:
            self._endpoint.close()

    def outcome(self, experiment: Experiment) -> Outcome:
        """Make one experiment and return its outcome."""
        try:
            figures = self._answer(experiment)
        except RunFailure as error:
            self.failed = True
            failure = Failure(kind=error.kind, message=error.message)
            return Outcome(id=experiment.id, configuration=self._name, failure=failure)
        return Outcome(id=experiment.id, configuration=self._name, figures=figures)

    def _answer(self, experiment: Experiment) -> dict[str, Any]:
        if self._endpoint is None:  # starting is no part of the experiment
            self._endpoint = Endpoint(self._command, self._environment)
            self._endpoint.ask(self._request(_READY), START_LIMIT)
        return self._endpoint.ask(self._request(experiment), LIMIT)

    def _request(self, experiment: Experiment) -> dict[str, Any]:
        folder = {"folder": str(self._folder)} if experiment.folder else {}
        return {
            "do": "experiment",
            "module": experiment.module,
            "function": experiment.function,
            "arguments": {**experiment.arguments, **folder},
        }
