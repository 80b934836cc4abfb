"""All GIL: two threads count."""

import threading


def count(steps: int) -> None:
    while steps > 0:
        steps -= 1


def main() -> None:
    threads = [threading.Thread(target=count, args=(12_000_000,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
