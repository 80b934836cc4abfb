"""One process for one case: ``python worker.py REQUESTS REPLIES``, both numbers of inherited descriptors.

JSON lines in, JSON lines out, on descriptors of their own, so that whatever a workload prints cannot break
the protocol. Requests: ``prepare``, ``calibrate``, ``measure``, ``train``, ``stop``. Each is answered by
``{"ok": ...}`` or ``{"error": {"kind", "message"}}``; a measurement that needs the peer sends ``{"ready": ...}`` in
between.
"""

import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # with -I and -P
    sys.path.insert(0, HERE)

import clocks
import compiling
import facts
from drivers import DRIVERS
from loading import Failed, Unsupported, load
from spinning import WrongChecksum


class Responder(object):
    """Answers requests until it is told to stop or gilbench has gone."""

    def __init__(self, requests, replies):
        self.requests, self.replies = requests, replies
        self.driver = None
        self.threads_at_rest = self.children_at_rest = 0

    def send(self, message):
        self.replies.write(json.dumps(message) + "\n")
        self.replies.flush()

    def prepare(self, request):
        if request.get("switch_interval"):
            facts.set_switch_interval(request["switch_interval"])
        module = load(request["workload"])
        background = load(request["background"]) if request.get("background") else None
        background = background, request.get("background_parameters")
        driver = DRIVERS[request["driver"]]
        self.driver = driver(module, request["parameters"], request["threads"], background)
        self.threads_at_rest, self.children_at_rest = facts.thread_count(), facts.child_count()
        return {
            "pid": os.getpid(),
            "tid": facts.thread_id(),
            "clock": clocks.NAME,
            "switch_interval": facts.switch_interval(),
            "check_interval": facts.check_interval(),
            "backend": module.backend() if hasattr(module, "backend") else None,
            "gil_enabled": facts.gil_enabled(),
            "jit_enabled": compiling.jit_enabled() if request.get("jit") is not None else None,
        }

    def calibrate(self, request):
        began = clocks.now()
        loops = self.driver.calibrate()
        if self.left_behind():
            return None
        return {"loops": loops, "seconds": clocks.now() - began}

    def measure(self, request):
        gil, start = facts.gil_enabled(), clocks.now()
        record = self.driver.measure(request, lambda ready: self.send({"ready": ready}))
        record.update(start=start, end=clocks.now(), gil_enabled=[gil, facts.gil_enabled()])
        return None if self.left_behind() else record

    def left_behind(self):
        """Fail if the workload has left threads or child processes behind; return whether it has."""
        threads = facts.threads_beyond(self.threads_at_rest)
        children = max(0, facts.child_count() - self.children_at_rest)
        if threads:
            are = "1 thread is" if threads == 1 else "%d threads are" % threads
            self.fail("threads", "%s still running after a slice" % are)
        elif children:
            are = "1 child process is" if children == 1 else "%d child processes are" % children
            self.fail("children", "%s left after a slice" % are)
        return bool(threads or children)

    def train(self, request):
        gil = facts.gil_enabled()
        record = self.driver.train(request)
        record["gil_enabled"] = [gil, facts.gil_enabled()]
        return record

    def fail(self, kind, message):
        self.send({"error": {"kind": kind, "message": message}})

    def serve(self):
        while True:
            line = self.requests.readline()
            request = json.loads(line) if line else {"do": "stop"}
            if request["do"] == "stop":
                if hasattr(self.driver, "close"):
                    self.driver.close()
                return
            try:
                answer = getattr(self, request["do"])(request)
            except Unsupported as error:
                self.fail("unsupported", str(error))
            except WrongChecksum as error:
                self.fail("checksum", str(error))
            except Failed as error:
                self.fail("call", str(error))
            except Exception as error:
                traceback.print_exc()
                self.fail("workload", "%s: %s" % (type(error).__name__, error))
            else:
                if answer is not None:
                    self.send({"ok": answer})


def main(worker):
    folder = "/dev/fd" if os.path.isdir("/dev/fd") else "/proc/self/fd"  # a bare system has no link from /dev
    # By lines: with a buffer, IronPython would wait until it is full.
    requests = open("%s/%s" % (folder, sys.argv[1]), "r", 1)
    replies = open("%s/%s" % (folder, sys.argv[2]), "w")
    worker(requests, replies).serve()
    sys.stdout.flush()
    os._exit(0)  # kept threads are parked; there is nothing left to wait for


if __name__ == "__main__":
    main(Responder)
