"""All GIL: four threads make and sort objects of their own."""

import threading


def churn(rounds: int) -> None:
    for number in range(rounds):
        words = {str(key): key * number for key in range(300)}
        sorted(words, key=words.get)  # type: ignore[arg-type]


def main() -> None:
    threads = [threading.Thread(target=churn, args=(6000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
