"""docs/testing.md keeps its word: each Python block is run, and ends as the guide says it does."""

import re
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

import pytest

from app.settings import ROOT
from tests.harness.fixture_table import GUIDE, with_table

Test = Callable[..., Awaitable[None]]

BLOCK = re.compile(
    r"^```python ?(?P<ending>[^\n]*)\n(?P<source>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    line: int
    ending: str
    source: str


def blocks(guide: str) -> Generator[Block]:
    for found in BLOCK.finditer(guide):
        line = guide.count("\n", 0, found.start("source"))
        yield Block(line, found["ending"], found["source"])


def once(test: Callable[..., Any]) -> Test:
    @wraps(test)
    async def run(**fixtures: Any) -> None:
        if iscoroutinefunction(test):
            await test(**fixtures)
        else:
            test(**fixtures)

    return run


def failing(test: Test) -> Test:
    @wraps(test)
    async def run(**fixtures: Any) -> None:
        with pytest.raises(AssertionError):
            await test(**fixtures)

    return run


def failing_the_second_time(test: Test) -> Test:
    @wraps(test)
    async def run(**fixtures: Any) -> None:
        await test(**fixtures)
        with pytest.raises(AssertionError):
            await test(**fixtures)

    return run


ENDINGS: dict[str, Callable[[Test], Test]] = {
    "": lambda test: test,
    "passes wrongly": lambda test: test,
    "fails": failing,
    "fails the second time": failing_the_second_time,
}


def examples_of_the_guide() -> dict[str, Test]:
    """Return the tests of all blocks; each block sees the names of those before it."""
    names: dict[str, Any] = {}
    tests: dict[str, Test] = {}
    for block in blocks(GUIDE.read_text("utf-8")):
        code = compile("\n" * block.line + block.source, str(GUIDE), "exec")
        exec(code, names)  # noqa: S102 - it is the guide of this project
        for name in re.findall(r"^(?:async )?def (test_\w+)", block.source, re.MULTILINE):
            assert name not in tests, f"the guide has two {name}"
            tests[name] = ENDINGS[block.ending](once(names[name]))
    return tests


# The guide speaks of the example: without that, there is nothing for its blocks to run on.
if (ROOT / "app/features/products").exists():
    globals().update(examples_of_the_guide())


def test_the_table_of_fixtures_is_the_present_one() -> None:
    guide = GUIDE.read_text("utf-8")

    assert with_table(guide) == guide, "run: make docs"


def test_there_are_seven_wrong_ways_with_the_right_one() -> None:
    endings = [block.ending for block in blocks(GUIDE.read_text("utf-8"))]

    assert len([ending for ending in endings if ending]) == 7
