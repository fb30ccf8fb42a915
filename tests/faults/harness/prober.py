"""Ask one URL at a steady rate from a process of its own; print how many seconds each answer took.

``python -m tests.harness.prober URL PATH SECONDS``: within the load generator, its own delays would count.
"""

import asyncio
import json
import sys
import time

from tests.harness.load import Connection

PAUSE = 0.01


async def probe(url: str, path: str, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.monotonic() + seconds
    async with Connection.to(url) as connection:
        while time.monotonic() < until:
            answer = await connection.request("GET", path)
            assert answer.status == 200, answer
            took.append(answer.seconds)
            await asyncio.sleep(PAUSE)
    return took


if __name__ == "__main__":
    url, path, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(probe(url, path, float(seconds)))))
