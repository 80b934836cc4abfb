"""The names of the threads of an interpreter that publishes its layout, as those do which py-spy cannot read.

A thread is named by its ``threading.Thread``, as far as it can be read; else as the kernel was told, of which it keeps
15 bytes (Python 3.14 and later tells it); else by the outermost function of the program that it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from gilbench.interpreters.image import read_image
from gilbench.observe.gil.attributes import attribute
from gilbench.observe.gil.interpreter_memory import InterpreterMemory
from gilbench.observe.running import RunningPython

_THREADING = "/threading.py"
_STARTER = "Thread._bootstrap_inner"  # a method: its first variable is the thread


class FreeThreadedNames:
    """Reads names while the threads live.

    Args:
        python: The process.
    """

    def __init__(self, python: RunningPython) -> None:
        self._python = python
        self._own = ""  # the name of the process, which its threads inherit
        self._names: dict[int, str] = {}  # by the interpreter
        self._told: dict[int, str] = {}  # by the kernel
        self._functions: dict[int, str] = {}

    def ask(self, only: Collection[int] | None = None) -> None:
        """Read the names of threads.

        Args:
            only: The threads; None: all that there are now.
        """
        folder = Path(f"/proc/{self._python.pid}")
        with contextlib.suppress(OSError):
            self._own = _comm(folder)
            for task in (folder / "task").iterdir():
                if only is not None and int(task.name) not in only:
                    continue
                if (told := _comm(task)) != self._own:
                    self._told[int(task.name)] = told
        with contextlib.suppress(OSError, LookupError, ValueError), self._memory() as memory:
            for tid, state in memory.threads().items():
                if only is not None and tid not in only:
                    continue
                with contextlib.suppress(OSError):  # it has ended, or changed meanwhile
                    self._read(memory, tid, state)

    def of(self, tid: int, told: str | None) -> str | None:
        """Return the name of a thread; None: unknown.

        Args:
            tid: The thread.
            told: Its name as the kernel knew it, by a probe; None: no probe knows.
        """
        kernel = self._told.get(tid) or (told if told != self._own else None)
        return self._names.get(tid) or kernel or self._functions.get(tid)

    def _read(self, memory: InterpreterMemory, tid: int, state: int) -> None:
        for function in memory.functions(state):
            if not function.file.endswith(_THREADING):
                self._functions[tid] = function.name  # the last one is the outermost
            elif function.name == _STARTER:
                name = attribute(memory, function.first, "_name")
                if name:
                    self._names[tid] = name

    def _memory(self) -> InterpreterMemory:
        python = self._python
        return InterpreterMemory(python.pid, read_image(python.code), python.mapped)


def _comm(folder: Path) -> str:
    return (folder / "comm").read_text("utf-8", "replace").removesuffix("\n")
