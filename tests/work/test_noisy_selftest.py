from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from interpreters_fixture import interpreter

from gilbench.analyse.selftest import real_check
from gilbench.model.errors import UsageError
from gilbench.model.selftest import Promise
from gilbench.work import selftest as module
from gilbench.work.selftest import selftest


def real_checks(*_: object, **__: object) -> Iterator[Promise]:
    """One check, and how many sources of noise run during it."""
    running = [one for one in psutil.Process().children() if "noise_main" in " ".join(one.cmdline())]
    yield real_check("pairs", "power", min(1, len(running)), 1, at_least=None, at_most=None)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_real_checks", real_checks)
    monkeypatch.setattr(module, "simulated_checks", lambda _studies: ())


def test_real_pairs_run_under_the_noise_and_name_it() -> None:
    result = selftest(interpreter("3").executable, noise="bursts")
    assert [(one.noise, one.value) for one in result.promises] == [("bursts", 1.0)]
    assert result.noise is not None
    assert result.noise.name == "bursts"
    assert result.noise.taken["bursts"] > 0


def test_without_noise_the_real_pairs_name_this_machine() -> None:
    result = selftest(interpreter("3").executable)
    assert [(one.noise, one.value) for one in result.promises] == [("this machine", 0.0)]
    assert result.noise is None


def test_an_unknown_noise_is_refused_before_the_simulations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "simulated_checks", lambda _studies: pytest.fail("simulated"))
    with pytest.raises(UsageError, match="unknown noise"):
        selftest(interpreter("3").executable, noise="wind")
