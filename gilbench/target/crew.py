"""Kept threads that start a job together."""

import sys
import threading
import traceback

import facts


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
        self.done.release()
        while True:
            self.go.acquire()
            try:
                self.result = self.job(self.index)
            except:  # noqa: E722 - Jython: what Java throws is no Python exception
                traceback.print_exc()
                error = sys.exc_info()[1]
                self.error = error if isinstance(error, BaseException) else RuntimeError(str(error))
            self.done.release()


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

    def run(self, job):
        """Let every member call ``job(index)`` and return their results."""
        self.start(job)
        return self.join()
