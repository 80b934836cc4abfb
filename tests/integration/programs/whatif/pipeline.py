"""A pipeline: one thread writes JSON, the next compresses it, by a queue of a few."""

import json
import queue
import threading
import zlib


def produce(jobs: queue.Queue[bytes | None]) -> None:
    for number in range(1200):
        record = [{"number": number, "value": value * 0.5, "name": f"item {value}"} for value in range(600)]
        jobs.put(json.dumps(record).encode())
    jobs.put(None)


def consume(jobs: queue.Queue[bytes | None]) -> None:
    while (text := jobs.get()) is not None:
        zlib.compress(text, 6)


def main() -> None:
    jobs: queue.Queue[bytes | None] = queue.Queue(4)
    threads = [threading.Thread(target=target, args=(jobs,)) for target in (produce, consume)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
