"""A worker that is not a thread of the measured process: another process, or a subinterpreter.

Both do what a thread of the driver ``parallel`` does, and say what they did as plain values.
"""

import json
import os
import signal

from loading import load
from spinning import Spell, Work


class ChildWorker(object):
    """Repeats the operation of a workload.

    Args:
        path: The workload's file.
        parameters: The workload's.
        count: How many workers there are.
        index: Which of them this one is.
    """

    def __init__(self, path, parameters, count, index):
        self.work, self.index = Work(load(path), parameters, count), index

    def expected(self):
        """The checksum that each operation gives."""
        return str(self.work.expected)

    def calibrate(self):
        """As ``Work.calibrate``."""
        return self.work.calibrate()

    def spin(self, until):
        """Work until a moment; the parts of a Spell."""
        spell = self.work.spin(self.index, [until])
        return [spell.started, spell.stamps, spell.loops, spell.cpu]


def spell_of(parts):
    """What ``spin`` gave, as it was."""
    return Spell(*parts)


class Inhabitant(object):
    """A worker in a subinterpreter; it answers into a file that both interpreters have open."""

    def __init__(self, descriptor, *arguments):
        self.descriptor = descriptor
        self.worker = ChildWorker(*arguments)

    def do(self, name, *arguments):
        """Call a method of the worker and write down what it returns."""
        answer = json.dumps(getattr(self.worker, name)(*arguments)).encode("ascii")
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, answer, 0)


def serve(connection, parent, inherited, *arguments):
    """Answer in a process of one's own until the other end is closed; never outlive the parent."""
    die_with(parent)
    for other in inherited:  # ends of elder siblings, which would keep those from seeing that we are gone
        other.close()
    try:
        worker = ChildWorker(*arguments)
        connection.send((None, [os.getpid(), worker.expected()]))
        while True:
            request = connection.recv()
            connection.send((None, getattr(worker, request[0])(*request[1:])))
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception as error:
        connection.send(("%s: %s" % (type(error).__name__, error), None))


def die_with(parent):
    """Let the kernel kill this process when the parent ends, where it can."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
    except (ImportError, AttributeError, OSError):
        return  # then it ends when its pipe is closed
    if os.getppid() != parent:
        os._exit(1)
