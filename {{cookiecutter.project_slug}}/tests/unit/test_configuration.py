"""What the suite relies on in pyproject.toml."""

import asyncio
import warnings

import pytest
import uvloop


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning):
        warnings.warn("", stacklevel=1)


def test_what_is_misspelt_stops_the_run(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("strict")


def test_every_test_has_a_limit(pytestconfig: pytest.Config) -> None:
    assert 0 < float(pytestconfig.getini("timeout")) <= 60


async def test_the_loop_is_the_one_of_production() -> None:
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
