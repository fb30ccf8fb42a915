"""The benchmarks where they can be wrong: what the load counts, the wire, and the comparison."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import compare, plots, tables
from benchmarks.compare import RATIOS
from benchmarks.inside import load
from benchmarks.inside.load import Load, UnexpectedAnswerError
from benchmarks.results import Figures, keep, read
from benchmarks.wire import SOCKET, Wire

Answer = Callable[[bytes], bytes]


@asynccontextmanager
async def served(answer: Answer) -> AsyncGenerator[int]:
    """Serve HTTP with a function from the request to the response; give the port."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = re.search(rb"Content-Length: (\d+)", head)
                body = await reader.readexactly(int(found[1])) if found else b""
                for byte in answer(head + body):  # as slow a network as there may be
                    writer.write(bytes([byte]))
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.close()
        await asyncio.wait(serving)  # each ends with its client
        await asyncio.sleep(0)  # a transport closes in the loop's next turn


def response(status: int, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


def send(answer: Answer, **what: Any) -> load.Answer:
    """Load a server for a short while."""

    async def run() -> load.Answer:
        async with served(answer) as port:
            try:
                return await load.run(Load([port], warm_up=0.0, seconds=0.2, **what))
            finally:
                await asyncio.sleep(0.01)

    return asyncio.run(run())


def test_a_load_counts_what_was_answered_and_asks_for_each_path() -> None:
    asked: list[bytes] = []

    def answer(request: bytes) -> bytes:
        asked.append(request.split()[1])
        return response(200)

    result = send(answer, paths=["/a", "/b"], connections=4)

    assert set(asked) == {b"/a", b"/b"}
    assert len(asked) - 4 <= result["requests"] <= len(asked), (
        "at most one a connection is under way"
    )
    assert 0 < result["p50"] <= result["p99"]


def test_a_load_posts_bodies_of_which_no_two_are_equal() -> None:
    bodies: list[bytes] = []

    def answer(request: bytes) -> bytes:
        bodies.append(request.partition(b"\r\n\r\n")[2])
        return response(201)

    send(answer, paths=["/a"], body='{"name": "<unique>"}', status=201, connections=4)

    assert len(set(bodies)) == len(bodies) > 4
    assert all(json.loads(body).keys() == {"name"} for body in bodies)


def test_an_answer_that_was_not_expected_ends_the_load() -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"HTTP/1\.1 500"):
        send(lambda _: response(500), paths=["/a"])


def test_a_steady_load_sends_at_its_rate() -> None:
    result = send(lambda _: response(200), paths=["/a"], connections=2, rate=20.0)

    assert result["requests"] <= 2 * (1 + 2), "each connection one at once, and one every 100 ms"


def test_the_wire_counts_turns_and_not_messages(temporary: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            await reader.readexactly(2)
            writer.write(b"yes")
        writer.close()

    async def talk() -> int:
        server = await asyncio.start_unix_server(answer, temporary / SOCKET)
        async with server:
            with Wire.to(temporary) as wire:
                reader, writer = await asyncio.open_unix_connection(wire.folder / SOCKET)
                for _ in range(3):
                    for byte in (b"o", b"k"):  # two messages of one question
                        writer.write(byte)
                        await writer.drain()
                        await asyncio.sleep(0.01)
                    await reader.readexactly(3)
                writer.close()
                await writer.wait_closed()
        return wire.turns

    assert asyncio.run(talk()) == 3


def results(**moved: float) -> dict[str, Any]:
    """A run in which all figures are 2, but for those that are given."""
    parts: dict[str, Any] = {}
    for ratio in RATIOS:
        figures = parts.setdefault(ratio.part, {"figures": {}})["figures"]
        for name in (ratio.figure, ratio.base):
            if name is not None:
                figures[name] = moved.get(name, 2.0)
    return parts


@pytest.fixture
def run_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Compare a run with a baseline; return the exit status, and what was said."""

    def run(baseline: dict[str, Any], now: dict[str, Any]) -> tuple[int, str]:
        for name, content in (("baseline", baseline), ("run", now)):
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        status = compare.main("--baseline", f"{tmp_path}/baseline", "--run", f"{tmp_path}/run")
        return status, capsys.readouterr().out

    return run


def test_a_machine_that_is_slower_in_all_is_no_regression(
    run_compare: Callable[..., tuple[int, str]],
) -> None:
    slower = results()
    for part in slower.values():
        for name in part["figures"]:
            if not name.endswith(".round_trips"):
                part["figures"][name] = 6.0

    status, said = run_compare(results(), slower)

    assert status == 0, said
    assert "worse by more" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("get.project.rate", 1.0),  # the more the better
        ("import.project.ms", 3.0),  # the less the better
        ("get.project.round_trips", 2.1),  # not one more
        ("memory.last.mib", 2.2),
    ],
)
def test_what_got_worse_is_named_and_fails(
    figure: str, value: float, run_compare: Callable[..., tuple[int, str]]
) -> None:
    status, said = run_compare(results(), results(**{figure: value}))

    worse = [line for line in said.splitlines()[1:] if line.endswith("worse")]
    assert status == 1
    assert worse
    assert all(figure in line for line in worse), said


def test_what_got_better_passes(run_compare: Callable[..., tuple[int, str]]) -> None:
    status, said = run_compare(results(), results(**{"get.project.rate": 4.0}))

    assert status == 0
    assert sum(line.endswith("better") for line in said.splitlines()) == 2, "to L1 and to L2"


def test_a_figure_that_is_gone_fails_and_a_part_that_did_not_run_does_not(
    run_compare: Callable[..., tuple[int, str]],
) -> None:
    gone, part = results(), results()
    del gone["bake"]["figures"]["hooks.ms"]
    del part["service"]

    assert run_compare(results(), gone)[0] == 1
    assert run_compare(results(), part)[0] == 0


def test_without_a_run_it_says_what_to_do(run_compare: Callable[..., tuple[int, str]]) -> None:
    status, said = run_compare(results(), {})

    assert status == 2
    assert "make bench" in said


def test_each_part_is_kept_beside_the_others(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    for part in ("bake", "growth", "bake"):
        figures = Figures()
        figures.add("one.ms", 1.0)
        keep(part, figures, file)

    assert list(read(file)) == ["bake", "growth"]
    assert "| one.ms | 1.00 |" in tables.of(read(file))


def test_a_plot_is_an_svg_for_light_and_dark() -> None:
    drawn = plots.bars(
        "A < B", [("", [("**ours**", 1.0, "1"), ("theirs", 100.0, "100")])], log=True
    )

    root = ElementTree.fromstring(drawn)  # noqa: S314 - it is our own

    widths = [float(bar.attrib["width"]) for bar in root.iter() if bar.tag.endswith("rect")]
    assert len(widths) == 2
    assert 0 < widths[0] < widths[1]
    assert "prefers-color-scheme: dark" in drawn
