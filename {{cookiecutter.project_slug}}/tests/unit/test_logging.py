import json
import logging
from collections.abc import Generator
from io import StringIO

import pytest
import structlog

from app.core.logging import HANDLER, configure
from app.core.settings import Settings


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Generator[StringIO]:
    """What the process writes to standard error while its logs are those of production."""
    stream = StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure(Settings(_env_file=None, environment="production"))
    yield stream
    monkeypatch.undo()
    configure(Settings(_env_file=None))


def test_production_writes_one_json_object_a_line(written: StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("shop").info("sold", item="a lamp\nof two lines")
        logging.getLogger("library").warning("careful, %s", "please")

    ours, theirs = [json.loads(line) for line in written.getvalue().splitlines()]
    assert (ours["event"], ours["item"], ours["request_id"]) == (
        "sold",
        "a lamp\nof two lines",
        "r-1",
    )
    assert (theirs["event"], theirs["level"], theirs["request_id"]) == (
        "careful, please",
        "warning",
        "r-1",
    )


def test_an_exception_stays_within_its_line(written: StringIO) -> None:
    try:
        raise RuntimeError("out of lamps")
    except RuntimeError:
        logging.getLogger("shop").exception("failed")

    (line,) = written.getvalue().splitlines()
    assert "RuntimeError: out of lamps" in json.loads(line)["exception"]


@pytest.mark.usefixtures("written")
def test_configuring_again_replaces_the_handler() -> None:
    configure(Settings(_env_file=None))

    names = [handler.get_name() for handler in logging.getLogger().handlers]
    assert names.count(HANDLER) == 1
