"""All off-GIL: two threads hash large blocks."""

import hashlib
import threading

BLOCK = bytes(8 << 20)


def work(rounds: int) -> None:
    for _ in range(rounds):
        hashlib.sha256(BLOCK).digest()


def main() -> None:
    threads = [threading.Thread(target=work, args=(65,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
