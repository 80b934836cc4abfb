"""A service of four threads: parse, compute, compress, with a wait for a database in between."""

import json
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

REQUEST = json.dumps({"items": [{"key": key, "text": "word " * 20} for key in range(200)]})


def serve(number: int) -> int:
    items = json.loads(REQUEST)["items"]
    total = 0
    for _ in range(12):
        for item in items:
            total = (total * 31 + item["key"] + number) & 0xFFFFFFFF
    time.sleep(0.001)
    return len(zlib.compress(json.dumps({"total": total, "items": items}).encode(), 6))


def main() -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(serve, range(1100)))


main()
