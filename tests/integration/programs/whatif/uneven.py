"""All GIL: one thread has three times the work of the other."""

import threading


def fibonacci(number: int) -> int:
    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)


def work(times: int) -> None:
    for _ in range(times):
        fibonacci(22)


def main() -> None:
    threads = [threading.Thread(target=work, args=(times,)) for times in (180, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
