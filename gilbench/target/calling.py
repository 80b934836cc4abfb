"""The user's own code as a workload: a function or a statement that each thread repeats.

As with ``timeit``, the loop around the code is compiled together with it, so that no call of Python surrounds each
repetition. Every result is discarded. Whatever the code raises becomes one line that says what and where.
"""

import ast
import importlib
import inspect
import os
import sys
from itertools import repeat

from loading import HERE, Failed, Unsupported, loaded, step_aside

FILE = "<statement>"
_LONGEST = 300  # characters of a message
_LOOP = """
def _gilbench_loop(_names, _repeat):
%s
    _loops = yield
    while True:
        for _each in _repeat(None, _loops):
            %s
        _loops = yield
"""


class Own(object):
    """A function or a statement, with the functions of a workload for the driver ``parallel``.

    Args:
        path: Folders to import from, before those of the interpreter.
        function: ``package.module:function``; its arguments are the parameters of the case.
        statement: Source to repeat instead of a function.
        setup: Source that runs first, once per thread.
        shared: Whether it runs once per process instead, and all threads use its objects.
    """

    def __init__(self, path, function=None, statement=None, setup="", shared=False):
        self.path, self.function, self.statement = path, function, statement
        self.setup, self.shared = setup, shared
        self.parameters = {}

    def prepare(self, parameters):
        """Make what all threads share; None: nothing."""
        self.parameters = parameters
        step_aside()
        sys.path[:0] = [folder for folder in self.path if folder not in sys.path]
        return self._made() if self.shared else None

    def local(self, shared, index):
        """Make the loop of one thread, on that thread, and repeat the code once."""
        names, statement = self._made() if shared is None else shared
        loop = told(_loop, statement, names)
        next(loop)
        self.repeat(loop, 1)
        return loop

    @staticmethod
    def repeat(loop, loops):
        """Repeat the code."""
        process = os.getpid()
        told(loop.send, loops)
        if os.getpid() != process:  # a child that it forked has returned, and would answer in our place
            os._exit(0)

    def _made(self):
        """Run the setup; return the names for the statement, and the statement."""
        names = {"__name__": "__gilbench__", "__builtins__": __builtins__}
        told(_run, self.setup, names)
        if self.function is None:
            return names, self.statement
        found = told(_find, self.function)
        return told(_call, found, self.function, self.parameters, names)


def told(action, *arguments):
    """Call something of the user's, and turn what it raises into one line."""
    try:
        return action(*arguments)
    except (KeyboardInterrupt, Failed, Unsupported):
        raise
    except SyntaxError as error:
        raise Unsupported("not valid on this interpreter: %s: %s" % (error.msg, _line(error.text)))
    except ImportError as error:
        raise Unsupported(_line(error))
    except:  # noqa: E722 - also SystemExit, and what Java throws
        raise Failed(raised(*sys.exc_info()))


def raised(kind, error, frames):
    """Say in one line what was raised and where."""
    what = getattr(kind, "__name__", str(kind))
    text = _line(error)
    message = "%s raised%s" % (what, ": " + text if text else "")
    while frames.tb_next is not None:
        frames = frames.tb_next
    code = frames.tb_frame.f_code
    if code.co_filename == FILE or os.path.dirname(os.path.abspath(code.co_filename)) == HERE:
        # The call itself was refused.
        return message + (
            "; pass arguments as NAME=VALUE" if kind is TypeError and "argument" in text else ""
        )
    return "%s (%s:%d, in %s)" % (message, _near(code.co_filename), frames.tb_lineno, code.co_name)


def _near(file):
    """Name a file as seen from the current folder, if it is below."""
    here = os.getcwd() + os.sep
    return file[len(here) :] if file.startswith(here) else file


def _line(*parts):
    text = " ".join(" ".join("%s" % (part,) for part in parts if part is not None).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _run(source, names):
    exec(loaded(compile(source, "<setup>", "exec", 0, True)), names)  # noqa: S102 - the user's own code


def _loop(statement, names):
    """Compile the loop around a statement. Names that the statement uses directly are local, as in ``timeit``."""
    code = compile(statement, FILE, "exec", 0, True)  # also refuses what is valid only in a function
    used = getattr(code, "co_names", ()) or _names_in(statement)
    local = ["    %s = _names[%r]" % (name, str(name)) for name in used if name in names]
    source = _LOOP % ("\n".join(local), statement.replace("\n", "\n            "))
    exec(loaded(compile(source, FILE, "exec", 0, True)), names)  # noqa: S102 - the user's own code
    return names.pop("_gilbench_loop")(dict(names), repeat)


def _names_in(statement):
    """Return the names in a statement: the code of Jython and of IronPython does not tell them."""
    return sorted({node.id for node in ast.walk(ast.parse(statement)) if isinstance(node, ast.Name)})


def _find(function):
    """Import a function by ``package.module:attribute.attribute``."""
    module, _, attributes = function.partition(":")
    found = importlib.import_module(str(module))
    for number, name in enumerate(attributes.split(".")):
        if not hasattr(found, name):
            where = ":".join([module, ".".join(attributes.split(".")[:number])]).rstrip(":")
            raise Failed("%s has no %s" % (where, name))
        found = getattr(found, name)
    return found


def _call(found, function, parameters, names):
    """Return the names and the statement of a call."""
    if not callable(found):
        raise Failed("%s cannot be called: it is of type %s" % (function, type(found).__name__))
    if inspect.isgeneratorfunction(found) or getattr(inspect, "isasyncgenfunction", lambda _: False)(found):
        raise Failed(
            "%s only makes a generator when it is called; measure a statement that uses it" % function
        )
    arguments = {str(name): literal(value) for name, value in parameters.items()}
    positional = sorted((name for name in arguments if name.isdigit()), key=int)
    for name in _positional_only(found)[len(positional) :]:
        if name not in arguments:
            break
        positional.append(name)
    by_name = sorted(set(arguments) - set(positional))
    words = ["_%s" % name for name in positional] + ["%s=_%s" % (name, name) for name in by_name]
    statement = "_function(%s)" % ", ".join(words)
    names.update(("_%s" % name, value) for name, value in arguments.items())
    names["_function"] = found
    if getattr(inspect, "iscoroutinefunction", lambda _: False)(found):
        asyncio = importlib.import_module("asyncio")
        names["_wait"] = asyncio.new_event_loop().run_until_complete
        statement = "_wait(%s)" % statement
    return names, statement


def _positional_only(function):
    """Return the names of leading parameters that cannot be passed by name; empty: unknown."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return []
    return [one.name for one in parameters if one.kind == one.POSITIONAL_ONLY]


def literal(value):
    """Return the value of an argument: a Python literal, or else the text itself."""
    if isinstance(value, (int, float)):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError):
        return str(value)
