"""The process hears that it is to stop from its first moment on."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE

from app.settings import ROOT


def hears(process: int, what: signal.Signals) -> bool:
    """Tell whether a process has a handler for the signal."""
    with open(f"/proc/{process}/status", encoding="utf-8") as status:  # noqa: PTH123
        caught = next(line for line in status if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (what - 1) & 1)


async def test_a_process_that_still_imports_hears_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "app"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stderr=PIPE,
    )
    async with asyncio.timeout(10):
        while not hears(process.pid, signal.SIGTERM):  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)
        process.terminate()
        _, said = await process.communicate()

    assert process.returncode == 0
    assert b"uvicorn.config" not in said
