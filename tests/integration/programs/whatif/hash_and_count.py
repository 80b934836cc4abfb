"""Half and half: four threads compute in Python, then hash outside the GIL, in turn."""

import hashlib
import threading

BLOCK = bytes(1 << 20)


def work(rounds: int) -> None:
    for _ in range(rounds):
        steps = 40_000
        while steps > 0:
            steps -= 1
        hashlib.sha256(BLOCK).digest()


def main() -> None:
    threads = [threading.Thread(target=work, args=(120,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
