"""Kept threads that start a job together."""

import sys
import threading
import traceback

import facts
from clocks import now

PATIENCE = 0.3  # s in which dismissed threads end; gilbench waits little longer for the process
_own = threading.local()


class Member(object):
    """One kept thread: waits for a job, does it, waits again."""

    def __init__(self, index):
        self.index = index
        self.tid = None
        self.job = None
        self.result = None
        self.error = None
        self.go = threading.Lock()
        self.done = threading.Lock()
        self.go.acquire()
        self.done.acquire()
        self.thread = threading.Thread(target=self._serve, name="worker-%d" % index)
        self.thread.daemon = True  # a job that never ends must not keep the process

    def _serve(self):
        self.tid = facts.thread_id()
        _own.member = self
        self._do_jobs()

    def _do_jobs(self):
        """Say that this job is done, and do the next ones until there is none."""
        while True:
            self.done.release()
            self.go.acquire()
            if self.job is None:
                return
            try:
                self.result = self.job(self.index)
            except:  # noqa: E722 - Jython: what Java throws is no Python exception
                traceback.print_exc()
                error = sys.exc_info()[1]
                self.error = error if isinstance(error, BaseException) else RuntimeError(str(error))
            if self.job is None:  # dismissed inside of it
                return


def stay():
    """End the job of the calling member here, without a result, and do its next jobs in this place.

    Returns when the crew is dismissed: what the callers clean up at their end is there until then.
    """
    _own.member._do_jobs()


class Crew(object):
    """Threads that are all parked before a job begins, so that letting them go is the barrier.

    Args:
        count: How many threads.
    """

    def __init__(self, count):
        self.members = [Member(index) for index in range(count)]
        for member in self.members:
            member.thread.start()
        for member in self.members:
            member.done.acquire()

    def start(self, job):
        """Let every member call ``job(index)``."""
        for member in self.members:
            member.job, member.result, member.error = job, None, None
        for member in self.members:
            member.go.release()

    def join(self):
        """Wait for all and return their results; the first error is raised."""
        for member in self.members:
            member.done.acquire()
        for member in self.members:
            if member.error is not None:
                raise member.error
        return [member.result for member in self.members]

    def dismiss(self):
        """Let the members end, and wait a moment for them."""
        until = now() + PATIENCE
        for member in self.members:
            member.job = None
            member.go.release()
        for member in self.members:
            member.thread.join(max(0.0, until - now()))

    def run(self, job):
        """Let every member call ``job(index)`` and return their results."""
        self.start(job)
        return self.join()
