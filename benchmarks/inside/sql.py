"""Run the statements of standard input, a JSON list, on the server of $DSN; print the last one's rows."""

import asyncio
import json
import os
import sys

import asyncpg


async def main() -> None:
    connection = await asyncpg.connect(os.environ["DSN"], command_timeout=300)
    rows: list[asyncpg.Record] = []
    for statement in json.load(sys.stdin):
        rows = await connection.fetch(statement)
    await connection.close()
    print(json.dumps([list(row.values()) for row in rows], default=str))


asyncio.run(main())
