"""Mostly asleep: four threads wait for something outside and compute a little."""

import threading
import time


def work(rounds: int) -> None:
    for _ in range(rounds):
        time.sleep(0.02)
        steps = 100_000
        while steps > 0:
            steps -= 1


def main() -> None:
    threads = [threading.Thread(target=work, args=(35,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
