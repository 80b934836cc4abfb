"""Coroutines: the one file here that requires python>=3.7 (asyncio), imported only where they are wanted."""

import asyncio


async def _repeat(step):
    while step():  # noqa: ASYNC110 - it waits for nothing, it hands over
        await asyncio.sleep(0)


async def repeat_all(steps):
    """Repeat each step until it says that it is over, all of them in turn."""
    await asyncio.gather(*[_repeat(step) for step in steps])


async def timed(function, arguments, loops, clock):
    """Await a coroutine function so often; return the seconds."""
    started = clock()
    for _ in range(loops):
        await function(*arguments)
    return clock() - started
