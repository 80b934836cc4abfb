"""All GIL, half of it before there are threads: the main thread computes, then two workers do."""

import threading


def count(steps: int) -> None:
    while steps > 0:
        steps -= 1


def main() -> None:
    count(14_000_000)
    threads = [threading.Thread(target=count, args=(7_000_000,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
