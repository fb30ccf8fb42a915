import json
import logging
from collections.abc import Generator
from io import StringIO

import pytest
import structlog
from uvicorn.protocols.websockets import websockets_sansio_impl

from app.core.observability.logging import HANDLER, configure
from app.settings import Settings


@pytest.fixture
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[StringIO]:
    """What the process writes to standard error while its logs are those of production."""
    stream = StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    environment = getattr(request, "param", "production")
    configure(Settings(_env_file=None, environment=environment, log_format=None))
    yield stream
    monkeypatch.undo()
    configure(Settings(_env_file=None, log_format="json"))


in_both_forms = pytest.mark.parametrize("written", ["production", "development"], indirect=True)

FORGERIES = [
    "a\nlevel=error forged",
    "a\r\n{}",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "\x7f\x08\x08",
    "\u2028\u2029\x85",
    "\u202e\u2066",
    "\ud800",
]


def test_production_writes_one_json_object_a_line(written: StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("shop").info("sold", product="a lamp\nof two lines")
        logging.getLogger("library").warning("careful, %s", "please")

    ours, theirs = [json.loads(line) for line in written.getvalue().splitlines()]
    assert (ours["event"], ours["product"], ours["request_id"]) == (
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


def test_a_log_that_cannot_be_written_fails_nothing(written: StringIO) -> None:
    written.close()

    structlog.get_logger("shop").info("sold")


def test_the_url_of_a_request_to_another_service_is_not_logged(written: StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://rates.example/?token=hunter2")
    logging.getLogger("websockets.client").debug("> GET /?token=hunter2 HTTP/1.1")

    assert not written.getvalue()


URL = "/ws?token=hunter2"


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR])
def test_what_uvicorn_says_of_a_websocket_is_not_logged(written: StringIO, level: int) -> None:
    path = websockets_sansio_impl.__file__
    said = logging.LogRecord("uvicorn.error", level, path, 1, '"WebSocket %s"', (URL,), None)
    logging.getLogger("uvicorn.error").handle(said)
    logging.getLogger("uvicorn.error").debug("GET %s", URL)

    assert "hunter2" not in written.getvalue()


def raise_from_far(depth: int) -> None:
    """Raise an error from within so many calls of a library."""
    if depth:
        json.loads("[1]", object_hook=None, parse_int=lambda _: raise_from_far(depth - 1))
    raise RuntimeError("out of lamps")


@pytest.mark.parametrize("written", ["development"], indirect=True)
@pytest.mark.parametrize("depth", [0, 5, 50])
def test_a_traceback_fits_on_a_screen(written: StringIO, depth: int) -> None:
    try:
        raise_from_far(depth)
    except RuntimeError:
        logging.getLogger("shop").exception("failed")

    lines = written.getvalue().splitlines()
    assert len(lines) <= 38
    assert "test_a_traceback_fits_on_a_screen" in lines[2]
    assert lines[-1].strip() == "RuntimeError: out of lamps"


@pytest.mark.usefixtures("written")
def test_configuring_again_replaces_the_handler() -> None:
    configure(Settings(_env_file=None))

    names = [handler.get_name() for handler in logging.getLogger().handlers]
    assert names.count(HANDLER) == 1


@in_both_forms
@pytest.mark.parametrize("text", FORGERIES)
def test_no_text_forges_a_line_or_commands_a_terminal(written: StringIO, text: str) -> None:
    structlog.get_logger("shop").info(text, path=text, headers={"user-agent": text}, list=[text])
    logging.getLogger("library").warning("from %s", text)

    said = written.getvalue()
    assert said.count("\n") == 2
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize("written", ["development"], indirect=True)
def test_a_message_of_an_exception_cannot_begin_a_line(written: StringIO) -> None:
    try:
        raise RuntimeError("lost\n2026-01-01 [error] forged\x1b[2J")
    except RuntimeError:
        logging.getLogger("shop").exception("failed")

    first, *others = written.getvalue().splitlines()
    assert "failed" in first
    assert all(line.startswith("    ") for line in others)
    assert "\x1b" not in written.getvalue()
