"""A pytest plugin that writes what each test cost, set-up and teardown included, in milliseconds.

And when the run had collected, and how long its two slowest fixtures took, in seconds.
"""

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

STARTED = time.perf_counter()
costs: list[float] = []
phases: dict[str, float] = {"postgres": 0.0, "engine": 0.0}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    started = time.perf_counter()
    try:
        return (yield)
    finally:
        costs.append((time.perf_counter() - started) * 1000)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    started = time.perf_counter()
    try:
        return (yield)
    finally:
        if fixturedef.argname in phases:
            phases[fixturedef.argname] = time.perf_counter() - started


def pytest_collection_finish() -> None:
    phases["collect"] = time.perf_counter() - STARTED


def pytest_sessionfinish() -> None:
    written = json.dumps({"costs": costs, "phases": phases})
    Path(os.environ["COSTS"]).write_text(written, encoding="utf-8")
