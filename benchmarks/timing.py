"""A pytest plugin that writes what each test cost, set-up and teardown included, in milliseconds."""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

costs: list[float] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    started = time.perf_counter()
    try:
        return (yield)
    finally:
        costs.append((time.perf_counter() - started) * 1000)


def pytest_sessionfinish() -> None:
    Path(os.environ["COSTS"]).write_text(json.dumps(costs), encoding="utf-8")
