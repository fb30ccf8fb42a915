"""The log is written without waiting for its reader."""

import os
from collections.abc import Generator
from typing import TextIO

import pytest

from app.core.observability.output import Output

LINE = "x" * 999
MORE_THAN_A_PIPE = 2000
"""Lines; a pipe holds 64 KiB."""


@pytest.fixture
def pipe() -> Generator[tuple[int, TextIO]]:
    """A pipe: the end that a test reads, and the one that the log is written to."""
    end, start = os.pipe()
    with os.fdopen(start, "w") as stream:
        yield end, stream
    os.close(end)


def none_dropped(count: int) -> None:
    pytest.fail(f"{count} lines were dropped.")


def read(end: int, lines: int) -> list[str]:
    """Read this many lines."""
    data = b""
    while data.count(b"\n") < lines:
        data += os.read(end, 65_536)
    return data.decode().splitlines()


def test_a_line_is_there_at_once(pipe: tuple[int, TextIO]) -> None:
    end, stream = pipe

    Output(stream, dropped=none_dropped).write("one")

    assert os.read(end, 100) == b"one\n"


def test_a_reader_that_stalls_stops_nothing_and_gets_all(pipe: tuple[int, TextIO]) -> None:
    end, stream = pipe
    output = Output(stream, dropped=none_dropped)

    for number in range(MORE_THAN_A_PIPE):
        output.write(f"{number} {LINE}")

    lines = read(end, MORE_THAN_A_PIPE)
    output.flush(5)
    assert [int(line.split()[0]) for line in lines] == list(range(MORE_THAN_A_PIPE))


def test_a_line_larger_than_a_pipe_stops_nothing(pipe: tuple[int, TextIO]) -> None:
    end, stream = pipe
    output = Output(stream, dropped=none_dropped)

    output.write(LINE * 1000)
    output.write("after")

    assert read(end, 2)[1] == "after"
    output.flush(5)


def test_dropped_lines_are_counted_in_a_later_one(pipe: tuple[int, TextIO]) -> None:
    end, stream = pipe
    output = Output(
        stream, buffer_max=10, dropped=lambda count: output.write(f"{count} were dropped")
    )

    for number in range(MORE_THAN_A_PIPE):
        output.write(f"{number} {LINE}")

    said = read(end, 1)
    while not said[-1].endswith("dropped"):
        said += read(end, 1)
    output.flush(5)
    assert len(said) - 1 + int(said[-1].split()[0]) == MORE_THAN_A_PIPE


def test_a_reader_that_has_gone_fails_nothing(pipe: tuple[int, TextIO]) -> None:
    end, stream = pipe
    output = Output(stream, dropped=none_dropped)
    gone = os.dup(end)
    os.close(end)
    os.dup2(os.open(os.devnull, os.O_RDONLY), end)
    os.close(gone)

    output.write("one")
    output.flush(5)
