"""Threads that repeat an operation and stamp the clock: how CPU-bound work is done and counted."""

from itertools import repeat

from clocks import now, thread_cpu

CHUNK = 0.0005  # s between two stamps: short against a slice, long against reading a clock


class WrongChecksum(Exception):
    """An operation gave another result than its first one."""


class Work(object):
    """A workload's operation, what each thread works on, and the result that it must give.

    ``weight`` is what one operation counts for in the figures.

    Args:
        module: The workload; ``operation(local)`` is called again and again and returns a checksum. A workload that
            has ``repeat(local, loops)`` instead repeats itself, and has no checksum.
        parameters: For its ``prepare(parameters)``, whose result is shared by the threads.
        threads: How many threads will work.
    """

    weight = 1

    def __init__(self, module, parameters, threads):
        self.shared = module.prepare(parameters) if hasattr(module, "prepare") else None
        self.repeat = getattr(module, "repeat", None)
        self.make = getattr(module, "local", None)
        self.locals = [self.shared] * max(1, threads)
        self.loops, self.operation, self.expected = 1, None, ""
        if self.repeat is None:
            self.operation = module.operation
            for index in range(len(self.locals)):
                self.move_in(index)
            self.expected = self.operation(self.locals[0])

    def move_in(self, index):
        """Make what a thread works on anew, on the calling thread.

        A free-threaded build counts references to an object by the thread that made it: for every other one, each use
        is an atomic operation. Keys that another thread had made took dict_write 80 us instead of 24 us on 3.13t.
        """
        if self.make is not None:
            self.locals[index] = self.make(self.shared, index)

    def calibrate(self):
        """Find how many operations make a chunk, on the calling thread."""
        loops = 1
        while True:
            started = now()
            left_out = self._chunk(self.locals[0], loops)
            taken = now() - started - left_out
            if taken >= CHUNK / 2 or loops >= 1 << 24:
                break
            loops *= 2
        self.loops = max(1, int(round(loops * CHUNK / max(taken, 1e-9))))
        return self.loops

    def spin(self, index, until):
        """Work until the clock passes ``until[0]``, which another thread may change.

        Time that a chunk leaves out does not pass for the stamps. How much of the CPU time it took is unknown.
        """
        local, loops, stamps, left_out = self.locals[index], self.loops, [], 0.0
        cpu, started = thread_cpu(), now()
        while True:
            left_out += self._chunk(local, loops)
            moment = now()
            stamps.append(moment - left_out)
            if moment >= until[0]:
                used = None if left_out else thread_cpu() - cpu
                return Spell(started, stamps, loops * self.weight, used)

    def _chunk(self, local, loops):
        """Do some operations; return the seconds of this time that do not count."""
        if self.repeat is not None:
            self.repeat(local, loops)
            return 0.0
        operation, expected = self.operation, self.expected
        for _ in repeat(None, loops):
            result = operation(local)
            if result != expected:
                raise WrongChecksum("an operation returned %r instead of %r" % (result, expected))
        return 0.0


class Spell(object):
    """What one thread did: stamps after each chunk of ``loops`` operations."""

    def __init__(self, started, stamps, loops, cpu):
        self.started, self.stamps, self.loops, self.cpu = started, stamps, loops, cpu

    def done_by(self, moment):
        """Operations done by a moment, inside the chunk that it falls into by ``_share``."""
        before, count = self.started, 0
        for stamp in self.stamps:
            if stamp > moment:
                return count + self.loops * self._share(before, moment, stamp)
            before, count = stamp, count + self.loops
        return float(count)

    def _share(self, before, moment, stamp):
        """Share of a chunk that is done by a moment, between 0 and 1.

        A chunk longer than its CPU time has waited, mostly for the GIL. A thread begins to wait at any point of a
        chunk, on average in its middle. To spread the work over the wait instead made two threads of a GIL build 2 %
        too fast, since a window begins and ends with such waits.
        """
        taken = stamp - before
        if moment <= before:
            return 0.0
        busy = min(taken, self.cpu / len(self.stamps)) if self.cpu else taken
        return max(min((moment - before) / busy, 0.5), 1.0 - (stamp - moment) / busy, 0.0)

    def record(self, tid, window):
        """The spell as it goes into the study."""
        return {
            "tid": tid,
            "start": self.started,
            "finish": self.stamps[-1],
            "operations": self.done_by(window[1]) - self.done_by(window[0]),
            "total": self.loops * len(self.stamps),
            "cpu": self.cpu,
        }


def steady_window(spells):
    """From the moment at which the last thread began to the one at which the first ended.

    Where that is empty (threads that ran one after the other), from the first start to the last finish.
    """
    begin = max(spell.started for spell in spells)
    end = min(spell.stamps[-1] for spell in spells)
    if end - begin < 0.5 * (
        max(spell.stamps[-1] for spell in spells) - min(spell.started for spell in spells)
    ):
        return min(spell.started for spell in spells), max(spell.stamps[-1] for spell in spells)
    return begin, end
