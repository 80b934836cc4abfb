"""Compute a Fibonacci number by naive recursion: nothing but function calls.

Holds the GIL all the time. Each call makes a frame and looks a global function up, so it shows what a build
pays for calls, and on a free-threaded build whether a function that all threads call stays cheap. Unit:
computations of fibo(15). Source: M. Grinberg, "Python 3.14 is here. How fast is it?", 2025.
"""

WORKLOAD = {
    "driver": "parallel",
    "unit": "computations",
    "parameters": {"n": 15},
    "checksum": "610",
}


def prepare(parameters):
    return parameters["n"]


def fibo(n):
    if n < 2:
        return n
    return fibo(n - 1) + fibo(n - 2)


def operation(n):
    return fibo(n)
