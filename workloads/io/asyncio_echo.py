"""Echo single bytes over one TCP connection with asyncio's streams; the client is another process.

As ``tcp_echo`` with an event loop: one thread asks the kernel what is ready instead of blocking, which costs
more Python code and one more system call a request. Unit: requests. Source: the TCP echo server of asyncio's
documentation.
"""

import asyncio
import socket

WORKLOAD = {
    "driver": "service",
    "peer": "tcp",
    "unit": "requests",
    "parameters": {"rate": 40},
    "threads": [1],
    "requires": ["python>=3.7", "asyncio"],
}


def listen(parameters):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    return (asyncio.new_event_loop(), server), list(server.getsockname())


def serve(state):
    loop, server = state
    return loop.run_until_complete(serve_one(loop, server))


async def serve_one(loop, server):
    finished = loop.create_future()

    async def echo(reader, writer):
        served = 0
        try:
            while True:
                byte = await reader.read(1)
                if not byte:
                    break
                writer.write(byte)
                await writer.drain()
                served += 1
        except OSError:  # a client that has lost patience
            pass
        writer.close()
        finished.set_result(served)

    serving = await asyncio.start_server(echo, sock=server.dup())
    try:
        return await finished
    finally:
        serving.close()
